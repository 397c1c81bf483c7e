/*
 * The block cache.
 *
 * Owns the buffers: four to a page frame, the four and their frame being a group. A buffer is found
 * by its block number in a hash table, and reused in the order of the list `lru`, whose head was
 * asked for longest ago; buffers without a block are at the head. The cache grows by a group when a
 * block is missing and memory is plentiful. When memory is short, the frame allocator takes idle
 * groups back (fs_reclaim_pages()); BCACHE_PAGES_MIN groups are fixed.
 *
 * Lock: bcache.lock, a spin lock that reclaim takes below a region's lock, hence its rank. It is
 * never held while a frame is asked for. A reference count grows under the lock only, and falls
 * without it; so a count of 0 seen under the lock stays 0.
 *
 * Called by log.c and by all that reads or changes blocks. Read next: fs/log.c.
 */
#include "bcache.h"

#include "fs/fs.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#define BUFS_PER_PAGE (PAGE_SIZE / BSIZE)
#define HASH_SIZE     4096UL

struct buf_group {
    struct page *page; /* [I] */
    bool fixed;        /* [I] never given back */
    struct buf buf[BUFS_PER_PAGE];
};

static struct {
    struct spinlock lock;
    struct waitqueue wq;         /* waiters for a buffer to be read, or for any to become idle */
    struct list lru;             /* [lock] */
    struct buf *hash[HASH_SIZE]; /* [lock] */
    size_t groups;               /* [lock] */
    size_t fixed_frames;         /* [I] frames of the fixed groups, and of their headers */
} bcache = {
    .lock = SPINLOCK_INIT("bcache", RANK_BUFFERS),
    .wq = WAITQUEUE_INIT(bcache.wq),
    .lru = LIST_INIT(bcache.lru),
};

uint32_t buf_idle_waiters;

static struct slab_cache group_cache =
    SLAB_CACHE_INIT(group_cache, "buf_group", sizeof(struct buf_group));

/* ---- finding. All: bcache.lock held ---- */

static struct buf *hash_find(uint32_t block)
{
    struct buf *b = bcache.hash[block % HASH_SIZE];

    while (b && b->block != block)
        b = b->hash_next;
    return b;
}

/* Makes an idle buffer the one of `block`, which has none; of block 0: of no block. */
static void buf_rename(struct buf *b, uint32_t block)
{
    struct buf **link = &bcache.hash[b->block % HASH_SIZE];

    if (b->block != 0) {
        while (*link != b)
            link = &(*link)->hash_next;
        *link = b->hash_next;
    }
    b->block = block;
    b->state = BUF_EMPTY;
    if (block != 0) {
        b->hash_next = bcache.hash[block % HASH_SIZE];
        bcache.hash[block % HASH_SIZE] = b;
    }
}

/* Takes a reference, and makes the buffer the last to be reused. */
static void buf_touch(struct buf *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    list_remove(&b->lru);
    list_push_back(&bcache.lru, &b->lru);
}

/* ---- memory ---- */

/*
 * Adds four buffers. The first of them is the next to be used: neighbours on disk become neighbours
 * in memory. => bcache.lock not held: asking for memory may call fs_reclaim_pages(). 0; -ENOMEM.
 */
static int group_create(void)
{
    struct buf_group *group = slab_alloc_raw(&group_cache);

    if (!group)
        return -ENOMEM;
    group->page = page_alloc();
    if (!group->page) {
        slab_free(&group_cache, group);
        return -ENOMEM;
    }
    spin_lock(&bcache.lock);
    group->fixed = bcache.groups++ < BCACHE_PAGES_MIN;
    for (unsigned i = BUFS_PER_PAGE; i-- > 0;) {
        struct buf *b = &group->buf[i];

        b->refs = b->block = 0;
        b->logged = false;
        b->data = (uint8_t *)page_addr(group->page) + i * BSIZE;
        b->group = group;
        list_push_front(&bcache.lru, &b->lru);
    }
    spin_unlock(&bcache.lock);
    return 0;
}

int bcache_init(void)
{
    while (bcache.groups < BCACHE_PAGES_MIN)
        if (group_create() != 0)
            return -ENOMEM;
    bcache.fixed_frames = bcache.groups + group_cache.frames;
    return 0;
}

size_t fs_cached_pages(void)
{
    size_t frames = __atomic_load_n(&group_cache.frames, __ATOMIC_RELAXED);

    spin_lock(&bcache.lock);
    frames += bcache.groups;
    spin_unlock(&bcache.lock);
    return frames - bcache.fixed_frames;
}

static bool group_idle(const struct buf_group *group)
{
    for (unsigned i = 0; i < BUFS_PER_PAGE; i++)
        if (__atomic_load_n(&group->buf[i].refs, __ATOMIC_ACQUIRE) != 0)
            return false;
    return true;
}

/* Unhooks the idle group that was asked for longest ago. => NULL when there is none */
static struct buf_group *group_take_idle(void) __must_hold(&bcache.lock)
{
    struct list *pos;

    list_for_each(pos, &bcache.lru) {
        struct buf_group *group = list_entry(pos, struct buf, lru)->group;

        if (group->fixed || !group_idle(group))
            continue;
        for (unsigned i = 0; i < BUFS_PER_PAGE; i++) {
            buf_rename(&group->buf[i], 0);
            list_remove(&group->buf[i].lru);
        }
        bcache.groups--;
        return group;
    }
    return NULL;
}

size_t fs_reclaim_pages(size_t n)
{
    for (size_t freed = 0; freed < n; freed++) {
        struct buf_group *group;

        spin_lock(&bcache.lock);
        group = group_take_idle();
        spin_unlock(&bcache.lock);
        if (!group)
            return freed;
        page_put(group->page);
        slab_free(&group_cache, group);
    }
    return n;
}

/*
 * The idle buffer that was asked for longest ago. While memory is plentiful it is one without a
 * block: a sixteenth of memory is left to others, since they would only have to take it back.
 * => NULL when all are referenced; the lock may have been let go of
 */
static struct buf *find_room(void) __must_hold(&bcache.lock)
{
    struct page_stats stats;
    struct list *pos;

    for (bool grown = false;; grown = true) {
        list_for_each(pos, &bcache.lru) {
            struct buf *b = list_entry(pos, struct buf, lru);

            if (__atomic_load_n(&b->refs, __ATOMIC_SEQ_CST) > 0)
                continue;
            if (grown || b->block == 0)
                return b;
            break;
        }
        if (grown)
            return NULL;
        spin_unlock(&bcache.lock);
        page_get_stats(&stats);
        if (stats.free > stats.promised && stats.free - stats.promised > stats.total / 16)
            group_create();
        spin_lock(&bcache.lock);
    }
}

/* ---- reading ---- */

/* A buffer for a block that is not cached; another task may bring it while this one looks for room. */
static __noinline struct buf *buf_enter(uint32_t block) __must_hold(&bcache.lock)
{
    struct buf *b = NULL, *room;

    while (!b) {
        __atomic_fetch_add(&buf_idle_waiters, 1, __ATOMIC_SEQ_CST); /* before the look: buf_put() */
        room = find_room();
        b = hash_find(block);
        if (!b && room)
            buf_rename(b = room, block);
        else if (!b)
            wait_on(&bcache.wq, &bcache.lock);
        __atomic_fetch_sub(&buf_idle_waiters, 1, __ATOMIC_SEQ_CST);
    }
    return b;
}

/* The buffer of a block, in any state but BUF_READING; waits if it must. => referenced */
static inline struct buf *buf_claim(uint32_t block) __must_hold(&bcache.lock)
{
    struct buf *b = hash_find(block);

    if (unlikely(!b))
        b = buf_enter(block);
    buf_touch(b);
    while (unlikely(b->state == BUF_READING))
        wait_on(&bcache.wq, &bcache.lock);
    return b;
}

/* Reads n neighbouring blocks, whose buffers are BUF_READING and the caller's. => 0; -EIO. */
static __noinline int read_bufs(struct buf **bufs, unsigned n, const char *what)
    __must_hold(&bcache.lock)
{
    struct block_request req;
    int err;

    req.op = BLOCK_READ;
    req.what = what;
    req.sector = (uint64_t)bufs[0]->block * BLOCK_SECTORS;
    req.nsegs = n;
    for (unsigned i = 0; i < n; i++)
        req.seg[i] = (struct block_seg){.addr = bufs[i]->data, .len = BSIZE};
    spin_unlock(&bcache.lock);
    block_submit(fs_mount.dev, &req);
    err = block_wait(&req);
    spin_lock(&bcache.lock);
    for (unsigned i = 0; i < n; i++)
        bufs[i]->state = err ? BUF_EMPTY : BUF_VALID;
    wake_all(&bcache.wq);
    return err ? -EIO : 0;
}

int buf_read(uint32_t block, struct buf **out)
{
    struct buf *b;
    int err = 0;

    assert_can_sleep();
    if (block == 0 || block >= fs_mount.sb.size)
        return -EIO;
    spin_lock(&bcache.lock);
    *out = b = buf_claim(block);
    if (unlikely(b->state == BUF_EMPTY)) {
        b->state = BUF_READING;
        err = read_bufs(out, 1, super_part(block));
    }
    spin_unlock(&bcache.lock);
    if (unlikely(err))
        buf_put(b);
    return err;
}

unsigned buf_read_cached(const uint32_t *blocks, unsigned n, struct buf **bufs)
{
    unsigned i;

    spin_lock(&bcache.lock);
    for (i = 0; i < n; i++) {
        bufs[i] = blocks[i] ? hash_find(blocks[i]) : NULL;
        if (blocks[i] && (!bufs[i] || bufs[i]->state != BUF_VALID))
            break;
        if (bufs[i])
            buf_touch(bufs[i]);
    }
    spin_unlock(&bcache.lock);
    return i;
}

struct buf *buf_clear(uint32_t block)
{
    struct buf *b;

    assert_can_sleep();
    ASSERT(block != 0 && block < fs_mount.sb.size);
    spin_lock(&bcache.lock);
    b = buf_claim(block);
    b->state = BUF_VALID;
    spin_unlock(&bcache.lock);
    memset(b->data, 0, BSIZE);
    return b;
}

void buf_prefetch(const uint32_t *blocks, unsigned n)
{
    struct buf *bufs[BCACHE_BATCH];
    unsigned taken = 0;

    spin_lock(&bcache.lock);
    while (taken < n && blocks[taken] && blocks[taken] == blocks[0] + taken &&
           !hash_find(blocks[taken])) {
        struct buf *b = find_room();

        if (!b || hash_find(blocks[taken]))
            break;
        buf_rename(b, blocks[taken]);
        buf_touch(b);
        b->state = BUF_READING; /* before the lock is let go of: nobody else may read it */
        bufs[taken++] = b;
    }
    if (taken > 0)
        read_bufs(bufs, taken, NULL);
    spin_unlock(&bcache.lock);
    while (taken > 0)
        buf_put(bufs[--taken]);
}

/* ---- references ---- */

void buf_wake_waiters(void)
{
    spin_lock(&bcache.lock);
    wake_all(&bcache.wq);
    spin_unlock(&bcache.lock);
}
