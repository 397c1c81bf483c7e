/*
 * Open files: one struct file per open(), shared by the descriptors that dup() and fork() make.
 *
 * What an open file is behind the descriptor is in its ops: inodes and devices here, pipes in ipc.
 * All functions may sleep: no spin lock held. User addresses belong to the running task.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "asm/page.h"

#define FILES_MAX 100 /* open files in the whole system */

struct file;
struct inode;
struct stat;

struct file_ops {
    /* f is open for reading. => bytes, 0 at the end; -errno. `n` is as the user gave it. */
    long (*read)(struct file *f, vaddr_t dst, long n);
    /* f is open for writing. => bytes; -errno. `n` is as the user gave it. */
    long (*write)(struct file *f, vaddr_t src, long n);
    /* Fills `st`. => 0; -errno. NULL: fstat() is refused. */
    int (*stat)(struct file *f, struct stat *st);
    /* The last reference is gone: let go of f->priv. f is a copy, without offset and count. */
    void (*release)(struct file *f);
};

struct file {
    const struct file_ops *ops; /* [I] */
    void *priv;                 /* [I] of the ops: struct inode, struct pipe, ... */
    bool readable;              /* [I] after file_open(), or set by the caller of file_alloc() */
    bool writable;              /* [I] */
    int major;                  /* [I] of a device */
    uint32_t refs;              /* [a] 0: free; from 0 under files.lock in fs/file.c */
    uint64_t off;               /* [inode lock] of a regular file or directory, bytes */
};

/*
 * Opens a path; with O_CREATE makes a regular file when there is none. Flags: uapi/kernel/fcntl.h.
 * => 0 and a file with one reference in `out`; -EISDIR directory with flags other than 0;
 *    -ENODEV device major not 0..9; -ENFILE; errors of fs.h. On error nothing was made or cut.
 */
int file_open(struct inode *cwd, const char *path, int flags, struct file **out);

/* A new file, one reference, neither readable nor writable yet. => NULL: FILES_MAX are open. */
struct file *file_alloc(const struct file_ops *ops, void *priv);

/* One more reference to a file the caller already holds. => f */
struct file *file_dup(struct file *f);

/* Gives a reference back; the last one releases the file. */
void file_close(struct file *f);

/*
 * Reads at the file's offset and moves it, as one step among all sharers.
 * => bytes, 0 at the end; -EBADF not open for reading; -EFAULT (offset unmoved); -ENODEV; -EIO.
 *    Negative n of a regular file or directory means all the rest.
 */
long file_read(struct file *f, vaddr_t dst, long n);

/*
 * Writes at the file's offset and moves it. A regular file: in transactions of three blocks or
 * more, each one step among all sharers; either n or an error, and the chunks of three blocks done
 * before the error stay, as does what was copied of the next one.
 * => n; -EBADF not open for writing; -EFAULT; -EINVAL n < 0 or offset past the end; -EFBIG past
 *    MAXFILE blocks; -ENOSPC; -ENODEV; -EIO.
 */
long file_write(struct file *f, vaddr_t src, long n);

/*
 * Waits for a key of the terminal that f is, and takes what is typed through an LF or ^D at most.
 * => bytes, 0 for n of 0 or less; -ENODEV f is no terminal; -EBADF not open for reading; -EFAULT;
 *    -EINTR killed.
 */
long file_read_keys(struct file *f, vaddr_t dst, long n);

/* The inode of a regular file or directory. => no reference; NULL: f is a device or a pipe. */
struct inode *file_inode(const struct file *f);

/*
 * Waits until what was written or stored to a file or directory before, and all changes of names,
 * are stable on the disk.
 * => 0; -EINVAL a device or a pipe; -EIO.
 */
int file_sync(struct file *f);

/* Copies a struct stat to user address `dst`. => 0; -EBADF a pipe; -EFAULT. */
int file_stat(struct file *f, vaddr_t dst);

#endif
