/*
 * Pipes.
 *
 * Owns struct pipe; pipe->lock (RANK_PIPE) guards all of it. User memory is copied with the lock
 * held (a fault on the way never sleeps), in pieces as large as the ring allows.
 *
 * One write is under way at a time, and has its turn until it returns, so no two are mixed. A
 * write of up to PIPE_CAPACITY bytes, which is POSIX's PIPE_BUF, waits for room for all of it and
 * is copied in one step: a kill leaves all of it or nothing. A longer one goes in bit by bit.
 *
 * To programs a pipe holds 512 bytes (PIPE_CAPACITY), as xv6's: a write returns when at most that
 * many bytes are unread, and not before. Inside, a longer write runs ahead into a larger ring,
 * made when first wanted, while its writer still waits: that saves two task switches for every
 * 512 bytes. Without memory for it the small ring does.
 *
 * Called by fs/file.c through file_ops, and by syscall/sysfile.c. Source: docs/xv6-abi.md 5.
 * Read next: include/fs/file.h.
 */
#include "ipc/pipe.h"

#include "fs/file.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#define PIPE_CAPACITY 512u
#define PIPE_STEP (4 * PAGE_SIZE) /* bytes that are copied with interrupts off */
#define RING_LARGE_ORDER 3u /* 32 KiB */
#define RING_LARGE (PAGE_SIZE << RING_LARGE_ORDER)

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

static uint64_t min3(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* ---- the ring ---- */

/* Where in the ring the byte is that n unread ones come before. */
static uint64_t place(const struct pipe *p, uint64_t n)
{
    return (p->first + n) & (p->ring_size - 1);
}

static void free_ring(struct pipe *p)
{
    if (p->ring != p->small)
        page_free_order(page_of(p->ring), RING_LARGE_ORDER);
}

/* Give the pipe the large ring, to let a write run ahead; without memory the small one does. */
static void grow_ring(struct pipe *p) __must_hold(&p->lock)
{
    struct page *pages = page_alloc_order(RING_LARGE_ORDER);
    uint64_t to_end = min3(p->unread, p->ring_size - p->first, PIPE_CAPACITY);
    uint8_t *ring;

    if (!pages)
        return;
    ring = page_addr(pages);
    memcpy(ring, p->ring + p->first, to_end);
    memcpy(ring + to_end, p->ring, p->unread - to_end);
    p->ring = ring;
    p->ring_size = RING_LARGE;
    p->first = 0;
}

/* ---- writing ---- */

/* Copy in what fits of n bytes, PIPE_STEP at most. => bytes; *whole is false if the program's memory ended. */
static uint64_t copy_in(struct pipe *p, vaddr_t src, uint64_t n, bool *whole)
    __must_hold(&p->lock)
{
    uint64_t done = 0, piece, copied, at;

    if (unlikely(n > PIPE_STEP))
        n = PIPE_STEP;
    if (p->unread == 0)
        p->first = 0; /* in one piece, then, and word by word where the program's bytes lie so */
    do {
        at = place(p, p->unread);
        piece = min3(n - done, p->ring_size - p->unread, p->ring_size - at);
        copied = copy_from_user_partial(p->ring + at, src + done, piece);
        p->unread += copied;
        done += copied;
        *whole = copied == piece;
    } while (*whole && done < n && p->unread < p->ring_size);
    return done;
}

/*
 * Wait until at most `limit` bytes are unread.
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

/* Between two steps: with page faults, a copy of one may take some 15,000 instructions. */
static void let_interrupts_in(struct pipe *p) __must_hold(&p->lock)
{
    spin_unlock(&p->lock);
    spin_lock(&p->lock);
}

/* Copy all n bytes, as there is room; wait until the last is within the capacity. => 0, *done. */
static int write_all(struct pipe *p, vaddr_t src, uint64_t n, uint64_t *done)
    __must_hold(&p->lock)
{
    uint64_t limit = n <= PIPE_CAPACITY ? PIPE_CAPACITY - n : p->ring_size - 1;
    bool whole = true;
    int err;

    while (*done < n && whole) {
        err = wait_for_room(p, limit);
        if (err)
            return err;
        if (!p->read_open)
            return -EPIPE;
        *done += copy_in(p, src + *done, n - *done, &whole);
        wake_all(&p->readers);
        if (unlikely(*done < n))
            let_interrupts_in(p);
    }
    /* xv6 finds the bad byte only when there is room for it. */
    return wait_for_room(p, whole ? PIPE_CAPACITY : PIPE_CAPACITY - 1);
}

/* Wait until no other write is under way. => 0; -EINTR: killed, and this one has no turn. */
static int begin_turn(struct pipe *p) __must_hold(&p->lock)
{
    while (p->writing)
        if (wait_on_killable(&p->turns, &p->lock))
            return -EINTR;
    p->writing = true;
    return 0;
}

/* What a failed write has written ahead of the capacity, no reader shall see. */
static void end_turn(struct pipe *p) __must_hold(&p->lock)
{
    if (p->unread > PIPE_CAPACITY)
        p->unread = PIPE_CAPACITY;
    p->writing = false;
    wake_all(&p->turns);
}

/* => n; bytes before the first that cannot be copied, 0 perhaps; -EPIPE, -EINTR. */
static long pipe_write(struct file *f, vaddr_t src, long n)
{
    struct pipe *p = f->priv;
    uint64_t done = 0;
    int err;

    if (n <= 0)
        return 0;
    spin_lock(&p->lock);
    err = begin_turn(p);
    if (!err) {
        if (n > (long)PIPE_CAPACITY && p->ring == p->small)
            grow_ring(p);
        err = write_all(p, src, (uint64_t)n, &done);
        end_turn(p);
    }
    spin_unlock(&p->lock);
    return err ? err : (long)done;
}

/* ---- reading ---- */

/* Copy up to n unread bytes out, PIPE_STEP at most. => bytes taken; *whole is false if the program's memory ended. */
static uint64_t copy_out(struct pipe *p, vaddr_t dst, uint64_t n, bool *whole)
    __must_hold(&p->lock)
{
    uint64_t done = 0, piece, copied;

    if (unlikely(n > PIPE_STEP))
        n = PIPE_STEP;
    *whole = true;
    while (done < n && p->unread && *whole) {
        piece = min3(n - done, p->unread, p->ring_size - p->first);
        copied = copy_to_user_partial(dst + done, p->ring + p->first, piece);
        p->first = place(p, copied);
        p->unread -= copied;
        done += copied;
        *whole = copied == piece;
    }
    return done;
}

/* Wait for something to read; an end of file is something. => 0; -EINTR. */
static int wait_for_bytes(struct pipe *p) __must_hold(&p->lock)
{
    while (p->unread == 0 && p->write_open)
        if (wait_on_killable(&p->readers, &p->lock))
            return -EINTR;
    return 0;
}

/* => bytes; 0 at the end of file; -EFAULT first byte cannot be copied, none is lost; -EINTR. */
static long pipe_read(struct file *f, vaddr_t dst, long n)
{
    struct pipe *p = f->priv;
    uint64_t done, want = n > 0 ? (uint64_t)n : 0;
    bool whole;
    int err;

    spin_lock(&p->lock);
    err = wait_for_bytes(p);
    if (err) {
        spin_unlock(&p->lock);
        return err;
    }
    for (done = 0;; let_interrupts_in(p)) {
        done += copy_out(p, dst + done, want - done, &whole);
        if (likely(!whole || done == want || !p->unread))
            break;
    }
    if (done)
        wake_all(&p->room);
    spin_unlock(&p->lock);
    return done || whole ? (long)done : -EFAULT;
}

/* ---- the ends ---- */

static void pipe_free(struct pipe *p)
{
    free_ring(p);
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

static struct pipe *pipe_alloc(void)
{
    struct pipe *p = slab_alloc(&pipes);

    if (!p)
        return NULL;
    spin_init(&p->lock, "pipe", RANK_PIPE);
    waitqueue_init(&p->readers);
    waitqueue_init(&p->turns);
    waitqueue_init(&p->room);
    p->ring = p->small;
    p->ring_size = PIPE_CAPACITY;
    return p;
}

int pipe_create(struct file **read_end, struct file **write_end)
{
    struct pipe *p = pipe_alloc();

    if (!p)
        return -ENOMEM;
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
