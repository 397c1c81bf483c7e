/*
 * Inodes in memory, for those who hold files without opening them: exec, working directories.
 *
 * An inode is in memory as long as somebody refers to it; its contents are under its lock.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include <stddef.h>
#include <stdint.h>

struct inode;

/* The root directory. => a new reference; never fails after fs_init(). */
struct inode *inode_root(void);

/* One more reference to `ip`, which the caller already holds one to. => ip */
struct inode *inode_dup(struct inode *ip);

/*
 * Gives a reference back; the last one of an inode without names frees it and its blocks on disk.
 * => `ip` not locked by the caller, no spin lock held; may sleep. Starts its own transactions.
 */
void inode_put(struct inode *ip);

/*
 * Follows a path; "" is `cwd` itself, which may be NULL for an absolute path.
 * => no inode locked by the caller. 0 and a reference in `out`; errors of fs.h.
 */
int path_lookup(struct inode *cwd, const char *path, struct inode **out);

/* Takes the inode's lock, sleeping if need be. => the caller holds a reference and no inode lock */
void inode_lock(struct inode *ip);
void inode_unlock(struct inode *ip);

/* What the inode is: T_DIR, T_FILE or T_DEVICE (uapi/kernel/stat.h). Fixed while referenced. */
short inode_type(const struct inode *ip);

/*
 * Reads up to n bytes at `off` into kernel memory, as many as there are before the end.
 * => lock held by caller.
 * => bytes read, 0 at or past the end and for devices; -EIO.
 */
long inode_read_kernel(struct inode *ip, void *dst, uint64_t off, size_t n);

#endif
