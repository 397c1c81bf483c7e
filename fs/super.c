/*
 * The superblock: checked before anything else of the image is believed.
 *
 * Owns fs_mount, which is set once at boot. Called by mount.c; what it says is read by all files
 * of fs that know blocks. Read next: fs/bcache.c.
 */
#include "internal.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/page.h"

struct mount fs_mount;

const char *super_part(uint32_t block)
{
    const struct superblock *sb = &fs_mount.sb;

    if (super_is_data_block(block))
        return "files";
    if (block - sb->logstart < sb->nlog)
        return "the log";
    if (block - sb->inodestart < super_inode_blocks(sb))
        return "the inodes";
    return "the map of free blocks";
}

/* Reads and checks the superblock into fs_mount; `data` is a block's. => NULL; what is wrong, *err. */
static const char *super_read(struct block_device *dev, void *data, int *err)
{
    uint64_t sector = (uint64_t)SUPER_BLOCK * BLOCK_SECTORS;

    *err = -EINVAL;
    if (dev->nsectors < sector + BLOCK_SECTORS)
        return "too small for a file system";
    *err = block_io(dev, BLOCK_READ, sector, data, BSIZE, "the superblock");
    if (*err)
        return "cannot read the superblock";
    *err = -EINVAL;
    memcpy(&fs_mount.sb, data, sizeof(fs_mount.sb));
    return super_check(&fs_mount.sb, dev->nsectors / BLOCK_SECTORS);
}

int super_mount(struct block_device *dev)
{
    struct page *page = page_alloc();
    const char *wrong;
    int err;

    if (!page)
        return -ENOMEM;
    wrong = super_read(dev, page_addr(page), &err);
    page_put(page);
    if (wrong) {
        printk("fs: %s: %s\n", dev->name, wrong);
        return err;
    }
    fs_mount.dev = dev;
    fs_mount.data_start = super_data_start(&fs_mount.sb);
    fs_mount.inode_limit = super_inode_limit(&fs_mount.sb);
    return 0;
}
