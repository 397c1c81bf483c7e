/*
 * The arguments of exec: from the old program's memory to the picture of the new stack page.
 *
 * Owns struct exec_args. Everything is copied from user memory once, and only the copy is looked
 * at: another process may share those pages. Strings are copied to the start of the page, which is
 * free, and moved to their place when their length is known. No lock.
 *
 * Called by syscall/sysproc.c, fork.c, exec.c. Source: docs/xv6-abi.md 3. Read next: exec.c.
 */
#include "proc/exec.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/uaccess.h"

#define STACK_ALIGN 16u

int exec_args_init(struct exec_args *args)
{
    args->page = page_alloc();
    args->argc = 0;
    args->sp = PAGE_SIZE;
    return args->page ? 0 : -ENOMEM;
}

void exec_args_free(struct exec_args *args)
{
    page_put(args->page);
}

/* Where n bytes go, below what is there already. => 0 and args->sp there; -EINVAL no room. */
static int make_room(struct exec_args *args, uint32_t n)
{
    if (n > args->sp)
        return -EINVAL;
    args->sp = (args->sp - n) & ~(STACK_ALIGN - 1);
    return 0;
}

/* Give the string of n bytes, NUL included, at the start of the page its place. */
static int place_string(struct exec_args *args, uint32_t n)
{
    char *page = page_addr(args->page);
    int err;

    if (args->argc == MAXARG - 1)
        return -EINVAL;
    err = make_room(args, n);
    if (err)
        return err;
    memmove(page + args->sp, page, n);
    args->string[args->argc++] = args->sp;
    return 0;
}

int exec_args_push(struct exec_args *args, const char *string)
{
    size_t n = strlcpy(page_addr(args->page), string, args->sp);

    return n < args->sp ? place_string(args, n + 1) : -EINVAL;
}

int exec_args_fetch(struct exec_args *args, vaddr_t uargv)
{
    uint64_t pointer;
    long n;
    int err;

    for (;; uargv += sizeof(pointer)) {
        err = copy_from_user(&pointer, uargv, sizeof(pointer));
        if (err || pointer == 0)
            return err;
        n = strncpy_from_user(page_addr(args->page), pointer, args->sp);
        if (n < 0)
            return (int)n;
        err = place_string(args, (uint32_t)n + 1);
        if (err)
            return err;
    }
}

int exec_args_finish(struct exec_args *args, vaddr_t base)
{
    uint32_t n = (args->argc + 1) * sizeof(uint64_t);
    uint64_t *argv;

    if (make_room(args, n))
        return -EINVAL;
    argv = (uint64_t *)((char *)page_addr(args->page) + args->sp);
    for (uint32_t i = 0; i < args->argc; i++)
        argv[i] = base + args->string[i];
    argv[args->argc] = 0;
    return 0;
}
