/*
 * System calls of descriptors and names: decoding only. Meanings: fs/file.h, fs/fs.h, ipc/pipe.h.
 *
 * A descriptor is found before anything is made, so that a full table changes nothing. A read or
 * write locks a file while it copies, so a copy cannot bring pages of mapped files: where a program
 * has such pages (mm->npaged), they are brought before. Called by syscall/dispatch.c. Read next: fs/file.c.
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "ipc/pipe.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "proc/files.h"
#include "syscall.h"
#include "uapi/kernel/fs.h"

#define FILE_BYTES (int)(MAXFILE * BSIZE) /* no read gives more: nothing else holds as much */

/* int read(int fd, void *to, int n) */
long sys_read(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);
    struct mm *mm = current()->mm;
    int n = (int)a[2];

    if (!f)
        return -EBADF;
    if (unlikely(mm->npaged))
        mm_prefault(mm, a[1], n >= 0 && n < FILE_BYTES ? n : FILE_BYTES, ACCESS_WRITE);
    return file_read(f, a[1], n);
}

/* int write(int fd, const void *from, int n) */
long sys_write(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);
    struct mm *mm = current()->mm;
    int n = (int)a[2];

    if (!f)
        return -EBADF;
    if (unlikely(mm->npaged) && n > 0)
        mm_prefault(mm, a[1], (uint64_t)n, ACCESS_READ);
    return file_write(f, a[1], n);
}

/* int close(int fd) */
long sys_close(const uint64_t a[6])
{
    return fd_close((int)a[0]);
}

/* int fsync(int fd) */
long sys_fsync(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);

    return f ? file_sync(f) : -EBADF;
}

/* int fstat(int fd, struct stat *to) */
long sys_fstat(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);

    return f ? file_stat(f, a[1]) : -EBADF;
}

/* int dup(int fd) */
long sys_dup(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);
    int copy = fd_find_free(0);

    if (!f)
        return -EBADF;
    if (copy >= 0)
        fd_install(copy, file_dup(f));
    return copy;
}

/* int open(const char *path, int flags) */
long sys_open(const uint64_t a[6])
{
    char path[MAXPATH];
    struct file *f;
    int fd = fd_find_free(0);
    int err = fetch_path(path, a[0]);

    if (fd < 0 || err)
        return fd < 0 ? fd : err;
    err = file_open(proc_current()->cwd, path, (int)a[1], &f);
    if (err)
        return err;
    fd_install(fd, f);
    return fd;
}

/* int pipe(int fd[2]) */
long sys_pipe(const uint64_t a[6])
{
    struct file *read_end, *write_end;
    int fd[2], err;

    fd[0] = fd_find_free(0);
    if (fd[0] < 0)
        return fd[0];
    fd[1] = fd_find_free(fd[0] + 1);
    if (fd[1] < 0)
        return fd[1];
    err = pipe_create(&read_end, &write_end);
    if (err)
        return err;
    err = copy_to_user(a[0], fd, sizeof(fd));
    if (err) {
        file_close(read_end);
        file_close(write_end);
        return err;
    }
    fd_install(fd[0], read_end);
    fd_install(fd[1], write_end);
    return 0;
}

/* int chdir(const char *path) */
long sys_chdir(const uint64_t a[6])
{
    struct proc *p = proc_current();
    struct inode *directory;
    char path[MAXPATH];
    int err = fetch_path(path, a[0]);

    if (!err)
        err = fs_chdir(p->cwd, path, &directory);
    if (err)
        return err;
    inode_put(p->cwd);
    p->cwd = directory;
    return 0;
}

/* int mknod(const char *path, short major, short minor) */
long sys_mknod(const uint64_t a[6])
{
    char path[MAXPATH];
    int err = fetch_path(path, a[0]);

    return err ? err : fs_mknod(proc_current()->cwd, path, (short)a[1], (short)a[2]);
}

/* int unlink(const char *path) */
long sys_unlink(const uint64_t a[6])
{
    char path[MAXPATH];
    int err = fetch_path(path, a[0]);

    return err ? err : fs_unlink(proc_current()->cwd, path);
}

/* int mkdir(const char *path) */
long sys_mkdir(const uint64_t a[6])
{
    char path[MAXPATH];
    int err = fetch_path(path, a[0]);

    return err ? err : fs_mkdir(proc_current()->cwd, path);
}

/* int link(const char *old, const char *new) */
long sys_link(const uint64_t a[6])
{
    char old_path[MAXPATH], new_path[MAXPATH];
    int err = fetch_path(old_path, a[0]);

    if (!err)
        err = fetch_path(new_path, a[1]);
    return err ? err : fs_link(proc_current()->cwd, old_path, new_path);
}
