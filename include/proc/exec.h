/*
 * Running another program: arguments, image, and the switch to it.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include <stdint.h>

#include "asm/page.h"
#include "uapi/kernel/param.h"

struct inode;
struct mm;
struct page;

/*
 * The arguments of a program, laid out as they will stand in its one stack page: strings from the
 * top down, each at a multiple of 16, below them argv[]. Source: docs/xv6-abi.md 3.
 */
struct exec_args {
    struct page *page;              /* the stack page to be */
    uint32_t argc;
    uint32_t sp;                    /* bytes of the page still free, from its start */
    uint32_t string[MAXARG];        /* where in the page each string starts */
};

/* A program that has been loaded, and does not run yet. */
struct exec_image {
    struct mm *mm;
    vaddr_t entry;
    vaddr_t stack;                  /* start of the stack page */
};

/*
 * Begin with no arguments.
 * => 0, -ENOMEM. Undone by exec_args_free().
 */
int exec_args_init(struct exec_args *args);
void exec_args_free(struct exec_args *args);

/*
 * Add a kernel string.
 * => 0; -EINVAL for a 32nd argument, or no room in the page.
 */
int exec_args_push(struct exec_args *args, const char *string);

/*
 * Add the strings of the running process' argv array, which ends with a null pointer.
 * => 0; -EFAULT; -EINVAL as above.
 */
int exec_args_fetch(struct exec_args *args, vaddr_t uargv);

/*
 * Add the array argv[], for a stack page at user address `base`.
 * => 0; -EINVAL. args->sp is then the initial stack pointer, relative to base.
 */
int exec_args_finish(struct exec_args *args, vaddr_t base);

/*
 * Load the ELF program at `path` with its stack into a new address space, arguments included.
 * => 0 and *image; errors of path_lookup(); -ENOEXEC; -ENOMEM; -EINVAL. May sleep.
 */
int exec_load(struct inode *cwd, const char *path, struct exec_args *args,
              struct exec_image *image);

/* The last component of a path: what a process that runs it is called. */
const char *exec_name(const char *path);

/*
 * Replace the program of the running process.
 * => argc, which becomes the program's a0; -errno as exec_load(), and nothing has changed.
 */
int proc_exec(const char *path, struct exec_args *args);

#endif
