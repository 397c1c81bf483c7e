/*
 * world.h - an mm/ without a kernel around it: RAM, address spaces, and a program's eyes.
 */
#ifndef WORLD_H
#define WORLD_H

#include "mm/audit.h"
#include "mm/demand.h"
#include "mm/loans.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"

/* Brings mm/ up over `frames` frames of RAM, everything forgotten that was before. */
void world_start(size_t frames);

/* Every invariant holds, no lock is held. */
#define world_check()                           \
    do {                                        \
        assert_int_equal(mm_audit(), 0);        \
        assert_int_equal(port_locks_held(), 0); \
    } while (0)

/* Frames that are free, promised or not; and those that can still be had. */
size_t world_free(void);
size_t world_available(void);

/*
 * An address space as exec leaves it: text (R-X) at 0, data (RW-) at 0x1000, guard at
 * 0x2000, stack at 0x3000, size 0x4000. Loaded on hart `cpu` from now on (-1: nowhere).
 */
struct mm *world_program(int cpu);

/* Unloads it wherever it is loaded, and releases it. */
void world_exit(struct mm *mm);

/* Loads mm on a hart, as a context switch does. */
void world_load(struct mm *mm, int cpu);

/*
 * A program's load and store of 8 bytes: by the TLB of the hart it runs on, then by the
 * tables, then by a page fault. => false: the access would kill it.
 */
bool world_read(struct mm *mm, vaddr_t va, uint64_t *value);
bool world_write(struct mm *mm, vaddr_t va, uint64_t value);

/* Stale TLB entries: translations a hart still has that the tables no longer grant. */
size_t world_stale(void);

/* A load that must succeed. => the value. */
uint64_t world_peek(struct mm *mm, vaddr_t va);

/* Before and after a test: all frames are back, and nothing is out of order. */
int world_begin(void **state);
int world_end(void **state);

/*
 * The operations of a file whose pages bring_page() brings, and of which nothing need be written;
 * world_bring() brings page i with 7000 + i in its first word, and zeros.
 */
#define WORLD_FILE(bring_page)                                                             \
    {                                                                                      \
        .give = region_give_brought, .bring = (bring_page), .write_back = world_write_back \
    }
int world_bring(struct region *r, size_t i);
int world_write_back(struct region *r, size_t first, size_t n);

vaddr_t world_sbrk(struct mm *mm, long n, enum brk_mode mode);

#define map_shared_pages(src, dst, va, size) (map_shared_pages)(src, dst, va, size, LEND_FAMILY)

#define SBRK_FAILED ((vaddr_t)-1)

#endif
