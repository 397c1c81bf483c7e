/*
 * Inodes on disk: 64 bytes each, and which numbers are in use.
 *
 * Owns `numbers`. An inode is read and written as a whole, into and from inode->d.
 *
 * Lock: numbers.lock, a mutex, for the type field of inodes that nobody refers to. Called by
 * inode.c, bmap.c, dir.c and those that change an inode. Read next: fs/bmap.c.
 */
#include "bcache.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "log.h"

static struct {
    struct mutex lock;
    uint32_t lowest; /* [lock] no inode below it is free */
} numbers = {
    .lock = MUTEX_INIT(numbers.lock),
    .lowest = ROOTINO,
};

int dinode_find(uint32_t inum, struct buf **b, dinode_words **d)
{
    int err = buf_read(IBLOCK(inum, fs_mount.sb), b);

    if (!err)
        *d = (dinode_words *)(*b)->data + inum % IPB;
    return err;
}

int dinode_pin(const struct inode *ip)
{
    struct buf *b;
    int err = buf_read(IBLOCK(ip->inum, fs_mount.sb), &b);

    if (err)
        return err;
    log_write(b);
    buf_put(b);
    return 0;
}

int dinode_write(const struct inode *ip)
{
    dinode_words *d;
    struct buf *b;
    int err = dinode_find(ip->inum, &b, &d);

    if (err)
        return err;
    *d = ip->d;
    log_write(b);
    buf_put(b);
    return 0;
}

/* Writes *init to the inode if it is free. => numbers.lock held. 0; -EEXIST in use; -EIO. */
static int take_number(uint32_t inum, const struct dinode *init)
{
    dinode_words *d;
    struct buf *b;
    int err = dinode_find(inum, &b, &d);

    if (err)
        return err;
    if (d->type == 0) {
        *d = *init;
        log_write(b);
    } else {
        err = -EEXIST;
    }
    buf_put(b);
    return err;
}

int dinode_alloc(const struct dinode *init, uint32_t *inum)
{
    int err = -EEXIST;

    mutex_lock(&numbers.lock);
    while (err == -EEXIST && numbers.lowest < fs_mount.inode_limit) {
        *inum = numbers.lowest;
        err = take_number(*inum, init);
        if (err != -EIO)
            numbers.lowest++;
    }
    mutex_unlock(&numbers.lock);
    return err == -EEXIST ? -ENOSPC : err;
}

int dinode_free(uint32_t inum)
{
    dinode_words *d;
    struct buf *b;
    int err;

    mutex_lock(&numbers.lock);
    err = dinode_find(inum, &b, &d);
    if (!err) {
        memset(d, 0, sizeof(*d));
        log_write(b);
        buf_put(b);
        if (inum < numbers.lowest)
            numbers.lowest = inum;
    }
    mutex_unlock(&numbers.lock);
    return err;
}
