/*
 * Inodes, directories, paths and names among the files of fs; outsiders use fs.h, inode.h, file.h.
 *
 *   file.c names.c -> path.c -> dir.c -> read.c -> inode.c imap.c -> balloc.c -> log.c -> bcache.c
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h"
#include "fs/format.h"
#include "fs/inode.h"
#include "fs/mapping.h"
#include "lib/annotate.h"
#include "sched/mutex.h"

enum inode_state { INODE_LOADING, INODE_READY, INODE_FAILED };

/* A dinode that begins at a word, as in a block it does: so it is copied by words. */
typedef struct dinode dinode_words __aligned(8);

/* [table] is itable.lock in fs/inode.c. */
struct inode {
    uint32_t inum;           /* [I] */
    uint32_t refs;           /* [a] from 0 or to 0 only under [table] */
    uint32_t state;          /* [a] enum inode_state, changed once, by who loads it */
    struct inode *next;      /* [table] in the table; or waits, too, for its blocks to be freed */
    struct mapping mapping;  /* [lock] the pages that programs map */
    struct mutex lock;
    union {
        dinode_words disk; /* [lock] all of these at once */
        struct {
            short type;                  /* [I] once READY */
            short major;                 /* [I] */
            short minor;                 /* [I] */
            short nlink;                 /* [lock]; nobody changes it once refs is 0 */
            uint32_t size;               /* [lock] bytes */
            uint32_t addrs[NDIRECT + 1]; /* [lock] */
        }; /* [lock] or as marked */
    };
};

/* ---- inode.c: the table of inodes ---- */

/*
 * The inode of a number found on disk.
 * => may sleep. 0 and a reference; -EIO a corrupt or free inode, or the device; -ENOMEM.
 */
int inode_get(uint32_t inum, struct inode **out);

/* The inode of this number if it is in memory. => a reference; NULL. */
struct inode *inode_get_loaded(uint32_t inum);

/*
 * Gives a reference back where inode_put() may not be called: in a transaction, or with other
 * inodes locked. An inode that must be freed is left for inode_reap().
 */
void inode_drop(struct inode *ip);

/*
 * inode_drop() by the last step of an operation that has changed at most 4 blocks: frees the inode
 * in the running transaction if that is possible.
 */
void inode_drop_in_op(struct inode *ip);

extern struct inode *inode_reap_first; /* [a] what inode_drop() has left; changed under t */

/* Frees what inode_drop() left, if anything. => no transaction, no inode lock; may sleep. */
void inode_reap_all(void);

static inline void inode_reap(void)
{
    if (unlikely(__atomic_load_n(&inode_reap_first, __ATOMIC_RELAXED) != NULL))
        inode_reap_all();
}

/*
 * Takes the lowest free inode; it has no names: put it without setting nlink and it is free again.
 * => in a transaction (1 block). 0 and a reference; -ENOSPC, -ENOMEM, -EIO.
 */
int inode_alloc(short type, short major, short minor, struct inode **out);

/*
 * Puts the inode's block in the transaction as it is, so that it is there for inode_update().
 * => in a transaction (1 block). 0; -EIO.
 */
int inode_pin(struct inode *ip);

/*
 * Writes the inode's fields to its block.
 * => in a transaction (1 block), lock held. 0; -EIO: cannot happen after inode_pin().
 */
int inode_update(struct inode *ip);

/* Frees inodes in use that have no names, left by a crash, and says so. Boot only. => 0; -EIO. */
int inode_reclaim_orphans(void);

void inode_stat(struct inode *ip, struct stat *st);

/* ---- imap.c: which blocks an inode has. All: inode lock held ---- */

/*
 * Blocks first .. first + n - 1 of the inode, all within MAXFILE; 0 for a hole.
 * => 0; -EIO.
 */
int inode_map(struct inode *ip, uint32_t first, unsigned n, uint32_t *blocks);

/*
 * The block at `index` < MAXFILE, allocated and zeroed if there is none. The inode is not written.
 * => in a transaction (block, bitmap, indirect and its bitmap). 0; -ENOSPC, -EIO: nothing changed.
 */
int inode_map_alloc(struct inode *ip, uint32_t index, uint32_t *block);

/* How many bitmap blocks a step of inode_trim() may change. */
#define TRIM_BITMAP_BLOCKS 5

/*
 * Frees the blocks from index `keep` on, last first, cuts the size accordingly, writes the inode.
 * => in a transaction (TRIM_BITMAP_BLOCKS, indirect, inode).
 * => 0; -EAGAIN: call again in another transaction; -EIO: a block could not be read. In both cases
 *    what was not freed still belongs to the inode.
 */
int inode_trim(struct inode *ip, uint32_t keep);

/* ---- balloc.c: free blocks ---- */

/*
 * Takes the lowest free block; its buffer is zeroed and in the transaction.
 * => in a transaction (2 blocks), no buffer held. 0; -ENOSPC, -EIO.
 */
int balloc_take(uint32_t *block);

/*
 * Frees a block; says so when it is free already.
 * => in a transaction (1 block), no buffer held. 0; -EIO: it is still in use.
 */
int balloc_free(uint32_t block);

/* Index of the lowest bit that is set. => x != 0. No instruction of the base set counts zeros. */
static inline unsigned lowest_bit(uint64_t x)
{
    unsigned bit = 0;

    for (unsigned half = 32; half > 0; half /= 2) {
        if ((x & ((1UL << half) - 1)) == 0) {
            x >>= half;
            bit += half;
        }
    }
    return bit;
}

/* ---- read.c: contents. All: inode lock held ---- */

/*
 * Reads into the running task's memory. => bytes; -EFAULT, -EIO.
 */
long inode_read_user(struct inode *ip, vaddr_t dst, uint64_t off, size_t n);

/* What a write did before it ended. */
struct write_result {
    size_t done; /* bytes that are in the file now */
    int err;     /* 0 when these are all */
};

/*
 * Writes at most WRITE_CHUNK bytes from the running task's memory, growing the file.
 * => in a transaction (LOG_OP_BLOCKS). Errors: -EINVAL off > size; -EFBIG; -ENOSPC; -EFAULT; -EIO.
 */
struct write_result inode_write_user(struct inode *ip, vaddr_t src, uint64_t off, size_t n);

/* Three data blocks and a started one, indirect block, inode, a bitmap block for each new one. */
#define WRITE_CHUNK (3 * BSIZE)

/* ---- dir.c: directories. All: dp is a directory, its lock held ---- */

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

/* True for ".", and for "." or "..". */
bool dir_name_is_dot(const struct dir_name *name);
bool dir_name_is_dots(const struct dir_name *name);

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

/* Frees the entry at slot->off. => in a transaction (1 block). 0; -EIO. */
int dir_erase(struct inode *dp, const struct dir_slot *slot);

/* Writes "." and ".." into a directory without blocks. => in a transaction. 0; -ENOSPC, -EIO. */
int dir_init(struct inode *dp, uint32_t parent);

/* => 1: only "." and ".." are in it; 0: more; -EIO. */
int dir_is_empty(struct inode *dp);

/* ---- path.c ---- */

/*
 * Follows a path up to its last element, which is put in `name`.
 * => as path_lookup(), and -ENOENT when the path has no element. `out` is a directory.
 */
int path_lookup_parent(struct inode *cwd, const char *path, struct inode **out,
                       struct dir_name *name);

/* path_lookup() for operations: leaves inodes to free for inode_reap(). */
int path_lookup_in_op(struct inode *cwd, const char *path, struct inode **out);

/* ---- names.c ---- */

/*
 * Finds or makes the regular file at `path`: one transaction.
 * => 0 and a reference; -EISDIR; errors of fs.h.
 */
int names_create_file(struct inode *cwd, const char *path, struct inode **out);

#endif
