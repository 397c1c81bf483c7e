/*
 * What the kernel, mkfs and fsck must agree on beyond uapi/kernel/fs.h: the log's header, and which
 * superblocks make sense. Plain C of any machine that is little endian.
 */
#ifndef FS_FORMAT_H
#define FS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "uapi/kernel/fs.h"
#include "uapi/kernel/stat.h"

#define LOG_BLOCKS_MAX 30     /* entries of a log header */
#define LOG_OP_BLOCKS  10     /* blocks one operation may change (xv6: MAXOPBLOCKS) */
#define SUPER_BLOCK    1      /* where the superblock is */
#define INODES_MAX     65536u /* inode numbers a dirent can name */
#define NLINK_MAX      32767

/* First block of the log. n > 0: committed; copy i goes from block logstart + 1 + i to block[i]. */
struct log_header {
    int32_t n;
    int32_t block[LOG_BLOCKS_MAX];
};

_Static_assert(sizeof(struct superblock) == 32, "superblock");
_Static_assert(sizeof(struct dinode) == 64, "dinode");
_Static_assert(sizeof(struct dirent) == 16, "dirent");
_Static_assert(sizeof(struct stat) == 24 && offsetof(struct stat, size) == 16, "stat");
_Static_assert(sizeof(struct log_header) <= BSIZE, "log header");

/* Blocks a transaction can hold: the log's header counts in nlog. => sb has been checked */
static inline uint32_t super_log_capacity(const struct superblock *sb)
{
    return sb->nlog - 1 < LOG_BLOCKS_MAX ? sb->nlog - 1 : LOG_BLOCKS_MAX;
}

/* First block that files may use. => sb has been checked */
static inline uint32_t super_data_start(const struct superblock *sb)
{
    return sb->size - sb->nblocks;
}

static inline uint64_t super_inode_blocks(const struct superblock *sb)
{
    return ((uint64_t)sb->ninodes + IPB - 1) / IPB;
}

static inline uint64_t super_bitmap_blocks(const struct superblock *sb)
{
    return ((uint64_t)sb->size + BPB - 1) / BPB;
}

/* Inode numbers in use are 1 .. this - 1: a directory entry has 16 bits for one. */
static inline uint32_t super_inode_limit(const struct superblock *sb)
{
    return sb->ninodes < INODES_MAX ? sb->ninodes : INODES_MAX;
}

struct super_range {
    uint64_t start;
    uint64_t end;
};

static inline int super_ranges_overlap(struct super_range a, struct super_range b)
{
    return a.start < b.end && b.start < a.end;
}

/*
 * Whether a file system can be used that has this superblock and lies on so many blocks.
 * => NULL, or what is wrong with it in a few words.
 */
static inline const char *super_check(const struct superblock *sb, uint64_t device_blocks)
{
    if (sb->magic != FSMAGIC)
        return "no xv6 file system (wrong magic)";
    if (sb->size > device_blocks)
        return "larger than its device";
    if (sb->nblocks == 0 || sb->nblocks >= sb->size || sb->ninodes <= ROOTINO)
        return "inconsistent geometry";
    if (sb->nlog < LOG_OP_BLOCKS + 1)
        return "log too small";

    struct super_range log = {sb->logstart, (uint64_t)sb->logstart + sb->nlog};
    struct super_range inodes = {sb->inodestart, sb->inodestart + super_inode_blocks(sb)};
    struct super_range bitmap = {sb->bmapstart, sb->bmapstart + super_bitmap_blocks(sb)};
    uint64_t data = super_data_start(sb);

    if (log.start <= SUPER_BLOCK || inodes.start <= SUPER_BLOCK || bitmap.start <= SUPER_BLOCK ||
        log.end > data || inodes.end > data || bitmap.end > data ||
        super_ranges_overlap(log, inodes) || super_ranges_overlap(log, bitmap) ||
        super_ranges_overlap(inodes, bitmap))
        return "inconsistent geometry";
    return NULL;
}

/*
 * Whether a log header read from disk can be replayed.
 * => NULL, or what is wrong with it. `sb` has been checked.
 */
static inline const char *log_header_check(const struct log_header *head,
                                           const struct superblock *sb)
{
    if (head->n < 0 || (uint32_t)head->n > super_log_capacity(sb))
        return "log header counts more blocks than the log has";
    for (int i = 0; i < head->n; i++) {
        uint32_t block = (uint32_t)head->block[i];

        if (block <= SUPER_BLOCK || block >= sb->size ||
            (block >= sb->logstart && block - sb->logstart < sb->nlog))
            return "log header names a block outside";
    }
    return NULL;
}

#endif
