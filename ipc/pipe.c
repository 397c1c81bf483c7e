/*
 * Pipes.
 *
 * Owns struct pipe; pipe->lock (RANK_PIPE) guards all of it. User memory is copied with the lock
 * held (a fault on the way never sleeps), in pieces as large as the ring allows.
 *
 * To programs a pipe holds 512 bytes (PIPE_CAPACITY), as xv6's: a write returns when at most that
 * many bytes of the pipe are unread up to its last one, and not before. Inside, a large write may
 * run ahead into a larger ring, made when first wanted, while its writer still waits: that saves
 * two task switches for every 512 bytes. Bytes written ahead belong to the writer until a reader
 * takes them; if the write fails, because it is killed, they are withdrawn. Without memory for a
 * larger ring the small one does.
 *
 * Positions count bytes since the pipe was made; a position's place in the ring is its low bits.
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
#define RING_LARGE_ORDER 3u /* 32 KiB */
#define RING_LARGE (PAGE_SIZE << RING_LARGE_ORDER)

static_assert((PIPE_CAPACITY & (PIPE_CAPACITY - 1)) == 0, "positions are masked");

struct pipe {
    struct spinlock lock;
    bool read_open;           /* [lock] */
    bool write_open;          /* [lock] */
    uint64_t nread;           /* [lock] position of the next byte to read */
    uint64_t nwritten;        /* [lock] position of the next byte to write */
    struct waitqueue readers; /* wait for bytes, or the last writer's end */
    struct waitqueue writers; /* wait for room, or the last reader's end */
    uint8_t *ring;            /* [lock] small, or pages of its own */
    uint64_t ring_size;       /* [lock] a power of two */
    uint8_t small[PIPE_CAPACITY];
};

/* One write() under way. */
struct write {
    vaddr_t src;
    uint64_t left;  /* bytes still to copy */
    uint64_t done;  /* bytes copied */
    uint64_t start; /* position of the first byte of its last run that no other write cuts */
    uint64_t end;   /* position after its last byte */
};

static struct slab_cache pipes = SLAB_CACHE_INIT(pipes, "pipe", sizeof(struct pipe));

static uint64_t unread(const struct pipe *p)
{
    return p->nwritten - p->nread;
}

static uint64_t min3(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* ---- the ring ---- */

/* Copy the unread bytes into another ring. */
static void move_bytes(struct pipe *p, uint8_t *ring, uint64_t size) __must_hold(&p->lock)
{
    uint64_t from, to, n;

    for (uint64_t at = p->nread; at != p->nwritten; at += n) {
        from = at & (p->ring_size - 1);
        to = at & (size - 1);
        n = min3(p->nwritten - at, p->ring_size - from, size - to);
        memcpy(ring + to, p->ring + from, n);
    }
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

    if (!pages)
        return;
    move_bytes(p, page_addr(pages), RING_LARGE);
    p->ring = page_addr(pages);
    p->ring_size = RING_LARGE;
}

/* ---- writing ---- */

/*
 * Let an empty ring start over: what follows lies in one piece, and within words as the program's
 * bytes do, for other copies go byte by byte. Who waits for room has it already, so
 * positions may jump ahead.
 */
static void restart_ring(struct pipe *p, vaddr_t src) __must_hold(&p->lock)
{
    uint64_t start = (p->nwritten + p->ring_size - 1) & ~(p->ring_size - 1);

    p->nread = p->nwritten = start + src % sizeof(uint64_t);
}

/* Copy what fits. => false when the program's memory ends before. */
static bool copy_in(struct pipe *p, struct write *w) __must_hold(&p->lock)
{
    uint64_t n, copied, at;

    if (unread(p) == 0)
        restart_ring(p, w->src);
    if (w->end != p->nwritten)
        w->start = p->nwritten;
    do {
        at = p->nwritten & (p->ring_size - 1);
        n = min3(w->left, p->ring_size - unread(p), p->ring_size - at);
        copied = copy_from_user_partial(p->ring + at, w->src, n);
        p->nwritten += copied;
        w->src += copied;
        w->left -= copied;
        w->done += copied;
    } while (copied == n && w->left && unread(p) < p->ring_size);
    w->end = p->nwritten;
    return copied == n;
}

/* Take back what a failed write has written ahead of xv6's capacity, where nothing follows it. */
static void withdraw(struct pipe *p, const struct write *w) __must_hold(&p->lock)
{
    uint64_t keep = p->nread + PIPE_CAPACITY;

    if (w->done == 0 || w->end != p->nwritten)
        return;
    if (keep < w->start)
        keep = w->start;
    if (keep < p->nwritten)
        p->nwritten = keep;
}

/*
 * Wait until no more than `limit` bytes are unread up to position `end`.
 * => 0; -EPIPE no reader is left; -EINTR killed.
 */
static int wait_for_room(struct pipe *p, uint64_t end, uint64_t limit) __must_hold(&p->lock)
{
    for (;;) {
        if (!p->read_open)
            return -EPIPE;
        if (task_killed(current()))
            return -EINTR;
        if ((int64_t)(end - p->nread) <= (int64_t)limit)
            return 0;
        wait_on_killable(&p->writers, &p->lock);
    }
}

/* Copy all of it, as there is room; wait until the last byte is within the capacity. */
static int write_all(struct pipe *p, struct write *w) __must_hold(&p->lock)
{
    bool whole = true;
    int err;

    while (w->left && whole) {
        err = wait_for_room(p, p->nwritten, p->ring_size - 1);
        if (err)
            return err;
        /* Another write may have used the room while this one slept. */
        if (unread(p) == p->ring_size)
            continue;
        whole = copy_in(p, w);
        wake_all(&p->readers);
    }
    /* xv6 finds the bad byte only when there is room for it. */
    return wait_for_room(p, w->end, whole ? PIPE_CAPACITY : PIPE_CAPACITY - 1);
}

/* => n; bytes before the first that cannot be copied, 0 perhaps; -EPIPE, -EINTR. */
static long pipe_write(struct file *f, vaddr_t src, long n)
{
    struct pipe *p = f->priv;
    struct write w = { .src = src };
    int err;

    if (n <= 0)
        return 0;
    w.left = (uint64_t)n;
    spin_lock(&p->lock);
    if (w.left > PIPE_CAPACITY && p->ring == p->small)
        grow_ring(p);
    err = write_all(p, &w);
    if (err)
        withdraw(p, &w);
    spin_unlock(&p->lock);
    return err ? err : (long)w.done;
}

/* ---- reading ---- */

/* Copy up to n unread bytes out. => bytes taken; *whole is false if the program's memory ended. */
static uint64_t copy_out(struct pipe *p, vaddr_t dst, uint64_t n, bool *whole)
    __must_hold(&p->lock)
{
    uint64_t done = 0, piece, copied, at;

    *whole = true;
    while (done < n && unread(p) && *whole) {
        at = p->nread & (p->ring_size - 1);
        piece = min3(n - done, unread(p), p->ring_size - at);
        copied = copy_to_user_partial(dst + done, p->ring + at, piece);
        p->nread += copied;
        done += copied;
        *whole = copied == piece;
    }
    return done;
}

/* Wait for something to read; an end of file is something. => 0; -EINTR. */
static int wait_for_bytes(struct pipe *p) __must_hold(&p->lock)
{
    while (unread(p) == 0 && p->write_open)
        if (wait_on_killable(&p->readers, &p->lock))
            return -EINTR;
    return 0;
}

/* => bytes; 0 at the end of file; -EFAULT first byte cannot be copied, none is lost; -EINTR. */
static long pipe_read(struct file *f, vaddr_t dst, long n)
{
    struct pipe *p = f->priv;
    uint64_t done;
    bool whole;
    int err;

    spin_lock(&p->lock);
    err = wait_for_bytes(p);
    if (err) {
        spin_unlock(&p->lock);
        return err;
    }
    done = copy_out(p, dst, n > 0 ? (uint64_t)n : 0, &whole);
    if (done)
        wake_all(&p->writers);
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
        wake_all(&p->writers);
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
    waitqueue_init(&p->writers);
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
