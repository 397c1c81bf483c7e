/*
 * What the switches of enum unkind keep: a part of struct hart and of struct machine. All of it stays as it began when
 * they are off. A time of memory is a count of stores that have reached it.
 */
#ifndef MACHINE_UNKIND_STATE_H
#define MACHINE_UNKIND_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define LATE_STORES   16
#define TOUCHED       128
#define PAST          256
#define TABLES_KEPT   16
#define LINES_KEPT    64
#define LINE_SIZE     64
#define LINES_WATCHED 1024

/* A hart's own: order.c, early.c, unkind_tlb.c, unkind.c. */
struct unkind_hart {
    struct late { /* loads that have not been done yet, by register */
        uint64_t pa, due, bound;
        uint32_t funct;
    } late[32];
    struct store { /* stores that other harts do not see yet, oldest first */
        uint64_t pa, value, due, epoch, bound;
        uint32_t size;
    } store[LATE_STORES];
    uint32_t late_mask, nstores;
    uint32_t insn;             /* the instruction that is being done */
    uint64_t epoch;            /* stores of an older one leave first */
    uint64_t device_epoch;     /* a device is reached only when stores of older ones have left */
    uint64_t due;              /* the step at which a store leaves or a load is done by itself */
    uint64_t floor;            /* no load is done as of before this time */
    uint64_t bound[32];        /* by register: when the loads that its value depends on were done */
    uint64_t touched[TOUCHED]; /* by a hash of the address: when this hart was last there */
    struct table_kept {        /* what entries of the upper levels said */
        uint64_t prefix, pte;  /* prefix: of the page number; NEVER: empty */
        uint32_t level;
    } table[TABLES_KEPT];
    struct line_kept {   /* instructions that fence.i has not made the hart forget */
        uint64_t number; /* of its place in the machine's memory; NEVER: empty */
        uint8_t bytes[LINE_SIZE];
    } line[LINES_KEPT];
    uint32_t sc_lost;     /* SCs that failed for no reason, one after the other */
    uint64_t ipi_at;      /* the time at which an IPI arrives; 0: none is on its way */
    uint64_t timer_late;  /* units of time */
    uint64_t still_until; /* a step: the hart stands still before it */
};

/* All harts': early.c, unkind.c. */
struct unkind_machine {
    struct past { /* what a store has overwritten */
        uint64_t pa, value;
    } past[PAST];
    uint64_t npast; /* stores to memory, ever */
    uint64_t changed[TOUCHED];
    uint8_t toucher[LINES_WATCHED]; /* by a hash of a cache line's address: the hart, from 1 */
    bool met;
};

#endif
