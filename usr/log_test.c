/*
 * usr/log_test.c: N children log into one shared page while the parent prints.
 *
 *   log_test [N]     N from 4 to 40, default 4
 *
 * All children are forked before the page is shared; the parent then maps it into each. A child
 * first writes one message, and when every child has been heard, as many as fit. The text of
 * message k of child i is a function of i and k, so the parent knows what each record must be. It
 * checks that none is torn, that the messages of a child come in order with none missing between
 * them, that each child was heard and ran into the end of the ring, and that the number read is
 * the number claimed. Last line `log_test: OK`, status 0; else what differed, and status 1.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"
#include "user/ulog.h"

#define CHILDREN_DEFAULT 4
#define CHILDREN_MAX     40
#define TEXT_MAX         48
#define IDLE_TICKS_MAX   600 /* the parent gives up on children that are silent for so long */

/* What parent and children share besides the ring: a page behind it. */
struct control {
    uint go;                    /* 1: every child was heard, write on */
    uint finished;              /* children that ran into the end */
    uint claimed[CHILDREN_MAX]; /* messages that ulog_write took from each */
};

static struct {
    char ring[PGSIZE];
    struct control control;
} shared __attribute__((aligned(4096)));

static uint heard[CHILDREN_MAX];
static int failed;

static void complain(const char *what, uint child)
{
    printf("log_test: child %u: %s\n", child, what);
    failed = 1;
}

/* Message k of a child: its index, k, and a tail that makes lengths differ. Returns the length. */
static uint compose(char *text, uint child, uint k)
{
    char *p = text;

    strcpy(p, "child ");
    p += strlen(p);
    *p++ = (char)('0' + child / 10);
    *p++ = (char)('0' + child % 10);
    strcpy(p, " message ");
    p += strlen(p);
    *p++ = (char)('0' + k / 100 % 10);
    *p++ = (char)('0' + k / 10 % 10);
    *p++ = (char)('0' + k % 10);
    *p++ = ' ';
    for (uint i = 0; i < (child * 5 + k * 3) % 17; i++)
        *p++ = (char)('a' + (child + k + i) % 26);
    return (uint)(p - text);
}

/* Returns when the parent has heard everybody, or has been silent for too long. */
static void wait_for_go(const struct control *control)
{
    for (int i = 0; i < IDLE_TICKS_MAX; i++) {
        if (__atomic_load_n(&control->go, __ATOMIC_ACQUIRE) != 0)
            return;
        pause(1);
    }
}

static void __attribute__((noreturn)) child(uint index, uint children, int from_parent)
{
    struct ulog_writer writer;
    struct control *control;
    char text[TEXT_MAX];
    uint64 address;
    uint k = 0;

    if (read(from_parent, &address, sizeof(address)) != sizeof(address))
        exit(1);
    control = (struct control *)(address + PGSIZE);
    if (ulog_writer_init(&writer, (void *)address, PGSIZE, index, children) != ULOG_OK)
        exit(1);
    while (ulog_write(&writer, text, compose(text, index, k)) == ULOG_OK) {
        k++;
        wait_for_go(control);
    }
    __atomic_store_n(&control->claimed[index], k, __ATOMIC_RELEASE);
    __atomic_add_fetch(&control->finished, 1, __ATOMIC_ACQ_REL);
    exit(0);
}

static void check_record(const struct ulog_record *record, uint children)
{
    char want[TEXT_MAX];
    uint n;

    if (record->index >= children) {
        complain("there is no such child", record->index);
        return;
    }
    n = compose(want, record->index, heard[record->index]);
    if (record->length != n || memcmp(record->text, want, n) != 0)
        complain("a message is torn, lost or out of order", record->index);
    heard[record->index]++;
}

static void print_record(const struct ulog_record *record)
{
    char text[TEXT_MAX];
    uint n = record->length < TEXT_MAX ? record->length : TEXT_MAX - 1;

    memcpy(text, record->text, n);
    text[n] = 0;
    printf("%u: %s\n", record->index, text);
}

static uint children_heard(uint children)
{
    uint n = 0;

    for (uint i = 0; i < children; i++)
        n += heard[i] > 0;
    return n;
}

/* Prints what there is. Returns the number of records. */
static uint drain(struct ulog_reader *reader, uint children)
{
    struct ulog_record record;
    uint n = 0;

    for (; ulog_read(reader, &record) == 1; n++) {
        print_record(&record);
        check_record(&record, children);
    }
    return n;
}

/* Reads while the children write, until each has run into the end. */
static void follow(struct ulog_reader *reader, uint children)
{
    struct control *control = &shared.control;

    for (int idle = 0; idle < IDLE_TICKS_MAX; idle++) {
        if (__atomic_load_n(&control->finished, __ATOMIC_ACQUIRE) == children)
            break;
        if (drain(reader, children) > 0)
            idle = 0;
        else
            pause(1);
        if (children_heard(children) == children)
            __atomic_store_n(&control->go, 1, __ATOMIC_RELEASE);
    }
    /* Whoever still waits for the others is let go, or wait() would never return. */
    __atomic_store_n(&control->go, 1, __ATOMIC_RELEASE);
}

static void check_all(struct ulog_reader *reader, uint children)
{
    int status;

    for (uint i = 0; i < children; i++)
        if (wait(&status) < 0 || status != 0)
            complain("ended badly", i);
    drain(reader, children);
    for (uint i = 0; i < children; i++) {
        if (heard[i] == 0)
            complain("was not heard", i);
        if (heard[i] != shared.control.claimed[i])
            complain("a message that was taken is lost", i);
    }
    if (shared.control.finished != children)
        complain("not all ran into the end; finished is", shared.control.finished);
    if (ulog_unfinished(reader) != 0)
        complain("records are unfinished", ulog_unfinished(reader));
}

/*
 * Maps ring and control page into all children, and only then sends the address as often as there
 * are children: any of them may take any copy.
 */
static void share(const int *pids, uint children, int to_children)
{
    uint64 common = 0;

    for (uint i = 0; i < children; i++) {
        uint64 address = map_shared_pages(getpid(), pids[i], &shared, sizeof(shared));

        if (address == (uint64)-1)
            complain("map_shared_pages failed", i);
        if (i > 0 && address != common)
            complain("has another address than the first", i);
        common = address;
    }
    for (uint i = 0; i < children; i++)
        if (write(to_children, &common, sizeof(common)) != sizeof(common))
            complain("cannot be told the address", i);
}

static void fork_children(int *pids, uint children, const int *ends)
{
    for (uint i = 0; i < children; i++) {
        pids[i] = fork();
        if (pids[i] < 0) {
            printf("log_test: fork failed\n");
            exit(1);
        }
        if (pids[i] == 0) {
            close(ends[1]);
            child(i, children, ends[0]);
        }
    }
}

int main(int argc, char **argv)
{
    int children = argc > 1 ? atoi(argv[1]) : CHILDREN_DEFAULT;
    struct ulog_reader reader;
    int pids[CHILDREN_MAX];
    int ends[2];

    if (children < CHILDREN_DEFAULT || children > CHILDREN_MAX) {
        fprintf(2, "usage: log_test [children, %d to %d]\n", CHILDREN_DEFAULT, CHILDREN_MAX);
        exit(1);
    }
    if (pipe(ends) < 0 || ulog_reader_init(&reader, shared.ring, PGSIZE) != ULOG_OK)
        exit(1);
    fork_children(pids, (uint)children, ends);
    share(pids, (uint)children, ends[1]);
    follow(&reader, (uint)children);
    check_all(&reader, (uint)children);
    if (failed)
        exit(1);
    printf("log_test: OK\n");
    exit(0);
}
