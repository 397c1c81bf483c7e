/*
 * The line discipline: what programs read from and write to the console (docs/xv6-abi.md 6).
 *
 * Owns the ring of bytes in finished lines. A typed byte goes to the line editor; a finished line
 * moves to the ring, and readers take it from there, at most one line a read. Ring and line
 * together hold EDIT_MAX bytes, as xv6's single buffer does.
 * `line.lock` (RANK_CONSOLE) guards ring and editor. `writers` keeps the bytes of one write()
 * together. Called through chardev_get(CHARDEV_CONSOLE) by fs, and by drivers/console.c for input.
 * Read next: drivers/console_edit.c.
 */
#include "asm/page.h"
#include "drivers/chardev.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "mm/uaccess.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include "internal.h"

#define WRITE_CHUNK 256

static struct {
    struct spinlock lock;
    struct waitqueue readable;
    char ring[EDIT_MAX]; /* [lock] */
    uint32_t head;       /* [lock] next byte to read; both counters run free */
    uint32_t tail;       /* [lock] next byte to fill */
    uint32_t nwaiting;   /* [lock] readers that wait */
} line = {
    .lock = SPINLOCK_INIT("console", RANK_CONSOLE),
    .readable = WAITQUEUE_INIT(line.readable),
};

static struct mutex writers;

void console_line_input(char byte)
{
    spin_lock(&line.lock);
    if (edit_input(byte, EDIT_MAX - (line.tail - line.head)) == EDIT_DONE) {
        char text[EDIT_MAX];
        size_t n = edit_take(text);

        for (size_t i = 0; i < n; i++)
            line.ring[line.tail++ % EDIT_MAX] = text[i];
        wake_all(&line.readable);
    }
    spin_unlock(&line.lock);
}

bool console_line_wanted(void)
{
    spin_lock(&line.lock);
    bool wanted = line.nwaiting > 0;

    spin_unlock(&line.lock);
    return wanted;
}

static int wait_for_line(void)
{
    int error = 0;

    while (!error && line.head == line.tail) {
        line.nwaiting++;
        console_poll_arm();
        error = wait_on_killable(&line.readable, &line.lock);
        line.nwaiting--;
    }
    return error;
}

/* How a stretch of the ring ended. */
enum take_end { TAKE_MORE, TAKE_LINE, TAKE_END_OF_FILE };

/*
 * Copy up to `max` bytes of the ring to `to`, no further than through an LF or up to a ^D.
 * => takes nothing out of the ring.
 */
static enum take_end ring_peek(char *to, size_t max, size_t *n)
{
    for (*n = 0; *n < max && line.head + *n != line.tail; ++*n) {
        char byte = line.ring[(line.head + *n) % EDIT_MAX];

        if (byte == EDIT_END_OF_FILE)
            return TAKE_END_OF_FILE;
        to[*n] = byte;
        if (byte == '\n') {
            ++*n;
            return TAKE_LINE;
        }
    }
    return TAKE_MORE;
}

/* => as struct char_ops. -EINTR when killed; a bad buffer ends the read with what was copied. */
static long console_read(vaddr_t ubuf, long n)
{
    char text[EDIT_MAX];
    long done = 0;
    enum take_end end = TAKE_MORE;

    spin_lock(&line.lock);
    while (done < n && end == TAKE_MORE) {
        size_t have, copied;

        if (wait_for_line()) {
            done = -EINTR;
            break;
        }
        end = ring_peek(text, (size_t)(n - done), &have);
        copied = copy_to_user_partial(ubuf + (vaddr_t)done, text, have);
        line.head += (uint32_t)copied;
        done += (long)copied;
        if (copied < have)
            break;
        if (end == TAKE_END_OF_FILE && done == 0)
            line.head++; /* with data before it, ^D stays for the next read */
    }
    spin_unlock(&line.lock);
    return done;
}

/* => as struct char_ops. A bad buffer or a kill ends the write with what was sent. */
static long console_write_user(vaddr_t ubuf, long n)
{
    char chunk[WRITE_CHUNK];
    long done = 0;

    mutex_lock(&writers);
    while (done < n) {
        size_t want = n - done < WRITE_CHUNK ? (size_t)(n - done) : WRITE_CHUNK;
        size_t have = copy_from_user_partial(chunk, ubuf + (vaddr_t)done, want);
        size_t sent = console_send_task(chunk, have);

        done += (long)sent;
        if (sent < want)
            break;
    }
    mutex_unlock(&writers);
    return done;
}

static const struct char_ops console_ops = {
    .read = console_read,
    .write = console_write_user,
};

void console_line_init(void)
{
    mutex_init(&writers);
    int error = chardev_register(CHARDEV_CONSOLE, &console_ops);

    ASSERT(error == 0);
}
