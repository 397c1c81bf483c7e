/*
 * What Ctrl-C ends: the processes below the shell that the console has.
 *
 * Owns the pid of that shell. A process becomes it by reading keys (system call 47), as a shell
 * that edits its lines does: the console then has the innermost of several shells. It stops being
 * it when it execs, when it ends, or when it does not read the ^C that found nothing to end below
 * it. Where no process is the shell, what init itself has forked counts as one: so does a shell of
 * xv6, which reads lines. A job in the background is init's child, forked by another: it is below
 * no shell, and cannot become one.
 *
 * One hold of proc_tree_lock marks the whole family killed, and a child of a killed process is
 * killed when it enters the tree (proc/table.c:proc_publish()): no family forks its way out.
 *
 * Called by syscall/ext/syslamina.c; exec and the console come by way of hooks. Read next: exit.c.
 */
#include "proc/console.h"

#include "proc/proc.h"

static int shell_pid; /* [t] 0: none */

static struct proc *process_of(struct list *sibling)
{
    return list_entry(sibling, struct proc, sibling);
}

void proc_take_console(void)
{
    struct proc *p = proc_current(), *above = p;

    spin_lock(&proc_tree_lock);
    while (above && !above->of_init)
        above = above->parent;
    if (above)
        shell_pid = p->task.pid;
    spin_unlock(&proc_tree_lock);
}

void proc_leave_console(void)
{
    if (__atomic_load_n(&shell_pid, __ATOMIC_RELAXED) != current()->pid)
        return; /* only the process itself makes it so */
    spin_lock(&proc_tree_lock);
    if (shell_pid == current()->pid)
        shell_pid = 0;
    spin_unlock(&proc_tree_lock);
}

/* Of all below `top`, the one after p, parents before children. => NULL: p was the last. */
static struct proc *next_below(struct proc *top, struct proc *p) __must_hold(&proc_tree_lock)
{
    if (!list_empty(&p->children))
        return process_of(list_first(&p->children));
    while (p != top && list_last(&p->parent->children) == &p->sibling)
        p = p->parent;
    return p == top ? NULL : process_of(p->sibling.next);
}

/* => true if that killed any that was not killed already. */
static bool kill_below(struct proc *top) __must_hold(&proc_tree_lock)
{
    bool any = false;

    for (struct proc *p = next_below(top, top); p; p = next_below(top, p)) {
        any |= !task_killed(&p->task);
        task_kill(&p->task);
    }
    return any;
}

static bool kill_below_all_of_init(void) __must_hold(&proc_tree_lock)
{
    struct proc *init = proc_find(1);
    bool any = false;

    if (!init)
        return false;
    for (struct list *at = init->children.next; at != &init->children; at = at->next)
        if (process_of(at)->of_init)
            any |= kill_below(process_of(at));
    return any;
}

bool proc_interrupt(void)
{
    struct proc *shell;
    bool any;

    spin_lock(&proc_tree_lock);
    shell = proc_find(shell_pid);
    any = shell ? kill_below(shell) : kill_below_all_of_init();
    if (!any)
        shell_pid = 0;
    spin_unlock(&proc_tree_lock);
    return any;
}
