/*
 * world.c - RAM, programs and TLBs for the host tests of mm/.
 *
 * TLBs are modelled because a missing fence is invisible otherwise: each hart remembers
 * every translation it used until it is told to forget, like the most tenacious hardware.
 */
#include "world.h"

#include "asm/cpu.h"
#include "asm/mmu.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "../../../mm/frames.h"
#include "mm/ram.h"
#include "../../../mm/pgtable.h"

#include <stdlib.h>

#define RAM_BASE 0x80000000UL
#define TLB_SIZE 512

struct tlb_entry {
    struct mm *mm;
    vaddr_t va;
    pte_t pte;
};

pte_t *kmap_root;

static struct tlb_entry tlb[NCPU_MAX][TLB_SIZE];

static void forget(uint64_t mask, uint64_t va, size_t npages)
{
    for (unsigned cpu = 0; cpu < NCPU_MAX; cpu++)
        for (unsigned i = 0; mask >> cpu & 1 && i < TLB_SIZE; i++)
            if (tlb[cpu][i].va - va < npages * PAGE_SIZE)
                tlb[cpu][i].mm = NULL;
}

static void forget_hart(unsigned cpu)
{
    for (unsigned i = 0; i < TLB_SIZE; i++)
        tlb[cpu][i].mm = NULL;
}

void world_start(size_t frames)
{
    static bool started;

    /* mm/ is brought up once in a kernel's life; a test program has one life, too. */
    if (started)
        abort();
    started = true;
    port_make_ram(RAM_BASE, frames * PAGE_SIZE);
    ram_ranges[0] = (struct phys_range){RAM_BASE, RAM_BASE + frames * PAGE_SIZE, 0};
    ram_nranges = 1;
    frame_find_extents(NULL, 0);
    page_init(frames);
    kmap_root = memset(page_addr(page_alloc()), 0, PAGE_SIZE);
    mmu_set_kernel_root(virt_to_phys(kmap_root));
    port_on_shootdown = forget;
}

size_t world_free(void)
{
    struct page_stats s;

    page_get_stats(&s);
    return s.free;
}

size_t world_available(void)
{
    struct page_stats s;

    page_get_stats(&s);
    return s.free - s.promised;
}

void world_load(struct mm *mm, int cpu)
{
    port_set_cpu((unsigned)cpu);
    if (this_cpu->mm != mm)
        forget_hart((unsigned)cpu); /* loading another table drops the old translations */
    mm_activate(mm);
    port_set_cpu(0);
}

struct mm *world_program(int cpu)
{
    struct mm *mm = mm_create();

    if (!mm)
        return NULL;
    mm->family = mm_new_family();
    if (mm_add_segment(mm, 0, PAGE_SIZE, PROT_EXEC) ||
        mm_add_segment(mm, PAGE_SIZE, 2 * PAGE_SIZE, PROT_WRITE) ||
        mm_add_stack(mm, 2 * PAGE_SIZE)) {
        mm_release(mm);
        return NULL;
    }
    if (cpu >= 0)
        world_load(mm, cpu);
    return mm;
}

void world_exit(struct mm *mm)
{
    for (int cpu = 0; cpu < NCPU_MAX; cpu++)
        if (mm->cpus >> cpu & 1)
            world_load(NULL, cpu);
    mm_release(mm);
}

/* ---- a program's accesses ---- */

static bool grants(pte_t pte, enum access access)
{
    return (pte.v & PTE_V) && (pte.v & PTE_U) && (access == ACCESS_READ || (pte.v & PTE_W));
}

static struct tlb_entry *tlb_slot(unsigned cpu, vaddr_t va)
{
    return &tlb[cpu][(va >> PAGE_SHIFT) % TLB_SIZE];
}

static bool translate(struct mm *mm, vaddr_t va, enum access access, uint64_t **out)
{
    vaddr_t page = page_down(va);
    int cpu = mm->cpus ? __builtin_ctzl(mm->cpus) : -1;
    struct tlb_entry *slot = cpu < 0 ? NULL : tlb_slot((unsigned)cpu, va);
    pte_t pte = (pte_t){0};

    for (int tries = 0; tries < 3; tries++) {
        pte_t *found = pt_lookup(mm->root, page);

        if (slot && slot->mm == mm && slot->va == page && grants(slot->pte, access))
            pte = slot->pte;
        else
            pte = found ? *found : (pte_t){0};
        if (grants(pte, access)) {
            if (slot)
                *slot = (struct tlb_entry){mm, page, pte};
            *out = (uint64_t *)((char *)phys_to_virt(pte_phys(pte)) + (va - page));
            return true;
        }
        if (slot && slot->va == page)
            slot->mm = NULL; /* a fault makes the hart look again */
        if (mm_fault(mm, va, access))
            return false;
    }
    fail_msg("the fault at %lx was resolved, yet it faults again", va);
    return false;
}

bool world_read(struct mm *mm, vaddr_t va, uint64_t *value)
{
    uint64_t *at;

    if (!translate(mm, va, ACCESS_READ, &at))
        return false;
    *value = *at;
    return true;
}

bool world_write(struct mm *mm, vaddr_t va, uint64_t value)
{
    uint64_t *at;

    if (!translate(mm, va, ACCESS_WRITE, &at))
        return false;
    *at = value;
    return true;
}

size_t world_stale(void)
{
    size_t n = 0;

    for (unsigned cpu = 0; cpu < NCPU_MAX; cpu++)
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            struct tlb_entry *e = &tlb[cpu][i];
            pte_t *pte;

            if (!e->mm || cpus[cpu].mm != e->mm)
                continue;
            pte = pt_lookup(e->mm->root, e->va);
            n += !pte || !(pte->v & PTE_V) || pte_phys(*pte) != pte_phys(e->pte) ||
                 (pte_flags(e->pte) & ~pte_flags(*pte));
        }
    return n;
}

uint64_t world_peek(struct mm *mm, vaddr_t va)
{
    uint64_t value = 0;

    assert_true(world_read(mm, va, &value));
    return value;
}

static size_t available_before;

int world_begin(void **state)
{
    available_before = world_available();
    return 0;
}

int world_end(void **state)
{
    world_check();
    assert_int_equal(world_stale(), 0);
    assert_int_equal(world_available(), available_before);
    return 0;
}

vaddr_t world_sbrk(struct mm *mm, long n, enum brk_mode mode)
{
    vaddr_t old;

    return mm_sbrk(mm, n, mode, &old) ? SBRK_FAILED : old;
}

/* All of the bank is memory. */
bool mmio_is_memory(const volatile void *reg)
{
    return true;
}

/* The kernel's own map is not built here. */
size_t kmap_check(void)
{
    return 0;
}

int world_bring(struct region *r, size_t i)
{
    struct page *page = region_take(r);

    memset(page_addr(page), 0, PAGE_SIZE);
    *(uint64_t *)page_addr(page) = 7000 + i;
    region_fill(r, i, page);
    return 0;
}

int world_write_back(struct region *r, size_t first, size_t n)
{
    return 0;
}
