/*
 * exec: from an ELF file to a running program.
 *
 * Owns nothing that lasts. The new image is made in an address space of its own while the old one
 * stays whole; the switch is the last step and cannot fail. A file that changes while it is read
 * gives a program that is a mixture, and no more: its headers are not trusted, and every sum is
 * checked before it is used.
 *
 * Called by syscall/sysproc.c, fork.c. Source: docs/xv6-abi.md 3. Read next: mm/mm.h, "an image".
 */
#include "proc/exec.h"

#include "asm/trap.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "proc/proc.h"
#include "uapi/kernel/elf.h"

/* Where mm_fill() reads a segment from. */
struct segment_source {
    struct inode *ip;
    uint64_t offset; /* bytes into the file */
};

/* Read exactly n bytes of a locked file. => 0; -ENOEXEC the file is shorter; -EIO. */
static int read_exactly(struct inode *ip, void *dst, uint64_t offset, size_t n)
{
    long done = inode_read_kernel(ip, dst, offset, n);

    if (done < 0)
        return (int)done;
    return (size_t)done == n ? 0 : -ENOEXEC;
}

static int read_segment(void *ctx, void *dst, size_t offset, size_t n)
{
    struct segment_source *source = ctx;

    return read_exactly(source->ip, dst, source->offset + offset, n);
}

static unsigned segment_prot(const struct proghdr *ph)
{
    unsigned prot = PROT_READ;

    if (ph->flags & ELF_PROG_FLAG_EXEC)
        prot |= PROT_EXEC;
    if (ph->flags & ELF_PROG_FLAG_WRITE)
        prot |= PROT_WRITE;
    return prot;
}

/*
 * Load one segment. Pages between the end of the one before and the end of this get this one's
 * permissions; a segment that lies lower is only copied into what is there.
 */
static int load_segment(struct mm *mm, struct inode *ip, const struct proghdr *ph)
{
    struct segment_source source = { .ip = ip, .offset = ph->off };
    vaddr_t end;
    int err;

    if (ph->memsz < ph->filesz || ph->vaddr % PAGE_SIZE != 0)
        return -ENOEXEC;
    if (!range_fits(ph->vaddr, ph->memsz, USER_BREAK_MAX))
        return -ENOEXEC;
    if (ph->off + ph->filesz < ph->off)
        return -ENOEXEC;
    end = page_up(ph->vaddr + ph->memsz);
    if (end > mm_size(mm)) {
        err = mm_add_segment(mm, mm_size(mm), end, segment_prot(ph));
        if (err)
            return err;
    }
    return ph->filesz ? mm_fill(mm, ph->vaddr, ph->filesz, read_segment, &source) : 0;
}

/* Let others have the locked file and the hart, if the time slice is over. => 0; -EINTR when killed. */
static int let_others(struct inode *ip)
{
    if (!current()->pending)
        return 0;
    inode_unlock(ip);
    task_yield_if_due();
    inode_lock(ip);
    return task_killed(current()) ? -EINTR : 0;
}

/* Load all segments of a locked file, which may be let go of on the way. => 0 and *entry. */
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

/* The segments of the file at `path` into an empty address space. */
static int load_path(struct mm *mm, struct inode *cwd, const char *path, vaddr_t *entry)
{
    struct inode *ip;
    int err = path_lookup(cwd, path, &ip);

    if (err)
        return err;
    inode_lock(ip);
    err = load_file(mm, ip, entry);
    inode_unlock(ip);
    inode_put(ip);
    return err;
}

/* Add the stack page above the image, with the arguments in it. */
static int add_stack(struct exec_image *image, struct exec_args *args)
{
    int err = mm_add_stack(image->mm, mm_size(image->mm));

    if (err)
        return err;
    image->stack = mm_size(image->mm) - PAGE_SIZE;
    err = exec_args_finish(args, image->stack);
    if (err)
        return err;
    return mm_write(image->mm, image->stack + args->sp,
                    (const char *)page_addr(args->page) + args->sp, PAGE_SIZE - args->sp);
}

int exec_load(struct inode *cwd, const char *path, struct exec_args *args,
              struct exec_image *image)
{
    int err;

    image->mm = mm_create();
    if (!image->mm)
        return -ENOMEM;
    err = load_path(image->mm, cwd, path, &image->entry);
    if (!err)
        err = add_stack(image, args);
    if (err) {
        mm_release(image->mm);
        return err;
    }
    image->mm->family = mm_new_family();
    return 0;
}

const char *exec_name(const char *path)
{
    const char *name = path;

    for (; *path; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

int proc_exec(const char *path, struct exec_args *args)
{
    struct trapframe *frame = task_frame(current());
    struct exec_image image;
    int err = exec_load(proc_current()->cwd, path, args, &image);
    struct mm *old;

    if (err)
        return err;
    /* Commit: nothing below may fail. */
    image.mm->takes_spare = proc_takes_spare(proc_current());
    old = proc_replace_mm(image.mm, exec_name(path));
    if (proc_hooks)
        proc_hooks->left(old->family);
    proc_leave_console();
    mm_release(old);
    frame->epc = image.entry;
    frame->sp = frame->a1 = image.stack + args->sp;
    return (int)args->argc;
}
