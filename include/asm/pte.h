/*
 * The format of an Sv39 page-table entry (RISC-V privileged specification, 4.4).
 *
 *   63      54 53                            10 9 8 7 6 5 4 3 2 1 0
 *  +----------+-------------------------------+-+-+-+-+-+-+-+-+-+-+
 *  | reserved |     physical page number      |H|S|D|A|G|U|X|W|R|V|
 *  +----------+-------------------------------+-+-+-+-+-+-+-+-+-+-+
 *
 * An entry with V and none of R, W, X points to the next table; with one of them it is a leaf. A and D
 * are always set beforehand, so that no hart has to write them. An entry that is 0 is absent.
 * Bits 8 and 9 belong to software. S: the mapping's frame is not owned by the address space it is in.
 * H stands in place of V: the page is there, but nobody may touch it (PROT_NONE); the hardware sees an
 * invalid entry and ignores the rest.
 */
#ifndef ASM_PTE_H
#define ASM_PTE_H

#include <stdint.h>

#include "asm/page.h"

#define PTE_V (1UL << 0)
#define PTE_R (1UL << 1)
#define PTE_W (1UL << 2)
#define PTE_X (1UL << 3)
#define PTE_U (1UL << 4)
#define PTE_G (1UL << 5)
#define PTE_A (1UL << 6)
#define PTE_D (1UL << 7)
#define PTE_S (1UL << 8)
#define PTE_H (1UL << 9)

#define PTE_RWX (PTE_R | PTE_W | PTE_X)

#define PT_LEVELS  3
#define PT_ENTRIES 512

/* A struct, so that an entry is not mixed up with an address. */
typedef struct {
    uint64_t v;
} pte_t;

/* Bytes that one entry of a table at `level` spans: 4 KiB, 2 MiB, 1 GiB. */
static inline uint64_t pt_span(unsigned level)
{
    return PAGE_SIZE << (9 * level);
}

static inline unsigned pt_index(vaddr_t va, unsigned level)
{
    return (va >> (PAGE_SHIFT + 9 * level)) & (PT_ENTRIES - 1);
}

/* A leaf; or with PTE_V alone, an entry that points to a table. */
static inline pte_t pte_make(paddr_t pa, uint64_t flags)
{
    return (pte_t){pa >> PAGE_SHIFT << 10 | flags};
}

/* The number of the frame or table. */
static inline uint64_t pte_frame(pte_t pte)
{
    return pte.v >> 10;
}

static inline paddr_t pte_phys(pte_t pte)
{
    return pte.v >> 10 << PAGE_SHIFT;
}

static inline uint64_t pte_flags(pte_t pte)
{
    return pte.v & 0x3ff;
}

/*
 * Leaf flags of a user page that may be used as `rwx` says, of PTE_RWX. A writable page is readable
 * too: W without R is reserved in the format. D is set where a store can happen. The format has no
 * leaf that allows nothing: without `rwx` the entry is invalid, and H keeps the page.
 */
static inline uint64_t pte_user_flags(uint64_t rwx)
{
    if (!rwx)
        return PTE_H;
    return PTE_V | PTE_U | PTE_A | rwx | (rwx & PTE_W ? PTE_R | PTE_D : 0);
}

/* The same entry with stores taken away, as fork does for copy-on-write. */
static inline pte_t pte_without_write(pte_t pte)
{
    return (pte_t){pte.v & ~(PTE_W | PTE_D)};
}

#endif
