/*
 * Making processes: fork, and the very first.
 *
 * A child is built as an embryo that nobody else knows, so without locks; what can
 * fail (a slot, memory) comes first, and after it the child is published and started.
 *
 * Called by syscall/sysproc.c, syscall/ext/sysipc.c (for a server) and the boot. Read next:
 * proc/exec.c, proc/exit.c.
 */
#include "exec.h"

#include "asm/trap.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "table.h"

int proc_fork(enum pid_kind kind)
{
    struct proc *parent = proc_current(), *child;
    int pid, err;

    assert_can_sleep();
    child = proc_alloc();
    if (!child)
        return -EAGAIN;
    err = mm_fork(parent->task.mm, &child->task.mm);
    if (err)
        goto out_slot;
    child->task.mm->takes_spare = proc_takes_spare(parent);
    err = proc_hooks.forked ? proc_hooks.forked(child) : 0;
    if (err)
        goto out_mm;
    /* Commit: nothing below may fail. */
    for (int fd = 0; fd < NOFILE; fd++)
        if (parent->files[fd])
            child->files[fd] = file_dup(parent->files[fd]);
    child->cwd = inode_dup(parent->cwd);
    memcpy(child->task.name, parent->task.name, sizeof(child->task.name));
    *child->task.frame = *parent->task.frame;
    child->task.frame->a0 = 0;
    pid = proc_publish(child, parent, kind);
    task_start(&child->task);
    return pid;

out_mm:
    mm_release(child->task.mm);
out_slot:
    proc_free(child);
    return err;
}

/* Only process 1 makes servers, one at a time: what is free here is free when the child is made. */
int proc_fork_server(void)
{
    if (current()->pid != 1)
        return -EPERM;
    return proc_server_state() == PROC_FREE ? proc_fork(PID_SERVER) : -EBUSY;
}

int proc_start_init(const char *path)
{
    struct exec_image image;
    struct proc *p;
    int err = exec_load(NULL, path, NULL, &image);

    if (err)
        return err;
    p = proc_alloc();
    p->task.mm = image.mm;
    p->task.mm->takes_spare = true;
    p->cwd = inode_root();
    strlcpy(p->task.name, exec_name(path), sizeof(p->task.name));
    *p->task.frame =
        (struct trapframe){.epc = image.entry, .sp = image.sp, .a0 = image.argc, .a1 = image.sp};
    proc_publish(p, NULL, PID_FRESH);
    task_start(&p->task);
    return 0;
}
