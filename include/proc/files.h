/*
 * File descriptors of the running process. Only the process itself touches them: no lock.
 */
#ifndef PROC_FILES_H
#define PROC_FILES_H

#include <stddef.h>

#include "proc/proc.h"

struct file;

/*
 * The open file behind a descriptor.
 * => NULL when there is none.
 */
static inline struct file *fd_file(int fd)
{
    return (unsigned)fd < NOFILE ? proc_current()->files[fd] : NULL;
}

/*
 * The lowest free descriptor that is at least `from`.
 * => -EMFILE when there is none. It stays free until fd_install().
 */
int fd_find_free(int from);

/* Lets a free descriptor name f; the reference to f goes with it. */
void fd_install(int fd, struct file *f);

/*
 * Closes a descriptor.
 * => may sleep. 0; -EBADF.
 */
int fd_close(int fd);

#endif
