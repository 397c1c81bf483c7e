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

enum proc_state {
    PROC_FREE,   /* the slot is unused */
    PROC_EMBRYO, /* being made; nobody else knows it */
    PROC_LIVE,   /* in the tree; may run */
    PROC_ZOMBIE, /* has ended; waits to be asked for its status */
};

struct proc {
    struct task task;             /* [self] first: the running task is the running process */
    struct spinlock lock;         /* guards task.mm and task.name against other harts */
    enum proc_state state;        /* [tree] */
    int exit_status;              /* [tree] */
    struct proc *parent;          /* [tree] NULL: init */
    struct list children;         /* [tree] live ones */
    struct list zombies;          /* [tree] ended ones */
    struct list sibling;          /* [tree] in a list of the parent, or the free list */
    struct proc *pid_next;        /* [tree] next in the bucket of the pid table */
    struct waitqueue child_ended; /* its condition is under proc_tree_lock */
    struct inode *cwd;            /* [self] */
    bool of_init;                 /* [I] init itself forked it */
    struct list shared_ids;       /* [ids] of ipc/ext/ids.c */
    struct file *files[NOFILE];   /* [self] a free slot has none */
};

enum pid_kind {
    PID_FRESH,  /* one that nobody has had, as long as there are such */
    PID_SERVER, /* all servers have it, one after the other, and nobody else */
};

extern struct spinlock proc_tree_lock;

/*
 * What lies above or beside the core of proc/ and wants to hear of a process. Set at boot by
 * init/main.c; NULL: nobody wants to, but at_init_end must be there.
 * => called by the running process, with no lock held; each may sleep.
 */
struct proc_hooks {
    /* It has forked a child that nobody else knows yet. => 0, or -errno: the fork fails. */
    int (*forked)(struct proc *child);
    /* It has left an address space of `family`: it ends, or exec gave it another. */
    void (*left)(uint64_t family);
    /* It is about to end because of a trap: says why, in words. */
    void (*crashed)(const struct trapframe *tf, uint64_t cause, vaddr_t va);
    /* It is process 1 and ends. Does not return. */
    void (*at_init_end)(int status);
};

extern struct proc_hooks proc_hooks; /* [I] after boot */

/* The running process. => never used by an idle task. */
#define proc_current() container_of(current(), struct proc, task)

/*
 * Whether p is init or was forked by init itself: the shell, the server. The last free slots and
 * frames are for these and for what they fork, until that runs a program of its own.
 */
static inline bool proc_takes_spare(const struct proc *p)
{
    return p->task.pid == 1 || p->of_init;
}

/* ---- the table (proc/table.c) ---- */

/* Gets the table ready. Boot only. */
void proc_init(void);

/*
 * Finds the process with this pid, living or zombie.
 * => proc_tree_lock held by caller. NULL when there is none: pid 0 and negative, too.
 */
struct proc *proc_find(int pid) __must_hold(&proc_tree_lock);

/*
 * What the server is doing that proc_fork_server() made last; PROC_FREE: it is gone, or none was.
 * => takes proc_tree_lock; out of date on return.
 */
enum proc_state proc_server_state(void);

/*
 * Kills all processes but the caller, and each that is made from now on; init, too.
 * => takes proc_tree_lock. Returns how many have not ended yet. For the end of the machine: there
 *    is no way back.
 */
size_t proc_kill_all(void);

/*
 * Holds the address space of a living process, so that it stays while the process ends or execs.
 * => takes proc_tree_lock, then the process' lock. 0 and *out, to be given back by mm_release();
 *    -ESRCH: no such process, or it is at its end.
 */
int proc_mm_hold(int pid, struct mm **out);

/*
 * Changes the address space and the name (NULL: keeps it) of the running process, and loads it.
 * => takes p->lock. Returns the old address space, not loaded on this hart any more.
 */
struct mm *proc_replace_mm(struct mm *mm, const char *name);

/* ---- life and death ---- */

/*
 * Makes process 1 out of the program at `path`, with itself as its only argument and the root as
 * its directory, and starts it.
 * => once, at boot, after fs_init(). 0 or -errno; may sleep.
 */
int proc_start_init(const char *path);

/*
 * Makes a child that is a copy of the running process and gets 0 from the same system call.
 * PID_SERVER: as proc_fork_server() has it.
 * => may sleep. The child's pid; -EAGAIN no slot; -ENOMEM. Source: docs/xv6-abi.md 2, fork.
 */
int proc_fork(enum pid_kind kind);

/*
 * The same for process 1 only, and the child is a server: the first gets a new pid, and each
 * later one that pid again, so that what was written for it finds it.
 * => as proc_fork(); -EPERM not process 1; -EBUSY the server before it has not ended, or its status
 *    has not been asked for.
 */
int proc_fork_server(void);

/*
 * Replaces the program of the running process by the one at `path`, with the strings of the array
 * at user address `argv`, which ends with a null pointer, as its arguments.
 * => may sleep. argc, which becomes the program's a0; errors of path_lookup(); -ENOEXEC; -ENOMEM;
 *    -EFAULT; -EINVAL arguments of more than a page, or more than 31. On error nothing has changed.
 */
int proc_exec(const char *path, vaddr_t argv);

/*
 * Ends the running process. Its memory, files and directory are gone at once; its children become
 * init's; its status waits for the parent.
 * => no spin lock held; may sleep.
 */
void proc_exit(int status) __noreturn;

/*
 * Waits for a child to end.
 * => may sleep. Its pid, and its status at user address `status` unless that is 0; -ECHILD no
 *    children; -EINTR killed; -EFAULT bad address: the child can be waited for again.
 */
int proc_wait(vaddr_t status);

/*
 * Marks a process killed and ends its sleep; it ends when it is next about to enter user mode.
 * => 0, also for a zombie; -ESRCH no such pid (0 and negative ones name nobody); -EPERM for init,
 *    whose end would be the machine's (I8).
 */
int proc_kill(int pid);

#endif
