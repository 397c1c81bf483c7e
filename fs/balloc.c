/*
 * Free blocks: the bitmap.
 *
 * Owns the bitmap blocks. The lowest free block is taken first; `lowest` remembers below which
 * block all are in use, so that the search need not begin at the start.
 *
 * Lock: balloc.lock, a mutex. Called by imap.c. Read next: fs/imap.c.
 */
#include "bcache.h"
#include "internal.h"
#include "log.h"
#include "super.h"
#include "lib/errno.h"
#include "lib/printk.h"

static struct {
    struct mutex lock;
    uint32_t lowest; /* [lock] no block of files below it is free */
} balloc = {
    .lock = MUTEX_INIT(balloc.lock),
};

/* A bitmap block is searched by words; of other types, so told to the compiler. */
typedef uint64_t __attribute__((may_alias)) bitmap_word_t;

/*
 * Finds the lowest free block in the bitmap block that covers block `from`, not below `from`.
 * => its number, or the first block that the bitmap block does not cover.
 */
static uint32_t find_free(const struct buf *b, uint32_t from)
{
    const bitmap_word_t *words = (const bitmap_word_t *)b->data;
    uint32_t base = from - from % BPB;
    uint64_t taken = (1UL << (from % 64)) - 1; /* bits below `from` in its word */

    for (uint32_t i = from % BPB / 64; i < BPB / 64; i++) {
        uint64_t word = words[i] | taken;

        if (word != ~0UL)
            return base + i * 64 + lowest_bit(~word);
        taken = 0;
    }
    return base + BPB;
}

/* Finds and marks. => balloc.lock held. 0; -ENOSPC, -EIO. */
static int take_lowest(uint32_t *block)
{
    uint32_t from = balloc.lowest;

    if (from < fs_mount.data_start)
        from = fs_mount.data_start;
    while (from < fs_mount.sb.size) {
        struct buf *b;
        int err = buf_read(BBLOCK(from, fs_mount.sb), &b);

        if (err)
            return err;
        uint32_t next = from - from % BPB + BPB;
        uint32_t found = find_free(b, from);
        if (found < next && found < fs_mount.sb.size) {
            b->data[found % BPB / 8] |= 1u << (found % 8);
            log_write(b);
            buf_put(b);
            balloc.lowest = found + 1;
            *block = found;
            return 0;
        }
        buf_put(b);
        if (next < from)
            break;
        from = next;
    }
    balloc.lowest = fs_mount.sb.size;
    return -ENOSPC;
}

int balloc_take(uint32_t *block)
{
    mutex_lock(&balloc.lock);
    int err = take_lowest(block);
    mutex_unlock(&balloc.lock);
    if (err)
        return err;
    struct buf *b = buf_clear(*block);
    log_write(b);
    buf_put(b);
    return 0;
}

int balloc_free(uint32_t block)
{
    struct buf *b;
    uint8_t bit = (uint8_t)(1u << (block % 8));

    mutex_lock(&balloc.lock);
    int err = buf_read(BBLOCK(block, fs_mount.sb), &b);
    if (!err) {
        uint8_t *byte = &b->data[block % BPB / 8];

        if (*byte & bit) {
            *byte &= (uint8_t)~bit;
            log_write(b);
            if (block < balloc.lowest)
                balloc.lowest = block;
        } else {
            printk("fs: corrupt: block %u is free already\n", block);
        }
        buf_put(b);
    }
    mutex_unlock(&balloc.lock);
    return err;
}
