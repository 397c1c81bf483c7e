/*
 * The superblock: checked before anything else of the image is believed.
 *
 * Owns fs_mount, which is set once at boot. Called by mount.c; what it says is read by all files
 * of fs that know blocks. Read next: fs/bcache.c.
 */
#include "super.h"

#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"

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

int super_read(struct block_device *dev, void *data)
{
    uint64_t sector = (uint64_t)SUPER_BLOCK * BLOCK_SECTORS;
    const char *wrong;

    if (dev->nsectors < sector + BLOCK_SECTORS) {
        printk("fs: %s: too small for a file system\n", dev->name);
        return -EINVAL;
    }
    if (block_io(dev, BLOCK_READ, sector, data, BSIZE, "the superblock") != 0) {
        printk("fs: %s: cannot read the superblock\n", dev->name);
        return -EIO;
    }
    memcpy(&fs_mount.sb, data, sizeof(fs_mount.sb));
    wrong = super_check(&fs_mount.sb, dev->nsectors / BLOCK_SECTORS);
    if (wrong) {
        printk("fs: %s: %s\n", dev->name, wrong);
        return -EINVAL;
    }
    fs_mount.dev = dev;
    fs_mount.data_start = super_data_start(&fs_mount.sb);
    fs_mount.inode_limit = super_inode_limit(&fs_mount.sb);
    return 0;
}
