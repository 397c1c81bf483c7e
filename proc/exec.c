/*
 * exec: from an ELF file and arguments to a running program.
 *
 * The new image is made in an address space of its own while the old one stays whole; the switch
 * is the last step and cannot fail. A file that changes while it is read gives a program that is a
 * mixture, and no more: its headers are not trusted, and every sum is checked before it is used.
 *
 * Arguments are copied from user memory once, and only the copy is looked at: another process may
 * share those pages. The copy is the picture of the new stack page: strings from the top down,
 * below them argv[].
 *
 * Called by syscall/sysproc.c, fork.c. Source: docs/xv6-abi.md 3. Read next: mm/mm.h, "an image".
 */
#include "exec.h"

#include "asm/trap.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/uaccess.h"
#include "proc/proc.h"
#include "uapi/kernel/elf.h"

#define STACK_ALIGN 16u

/* The arguments of a program, as they will stand in its one stack page. */
struct exec_args {
    char *page;  /* the page; what is below sp is free */
    uint32_t sp; /* from the start of the page */
    uint32_t argc;
    uint32_t string[MAXARG]; /* where in the page each string starts */
};

/* ---- arguments ---- */

/* Makes room for n bytes. => 0 and args->sp there; -EINVAL no room. */
static int push_bytes(struct exec_args *args, uint32_t n)
{
    if (n > args->sp)
        return -EINVAL;
    args->sp = (args->sp - n) & ~(STACK_ALIGN - 1);
    return 0;
}

/* Gives the string of n bytes, NUL included, at the start of the page its place. => 0, -EINVAL. */
static int push_string(struct exec_args *args, uint32_t n)
{
    if (args->argc == MAXARG - 1 || push_bytes(args, n))
        return -EINVAL;
    memmove(args->page + args->sp, args->page, n);
    args->string[args->argc++] = args->sp;
    return 0;
}

/* The strings of the array at user address `argv`, which ends with a null pointer. */
static int push_strings(struct exec_args *args, vaddr_t argv)
{
    uint64_t pointer;
    long n;
    int err;

    for (;; argv += sizeof(pointer)) {
        err = copy_from_user(&pointer, argv, sizeof(pointer));
        if (err || pointer == 0)
            return err;
        n = strncpy_from_user(args->page, pointer, args->sp);
        if (n < 0)
            return (int)n;
        err = push_string(args, (uint32_t)n + 1);
        if (err)
            return err;
    }
}

/* The array argv[], for a stack page at user address `base`. => 0, -EINVAL. */
static int push_argv(struct exec_args *args, vaddr_t base)
{
    uint64_t *argv;

    if (push_bytes(args, (args->argc + 1) * sizeof(uint64_t)))
        return -EINVAL;
    argv = (uint64_t *)(args->page + args->sp);
    for (uint32_t i = 0; i < args->argc; i++)
        argv[i] = base + args->string[i];
    argv[args->argc] = 0;
    return 0;
}

/* ---- the file ---- */

/* Where mm_fill() reads a segment from. */
struct segment_source {
    struct inode *ip;
    uint64_t offset; /* bytes into the file */
};

/* Reads exactly n bytes of a locked file. => 0; -ENOEXEC the file is shorter; -EIO. */
static int read_exactly(struct inode *ip, void *dst, uint64_t offset, size_t n)
{
    long done = inode_read_kernel(ip, dst, offset, n);

    if (done < 0)
        return (int)done;
    return (size_t)done == n ? 0 : -ENOEXEC;
}

static int read_segment(void *ctx, void *dst, size_t offset, size_t n)
{
    const struct segment_source *source = ctx;

    return read_exactly(source->ip, dst, source->offset + offset, n);
}

/*
 * Loads one segment. Pages between the end of the one before and the end of this get this one's
 * permissions; a segment that lies lower is only copied into what is there.
 */
static int load_segment(struct mm *mm, struct inode *ip, const struct proghdr *ph)
{
    struct segment_source source = {.ip = ip, .offset = ph->off};
    unsigned prot = PROT_READ | (ph->flags & ELF_PROG_FLAG_EXEC ? PROT_EXEC : 0) |
                    (ph->flags & ELF_PROG_FLAG_WRITE ? PROT_WRITE : 0);
    vaddr_t end;
    int err;

    if (ph->memsz < ph->filesz || ph->vaddr % PAGE_SIZE != 0 || ph->off + ph->filesz < ph->off ||
        !range_fits(ph->vaddr, ph->memsz, USER_BREAK_MAX))
        return -ENOEXEC;
    end = page_up(ph->vaddr + ph->memsz);
    if (end > mm_size(mm)) {
        err = mm_add_segment(mm, mm_size(mm), end, prot);
        if (err)
            return err;
    }
    return ph->filesz ? mm_fill(mm, ph->vaddr, ph->filesz, read_segment, &source) : 0;
}

/* Lets others have the locked file and the hart, if the time slice is over. => 0; -EINTR when killed. */
static int let_others(struct inode *ip)
{
    if (!current()->pending)
        return 0;
    inode_unlock(ip);
    task_yield_if_due();
    inode_lock(ip);
    return task_killed(current()) ? -EINTR : 0;
}

/* Loads all segments of a locked file, which may be let go of on the way. => 0 and *entry. */
static int load_file(struct mm *mm, struct inode *ip, vaddr_t *entry)
{
    struct elfhdr elf;
    struct proghdr ph;
    int err = read_exactly(ip, &elf, 0, sizeof(elf));

    if (err)
        return err;
    if (elf.magic != ELF_MAGIC)
        return -ENOEXEC;
    for (unsigned i = 0; i < elf.phnum; i++) {
        err = let_others(ip);
        if (!err)
            err = read_exactly(ip, &ph, elf.phoff + i * sizeof(ph), sizeof(ph));
        if (!err && ph.type == ELF_PROG_LOAD)
            err = load_segment(mm, ip, &ph);
        if (err)
            return err;
    }
    *entry = elf.entry;
    return 0;
}

/* ---- the program ---- */

/* Adds the stack page above the image, with the arguments in it. */
static int add_stack(struct exec_image *image, struct exec_args *args)
{
    vaddr_t stack;
    int err = mm_add_stack(image->mm, mm_size(image->mm));

    if (err)
        return err;
    stack = mm_size(image->mm) - PAGE_SIZE;
    err = push_argv(args, stack);
    if (err)
        return err;
    image->sp = stack + args->sp;
    image->argc = args->argc;
    return mm_write(image->mm, image->sp, args->page + args->sp, PAGE_SIZE - args->sp);
}

/* => 0, and image->mm has all but its family; -errno, and image->mm is gone. */
static int load_program(struct inode *cwd, const char *path, struct exec_args *args,
                        struct exec_image *image)
{
    struct inode *ip;
    int err = path_lookup(cwd, path, &ip);

    if (err)
        return err;
    image->mm = mm_create();
    if (image->mm) {
        inode_lock(ip);
        err = load_file(image->mm, ip, &image->entry);
        inode_unlock(ip);
    }
    inode_put(ip);
    if (!image->mm)
        return -ENOMEM;
    if (!err)
        err = add_stack(image, args);
    if (err)
        mm_release(image->mm);
    return err;
}

int exec_load(struct inode *cwd, const char *path, const vaddr_t *argv, struct exec_image *image)
{
    struct exec_args args = {.sp = PAGE_SIZE};
    struct page *page;
    int err;

    assert_can_sleep();
    page = page_alloc();
    if (!page)
        return -ENOMEM;
    args.page = page_addr(page);
    if (argv)
        err = push_strings(&args, *argv);
    else
        err = push_string(&args, (uint32_t)strlcpy(args.page, path, PAGE_SIZE) + 1);
    if (!err)
        err = load_program(cwd, path, &args, image);
    page_put(page);
    if (!err)
        image->mm->family = mm_new_family();
    return err;
}

const char *exec_name(const char *path)
{
    const char *name = path;

    for (; *path; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

int proc_exec(const char *path, vaddr_t argv)
{
    struct trapframe *frame = current()->frame;
    struct exec_image image;
    struct mm *old;
    int err = exec_load(proc_current()->cwd, path, &argv, &image);

    if (err)
        return err;
    /* Commit: nothing below may fail. */
    image.mm->takes_spare = proc_takes_spare(proc_current());
    old = proc_replace_mm(image.mm, exec_name(path));
    if (proc_hooks.left)
        proc_hooks.left(old->family);
    mm_release(old);
    frame->epc = image.entry;
    frame->sp = frame->a1 = image.sp;
    return (int)image.argc;
}
