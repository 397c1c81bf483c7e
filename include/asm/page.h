/*
 * Pages and addresses of Sv39: sizes, rounding, and the one linear map.
 *
 * The kernel sees physical address P at virtual address P + KERNEL_OFFSET, all of
 * RAM and every device alike. User space is the lower half, [0, USER_TOP).
 */
#ifndef ASM_PAGE_H
#define ASM_PAGE_H

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)

/* End of the Sv39 lower half: no user address is at or above it. */
#define USER_TOP (1UL << 38)

/* Highest legal break. xv6 keeps two pages above it; programs test that both fault. */
#define USER_BREAK_MAX 0x3fffffe000UL

#ifndef LAMINA_HOST
#define KERNEL_OFFSET 0xffffffc000000000UL
/* Where the array of struct page is (mm/page.h): the top 2 GiB, beyond the end of the linear map. */
#define PAGE_ARRAY 0xffffffff80000000UL
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;

#ifdef LAMINA_HOST
/* A host test keeps "physical" memory in an arena; it sets where that and the array start. */
extern uint64_t host_kernel_offset, host_page_array;
#define KERNEL_OFFSET host_kernel_offset
#define PAGE_ARRAY    host_page_array
#endif

/* A range of physical memory, [start, end) in bytes. */
struct phys_range {
    paddr_t start;
    paddr_t end;
    int no_map; /* not to be mapped by the kernel: the firmware's own */
};

static inline uint64_t page_down(uint64_t x)
{
    return x & ~(PAGE_SIZE - 1);
}

/* Wraps to 0 within the last page of the address space: check ranges first. */
static inline uint64_t page_up(uint64_t x)
{
    return (x + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(pa + KERNEL_OFFSET);
}

static inline paddr_t virt_to_phys(const void *kva)
{
    return (paddr_t)kva - KERNEL_OFFSET;
}

/*
 * Whether [va, va + n) lies below `top`, without ever computing va + n: the one
 * range check of the kernel for addresses that a program chose.
 */
static inline int range_fits(vaddr_t va, uint64_t n, vaddr_t top)
{
    return va <= top && n <= top - va;
}

#endif /* __ASSEMBLER__ */
#endif
