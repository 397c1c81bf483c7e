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
#include "proc/proc.h"

#include "fs/inode.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "proc/files.h"
#include "proc/shutdown.h"

/* Let go of all that a process holds; this may sleep, and it is still LIVE meanwhile. */
static void release_resources(struct proc *p)
{
    struct mm *mm;

    fd_close_all();
    inode_put(p->cwd);
    p->cwd = NULL;
    mm = proc_replace_mm(NULL, NULL);
    if (proc_hooks)
        proc_hooks->left(mm->family);
    mm_release(mm);
}

/* Give one list of children to init. => true if there were any. */
static bool give_to_init(struct list *from, struct list *to, struct proc *init)
    __must_hold(&proc_tree_lock)
{
    bool any = !list_empty(from);
    struct list *node;

    while ((node = list_pop_front(from)) != NULL) {
        list_entry(node, struct proc, sibling)->parent = init;
        list_push_back(to, node);
    }
    return any;
}

/* The children of p live on as init's. */
static void orphan_children(struct proc *p) __must_hold(&proc_tree_lock)
{
    struct proc *init = proc_find(1);

    give_to_init(&p->children, &init->children, init);
    if (give_to_init(&p->zombies, &init->zombies, init))
        wake_all(&init->child_ended);
}

/* The first process has ended: in a shutdown, or a broken or foreign /init; ours never does. */
static void __noreturn end_machine(const struct proc *init, int status)
{
    if (!shutdown_begun())
        printk("%s: process 1 has ended with status %d, nothing is left to run: power off\n",
               init->task.name, status);
    machine_shutdown(SHUTDOWN_POWER_OFF);
}

void proc_exit(int status)
{
    struct proc *p = proc_current();

    if (p->task.pid == 1)
        end_machine(p, status);
    release_resources(p);
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

/* Wait until there is a zombie child. => 0 and *out; -ECHILD, -EINTR. */
static int await_zombie(struct proc *p, struct proc **out) __must_hold(&proc_tree_lock)
{
    while (list_empty(&p->zombies)) {
        if (list_empty(&p->children))
            return -ECHILD;
        if (wait_on_killable(&p->child_ended, &proc_tree_lock))
            return -EINTR;
    }
    *out = list_entry(list_first(&p->zombies), struct proc, sibling);
    return 0;
}

int proc_wait(vaddr_t status)
{
    struct proc *p = proc_current(), *child;
    int err, pid;

    spin_lock(&proc_tree_lock);
    err = await_zombie(p, &child);
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
