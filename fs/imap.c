/*
 * Which blocks an inode has: NDIRECT numbers in the inode, NINDIRECT more in its indirect block.
 *
 * Every number read from disk is checked here before it is used: it is 0 or a data block, or the
 * image is corrupt. xv6 leaves no holes, but its mkfs can make one at the end of the root
 * directory; a hole reads as zeros.
 *
 * Lock: the inode's, held by the caller. Called by read.c and inode.c. Read next: fs/read.c.
 */
#include "bcache.h"
#include "internal.h"
#include "log.h"
#include "super.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"

#define INDIRECT NDIRECT /* index in addrs of the indirect block's number */

typedef uint32_t __attribute__((may_alias)) entry_t;

/* => -EIO */
static __noinline int corrupt(const struct inode *ip, uint32_t block)
{
    printk("fs: corrupt: inode %u has block %u\n", ip->inum, block);
    return -EIO;
}

static inline bool hole_or_data(uint32_t block)
{
    return likely(super_is_data_block(block) || block == 0);
}

/* => 0; -EIO. */
static int check_block(const struct inode *ip, uint32_t block)
{
    return hole_or_data(block) ? 0 : corrupt(ip, block);
}

/* Reads n entries of the indirect block, from entry `first`. => 0; -EIO. */
static int read_entries(struct inode *ip, uint32_t first, unsigned n, uint32_t *entries)
{
    struct buf *b;
    int err = check_block(ip, ip->addrs[INDIRECT]);

    if (err)
        return err;
    if (ip->addrs[INDIRECT] == 0) {
        memset(entries, 0, n * sizeof *entries);
        return 0;
    }
    err = buf_read(ip->addrs[INDIRECT], &b);
    if (err)
        return err;
    memcpy(entries, (entry_t *)b->data + first, n * sizeof *entries);
    buf_put(b);
    return 0;
}

/* inode_map() of entries of the indirect block. */
static __noinline int map_indirect(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks)
{
    int err = read_entries(ip, first, n, blocks);

    if (err)
        return err;
    for (unsigned i = 0; i < n; i++)
        if (!hole_or_data(blocks[i]))
            return corrupt(ip, blocks[i]);
    return 0;
}

int inode_map(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks)
{
    unsigned i = 0;

    ASSERT((uint64_t)first + n <= MAXFILE);
    for (; i < n && first + i < NDIRECT; i++) {
        blocks[i] = ip->addrs[first + i];
        if (!hole_or_data(blocks[i]))
            return corrupt(ip, blocks[i]);
    }
    return i == n ? 0 : map_indirect(ip, first + i - NDIRECT, n - i, blocks + i);
}

/* Gives an inode without one an indirect block. => in a transaction. 0; -ENOSPC, -EIO. */
static int add_indirect(struct inode *ip)
{
    if (ip->addrs[INDIRECT] != 0)
        return 0;
    return balloc_take(&ip->addrs[INDIRECT]);
}

/* Sets entry `entry` of the indirect block. => in a transaction. 0; -EIO. */
static int set_entry(struct inode *ip, uint32_t entry, uint32_t block)
{
    struct buf *b;
    int err = buf_read(ip->addrs[INDIRECT], &b);

    if (err)
        return err;
    ((entry_t *)b->data)[entry] = block;
    log_write(b);
    buf_put(b);
    return 0;
}

/* Allocates the block of an entry that is 0. => in a transaction. 0; -ENOSPC, -EIO. */
static int alloc_indirect(struct inode *ip, uint32_t entry, uint32_t *block)
{
    bool had_indirect = ip->addrs[INDIRECT] != 0;
    int err = add_indirect(ip);

    if (err)
        return err;
    err = balloc_take(block);
    if (!err) {
        err = set_entry(ip, entry, *block);
        if (err)
            balloc_free(*block);
    }
    if (err && !had_indirect) {
        balloc_free(ip->addrs[INDIRECT]);
        ip->addrs[INDIRECT] = 0;
    }
    return err;
}

int inode_map_alloc(struct inode *ip, uint32_t index, uint32_t *block)
{
    int err = inode_map(ip, index, 1, block);

    if (err || *block != 0)
        return err;
    if (index >= NDIRECT)
        return alloc_indirect(ip, index - NDIRECT, block);
    err = balloc_take(block);
    if (!err)
        ip->addrs[index] = *block;
    return err;
}

/* ---- freeing ---- */

/* How much a step of inode_trim() has changed so far. */
struct trim {
    unsigned bitmap_blocks;
    uint32_t last_bitmap_block;
};

/* Frees a block, if that keeps the step small enough. => 0; -EAGAIN, -EIO: nothing was done. */
static int trim_block(struct inode *ip, struct trim *trim, uint32_t block)
{
    uint32_t bitmap = BBLOCK(block, fs_mount.sb);

    if (block == 0 || check_block(ip, block) != 0)
        return 0;
    if (bitmap != trim->last_bitmap_block) {
        if (trim->bitmap_blocks == TRIM_BITMAP_BLOCKS)
            return -EAGAIN;
        trim->bitmap_blocks++;
        trim->last_bitmap_block = bitmap;
    }
    return balloc_free(block);
}

/* Sets the entries from `first` on to 0. => in a transaction. 0; -EIO. */
static int clear_entries(struct inode *ip, uint32_t first)
{
    struct buf *b;
    int err = buf_read(ip->addrs[INDIRECT], &b);

    if (err)
        return err;
    memset((entry_t *)b->data + first, 0, (NINDIRECT - first) * sizeof(entry_t));
    log_write(b);
    buf_put(b);
    return 0;
}

/* Puts entries first .. end - 1 back; the block is in the transaction, so its buffer is there. */
static void restore_entries(struct inode *ip, uint32_t first, uint32_t end, const uint32_t *entries)
{
    struct buf *b;

    if (buf_read(ip->addrs[INDIRECT], &b) != 0)
        return;
    memcpy((entry_t *)b->data + first, entries + first, (end - first) * sizeof *entries);
    buf_put(b);
}

/*
 * Frees the indirect block's entries from *keep on, and the block itself when none are left.
 * => 0; -EAGAIN, -EIO: *keep is what is still there.
 */
static int trim_indirect(struct inode *ip, struct trim *trim, uint32_t *keep)
{
    uint32_t entries[NINDIRECT];
    uint32_t end = NINDIRECT;
    int err = 0;

    if (ip->addrs[INDIRECT] == 0)
        return 0;
    if (check_block(ip, ip->addrs[INDIRECT]) != 0) {
        ip->addrs[INDIRECT] = 0;
        return 0;
    }
    if (read_entries(ip, 0, NINDIRECT, entries) != 0 || clear_entries(ip, *keep) != 0) {
        *keep = NINDIRECT;
        return -EIO;
    }
    while (!err && end > *keep) {
        err = trim_block(ip, trim, entries[end - 1]);
        if (!err)
            end--;
    }
    if (err)
        restore_entries(ip, *keep, end, entries);
    else if (end == 0)
        err = trim_block(ip, trim, ip->addrs[INDIRECT]);
    if (!err && end == 0)
        ip->addrs[INDIRECT] = 0;
    *keep = end;
    return err;
}

int inode_trim(struct inode *ip, uint32_t keep)
{
    struct trim trim = {0};
    uint32_t left = keep > NDIRECT ? keep - NDIRECT : 0; /* entries to keep */
    uint32_t end = NDIRECT;                              /* direct blocks that are still there */
    int err = inode_pin(ip);

    if (err)
        return err;
    err = trim_indirect(ip, &trim, &left);

    while (!err && end > keep) {
        err = trim_block(ip, &trim, ip->addrs[end - 1]);
        if (!err)
            ip->addrs[--end] = 0;
    }
    if (left > 0)
        end = NDIRECT + left;
    if (err == 0)
        end = keep;
    if (ip->size > end * BSIZE)
        ip->size = end * BSIZE;
    inode_update(ip);
    return err;
}
