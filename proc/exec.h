/*
 * Loading a program.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include <stdint.h>

#include "asm/page.h"

struct inode;
struct mm;

/* A program that has been loaded, and does not run yet. */
struct exec_image {
    struct mm *mm;
    vaddr_t entry;
    vaddr_t sp; /* also where its argv[] is */
    uint32_t argc;
};

/*
 * Loads the ELF program at `path` with its stack into a new address space. Its arguments are those
 * of the array at the user address *argv; argv NULL: its path is the only one.
 * => may sleep. 0 and *image; -errno as proc_exec(), -EINTR killed.
 */
int exec_load(struct inode *cwd, const char *path, const vaddr_t *argv, struct exec_image *image);

/* The last component of a path: what a process that runs it is called. */
const char *exec_name(const char *path);

#endif
