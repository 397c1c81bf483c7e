/*
 * Pipes.
 *
 * Owns struct pipe; pipe->lock (RANK_PIPE) guards all of it. User memory is copied with the lock
 * held (a fault on the way never sleeps).
 *
 * One write is under way at a time, and has its turn until it returns, so no two are mixed. A
 * write of up to PIPE_CAPACITY bytes, which is POSIX's PIPE_BUF, waits for room for all of it and
 * is copied in one step: a kill leaves all of it or nothing. A longer one goes in bit by bit.
 *
 * To programs a pipe holds 512 bytes (PIPE_CAPACITY), as xv6's: a write returns when at most that
 * many bytes are unread, and not before. Inside, a longer write runs ahead into a larger ring,
 * if there is memory for one: that saves two task switches for every 512 bytes.
 *
 * Called by fs/file.c through file_ops, and by syscall/sysfile.c. Source: docs/xv6-abi.md 5.
 * Read next: include/fs/file.h.
 */
#include "ipc/pipe.h"

#include "fs/file.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#define PIPE_CAPACITY    512u
#define PIPE_STEP        (4 * PAGE_SIZE) /* bytes that are copied with interrupts off */
#define RING_LARGE_ORDER 3u              /* 32 KiB */

static_assert((PIPE_CAPACITY & (PIPE_CAPACITY - 1)) == 0, "places in the ring are masked");

struct pipe {
    struct spinlock lock;
    bool read_open;           /* [lock] */
    bool write_open;          /* [lock] */
    bool writing;             /* [lock] a write has its turn; it may be asleep */
    struct waitqueue readers; /* wait for bytes, or the last writer's end */
    struct waitqueue turns;   /* writers that wait for the end of the write under way */
    struct waitqueue room;    /* the write under way waits for room, or the last reader's end */
    uint8_t *ring;            /* [lock] small, or pages of its own */
    uint64_t ring_size;       /* [lock] a power of two */
    uint64_t first;           /* [lock] where in the ring the unread bytes begin */
    uint64_t unread;          /* [lock] how many; at most PIPE_CAPACITY between two writes */
    uint8_t small[PIPE_CAPACITY];
};

static struct slab_cache pipes = SLAB_CACHE_INIT(pipes, "pipe", sizeof(struct pipe));

/* How many bytes of n are copied in one step from `at` on, if at most `most` are to be had. */
static uint64_t step_size(const struct pipe *p, uint64_t at, uint64_t n, uint64_t most)
{
    n = n < most ? n : most;
    n = n < PIPE_STEP ? n : PIPE_STEP;
    return n < p->ring_size - at ? n : p->ring_size - at;
}

/* Between two steps: with page faults, a copy of one may take some 15,000 instructions. */
static void let_interrupts_in(struct pipe *p) __must_hold(&p->lock)
{
    spin_unlock(&p->lock);
    spin_lock(&p->lock);
}

/* ---- writing ---- */

/* Nothing is unread: a long write gets the large ring, if there is memory for it. */
static void grow_ring(struct pipe *p) __must_hold(&p->lock)
{
    struct page *pages = page_alloc_order(RING_LARGE_ORDER);

    if (pages) {
        p->ring = page_addr(pages);
        p->ring_size = PAGE_SIZE << RING_LARGE_ORDER;
    }
}

/*
 * Waits until at most `limit` bytes are unread.
 * => 0, also when all readers are gone by then; -EPIPE no reader is left for the bytes above the
 *    limit; -EINTR killed.
 */
static int wait_for_room(struct pipe *p, uint64_t limit) __must_hold(&p->lock)
{
    while (p->unread > limit) {
        if (!p->read_open)
            return -EPIPE;
        if (wait_on_killable(&p->room, &p->lock))
            return -EINTR;
    }
    return 0;
}

/* Copies all n bytes, as there is room; waits until the last is within the capacity. => 0, *done. */
static int write_all(struct pipe *p, vaddr_t src, uint64_t n, uint64_t *done) __must_hold(&p->lock)
{
    bool whole = true;

    while (*done < n && whole) {
        uint64_t left = n - *done, at, piece, copied;
        int err = wait_for_room(p, n <= PIPE_CAPACITY ? PIPE_CAPACITY - left : p->ring_size - 1);

        if (err)
            return err;
        if (!p->read_open)
            return -EPIPE;
        if (p->unread == 0) {
            p->first = 0; /* in one piece, then */
            if (n > PIPE_CAPACITY && p->ring == p->small)
                grow_ring(p);
        }
        at = (p->first + p->unread) & (p->ring_size - 1);
        piece = step_size(p, at, left, p->ring_size - p->unread);
        copied = copy_from_user_partial(p->ring + at, src + *done, piece);
        p->unread += copied;
        *done += copied;
        whole = copied == piece;
        wake_all(&p->readers);
        if (piece == PIPE_STEP)
            let_interrupts_in(p);
    }
    /* xv6 finds the bad byte only when there is room for it. */
    return wait_for_room(p, whole ? PIPE_CAPACITY : PIPE_CAPACITY - 1);
}

/* => n; bytes before the first that cannot be copied, 0 perhaps; -EPIPE, -EINTR. */
static long pipe_write(struct file *f, vaddr_t src, long n)
{
    struct pipe *p = f->priv;
    uint64_t done = 0;
    int err = 0;

    if (n <= 0)
        return 0;
    spin_lock(&p->lock);
    while (p->writing && !err)
        err = wait_on_killable(&p->turns, &p->lock);
    if (!err) {
        p->writing = true;
        err = write_all(p, src, (uint64_t)n, &done);
        p->writing = false;
        if (p->unread > PIPE_CAPACITY)
            p->unread = PIPE_CAPACITY; /* it failed: no reader shall see how far it ran ahead */
        wake_all(&p->turns);
    }
    spin_unlock(&p->lock);
    return err ? err : (long)done;
}

/* ---- reading ---- */

/* => bytes; 0 at the end of file; -EFAULT first byte cannot be copied, none is lost; -EINTR. */
static long pipe_read(struct file *f, vaddr_t dst, long n)
{
    struct pipe *p = f->priv;
    uint64_t done = 0, want = n > 0 ? (uint64_t)n : 0;
    bool whole = true;
    int err = 0;

    spin_lock(&p->lock);
    while (p->unread == 0 && p->write_open && !err)
        err = wait_on_killable(&p->readers, &p->lock);
    while (!err && whole && done < want && p->unread) {
        uint64_t piece = step_size(p, p->first, want - done, p->unread);
        uint64_t copied = copy_to_user_partial(dst + done, p->ring + p->first, piece);

        p->first = (p->first + copied) & (p->ring_size - 1);
        p->unread -= copied;
        done += copied;
        whole = copied == piece;
        if (piece == PIPE_STEP)
            let_interrupts_in(p);
    }
    if (done)
        wake_all(&p->room);
    spin_unlock(&p->lock);
    if (err)
        return err;
    return done || whole ? (long)done : -EFAULT;
}

/* ---- the ends ---- */

static void pipe_free(struct pipe *p)
{
    if (p->ring != p->small)
        page_free_order(page_of(p->ring), RING_LARGE_ORDER);
    slab_free(&pipes, p);
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->priv;
    bool last;

    spin_lock(&p->lock);
    if (f->writable) {
        p->write_open = false;
        wake_all(&p->readers);
    } else {
        p->read_open = false;
        wake_all(&p->room);
    }
    last = !p->read_open && !p->write_open;
    spin_unlock(&p->lock);
    if (last)
        pipe_free(p);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .release = pipe_release,
};

int pipe_create(struct file **read_end, struct file **write_end)
{
    struct pipe *p = slab_alloc(&pipes);

    if (!p)
        return -ENOMEM;
    spin_init(&p->lock, "pipe", RANK_PIPE);
    waitqueue_init(&p->readers);
    waitqueue_init(&p->turns);
    waitqueue_init(&p->room);
    p->ring = p->small;
    p->ring_size = PIPE_CAPACITY;
    *read_end = file_alloc(&pipe_ops, p);
    if (!*read_end) {
        pipe_free(p);
        return -ENFILE;
    }
    (*read_end)->readable = true;
    p->read_open = true;
    *write_end = file_alloc(&pipe_ops, p);
    if (!*write_end) {
        /* Its release finds no writer, and frees the pipe. */
        file_close(*read_end);
        return -ENFILE;
    }
    (*write_end)->writable = true;
    p->write_open = true;
    return 0;
}
