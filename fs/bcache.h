/*
 * The block cache: copies of disk blocks in memory, as many as memory allows.
 *
 * A reference keeps a buffer in place; it does not lock the contents. Those are guarded by what the
 * block belongs to: data and indirect blocks by their inode's lock, bitmap blocks by the block
 * allocator's lock, and of an inode block each 64 bytes by that inode's lock.
 *
 * The rule that keeps the cache from deadlock: a task that holds a reference asks for no second
 * one, unless that cannot wait: log_write()d blocks are pinned, so they are always there. Pinned
 * blocks are at most LOG_BLOCKS_MAX, and BCACHE_PAGES_MIN pages are never given back.
 */
#ifndef FS_BCACHE_H
#define FS_BCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/list.h"

#define BCACHE_PAGES_MIN 16
#define BCACHE_BATCH     32 /* blocks read ahead in one request */

enum buf_state {
    BUF_EMPTY,   /* contents are not those of the disk */
    BUF_READING, /* a request is under way */
    BUF_VALID,
};

struct buf_group;

/* [cache] is bcache.lock in fs/bcache.c. */
struct buf {
    uint32_t refs;           /* [a] grows only under [cache] */
    uint32_t block;          /* [cache] fixed while referenced; 0: none */
    uint8_t *data;           /* [I] BSIZE bytes */
    enum buf_state state;    /* [cache] */
    bool logged;             /* [a] in the running transaction; changed under fs_log.lock */
    struct buf *hash_next;   /* [cache] */
    struct list lru;         /* [cache] least recently asked for first */
    struct buf_group *group; /* [I] its page and the three others in it */
};

/* Makes the fixed pages. => 0; -ENOMEM. Boot only. */
int bcache_init(void);

/*
 * The buffer of a block with the disk's contents; reads it if need be.
 * => may sleep. 0 and a reference in `out`; -EIO: device error, or no such block.
 */
int buf_read(uint32_t block, struct buf **out);

/*
 * The buffers of the first of n blocks that need no reading and no waiting; of block 0 it is NULL.
 * => how many, with a reference to each. The only way to hold several: put them before waiting.
 */
unsigned buf_read_cached(const uint32_t *blocks, unsigned n, struct buf **bufs);

/*
 * The buffer of a block whose contents do not matter any more, filled with zeros.
 * => may sleep; a reference, never NULL. `block` is a block of the file system.
 */
struct buf *buf_clear(uint32_t block);

/*
 * Reads ahead: of blocks[0..n), those from the first on that lie side by side on the disk and are
 * not cached yet, in one request. n <= BCACHE_BATCH.
 * => may sleep; says nothing of errors: buf_read() will.
 */
void buf_prefetch(const uint32_t *blocks, unsigned n);

extern uint32_t buf_idle_waiters; /* [a] tasks that wait for any buffer to become idle */

/* Wakes them. => any spin lock but bcache.lock may be held */
void buf_wake_waiters(void);

/*
 * Gives a reference back. => any spin lock but bcache.lock may be held
 *
 * The count falls first, then the waiters are looked at; a waiter is counted first, then looks at
 * the counts. So one of the two sees the other, and no wake-up is lost.
 */
static inline void buf_put(struct buf *b)
{
    uint32_t before = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_SEQ_CST);

    ASSERT(before > 0);
    if (before == 1 && unlikely(__atomic_load_n(&buf_idle_waiters, __ATOMIC_SEQ_CST) > 0))
        buf_wake_waiters();
}

#endif
