/*
 * Looking at processes: for `ps`, and for the key that lists them on the console.
 *
 * Takes proc_tree_lock, so what it says of one process fits together.
 *
 * Called by syscall/ext/syslamina.c, and the console by way of the boot. Read next: proc/table.c.
 */
#include "proc/list.h"

#include "../table.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "uapi/kernel/lamina.h"

/* What a process does, as PROCINFO_... */
static int activity(const struct proc *p) __must_hold(&proc_tree_lock)
{
    enum task_state state;
    bool on_hart;

    if (p->state == PROC_FREE)
        return PROCINFO_FREE;
    if (p->state == PROC_EMBRYO)
        return PROCINFO_EMBRYO;
    if (p->state == PROC_ZOMBIE)
        return PROCINFO_ZOMBIE;
    state = task_snapshot(&p->task, &on_hart);
    if (on_hart)
        return PROCINFO_RUNNING;
    return state == TASK_RUNNABLE || state == TASK_NEW ? PROCINFO_RUNNABLE : PROCINFO_SLEEPING;
}

/* => proc_tree_lock held by caller. */
static int parent_pid(const struct proc *p) __must_hold(&proc_tree_lock)
{
    return p->parent ? p->parent->task.pid : 0;
}

int proc_parent_pid(void)
{
    int pid;

    spin_lock(&proc_tree_lock);
    pid = parent_pid(proc_current());
    spin_unlock(&proc_tree_lock);
    return pid;
}

/* Describes a process that has a pid. */
static void describe_proc(struct proc *p, struct procinfo *info) __must_hold(&proc_tree_lock)
{
    info->pid = p->task.pid;
    info->ppid = parent_pid(p);
    info->state = activity(p);
    spin_lock(&p->lock);
    if (p->task.mm) {
        info->size = mm_size(p->task.mm);
        info->family = (unsigned)p->task.mm->family;
    }
    memcpy(info->name, p->task.name, sizeof(info->name));
    spin_unlock(&p->lock);
}

int proc_info(int slot, struct procinfo *info)
{
    struct proc *p = proc_slot(slot);

    if (!p)
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    spin_lock(&proc_tree_lock);
    if (p->state == PROC_LIVE || p->state == PROC_ZOMBIE)
        describe_proc(p, info);
    spin_unlock(&proc_tree_lock);
    return 0;
}

void proc_list(void)
{
    static const char *const words[] = {
        [PROCINFO_EMBRYO] = "used",     [PROCINFO_SLEEPING] = "sleep ",
        [PROCINFO_RUNNABLE] = "runble", [PROCINFO_RUNNING] = "run   ",
        [PROCINFO_ZOMBIE] = "zombie",
    };
    struct procinfo info;

    printk("\n");
    for (int slot = 0; proc_info(slot, &info) == 0; slot++)
        if (info.pid)
            printk("%d %s %s\n", info.pid, words[info.state], info.name);
}
