/*
 * Inodes, directories, paths and names among the files of fs; outsiders use fs.h, inode.h, file.h.
 *
 *   file.c names.c -> dir.c -> rw.c inode.c -> bmap.c -> dinode.c balloc.c -> log.c
 *
 * "In a transaction" means between log_begin() and log_end(), and in brackets stands how many
 * blocks are changed. All functions may sleep, but for those marked "never sleeps".
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h"
#include "drivers/blockdev.h"
#include "fs/format.h"
#include "fs/inode.h"
#include "lib/annotate.h"
#include "sched/mutex.h"

#define BLOCKS_PER_PAGE (PAGE_SIZE / BSIZE)
#define BLOCK_SECTORS   (BSIZE / BLOCK_SECTOR)

struct buf;
struct region;

/* ---- super.c: the mounted file system ---- */

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

/* Reads and checks the superblock into fs_mount. => 0; -ENOMEM; -EIO, -EINVAL: a line says why. */
int super_mount(struct block_device *dev);

/* What a block holds that is not the superblock, in words, for a line about an error. */
const char *super_part(uint32_t block);

/* ---- inodes in memory ---- */

/* A dinode aligned to 8 bytes, as it is inside a block: so it is copied by words. */
typedef struct dinode dinode_words __aligned(8);

/* What fs/ext/mapping.c adds to a file that programs map. Without it, no file has these. */
struct mapping_ops {
    /* The file's byte at `off` if its page is in memory, with the rest of the page behind it, or
     * NULL. => inode locked */
    uint8_t *(*byte)(const struct inode *ip, uint64_t off);
    /* The size has become 0: whether empty() must follow. => inode locked; never sleeps */
    bool (*cut)(struct inode *ip);
    /* Takes all pages away from the programs. => no lock held, in no transaction */
    void (*empty)(struct inode *ip);
    /* Waits until an empty() that is under way has ended. => no lock held, in no transaction */
    void (*wait_emptied)(struct inode *ip);
    /* Writes what programs have stored, and waits for the commit. => as empty(). 0; -EIO. */
    int (*sync)(struct inode *ip);
};

struct mapping {
    const struct mapping_ops *ops; /* [a] set when the file is mapped for the first time */
    struct region *region;         /* [inode->lock] not held; NULL: no program maps the file */
    bool emptying;   /* [inode->lock] a truncation takes the pages away: writers wait */
    uint32_t events; /* [a] times that a region went or one was emptied */
};

/* [table] is itable.lock in fs/inode.c. */
struct inode {
    uint32_t inum;          /* [I] */
    uint32_t refs;          /* [a] from 0 or to 0 only under [table] */
    struct inode *next;     /* [table] in the table, or among those that wait to be freed */
    struct mapping mapping; /* [lock] the pages that programs map */
    struct mutex lock;
    dinode_words d; /* [lock] but type, major, minor are fixed, and nlink is once refs is 0 */
};

/* Writes what programs have stored to the file. => no lock held, in no transaction. 0; -EIO. */
static inline int mapping_sync(struct inode *ip)
{
    const struct mapping_ops *ops = __atomic_load_n(&ip->mapping.ops, __ATOMIC_ACQUIRE);

    return ops ? ops->sync(ip) : 0;
}

/* ---- balloc.c: free blocks ---- */

/*
 * Takes the lowest free block; its buffer is zeroed and in the transaction.
 * => in a transaction (2), no buffer held. 0; -ENOSPC, -EIO: *block is not changed.
 */
int balloc_take(uint32_t *block);

/*
 * Frees a block; says so when it is free already.
 * => in a transaction (1), no buffer held. 0; -EIO: it is still in use.
 */
int balloc_free(uint32_t block);

/* ---- dinode.c: inodes on disk ---- */

/* The inode's block and its place in it. => 0 and a reference to b; -EIO. */
int dinode_find(uint32_t inum, struct buf **b, dinode_words **d);

/* Puts the inode's block in the transaction, for dinode_write(). => in a transaction (1). 0; -EIO. */
int dinode_pin(const struct inode *ip);

/* Writes ip->d. => in a transaction (1), inode locked. 0; -EIO: not after dinode_pin(). */
int dinode_write(const struct inode *ip);

/* Takes the lowest free number and writes *init there. => in a transaction (1). 0; -ENOSPC, -EIO. */
int dinode_alloc(const struct dinode *init, uint32_t *inum);

/* Marks a number free. => in a transaction (1). 0; -EIO. */
int dinode_free(uint32_t inum);

/* ---- bmap.c: which blocks an inode has. All: inode locked ---- */

/* Blocks first .. first + n - 1 of the inode, all within MAXFILE; 0 for a hole. => 0; -EIO. */
int bmap(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks);

/*
 * The block at `index` < MAXFILE, allocated and zeroed if there is none. The inode is not written.
 * => in a transaction (block, bitmap, indirect and its bitmap). 0; -ENOSPC, -EIO: nothing changed.
 */
int bmap_alloc(struct inode *ip, uint32_t index, uint32_t *block);

/* How many bitmap blocks a step of bmap_trim() may change. */
#define TRIM_BITMAP_BLOCKS 5

/*
 * Frees the blocks behind the first `size` bytes, last first, cuts the size accordingly, writes the
 * inode.
 * => in a transaction (TRIM_BITMAP_BLOCKS, indirect, inode).
 * => 0; -EAGAIN: call again in another transaction; -EIO: a block could not be read. In both cases
 *    what was not freed still belongs to the inode.
 */
int bmap_trim(struct inode *ip, uint32_t size);

/* ---- inode.c: the table of inodes ---- */

/*
 * The inode of a number found on disk.
 * => 0 and a reference; -EIO a corrupt or free inode, or the device; -ENOMEM.
 */
int inode_get(uint32_t inum, struct inode **out);

/* The inode of this number if it is in memory. => never sleeps. A reference; NULL. */
struct inode *inode_get_loaded(uint32_t inum);

/*
 * Makes an inode with the type and device of *init; it has no names: put it without setting nlink
 * and it is free again. => in a transaction (1). 0 and a reference; -ENOSPC, -ENOMEM, -EIO.
 */
int inode_alloc(const struct dinode *init, struct inode **out);

/*
 * Gives a reference back where inode_put() may not be called: in a transaction, or with other
 * inodes locked. An inode that must be freed is left for inode_reap(). => never sleeps
 */
void inode_drop(struct inode *ip);

/*
 * inode_drop() by the last step of an operation that has changed at most 4 blocks: frees the inode
 * in the running transaction if that is possible.
 */
void inode_drop_in_op(struct inode *ip);

extern struct inode *inode_reap_first; /* [a] what inode_drop() has left; changed under [table] */

/* Frees what inode_drop() left, if anything. => no transaction, no inode lock */
void inode_reap_all(void);

static inline void inode_reap(void)
{
    if (unlikely(__atomic_load_n(&inode_reap_first, __ATOMIC_RELAXED) != NULL))
        inode_reap_all();
}

/* Frees inodes in use that have no names, left by a crash, and says so. Boot only. => 0; -EIO. */
int inode_reclaim_orphans(void);

/* ---- rw.c: contents. All: inode locked ---- */

/* A read: what is left to do, from `off` in the file to an address of the running task's. */
struct file_reader {
    uint64_t off;
    uint64_t to;
    size_t left;
    bool to_kernel; /* `to` is an address of the kernel's */
};

/* Reads as much as there is. => bytes; -EFAULT, -EIO: a part may have been copied. */
long inode_read(struct inode *ip, struct file_reader *r);

/* What a write did before it ended. */
struct write_result {
    size_t done; /* bytes that are in the file now */
    int err;     /* 0 when these are all */
};

/* Three data blocks and a started one, indirect block, inode, a bitmap block for each new one. */
#define WRITE_CHUNK (3 * BSIZE)

/*
 * Writes at most WRITE_CHUNK bytes from the running task's memory, growing the file.
 * => in a transaction (LOG_OP_BLOCKS). Errors: -EINVAL off > size; -EFBIG; -ENOSPC; -EFAULT; -EIO.
 */
struct write_result inode_write(struct inode *ip, vaddr_t src, uint64_t off, size_t n);

/* ---- dir.c: directories. All: dp is a directory, locked ---- */

/* A name cut to DIRSIZ bytes, as two words laid over a dirent, and which of their bits count. */
struct dir_name {
    uint64_t key[2];
    uint64_t mask[2];
};

/* Where a name is, or where it could go. */
struct dir_slot {
    uint32_t inum;     /* what the name stands for */
    uint32_t off;      /* where its entry is */
    uint32_t free_off; /* first free entry, when the name was not found */
};

/* Takes the name that a path begins with, up to a slash or the end. => the rest of the path */
const char *dir_name_take(struct dir_name *name, const char *path);

/* Whether the name is this one, of fewer than DIRSIZ bytes. */
bool dir_name_is(const struct dir_name *name, const char *other);

/* => 0 found; -ENOENT not found, slot->free_off is set; -EIO. */
int dir_find(struct inode *dp, const struct dir_name *name, struct dir_slot *slot);

/*
 * Gives the entry at slot->free_off a block, and pins that and the inode: dir_insert() cannot fail.
 * => in a transaction (4 blocks and the inode). 0; -ENOSPC, -EFBIG, -EIO.
 */
int dir_prepare(struct inode *dp, const struct dir_slot *slot);

/* Writes an entry where dir_prepare() made room, and the inode. => in a transaction. 0. */
int dir_insert(struct inode *dp, const struct dir_slot *slot, const struct dir_name *name,
               uint32_t inum);

/* Frees the entry at slot->off. => in a transaction (1). 0; -EIO. */
int dir_erase(struct inode *dp, const struct dir_slot *slot);

/* Writes "." and ".." into a directory without blocks. => in a transaction. 0; -ENOSPC, -EIO. */
int dir_init(struct inode *dp, uint32_t parent);

/* => 1: only "." and ".." are in it; 0: more; -EIO. */
int dir_is_empty(struct inode *dp);

/* ---- names.c ---- */

/*
 * Finds what is at `path`, or makes a regular file there: one transaction.
 * => 0 and a reference; errors of fs.h.
 */
int names_create_file(struct inode *cwd, const char *path, struct inode **out);

#endif
