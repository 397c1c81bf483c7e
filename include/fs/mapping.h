/*
 * Mapped files: the pages of a file that programs map, as one region (mm/region.h).
 *
 * A file has one region while anybody maps it. A page of it is the file's contents from the moment
 * it is there: read() takes bytes from it, write() stores into it as well as into the block, and
 * what programs store goes to the blocks by msync, munmap, exit, and when the last mapping goes.
 * Pages are looked at under the inode's lock only; while a file that was truncated is emptied of
 * its pages, its size is 0 and write() waits, so that nobody looks at one that goes.
 *
 * Order: log_begin(), the inode's lock, then mm->lock and region->lock, which are spin locks. A
 * fault brings a page with no lock held; so who copies to or from a program's memory with the
 * inode's lock held has brought the file pages before (mm_prefault()).
 */
#ifndef FS_MAPPING_H
#define FS_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;
struct inode;
struct region;

/*
 * The region of an open file, to be mapped; its page i is the file's bytes from i * PAGE_SIZE on,
 * for as many pages as a file can have. `prot`: of PROT_READ, PROT_WRITE, PROT_EXEC (asm/pte.h);
 * `shared`: stores go to the file.
 * => no lock held; may sleep. 0, the region, held for the caller (region_put() when it is mapped,
 *    with no lock and in no transaction), and *max_prot: what mprotect may make of the mapping.
 * => -ENODEV a directory, device or pipe; -EACCES not open for reading, or a shared mapping with
 *    PROT_WRITE of a file not open for writing; -ENOMEM.
 */
int file_map(struct file *f, unsigned prot, int shared, struct region **out, unsigned *max_prot);

/* ---- for the other files of fs ---- */

/*
 * Writes what programs have stored to the file, through the log, and waits for the commit.
 * => a reference held, no lock, in no transaction. 0; -EIO.
 */
int mapping_sync(struct inode *ip);

/* Part of struct inode. */
struct mapping {
    struct region *region; /* [inode->lock] not held: its release() clears this */
    bool emptying;         /* [inode->lock] a truncation is taking the pages away */
    uint32_t events;       /* [a] times that a region went or one was emptied */
};

/* The file's bytes from `off` to the end of that page. => inode locked. NULL: not in memory. */
const uint8_t *mapping_data(const struct inode *ip, uint64_t off);

/* Notes n bytes, all in one page, that were written at `off`. => inode locked. */
void mapping_store(struct inode *ip, uint64_t off, const uint8_t *data, size_t n);

/* log_begin() and inode_lock() for who will write to a file or cut it. => as log_begin() */
int mapping_begin_write(struct inode *ip);

/*
 * A truncation in two steps: what must be emptied, when the size has become 0; and the emptying of
 * it, after which those who map the file fault.
 * => cut: inode locked by mapping_begin_write(); NULL when there is nothing to empty.
 * => empty: no lock held, in no transaction; may sleep.
 */
struct region *mapping_cut(struct inode *ip);
void mapping_empty(struct inode *ip, struct region *cut);

#endif
