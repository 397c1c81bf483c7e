/*
 * Free blocks: the bitmap.
 *
 * Owns the bitmap blocks. The lowest free block is taken first; `lowest` remembers below which
 * block all are in use, so that the search need not begin at the start.
 *
 * Lock: balloc.lock, a mutex. Called by bmap.c. Read next: fs/dinode.c.
 */
#include "bcache.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/printk.h"
#include "log.h"

static struct {
    struct mutex lock;
    uint32_t lowest; /* [lock] no block of files below it is free */
} balloc = {
    .lock = MUTEX_INIT(balloc.lock),
};

/* => the first bit from `bit` on that is 0; BPB when there is none. */
static uint32_t find_free_bit(const uint8_t *bitmap, uint32_t bit)
{
    for (; bit < BPB; bit++) {
        if (bit % 8 == 0 && bitmap[bit / 8] == 0xff)
            bit += 7;
        else if (!(bitmap[bit / 8] & (1u << bit % 8)))
            break;
    }
    return bit;
}

/* Finds the lowest free block and marks it. => balloc.lock held. 0; -ENOSPC, -EIO. */
static int take_lowest(uint32_t *block)
{
    uint64_t at = max(balloc.lowest, fs_mount.data_start);

    while (at < fs_mount.sb.size) {
        struct buf *b;
        int err = buf_read(BBLOCK((uint32_t)at, fs_mount.sb), &b);
        uint32_t bit;

        if (err)
            return err;
        bit = find_free_bit(b->data, at % BPB);
        at = at / BPB * BPB + bit;
        if (bit < BPB && at < fs_mount.sb.size) {
            b->data[bit / 8] |= 1u << bit % 8;
            log_write(b);
            buf_put(b);
            *block = (uint32_t)at;
            balloc.lowest = *block + 1;
            return 0;
        }
        buf_put(b);
    }
    balloc.lowest = fs_mount.sb.size;
    return -ENOSPC;
}

int balloc_take(uint32_t *block)
{
    struct buf *b;
    int err;

    mutex_lock(&balloc.lock);
    err = take_lowest(block);
    mutex_unlock(&balloc.lock);
    if (err)
        return err;
    b = buf_clear(*block);
    log_write(b);
    buf_put(b);
    return 0;
}

int balloc_free(uint32_t block)
{
    uint8_t *byte, bit = (uint8_t)(1u << block % 8);
    struct buf *b;
    int err;

    mutex_lock(&balloc.lock);
    err = buf_read(BBLOCK(block, fs_mount.sb), &b);
    if (!err) {
        byte = &b->data[block % BPB / 8];
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
