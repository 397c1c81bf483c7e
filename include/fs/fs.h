/*
 * The file system as a whole: mounting it, and the calls that change names.
 *
 * All of fs may sleep: call it with no spin lock held. A path is a NUL-terminated kernel string of
 * at most MAXPATH - 1 bytes that starts at `cwd` unless it begins with '/'; its elements are
 * silently cut to DIRSIZ bytes. Every call that changes the disk is one transaction (a write of
 * more than three blocks: several) and is durable when it returns, if no other FS call is running.
 *
 * Errors any path can give: -ENOENT (missing, or the directory was removed), -ENOTDIR, -ENOMEM,
 * -EIO (the device, or a corrupt structure). Any change: -EIO once the file system has failed,
 * -EACCES on a read-only device, -ENOSPC.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <stddef.h>
#include <stdint.h>

struct block_device;
struct inode;

/*
 * Mounts the file system on `dev` as the root: checks the superblock, replays the log, reclaims
 * orphaned inodes.
 * => called once, at boot, before any other function of fs; may run before the first task.
 * => 0; -EINVAL foreign or inconsistent image; -EIO device or corrupt log; -ENOMEM; -ENODEV when
 *    `dev` is NULL. One line on the console says why; nothing is mounted then.
 */
int fs_init(struct block_device *dev);

/*
 * Gives the existing file `old_path` one more name.
 * => 0; -EPERM a directory; -EEXIST; -EMLINK at 32767 names.
 */
int fs_link(struct inode *cwd, const char *old_path, const char *new_path);

/*
 * Removes a name: of a file, a device, or an empty directory. An open file lives on until closed.
 * => 0; -EINVAL last element is "." or ".."; -ENOTEMPTY.
 */
int fs_unlink(struct inode *cwd, const char *path);

/* Makes a directory with "." and "..". => 0; -EEXIST; -EMLINK too many subdirectories. */
int fs_mkdir(struct inode *cwd, const char *path);

/* Makes a device node; any major is taken. => 0; -EEXIST. */
int fs_mknod(struct inode *cwd, const char *path, short major, short minor);

/*
 * Finds the directory that chdir(path) means; "" is `cwd` itself.
 * => 0 and a reference in `out` (the caller puts the old one); -ENOTDIR.
 */
int fs_chdir(struct inode *cwd, const char *path, struct inode **out);

/*
 * Writes what calls have reported done, and what programs have stored to mapped files, to the disk,
 * and waits until it is stable there. What others change meanwhile may be left out.
 * => 0; -EIO something could not be written; the rest is.
 */
int fs_sync(void);

/* Frames that the block cache would give back under pressure. A snapshot. */
size_t fs_cached_pages(void);

/*
 * Gives up to n frames of the block cache back; the frame allocator asks for it (struct reclaimer).
 * => spin locks up to rank RANK_REGION may be held; does not sleep. How many frames are free now.
 */
size_t fs_reclaim_pages(size_t n);

#endif
