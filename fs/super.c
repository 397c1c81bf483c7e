/*
 * Mounting: the superblock is checked before anything else of the image is believed.
 *
 * Owns fs_mount, which is set once at boot. Called by init. The files of fs, in the order to read:
 * bcache.c log.c balloc.c imap.c inode.c read.c dir.c path.c names.c file.c.
 */
#include "super.h"

#include "bcache.h"
#include "fs/fs.h"
#include "internal.h"
#include "log.h"
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

/* Reads and checks the superblock into fs_mount, using a page as buffer. => 0; -EIO, -EINVAL. */
static int read_super(struct block_device *dev, void *data)
{
    uint64_t sector = (uint64_t)SUPER_BLOCK * BLOCK_SECTORS;

    if (dev->nsectors < sector + BLOCK_SECTORS) {
        printk("fs: %s: too small for a file system\n", dev->name);
        return -EINVAL;
    }
    if (block_io(dev, BLOCK_READ, sector, data, BSIZE, "the superblock") != 0) {
        printk("fs: %s: cannot read the superblock\n", dev->name);
        return -EIO;
    }
    memcpy(&fs_mount.sb, data, sizeof fs_mount.sb);

    const char *wrong = super_check(&fs_mount.sb, dev->nsectors / BLOCK_SECTORS);
    if (wrong) {
        printk("fs: %s: %s\n", dev->name, wrong);
        return -EINVAL;
    }
    fs_mount.dev = dev;
    fs_mount.data_start = super_data_start(&fs_mount.sb);
    fs_mount.inode_limit = super_inode_limit(&fs_mount.sb);
    return 0;
}

/* The root must be a directory, and orphans go. => 0; -EIO, -ENOMEM. */
static int check_contents(void)
{
    struct inode *root = inode_root();

    if (!root)
        return -EIO;
    if (inode_type(root) != T_DIR) {
        printk("fs: the root is no directory\n");
        inode_put(root);
        return -EIO;
    }
    inode_put(root);
    return inode_reclaim_orphans();
}

int fs_init(struct block_device *dev)
{
    if (!dev) {
        printk("fs: no disk\n");
        return -ENODEV;
    }
    struct page *page = page_alloc();
    if (!page)
        return -ENOMEM;
    int err = read_super(dev, page_addr(page));
    page_put(page);
    if (!err)
        err = bcache_init();
    if (!err)
        err = log_init();
    if (!err)
        err = check_contents();
    if (err)
        printk("fs: %s not mounted (error %d)\n", dev->name, -err);
    return err;
}

/* Writes what was stored to mapped files; a file that fails keeps none of the others back. */
static int sync_mappings(void)
{
    int err = 0;

    for (uint32_t inum = ROOTINO; inum < fs_mount.inode_limit; inum++) {
        struct inode *ip = inode_get_loaded(inum);
        int e = ip ? mapping_sync(ip) : 0;

        if (ip)
            inode_put(ip);
        if (e)
            err = e;
    }
    return err;
}

/* A commit has flushed all but the header that says so: a boot would replay it for nothing. */
int fs_sync(void)
{
    int mapping_err = sync_mappings(), log_err = log_sync(), flush_err = 0;

    if (!fs_mount.dev->readonly)
        flush_err = block_flush(fs_mount.dev);
    return mapping_err ? mapping_err : log_err ? log_err : flush_err;
}
