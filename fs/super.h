/*
 * The mounted file system, for the other files of fs: its superblock and its device.
 */
#ifndef FS_SUPER_H
#define FS_SUPER_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/blockdev.h"
#include "fs/format.h"

#define BLOCK_SECTORS (BSIZE / BLOCK_SECTOR)

struct mount {
    struct block_device *dev; /* [I] after fs_init() */
    struct superblock sb;     /* [I] checked by super_check() */
    uint32_t data_start;      /* [I] first block that files may use */
    uint32_t inode_limit;     /* [I] first number that is no inode's */
};

extern struct mount fs_mount;

/* Whether a block number found on disk may belong to a file: the last nblocks of the device. */
static inline bool super_is_data_block(uint32_t block)
{
    return block - fs_mount.data_start < fs_mount.sb.nblocks;
}

/* Reads and checks the superblock into fs_mount; `data` is a buffer. => 0; -EIO, -EINVAL: a line. */
int super_read(struct block_device *dev, void *data);

/* What a block holds that is not the superblock, in words, for a line about an error. */
const char *super_part(uint32_t block);

#endif
