/*
 * The one order of all spin locks, outermost first.
 *
 * A hart that holds a lock may take only locks further down this list; the checking build keeps a
 * stack of the held locks of each hart and panics, naming both, when the order is broken. Two locks
 * of one rank are never held together. RANK_NONE is outside the order: not checked.
 */
#ifndef LIB_LOCKRANK_H
#define LIB_LOCKRANK_H

enum lock_rank {
    RANK_NONE,
    RANK_SLEEPERS,    /* tasks in sleep() */
    RANK_WAIT,        /* the process tree: parent, children, exit and wait */
    RANK_PROC,        /* one process */
    RANK_PIPE,        /* one pipe */
    RANK_SERVICE,     /* one service's queue */
    RANK_FS,          /* open files, inode table, log, file mappings */
    RANK_DEV,         /* one device */
    RANK_DISK_ENDS,   /* the tasks that wait for the disk */
    RANK_DISK_ERRORS, /* what was told of disk errors */
    RANK_CONSOLE,     /* console line buffer */
    RANK_MM,          /* one address space */
    RANK_REGION,      /* one shared region; the lists of regions and of address spaces */
    RANK_BUFFERS,     /* block cache */
    RANK_SLAB,        /* one slab cache */
    RANK_STOCK,       /* frame allocator: reservations, stocks */
    RANK_BUDDY,       /* frame allocator: free lists */
    RANK_MUTEX,       /* the guard of one mutex */
    RANK_WAITQ,       /* one wait queue */
    RANK_TIMER,       /* one hart's timers */
    RANK_RUNQ,        /* run queue */
    RANK_PRINTK,      /* the console's output */
};

#endif
