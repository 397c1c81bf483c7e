/*
 * Ending: exit, wait, kill.
 *
 * Owns the way from LIVE over ZOMBIE to FREE. All of the tree changes under proc_tree_lock, so
 * these races have one answer each:
 *   exit against wait     a child becomes a zombie and wakes its parent in one step
 *   exit against exit     of parent and child: the child belongs to the parent or to init, never
 *                         to a dead process; if it is a zombie already, init is woken for it
 *   exit against kill     a pid found is a task that exists; killing a zombie changes nothing
 *   wait against reuse    the dying task may still be on its stack when it is a zombie: the parent
 *                         waits for the end of that before it frees the slot
 *
 * Called by syscall/sysproc.c, proc/trap.c. Read next: proc/trap.c.
 */
#include "fs/inode.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "proc/files.h"
#include "table.h"

/* The children of p live on as init's. */
static void orphan_children(struct proc *p) __must_hold(&proc_tree_lock)
{
    struct proc *init;
    struct list *pos;

    if (list_empty(&p->children) && list_empty(&p->zombies))
        return;
    init = proc_find(1);
    if (!list_empty(&p->zombies))
        wake_all(&init->child_ended);
    list_for_each(pos, &p->children)
        list_entry(pos, struct proc, sibling)->parent = init;
    list_for_each(pos, &p->zombies)
        list_entry(pos, struct proc, sibling)->parent = init;
    list_splice(&init->children, &p->children);
    list_splice(&init->zombies, &p->zombies);
}

void proc_exit(int status)
{
    struct proc *p = proc_current();
    struct mm *mm;

    assert_can_sleep();
    if (p->task.pid == 1)
        proc_hooks.at_init_end(status);
    for (int fd = 0; fd < NOFILE; fd++)
        fd_close(fd);
    inode_put(p->cwd);
    p->cwd = NULL;
    mm = proc_replace_mm(NULL, NULL);
    if (proc_hooks.left)
        proc_hooks.left(mm->family);
    mm_release(mm);
    /* No interrupt from here to the end: the parent may be spinning until this stack is free. */
    irq_off();
    spin_lock(&proc_tree_lock);
    orphan_children(p);
    p->exit_status = status;
    p->state = PROC_ZOMBIE;
    list_remove(&p->sibling);
    list_push_back(&p->parent->zombies, &p->sibling);
    wake_all(&p->parent->child_ended);
    spin_unlock(&proc_tree_lock);
    task_exit();
}

int proc_wait(vaddr_t status)
{
    struct proc *p = proc_current(), *child = NULL;
    int pid, err = 0;

    assert_can_sleep();
    spin_lock(&proc_tree_lock);
    while (list_empty(&p->zombies) && !err)
        err =
            list_empty(&p->children) ? -ECHILD : wait_on_killable(&p->child_ended, &proc_tree_lock);
    if (!err)
        child = list_entry(list_first(&p->zombies), struct proc, sibling);
    spin_unlock(&proc_tree_lock);
    if (err)
        return err;
    /* Without the lock: only its parent, this process, can take a zombie away. */
    pid = child->task.pid;
    if (status && copy_to_user(status, &child->exit_status, sizeof(child->exit_status)))
        return -EFAULT;
    task_wait_off_cpu(&child->task);
    spin_lock(&proc_tree_lock);
    proc_forget(child);
    spin_unlock(&proc_tree_lock);
    return pid;
}

int proc_kill(int pid)
{
    struct proc *p;

    if (pid == 1)
        return -EPERM;
    spin_lock(&proc_tree_lock);
    p = proc_find(pid);
    if (p)
        task_kill(&p->task);
    spin_unlock(&proc_tree_lock);
    return p ? 0 : -ESRCH;
}
