/*
 * usr/tests/t_mmap.h: what a child may do at an address.
 */
#ifndef LAMINA_T_MMAP_H
#define LAMINA_T_MMAP_H

#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "t.h"

#define BOTH    (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED  (MAP_SHARED | MAP_ANONYMOUS)
#define PLACE   ((char *)0x1000000000)

/* An expression that must fail with this errno, and one that must work. */
#define CHECK_ERRNO(call, number)    \
    do {                             \
        errno = 0;                   \
        CHECK_EQ((long)(call), -1L); \
        CHECK_EQ(errno, number);     \
    } while (0)

static __attribute__((unused)) char buffer[PAGE];

/* ---- what a child may do at an address ---- */

static __attribute__((unused)) void load_at(uint64 address)
{
    volatile char c = *(volatile char *)address;

    (void)c;
}

static __attribute__((unused)) void store_at(uint64 address)
{
    *(volatile char *)address = *(volatile char *)address;
}

static __attribute__((unused)) void only_store_at(uint64 address)
{
    *(volatile char *)address = 1;
}

static __attribute__((unused)) void call_at(uint64 address)
{
    __asm__ volatile("fence.i" ::: "memory");
    exit(((int (*)(void))address)() == 7 ? 0 : 1);
}

/* li a0, 7; ret */
static const uint seven[] = {0x00700513, 0x00008067};

static __attribute__((unused)) char *get(int n, int prot, int flags)
{
    char *p = mmap(0, (size_t)n * PAGE, prot, flags, -1, 0);

    CHECK(p != MAP_FAILED);
    CHECK_EQ((uint64)p % PAGE, 0);
    return p;
}

#endif
