/*
 * Which blocks an inode has: NDIRECT numbers in the inode, NINDIRECT more in its indirect block.
 *
 * Every number read from disk is checked here before it is used: it is 0 or a data block, or the
 * image is corrupt. xv6 leaves no holes, but its mkfs can make one at the end of the root
 * directory; a hole reads as zeros.
 *
 * A block in the transaction stays in the cache until that is on disk. So entries of the indirect
 * block that are to change are changed in place, without a reference to its buffer.
 *
 * Lock: the inode's, held by the caller. Called by rw.c, dir.c, inode.c. Read next: fs/inode.c.
 */
#include "bcache.h"
#include "internal.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "log.h"

#define INDIRECT NDIRECT /* index in addrs of the indirect block's number */

typedef uint32_t __attribute__((may_alias)) entry_t;

/* => -EIO */
static __noinline int tell_corrupt(const struct inode *ip, uint32_t block)
{
    printk("fs: corrupt: inode %u has block %u\n", ip->inum, block);
    return -EIO;
}

static inline bool hole_or_data(uint32_t block)
{
    return likely(super_is_data_block(block) || block == 0);
}

/* bmap() of n entries of the indirect block, from entry `first`. */
static __noinline int map_indirect(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks)
{
    uint32_t indirect = ip->d.addrs[INDIRECT];
    struct buf *b;
    int err;

    if (indirect == 0) {
        memset(blocks, 0, n * sizeof(*blocks));
        return 0;
    }
    err = super_is_data_block(indirect) ? buf_read(indirect, &b) : tell_corrupt(ip, indirect);
    if (err)
        return err;
    memcpy(blocks, (entry_t *)b->data + first, n * sizeof(*blocks));
    buf_put(b);
    for (unsigned i = 0; i < n && !err; i++)
        err = hole_or_data(blocks[i]) ? 0 : tell_corrupt(ip, blocks[i]);
    return err;
}

int bmap(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks)
{
    unsigned i = 0;

    ASSERT((uint64_t)first + n <= MAXFILE);
    for (; i < n && first + i < NDIRECT; i++) {
        blocks[i] = ip->d.addrs[first + i];
        if (!hole_or_data(blocks[i]))
            return tell_corrupt(ip, blocks[i]);
    }
    return i == n ? 0 : map_indirect(ip, first + i - NDIRECT, n - i, blocks + i);
}

/* Puts the indirect block in the transaction. => 0, and its entries until log_end(); -EIO. */
static int pin_entries(struct inode *ip, entry_t **entries)
{
    struct buf *b;
    int err = buf_read(ip->d.addrs[INDIRECT], &b);

    if (err)
        return err;
    log_write(b);
    *entries = (entry_t *)b->data;
    buf_put(b);
    return 0;
}

/* Allocates the block of an entry that is 0. => in a transaction. 0; -ENOSPC, -EIO. */
static int alloc_indirect(struct inode *ip, uint32_t entry, uint32_t *block)
{
    uint32_t before = ip->d.addrs[INDIRECT];
    int err = before ? 0 : balloc_take(&ip->d.addrs[INDIRECT]);
    entry_t *entries;

    if (err)
        return err;
    err = pin_entries(ip, &entries);
    if (!err)
        err = balloc_take(block);
    if (!err) {
        entries[entry] = *block;
    } else if (!before) {
        balloc_free(ip->d.addrs[INDIRECT]);
        ip->d.addrs[INDIRECT] = 0;
    }
    return err;
}

int bmap_alloc(struct inode *ip, uint32_t index, uint32_t *block)
{
    int err = bmap(ip, index, 1, block);

    if (err || *block != 0)
        return err;
    if (index >= NDIRECT)
        return alloc_indirect(ip, index - NDIRECT, block);
    err = balloc_take(block);
    if (!err)
        ip->d.addrs[index] = *block;
    return err;
}

/* ---- freeing ---- */

/* How much a step of bmap_trim() has changed so far. */
struct trim {
    unsigned bitmap_blocks;
    uint32_t last_bitmap_block;
};

/*
 * Frees the block that *entry names, if any, if that keeps the step small, and sets *entry to 0.
 * => 0; -EAGAIN, -EIO: nothing was done.
 */
static int trim_entry(struct inode *ip, struct trim *trim, entry_t *entry)
{
    uint32_t bitmap = BBLOCK(*entry, fs_mount.sb);
    int err = 0;

    if (super_is_data_block(*entry)) {
        if (bitmap != trim->last_bitmap_block && ++trim->bitmap_blocks > TRIM_BITMAP_BLOCKS)
            return -EAGAIN;
        trim->last_bitmap_block = bitmap;
        err = balloc_free(*entry);
    } else if (*entry != 0) {
        tell_corrupt(ip, *entry);
    }
    if (!err)
        *entry = 0;
    return err;
}

/* Frees the indirect block's entries from *end - 1 down to `keep`, and itself if keep is 0. */
static int trim_indirect(struct inode *ip, struct trim *trim, uint32_t keep, uint32_t *end)
{
    entry_t *entries, *indirect = (entry_t *)&ip->d.addrs[INDIRECT];
    int err = 0;

    if (super_is_data_block(*indirect)) {
        err = pin_entries(ip, &entries);
        while (!err && *end > keep) {
            err = trim_entry(ip, trim, &entries[*end - 1]);
            if (!err)
                --*end;
        }
    }
    if (!err && keep == 0)
        err = trim_entry(ip, trim, indirect);
    return err;
}

int bmap_trim(struct inode *ip, uint32_t size)
{
    uint32_t keep = (size + BSIZE - 1) / BSIZE, end = NDIRECT, entries_end = NINDIRECT;
    struct trim trim = {0};
    int err = dinode_pin(ip);

    if (err)
        return err;
    err = trim_indirect(ip, &trim, keep > NDIRECT ? keep - NDIRECT : 0, &entries_end);
    while (!err && end > keep) {
        err = trim_entry(ip, &trim, (entry_t *)&ip->d.addrs[end - 1]);
        if (!err)
            end--;
    }
    if (!err)
        end = keep;
    else if (ip->d.addrs[INDIRECT] != 0)
        end = NDIRECT + entries_end;
    if (ip->d.size > end * BSIZE)
        ip->d.size = end * BSIZE;
    dinode_write(ip);
    return err;
}
