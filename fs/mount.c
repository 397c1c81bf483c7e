/*
 * The file system as a whole: mounting it, and bringing all of it to the disk.
 *
 * Called by init, syscall and proc. The files of fs, in the order to read: super.c bcache.c log.c
 * balloc.c dinode.c bmap.c inode.c rw.c dir.c names.c file.c; what goes beyond: ext/mapping.c.
 */
#include "bcache.h"
#include "fs/fs.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "log.h"

/* The root must be a directory, and orphans go. => 0; -EIO, -ENOMEM. */
static int check_contents(void)
{
    struct inode *root = inode_root();
    bool is_dir;

    if (!root)
        return -EIO;
    is_dir = inode_type(root) == T_DIR;
    inode_put(root);
    if (!is_dir) {
        printk("fs: the root is no directory\n");
        return -EIO;
    }
    return inode_reclaim_orphans();
}

int fs_init(struct block_device *dev)
{
    int err;

    if (!dev) {
        printk("fs: no disk\n");
        return -ENODEV;
    }
    err = super_mount(dev);
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
