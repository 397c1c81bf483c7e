/*
 * pipe_test.c - pipes: what a write promises, whoever reads, writes or ends meanwhile.
 *
 * One thread plays all processes: where one sleeps (wait_on_killable() below), `while_asleep` does what the others do
 * just then. User memory is the test's own.
 */
#include "../mm/world.h"

#include "asm/cpu.h"
#include "fs/file.h"
#include "ipc/pipe.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY 512

static struct task task;          /* the one that runs */
static int (*while_asleep)(void); /* => what the sleeper's wait returns */
static unsigned sleeps;
static struct file *reader, *writer;
static uint8_t bytes[100000], got[200000];
static vaddr_t bad; /* user memory ends here; 0: it does not */

/* ---- what ipc/pipe.c calls ---- */

void waitqueue_init(struct waitqueue *wq)
{
}

void wake_all(struct waitqueue *wq)
{
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    fail_msg("nobody else has the address space");
}

void task_yield_if_due(void)
{
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    int result;

    if (++sleeps > 1000000)
        fail_msg("a sleeper is never woken");
    spin_unlock(held);
    result = while_asleep();
    spin_lock(held);
    return result;
}

struct file *file_alloc(const struct file_ops *ops, void *priv)
{
    struct file *f = calloc(1, sizeof(*f));

    f->ops = ops;
    f->priv = priv;
    return f;
}

void file_close(struct file *f)
{
    f->ops->release(f);
    free(f);
}

static size_t before_bad(vaddr_t va, size_t n)
{
    if (!bad || va + n <= bad)
        return n;
    return va < bad ? bad - va : 0;
}

size_t copy_from_user_partial(void *to, vaddr_t from, size_t n)
{
    n = before_bad(from, n);
    memcpy(to, (void *)from, n);
    return n;
}

size_t copy_to_user_partial(vaddr_t to, const void *from, size_t n)
{
    n = before_bad(to, n);
    memcpy((void *)to, from, n);
    return n;
}

/* ---- programs ---- */

static long put(const void *from, long n)
{
    return writer->ops->write(writer, (vaddr_t)from, n);
}

static long take(void *to, long n)
{
    return reader->ops->read(reader, (vaddr_t)to, n);
}

/* Where a test does not expect to sleep. */
static int nobody_sleeps(void)
{
    fail_msg("a sleep that nobody ends");
    return -EINTR;
}

static int killed(void)
{
    return -EINTR;
}

static void open_pipe(void)
{
    bad = 0;
    sleeps = 0;
    while_asleep = nobody_sleeps;
    this_cpu->current = &task;
    assert_int_equal(pipe_create(&reader, &writer), 0);
}

static void close_reader(void)
{
    file_close(reader);
    reader = NULL;
}

static void close_pipe(void)
{
    if (reader)
        close_reader();
    file_close(writer);
}

static int setup(void **state)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    world_start(400);
    return world_begin(state);
}

/* Takes every frame there is, or gives them all back. */
static void take_memory(bool all)
{
    static struct page *held[400];
    static size_t n;

    while (all && (held[n] = page_alloc()))
        n++;
    while (!all && n > 0)
        page_put(held[--n]);
}

/* ---- the reader takes its bytes and goes ---- */

static long wanted, taken;

static int take_the_wanted_and_close(void)
{
    if (taken < wanted)
        taken += take(got + taken, wanted - taken);
    if (taken == wanted && reader)
        close_reader();
    return 0;
}

/* A write of n bytes of which a reader takes all but `left`, and closes. => what it returns */
static long write_to_one_who_leaves(long n, long left)
{
    long result;

    open_pipe();
    wanted = n - left;
    taken = 0;
    while_asleep = take_the_wanted_and_close;
    result = put(bytes, n);
    close_pipe();
    assert_memory_equal(got, bytes, (size_t)taken);
    return result;
}

static void reader_takes_all_and_closes(void **state)
{
    static const long sizes[] = {1, 511, 512, 513, 600, 1024, 4096, 32768, 32769, 65536, 100000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_int_equal(write_to_one_who_leaves(sizes[i], 0), sizes[i]);
}

/* What xv6's pipe could still hold is written; one byte more is not. */
static void reader_leaves_some_and_closes(void **state)
{
    assert_int_equal(write_to_one_who_leaves(4096, CAPACITY), 4096);
    assert_int_equal(write_to_one_who_leaves(4096, CAPACITY + 1), -EPIPE);
    assert_int_equal(write_to_one_who_leaves(65536, 65536), -EPIPE);
}

static void no_reader(void **state)
{
    open_pipe();
    close_reader();
    assert_int_equal(put(bytes, 1), -EPIPE);
    assert_int_equal(put(bytes, CAPACITY), -EPIPE);
    assert_int_equal(put(bytes, 5000), -EPIPE);
    assert_int_equal(put(bytes, 0), 0);
    close_pipe();
}

/* ---- whole writes ---- */

/* The reader takes 70 of 400 bytes, then asks for more than there are: no part of the write that waits is there. */
static int take_what_is_there(void)
{
    assert_int_equal(take(got, sleeps == 1 ? 70 : 1000), sleeps == 1 ? 70 : 330);
    return 0;
}

static void short_write_waits_for_all_its_room(void **state)
{
    open_pipe();
    assert_int_equal(put(bytes, 400), 400);
    while_asleep = take_what_is_there;
    assert_int_equal(put(bytes + 400, 300), 300);
    assert_int_equal(sleeps, 2);
    while_asleep = nobody_sleeps;
    assert_int_equal(take(got, 1000), 300);
    assert_memory_equal(got, bytes + 400, 300);
    close_pipe();
}

static void killed_short_write_leaves_nothing(void **state)
{
    open_pipe();
    assert_int_equal(put(bytes, 400), 400);
    while_asleep = killed;
    assert_int_equal(put(bytes, 300), -EINTR);
    while_asleep = nobody_sleeps;
    assert_int_equal(take(got, 1000), 400);
    close_pipe();
}

/* While one write sleeps, another comes, finds that it is not its turn, and is killed; then the reader reads. */
static int another_writes(void)
{
    long n;

    while_asleep = killed;
    assert_int_equal(put("bbbbbbbbbb", 10), -EINTR);
    while_asleep = another_writes;
    n = take(got + taken, 100);
    assert_true(n > 0);
    taken += n;
    return 0;
}

static void long_write_is_not_cut(void **state)
{
    for (int memory = 0; memory < 2; memory++) {
        open_pipe();
        take_memory(!memory);
        taken = 0;
        while_asleep = another_writes;
        assert_int_equal(put(bytes, 5000), 5000);
        while_asleep = nobody_sleeps;
        assert_int_equal(put("c", 1) + put("c", 1), 2);
        taken += take(got + taken, 10000);
        assert_int_equal(taken, 5002);
        assert_memory_equal(got, bytes, 5000);
        take_memory(false);
        close_pipe();
    }
}

static void killed_long_write_leaves_what_xv6_would(void **state)
{
    open_pipe();
    assert_int_equal(put(bytes, 100), 100);
    while_asleep = killed;
    assert_int_equal(put(bytes + 100, 5000), -EINTR);
    while_asleep = nobody_sleeps;
    assert_int_equal(take(got, 10000), CAPACITY);
    assert_memory_equal(got, bytes, CAPACITY);
    assert_int_equal(put(bytes, CAPACITY), CAPACITY);
    close_pipe();
}

/* ---- memory that ends ---- */

static int take_some(void)
{
    taken += take(got + taken, 333);
    return 0;
}

static void bad_bytes_end_a_write(void **state)
{
    static const long ends[] = {0, 1, 100, 511, 512, 513, 3000, 40000};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        open_pipe();
        taken = 0;
        bad = (vaddr_t)bytes + (vaddr_t)ends[i];
        while_asleep = take_some;
        assert_int_equal(put(bytes, ends[i] + 50), ends[i]);
        bad = 0;
        assert_true(ends[i] - taken < CAPACITY);
        if (ends[i] > taken)
            taken += take(got + taken, CAPACITY);
        assert_int_equal(taken, ends[i]);
        assert_memory_equal(got, bytes, (size_t)taken);
        close_pipe();
    }
}

static void bad_buffer_loses_nothing(void **state)
{
    open_pipe();
    assert_int_equal(put(bytes, 10), 10);
    bad = (vaddr_t)got;
    assert_int_equal(take(got, 10), -EFAULT);
    bad = (vaddr_t)got + 4;
    assert_int_equal(take(got, 10), 4);
    bad = 0;
    assert_int_equal(take(got + 4, 10), 6);
    assert_memory_equal(got, bytes, 10);
    close_pipe();
}

/* ---- everything mixed ---- */

static unsigned seed;

static long below(long n)
{
    seed = seed * 1664525U + 1013904223U;
    return (long)(seed >> 8) % n;
}

static int take_any(void)
{
    taken += take(got + taken, 1 + below(2000));
    return 0;
}

/* Writes and reads of any sizes, with memory coming and going: all bytes, in order, and never too many unread. */
static void any_sizes(void **state)
{
    for (int round = 0; round < 50; round++) {
        long written = 0;

        open_pipe();
        taken = 0;
        while_asleep = take_any;
        while (written < 90000) {
            long n = below(4) ? 1 + below(CAPACITY) : 1 + below(9000);

            take_memory(below(2)); /* which the large ring needs */
            assert_int_equal(put(bytes + written, n), n);
            take_memory(false);
            written += n;
            assert_true(written - taken <= CAPACITY);
            if (written > taken && below(2))
                take_any();
        }
        while (taken < written)
            take_any();
        assert_memory_equal(got, bytes, (size_t)written);
        close_pipe();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_takes_all_and_closes),
        cmocka_unit_test(reader_leaves_some_and_closes),
        cmocka_unit_test(no_reader),
        cmocka_unit_test(short_write_waits_for_all_its_room),
        cmocka_unit_test(killed_short_write_leaves_nothing),
        cmocka_unit_test(long_write_is_not_cut),
        cmocka_unit_test(killed_long_write_leaves_what_xv6_would),
        cmocka_unit_test(bad_bytes_end_a_write),
        cmocka_unit_test(bad_buffer_loses_nothing),
        cmocka_unit_test(any_sizes),
    };

    return cmocka_run_group_tests(tests, setup, world_end);
}
