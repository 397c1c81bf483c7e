/*
 * Processes: a task, its files, and its place in the family tree.
 *
 * proc_tree_lock (RANK_WAIT) guards the table, the tree and what is marked [tree]. A process'
 * own lock (RANK_PROC) guards what others may read of it while it lives: task.mm and task.name,
 * which the process itself changes under it. Order: proc_tree_lock, then p->lock.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <stddef.h>
#include <stdint.h>

#include "asm/page.h"
#include "lib/annotate.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "sched/task.h"
#include "sched/waitqueue.h"
#include "uapi/kernel/param.h"

struct file;
struct inode;
struct mm;
struct procinfo;

enum proc_state {
    PROC_FREE,   /* the slot is unused */
    PROC_EMBRYO, /* being made; nobody else knows it */
    PROC_LIVE,   /* in the tree; may run */
    PROC_ZOMBIE, /* has ended; waits to be asked for its status */
};

struct proc {
    struct task task;                /* [self] first: the running task is the running process */
    struct spinlock lock;            /* guards task.mm and task.name against other harts */
    enum proc_state state;           /* [tree] */
    int exit_status;                 /* [tree] */
    struct proc *parent;             /* [tree] NULL: init */
    struct list children;            /* [tree] live ones */
    struct list zombies;             /* [tree] ended ones */
    struct list sibling;             /* [tree] in a list of the parent, or the free list */
    struct proc *pid_next;           /* [tree] next in the bucket of the pid table */
    struct waitqueue child_ended;    /* its condition is under proc_tree_lock */
    struct inode *cwd;               /* [self] */
    bool of_init;                    /* [I] init itself forked it */
    struct list shared_ids;          /* [ids] of ipc/ids.c */
    struct file *files[NOFILE];      /* [self] */
};

extern struct spinlock proc_tree_lock;

/* What ipc/, which proc/ knows nothing of, does about forks and ends. No lock held; may sleep. */
struct proc_hooks {
    /* The running process has forked a child that nobody else knows. => 0, or the fork fails. */
    int (*forked)(struct proc *child);
    /* The running process has left an address space of `family`: it ends, or exec gave it another. */
    void (*left)(uint64_t family);
};

extern const struct proc_hooks *proc_hooks; /* [a] NULL: none yet */

/* The running process. => never called from an idle task. */
static inline struct proc *proc_current(void)
{
    return container_of(current(), struct proc, task);
}

/*
 * Whether p is init or was forked by init itself: the shell, the server. The last free slots and
 * frames are for these and for what they fork, until that runs a program of its own.
 */
bool proc_takes_spare(const struct proc *p);

/* ---- the table (proc/table.c) ---- */

/*
 * Get the table ready. Boot only.
 */
void proc_init(void);

/*
 * Take a free slot: no memory, files or directory yet, and unknown to others.
 * => takes proc_tree_lock. The last few slots are spare ones, for those of proc_takes_spare() only.
 *    Where no other is free, but will be as soon as init has asked for the status of an orphan that
 *    has ended, this sleeps until init has; no spin lock is held by the caller.
 * => NULL when all NPROC, or all but the spare ones, are in use; or killed meanwhile.
 */
struct proc *proc_alloc(void);

/*
 * Give a slot back that proc_alloc() gave and proc_publish() never saw.
 * => takes proc_tree_lock.
 */
void proc_free(struct proc *p);

enum pid_kind {
    PID_FRESH,  /* one that nobody has had, as long as there are such */
    PID_SERVER, /* proc_server_pid(): all servers have it, one after the other, and nobody else */
};

/*
 * Give p a pid and a parent (NULL: none, p is init) and make it known.
 * => takes proc_tree_lock. Returns the pid. PID_SERVER: nobody has that pid now.
 */
int proc_publish(struct proc *p, struct proc *parent, enum pid_kind kind);

/* The pid that is kept for servers; 0: none was ever started. => takes proc_tree_lock. */
int proc_server_pid(void);

/*
 * What a process is doing; PROC_FREE: no process has this pid.
 * => takes proc_tree_lock; out of date on return.
 */
enum proc_state proc_state_of(int pid);

/*
 * The process with this pid, living or zombie.
 * => proc_tree_lock held by caller. NULL when there is none: pid 0 and negative, too.
 */
struct proc *proc_find(int pid) __must_hold(&proc_tree_lock);

/*
 * Kill all processes but the caller, and each that is made from now on; init, too.
 * => takes proc_tree_lock. For the end of the machine: there is no way back.
 */
void proc_kill_all(void);

/*
 * How many processes have not ended yet.
 * => takes proc_tree_lock.
 */
size_t proc_count_live(void);

/*
 * Take a zombie out of the table and free its slot.
 * => proc_tree_lock held by caller, who is the parent.
 */
void proc_forget(struct proc *p) __must_hold(&proc_tree_lock);

/*
 * Hold the address space of a living process, so that it stays while the process ends or execs.
 * => takes proc_tree_lock, then the process' lock. 0 and *out, to be given back by mm_release();
 *    -ESRCH: no such process, or it is at its end.
 */
int proc_mm_hold(int pid, struct mm **out);

/*
 * Change the address space and the name (NULL: keep it) of the running process, and load it.
 * => takes p->lock. Returns the old address space, not loaded on this hart any more.
 */
struct mm *proc_replace_mm(struct mm *mm, const char *name);

/* ---- life and death ---- */

/*
 * Make process 1 out of the program at `path`, with itself as its only argument and the root as
 * its directory, and start it.
 * => once, at boot, after fs_init(). 0 or -errno; may sleep.
 */
int proc_start_init(const char *path);

/*
 * Make a child that is a copy of the running process and gets 0 from the same system call.
 * => the child's pid; -EAGAIN no slot; -ENOMEM. Source: docs/xv6-abi.md 2, fork.
 */
int proc_fork(void);

/*
 * The same for process 1 only, and the child is a server: the first gets a new pid, and each
 * later one that pid again, so that what was written for it finds it.
 * => as proc_fork(); -EPERM not process 1; -EBUSY the server before it has not ended, or its status
 *    has not been asked for.
 */
int proc_fork_server(void);

/*
 * End the running process. Its memory, files and directory are gone at once; its children become
 * init's; its status waits for the parent.
 * => no spin lock held. The end of init is the machine's: a line on the console, and power off.
 */
void proc_exit(int status) __noreturn;

/*
 * Wait for a child to end.
 * => its pid, and its status at user address `status` unless that is 0; -ECHILD no children;
 *    -EINTR killed; -EFAULT bad address: the child can be waited for again.
 */
int proc_wait(vaddr_t status);

/*
 * Mark a process killed and end its sleep; it ends when it is next about to enter user mode.
 * => 0, also for a zombie; -ESRCH no such pid (0 and negative ones name nobody); -EPERM for init,
 *    whose end would be the machine's (I8).
 */
int proc_kill(int pid);

/* ---- the console's shell (proc/foreground.c) ---- */

/*
 * The running process reads keys: it is the console's shell from now on, and Ctrl-C ends what is
 * below it. Nothing happens for a job in the background.
 * => takes proc_tree_lock.
 */
void proc_take_console(void);

/*
 * The running process runs another program: it is not the console's shell any more.
 * => takes proc_tree_lock.
 */
void proc_leave_console(void);

/*
 * Kill all processes below the console's shell.
 * => takes proc_tree_lock; any context, no lock held. false: there was none left to kill.
 */
bool proc_interrupt(void);

/* ---- looking (proc/list.c) ---- */

/* => The pid of the running process' parent, which is init where its own has ended; 0 for init. */
int proc_parent_pid(void);

/*
 * Describe the process in table slot `slot`; a free slot has pid 0.
 * => 0; -EINVAL no such slot.
 */
int proc_info(int slot, struct procinfo *info);

/*
 * Print a line for each process: pid, state, name. For a key of the console.
 * => any context, no lock held.
 */
void proc_list(void);

#endif
