/*
 * The log: groups of block changes that reach the disk all or not at all.
 *
 * An operation brackets its changes with log_begin() and log_end(). Operations that run at the same
 * time share one transaction; it commits when the last of them ends. Each may change at most
 * LOG_OP_BLOCKS blocks.
 *
 * Order of locks: log_begin() first, then the name lock (fs/names.c), a directory, an inode in it,
 * the allocators. So no task that holds an inode's lock waits for the log.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include <stdbool.h>

struct buf;

/*
 * Reads the log's header and replays a committed transaction; fs_mount is set.
 * => 0; -ENOMEM; -EIO the log is corrupt or the device fails: one line says so, and nothing was
 *    replayed unless the device failed half way. Boot only.
 */
int log_init(void);

/*
 * Joins the running transaction, waiting while it commits or has no room.
 * => no inode lock held; may sleep. 0; -EIO the file system has failed; -EACCES the device is
 *    read-only: then there is no log_end().
 */
int log_begin(void);

/*
 * Lets an operation that has changed all it may change LOG_OP_BLOCKS blocks more; never waits.
 * => between log_begin() and log_end(). false: the transaction has no room for that.
 */
bool log_extend(void);

/*
 * Leaves the transaction; the last one commits it and waits for the disk.
 * => no inode lock held; may sleep. 0; -EIO the commit failed: the file system takes no changes
 *    any more.
 */
int log_end(void);

/*
 * Waits until the changes of operations that have ended are on disk.
 * => in no transaction, no inode lock held; may sleep. 0; -EIO the file system has failed.
 */
int log_sync(void);

/*
 * Adds a changed buffer to the transaction and keeps it in the cache until that is on disk.
 * => between log_begin() and log_end(), a reference held. Again for the same buffer: no effect.
 */
void log_write(struct buf *b);

#endif
