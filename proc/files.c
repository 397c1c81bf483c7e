/*
 * File descriptors: small numbers for open files.
 *
 * Owns the files[] array of each process, which only the process itself touches (fork: the parent,
 * while the child is an embryo). References to files are counted by fs/file.c.
 *
 * Called by syscall/sysfile.c, exit.c. Read next: include/fs/file.h.
 */
#include "proc/files.h"

#include "fs/file.h"
#include "lib/assert.h"
#include "lib/errno.h"

int fd_find_free(int from)
{
    const struct proc *p = proc_current();

    for (int fd = from; fd < NOFILE; fd++)
        if (!p->files[fd])
            return fd;
    return -EMFILE;
}

void fd_install(int fd, struct file *f)
{
    ASSERT((unsigned)fd < NOFILE && !fd_file(fd));
    proc_current()->files[fd] = f;
}

int fd_close(int fd)
{
    struct file *f = fd_file(fd);

    if (!f)
        return -EBADF;
    proc_current()->files[fd] = NULL;
    file_close(f);
    return 0;
}
