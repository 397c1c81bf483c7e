/*
 * System calls of descriptors and names: decoding only. Meanings: fs/file.h, fs/fs.h, ipc/pipe.h.
 *
 * Owns nothing. A descriptor is found before anything is made, so that a full table changes
 * nothing. Mapped file pages that a read or write will copy come before it, since it locks the
 * file that may have to bring them. Called by syscall/dispatch.c. Read next: fs/file.c.
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "ipc/pipe.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "proc/files.h"
#include "syscall/args.h"
#include "syscall/syscall.h"
#include "uapi/kernel/fs.h"

#define FILE_BYTES (int)(MAXFILE * BSIZE) /* no read gives more: nothing else holds as much */

long sys_read(uint64_t fd, uint64_t to, uint64_t n, uint64_t a3)
{
    struct file *f = fd_file((int)fd);
    uint64_t most = (int)n >= 0 && (int)n < FILE_BYTES ? (uint64_t)(int)n : FILE_BYTES;

    if (!f)
        return -EBADF;
    mm_prefault(current()->mm, to, most, ACCESS_WRITE);
    return file_read(f, to, (int)n);
}

long sys_write(uint64_t fd, uint64_t from, uint64_t n, uint64_t a3)
{
    struct file *f = fd_file((int)fd);

    if (!f)
        return -EBADF;
    if ((int)n > 0)
        mm_prefault(current()->mm, from, (uint64_t)(int)n, ACCESS_READ);
    return file_write(f, from, (int)n);
}

/* Who reads keys is the console's shell: before it waits, since Ctrl-C may come meanwhile. */
long sys_console_keys(uint64_t fd, uint64_t to, uint64_t n, uint64_t a3)
{
    struct file *f = fd_file((int)fd);
    long err = f ? file_read_keys(f, to, 0) : -EBADF;

    if (err || (int)n <= 0)
        return err;
    proc_take_console();
    mm_prefault(current()->mm, to, (uint64_t)(int)n, ACCESS_WRITE);
    return file_read_keys(f, to, (int)n);
}

long sys_close(uint64_t fd, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return fd_close((int)fd);
}

long sys_fsync(uint64_t fd, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct file *f = fd_file((int)fd);

    return f ? file_sync(f) : -EBADF;
}

long sys_fstat(uint64_t fd, uint64_t to, uint64_t a2, uint64_t a3)
{
    struct file *f = fd_file((int)fd);

    return f ? file_stat(f, to) : -EBADF;
}

long sys_dup(uint64_t fd, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct file *f = fd_file((int)fd);
    int copy = fd_find_free(0);

    if (!f)
        return -EBADF;
    if (copy >= 0)
        fd_install(copy, file_dup(f));
    return copy;
}

long sys_open(uint64_t upath, uint64_t flags, uint64_t a2, uint64_t a3)
{
    char path[MAXPATH];
    struct file *f;
    int fd = fd_find_free(0);
    int err = fetch_path(path, upath);

    if (fd < 0 || err)
        return fd < 0 ? fd : err;
    err = file_open(proc_current()->cwd, path, (int)flags, &f);
    if (err)
        return err;
    fd_install(fd, f);
    return fd;
}

long sys_pipe(uint64_t to, uint64_t a1, uint64_t a2, uint64_t a3)
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
    err = copy_to_user(to, fd, sizeof(fd));
    if (err) {
        file_close(read_end);
        file_close(write_end);
        return err;
    }
    fd_install(fd[0], read_end);
    fd_install(fd[1], write_end);
    return 0;
}

long sys_chdir(uint64_t upath, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct proc *p = proc_current();
    struct inode *directory;
    char path[MAXPATH];
    int err = fetch_path(path, upath);

    if (!err)
        err = fs_chdir(p->cwd, path, &directory);
    if (err)
        return err;
    inode_put(p->cwd);
    p->cwd = directory;
    return 0;
}

long sys_mknod(uint64_t upath, uint64_t major, uint64_t minor, uint64_t a3)
{
    char path[MAXPATH];
    int err = fetch_path(path, upath);

    return err ? err : fs_mknod(proc_current()->cwd, path, (short)major, (short)minor);
}

long sys_unlink(uint64_t upath, uint64_t a1, uint64_t a2, uint64_t a3)
{
    char path[MAXPATH];
    int err = fetch_path(path, upath);

    return err ? err : fs_unlink(proc_current()->cwd, path);
}

long sys_mkdir(uint64_t upath, uint64_t a1, uint64_t a2, uint64_t a3)
{
    char path[MAXPATH];
    int err = fetch_path(path, upath);

    return err ? err : fs_mkdir(proc_current()->cwd, path);
}

long sys_link(uint64_t uold, uint64_t unew, uint64_t a2, uint64_t a3)
{
    char old_path[MAXPATH], new_path[MAXPATH];
    int err = fetch_path(old_path, uold);

    if (!err)
        err = fetch_path(new_path, unew);
    return err ? err : fs_link(proc_current()->cwd, old_path, new_path);
}
