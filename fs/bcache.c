/*
 * The block cache.
 *
 * Owns the buffers: four to a page frame, the four and their frame being a group. A buffer is found
 * by its block number in a hash table, and reused in the order of the list `lru`, whose head was
 * asked for longest ago; buffers without a block are at the head. The cache grows by a group when a
 * block is missing and memory is plentiful. When memory is short, the frame allocator takes idle
 * groups back (bcache_reclaim); BCACHE_PAGES_MIN groups are fixed.
 *
 * Lock: bcache.lock, a spin lock that reclaim takes below a region's lock, hence its rank. It is
 * never held while a frame is asked for. A reference count grows under the lock only, and falls
 * without it; so a count of 0 seen under the lock stays 0.
 *
 * Called by log.c and by all that reads or changes blocks. Read next: fs/log.c.
 */
#include "fs/bcache.h"

#include "fs/super.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#define BUFS_PER_PAGE (PAGE_SIZE / BSIZE)
#define HASH_SIZE 4096UL

struct buf_group {
    struct page *page;            /* [I] */
    bool fixed;                   /* [I] never given back */
    struct buf_group *next;       /* of a chain while being freed */
    struct buf buf[BUFS_PER_PAGE];
};

/* One read request for blocks side by side; lives on the stack of who waits for it. */
struct read_batch {
    struct block_request req;
    struct buf *buf[BCACHE_BATCH];
    bool finished; /* [bcache.lock] */
};

enum { RANK_BUFFERS = RANK_SLAB - 5 };

static struct {
    struct spinlock lock;
    struct waitqueue io_wq;      /* waiters for a buffer that is being read */
    struct waitqueue idle_wq;    /* waiters for any buffer to become idle */
    struct list lru;             /* [lock] */
    struct buf *hash[HASH_SIZE]; /* [lock] */
    size_t groups;               /* [a] */
    size_t fixed_frames;         /* [I] frames of the fixed groups, and of their headers */
} bcache = {
    .lock = SPINLOCK_INIT("bcache", RANK_BUFFERS),
    .io_wq = WAITQUEUE_INIT(bcache.io_wq),
    .idle_wq = WAITQUEUE_INIT(bcache.idle_wq),
    .lru = LIST_INIT(bcache.lru),
};

uint32_t buf_idle_waiters;

static struct slab_cache group_cache =
    SLAB_CACHE_INIT(group_cache, "buf_group", sizeof(struct buf_group));

/* ---- groups: memory ---- */

/* The first of the four is the next to be used: neighbours on disk become neighbours in memory. */
static void group_add_bufs(struct buf_group *group)
{
    uint8_t *data = page_addr(group->page);

    for (unsigned i = BUFS_PER_PAGE; i-- > 0;) {
        struct buf *b = &group->buf[i];

        b->data = data + i * BSIZE;
        b->group = group;
        list_push_front(&bcache.lru, &b->lru);
    }
}

enum group_kind { GROUP_FIXED, GROUP_SPARE };

/* Adds four buffers. => bcache.lock not held: asking for memory may call bcache_reclaim(). */
static int group_create(enum group_kind kind)
{
    struct buf_group *group = slab_alloc(&group_cache);

    if (!group)
        return -ENOMEM;
    group->page = page_alloc();
    if (!group->page) {
        slab_free(&group_cache, group);
        return -ENOMEM;
    }
    group->fixed = kind == GROUP_FIXED;
    spin_lock(&bcache.lock);
    group_add_bufs(group);
    __atomic_fetch_add(&bcache.groups, 1, __ATOMIC_RELAXED);
    spin_unlock(&bcache.lock);
    return 0;
}

/* Leaves a sixteenth of memory to others, who would only have to take it back. */
static void grow_if_plentiful(void)
{
    struct page_stats stats;

    page_get_stats(&stats);
    if (stats.free > stats.promised && stats.free - stats.promised > stats.total / 16)
        group_create(GROUP_SPARE);
}

static bool group_idle(const struct buf_group *group)
{
    for (unsigned i = 0; i < BUFS_PER_PAGE; i++)
        if (__atomic_load_n(&group->buf[i].refs, __ATOMIC_ACQUIRE) != 0)
            return false;
    return true;
}

static struct buf **hash_slot(uint32_t block)
{
    return &bcache.hash[block % HASH_SIZE];
}

static void hash_remove(struct buf *b)
{
    struct buf **link = hash_slot(b->block);

    if (b->block == 0)
        return;
    while (*link != b)
        link = &(*link)->hash_next;
    *link = b->hash_next;
    b->block = 0;
}

static void group_unhook(struct buf_group *group)
{
    for (unsigned i = 0; i < BUFS_PER_PAGE; i++) {
        hash_remove(&group->buf[i]);
        list_remove(&group->buf[i].lru);
    }
}

/* Unhooks up to n idle groups, least recently used first. => their chain */
static struct buf_group *collect_idle(size_t n)
{
    struct buf_group *chain = NULL;
    struct list *pos = bcache.lru.next;

    while (pos != &bcache.lru && n > 0) {
        struct buf_group *group = list_entry(pos, struct buf, lru)->group;

        if (group->fixed || !group_idle(group)) {
            pos = pos->next;
            continue;
        }
        do
            pos = pos->next;
        while (pos != &bcache.lru && list_entry(pos, struct buf, lru)->group == group);
        group_unhook(group);
        group->next = chain;
        chain = group;
        n--;
    }
    return chain;
}

/* Gives idle frames back; called by the frame allocator, does not sleep. => frames given back */
static size_t bcache_reclaim(size_t n)
{
    size_t freed = 0;

    spin_lock(&bcache.lock);
    struct buf_group *chain = collect_idle(n);
    spin_unlock(&bcache.lock);

    while (chain) {
        struct buf_group *group = chain;

        chain = group->next;
        page_put(group->page);
        slab_free(&group_cache, group);
        freed++;
    }
    __atomic_fetch_sub(&bcache.groups, freed, __ATOMIC_RELAXED);
    return freed;
}

int bcache_init(void)
{
    static struct reclaimer reclaimer = {.reclaim = bcache_reclaim};

    for (unsigned i = 0; i < BCACHE_PAGES_MIN; i++)
        if (group_create(GROUP_FIXED) != 0)
            return -ENOMEM;
    bcache.fixed_frames = bcache.groups + group_cache.frames;
    page_add_reclaimer(&reclaimer);
    return 0;
}

size_t bcache_spare_frames(void)
{
    size_t frames = __atomic_load_n(&bcache.groups, __ATOMIC_RELAXED) +
                    __atomic_load_n(&group_cache.frames, __ATOMIC_RELAXED);

    return frames - bcache.fixed_frames;
}

/* ---- finding a buffer. All: bcache.lock held ---- */

static struct buf *hash_find(uint32_t block)
{
    struct buf *b = *hash_slot(block);

    while (b && b->block != block)
        b = b->hash_next;
    return b;
}

static void buf_touch(struct buf *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    list_remove(&b->lru);
    list_push_back(&bcache.lru, &b->lru);
}

/* The idle buffer that was asked for longest ago. => NULL when all are referenced */
static struct buf *find_idle(void)
{
    struct list *pos;

    list_for_each(pos, &bcache.lru) {
        struct buf *b = list_entry(pos, struct buf, lru);

        if (__atomic_load_n(&b->refs, __ATOMIC_SEQ_CST) == 0)
            return b;
    }
    return NULL;
}

/* Makes an idle buffer the one of `block`, which has none. => referenced */
static void buf_rename(struct buf *b, uint32_t block)
{
    hash_remove(b);
    b->block = block;
    b->state = BUF_EMPTY;
    b->hash_next = *hash_slot(block);
    *hash_slot(block) = b;
    buf_touch(b);
}

/* Sleeps until wq is woken; at boot there may be no task yet, and the device is asked instead. */
static void wait_for(struct waitqueue *wq) __must_hold(&bcache.lock)
{
    if (current()) {
        wait_on(wq, &bcache.lock);
        return;
    }
    spin_unlock(&bcache.lock);
    block_poll(fs_mount.dev);
    spin_lock(&bcache.lock);
}

/* An idle buffer, an empty one while memory is plentiful. => NULL; the lock was let go of */
static struct buf *find_room(void) __must_hold(&bcache.lock)
{
    struct buf *b = find_idle();

    if (b && b->block == 0)
        return b;
    spin_unlock(&bcache.lock);
    grow_if_plentiful();
    spin_lock(&bcache.lock);
    return find_idle();
}

/* buf_claim() for a block that is not cached; somebody else may fetch it while this waits. */
static __noinline struct buf *claim_absent(uint32_t block) __must_hold(&bcache.lock)
{
    for (;;) {
        struct buf *room = find_room();
        struct buf *b = hash_find(block);

        if (b) {
            buf_touch(b);
            return b;
        }
        if (room) {
            buf_rename(room, block);
            return room;
        }
        __atomic_fetch_add(&buf_idle_waiters, 1, __ATOMIC_SEQ_CST);
        if (!find_idle())
            wait_for(&bcache.idle_wq);
        __atomic_fetch_sub(&buf_idle_waiters, 1, __ATOMIC_SEQ_CST);
    }
}

/* The buffer of a block, in any state; waits for an idle one if all are in use. => referenced */
static inline struct buf *buf_claim(uint32_t block) __acquires(&bcache.lock)
{
    spin_lock(&bcache.lock);
    struct buf *b = hash_find(block);

    if (!b)
        return claim_absent(block);
    buf_touch(b);
    return b;
}

/* ---- reading ---- */

/* Interrupt context, or inside block_submit(). The batch is its owner's again after the unlock. */
static void read_done(struct block_request *req)
{
    struct read_batch *batch = container_of(req, struct read_batch, req);

    spin_lock(&bcache.lock);
    for (unsigned i = 0; i < req->nsegs; i++)
        __atomic_store_n(&batch->buf[i]->state, req->status == 0 ? BUF_VALID : BUF_EMPTY,
                         __ATOMIC_RELEASE);
    batch->finished = true;
    wake_all(&bcache.io_wq);
    spin_unlock(&bcache.lock);
}

/* Adds a buffer to a batch. => bcache.lock held, the buffer is BUF_EMPTY and referenced */
static void batch_add(struct read_batch *batch, struct buf *b)
{
    unsigned i = batch->req.nsegs++;

    __atomic_store_n(&b->state, BUF_READING, __ATOMIC_RELAXED);
    batch->buf[i] = b;
    batch->req.seg[i] = (struct block_seg){.addr = b->data, .len = BSIZE};
}

static void batch_begin(struct read_batch *batch, uint32_t block, const char *what)
{
    batch->finished = false;
    batch->req.op = BLOCK_READ;
    batch->req.what = what;
    batch->req.nsegs = 0;
    batch->req.sector = (uint64_t)block * BLOCK_SECTORS;
    batch->req.done = read_done;
}

/* Submits a batch and waits. => 0; -EIO. */
static int batch_run(struct read_batch *batch) __must_hold(&bcache.lock)
{
    spin_unlock(&bcache.lock);
    block_submit(fs_mount.dev, &batch->req);
    spin_lock(&bcache.lock);
    while (!batch->finished)
        wait_for(&bcache.io_wq);
    return batch->req.status == 0 ? 0 : -EIO;
}

/* Makes a referenced buffer valid. => 0; -EIO: the reference is given back */
static __noinline int buf_fill(struct buf *b) __releases(&bcache.lock)
{
    struct read_batch batch;
    int err = 0;

    while (b->state == BUF_READING)
        wait_for(&bcache.io_wq);
    if (b->state != BUF_VALID) {
        batch_begin(&batch, b->block, super_part(b->block));
        batch_add(&batch, b);
        err = batch_run(&batch);
    }
    spin_unlock(&bcache.lock);
    if (err)
        buf_put(b);
    return err;
}

int buf_read(uint32_t block, struct buf **out)
{
    if (block == 0 || block >= fs_mount.sb.size)
        return -EIO;
    struct buf *b = *out = buf_claim(block);
    if (unlikely(b->state != BUF_VALID))
        return buf_fill(b);
    spin_unlock(&bcache.lock);
    return 0;
}

unsigned buf_read_cached(const uint32_t *blocks, unsigned n, struct buf **bufs)
{
    unsigned i = 0;

    spin_lock(&bcache.lock);
    for (; i < n; i++) {
        if (blocks[i] == 0) {
            bufs[i] = NULL;
            continue;
        }
        struct buf *b = hash_find(blocks[i]);
        if (!b || b->state != BUF_VALID)
            break;
        buf_touch(b);
        bufs[i] = b;
    }
    spin_unlock(&bcache.lock);
    return i;
}

struct buf *buf_clear(uint32_t block)
{
    ASSERT(block != 0 && block < fs_mount.sb.size);
    struct buf *b = buf_claim(block);
    while (b->state == BUF_READING)
        wait_for(&bcache.io_wq);
    __atomic_store_n(&b->state, BUF_VALID, __ATOMIC_RELEASE);
    spin_unlock(&bcache.lock);
    memset(b->data, 0, BSIZE);
    return b;
}

/* Adds blocks to a batch while they are neighbours, absent, and idle buffers are to be had. */
static void batch_collect(struct read_batch *batch, const uint32_t *blocks, unsigned n)
    __must_hold(&bcache.lock)
{
    for (unsigned i = 0; i < n; i++) {
        if (blocks[i] != blocks[0] + i || blocks[i] >= fs_mount.sb.size || hash_find(blocks[i]))
            return;
        struct buf *b = find_room();
        if (!b || hash_find(blocks[i]))
            return;
        buf_rename(b, blocks[i]);
        batch_add(batch, b);
    }
}

void buf_prefetch(const uint32_t *blocks, unsigned n)
{
    struct read_batch batch;

    if (blocks[0] == 0)
        return;
    batch_begin(&batch, blocks[0], NULL); /* who needs one of them will hear of an error */
    spin_lock(&bcache.lock);
    batch_collect(&batch, blocks, n);
    unsigned taken = batch.req.nsegs;
    if (taken > 0)
        batch_run(&batch);
    spin_unlock(&bcache.lock);
    for (unsigned i = 0; i < taken; i++)
        buf_put(batch.buf[i]);
}

/* ---- references ---- */

void buf_hold(struct buf *b)
{
    CHECK_ASSERT(__atomic_load_n(&b->refs, __ATOMIC_RELAXED) > 0);
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
}

void buf_wake_waiters(void)
{
    spin_lock(&bcache.lock);
    wake_all(&bcache.idle_wq);
    spin_unlock(&bcache.lock);
}
