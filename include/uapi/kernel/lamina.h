/*
 * uapi/kernel/lamina.h: the structures of Lamina's own system calls (27 and up).
 *
 * Field sizes are spelled in C's own types, so that kernel and programs can both include this
 * without agreeing on typedef names. All counts in struct meminfo are pages of 4096 bytes.
 */
#ifndef LAMINA_UAPI_LAMINA_H
#define LAMINA_UAPI_LAMINA_H

struct meminfo {
    unsigned long total;    /* frames the allocator was given at boot */
    unsigned long free;     /* of these, on a free list or a hart's stock */
    unsigned long promised; /* of the free ones, reserved for memory not touched yet */
    unsigned long cached;   /* in use, but given back under pressure (block cache) */
    unsigned long kernel;   /* RAM outside `total`: kernel image, struct pages, firmware */
};

/* procinfo.state. 0 only in a free slot. */
enum {
    PROCINFO_FREE = 0,
    PROCINFO_EMBRYO = 1, /* being made by fork, or not started yet */
    PROCINFO_SLEEPING = 2,
    PROCINFO_RUNNABLE = 3,
    PROCINFO_RUNNING = 4,
    PROCINFO_ZOMBIE = 5,
};

struct procinfo {
    int pid;            /* 0: the slot is free, the rest is 0 */
    int ppid;           /* 0: no parent */
    int state;          /* PROCINFO_... */
    unsigned family;    /* one number from exec, inherited by fork; 0: it has ended */
    unsigned long size; /* the break: bytes */
    char name[16];
};

#endif
