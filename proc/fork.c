/*
 * Making processes: fork, and the very first.
 *
 * Owns nothing. A child is built as an embryo that nobody else knows, so without locks; what can
 * fail (a slot, memory) comes first, and after it the child is published and started.
 *
 * Called by syscall/sysproc.c and the boot. Read next: proc/exec.c, proc/exit.c.
 */
#include "proc/proc.h"

#include "asm/trap.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "proc/files.h"

/* The parent's memory, and what others keep about it. => 0 or -ENOMEM: the child has nothing. */
static int copy_memory(struct proc *parent, struct proc *child)
{
    int err = mm_fork(parent->task.mm, &child->task.mm);

    if (err)
        return err;
    child->task.mm->takes_spare = proc_takes_spare(parent);
    if (!proc_hooks)
        return 0;
    err = proc_hooks->forked(child);
    if (err) {
        mm_release(child->task.mm);
        child->task.mm = NULL;
    }
    return err;
}

static int fork_as(enum pid_kind kind)
{
    struct proc *parent = proc_current(), *child = proc_alloc();
    int pid, err;

    if (!child)
        return -EAGAIN;
    err = copy_memory(parent, child);
    if (err) {
        proc_free(child);
        return err;
    }
    /* Commit: nothing below may fail. */
    fd_copy_to(child);
    child->cwd = inode_dup(parent->cwd);
    memcpy(child->task.name, parent->task.name, sizeof(child->task.name));
    *task_frame(&child->task) = *task_frame(&parent->task);
    task_frame(&child->task)->a0 = 0;
    pid = proc_publish(child, parent, kind);
    task_start(&child->task);
    return pid;
}

int proc_fork(void)
{
    return fork_as(PID_FRESH);
}

/* Only process 1 makes servers, one at a time: what is free here is free when the child is made. */
int proc_fork_server(void)
{
    if (current()->pid != 1)
        return -EPERM;
    if (proc_state_of(proc_server_pid()) != PROC_FREE)
        return -EBUSY;
    return fork_as(PID_SERVER);
}

/* Load the program for process 1, with its own path as argv[0]. */
static int load_init(const char *path, struct exec_image *image, struct exec_args *args)
{
    int err = exec_args_init(args);

    if (err)
        return err;
    err = exec_args_push(args, path);
    if (!err)
        err = exec_load(NULL, path, args, image);
    exec_args_free(args);
    return err;
}

int proc_start_init(const char *path)
{
    struct exec_image image;
    struct exec_args args;
    struct trapframe *frame;
    struct proc *p;
    int err = load_init(path, &image, &args);

    if (err)
        return err;
    p = proc_alloc();
    p->task.mm = image.mm;
    p->task.mm->takes_spare = true;
    p->cwd = inode_root();
    strlcpy(p->task.name, exec_name(path), sizeof(p->task.name));
    frame = task_frame(&p->task);
    memset(frame, 0, sizeof(*frame));
    frame->epc = image.entry;
    frame->sp = frame->a1 = image.stack + args.sp;
    frame->a0 = args.argc;
    proc_publish(p, NULL, PID_FRESH);
    task_start(&p->task);
    return 0;
}
