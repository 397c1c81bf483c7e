/*
 * lockrank.h - the one order of all spin locks, outermost first.
 *
 * A hart that holds a lock may take only locks further down this list; the checking build keeps a
 * stack of held ranks per hart and panics, naming both locks, when the order is broken.
 * Two locks of one rank are never held together.
 */
#ifndef LIB_LOCKRANK_H
#define LIB_LOCKRANK_H

enum lock_rank {
    RANK_NONE = 0,              /* outside the order: not checked */
    RANK_WAIT = 10,             /* the process tree: parent, children, exit and wait */
    RANK_PROC = 20,             /* one process */
    RANK_FILE = 30,             /* the table of open files */
    RANK_PIPE = 40,             /* one pipe */
    RANK_FS = 50,               /* inode table, log */
    RANK_DEV = 70,              /* one device */
    RANK_CONSOLE = 80,          /* console line buffer */
    RANK_MM = 90,               /* one address space */
    RANK_REGION = 100,          /* one shared region */
    RANK_SLAB = 110,            /* one slab cache */
    RANK_STOCK = 120,           /* frame allocator: reservations, stocks */
    RANK_BUDDY = 130,           /* frame allocator: free lists */
    RANK_WAITQ = 140,           /* one wait queue */
    RANK_TIMER = 150,           /* timer list */
    RANK_RUNQ = 160,            /* run queue */
    RANK_PRINTK = 170,          /* the console's output */
};

#endif
