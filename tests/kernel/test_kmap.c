/*
 * The kernel's own map: W^X, guards, and that the check of it can fail.
 */
#include "asm/kstack.h"
#include "asm/tlb.h"
#include "mm/audit.h"
#include "mm/kmap.h"
#include "sched/stop.h"
#include "selftest.h"

extern char __text_start[], __rodata_start[], __data_start[];

/* The leaf that maps a kernel address; an invalid entry when there is none. */
static pte_t *kernel_leaf(const void *at)
{
    vaddr_t va = (vaddr_t)at;
    pte_t *table = kmap_root;

    for (unsigned level = PT_LEVELS - 1;; level--) {
        pte_t *pte = &table[pt_index(va, level)];

        if (level == 0 || (pte->v & (PTE_V | PTE_RWX)) != PTE_V)
            return pte;
        table = phys_to_virt(pte_phys(*pte));
    }
}

static uint64_t leaf_allows(const void *at)
{
    return kernel_leaf(at)->v & PTE_RWX;
}

void test_kernel_map(void)
{
    EXPECT(leaf_allows(__text_start) == (PTE_R | PTE_X));
    EXPECT(leaf_allows(__rodata_start) == PTE_R);
    EXPECT(leaf_allows(__data_start) == (PTE_R | PTE_W));
    EXPECT(leaf_allows(kmap_root) == (PTE_R | PTE_W));
    EXPECT(pte_phys(*kernel_leaf(__text_start)) == virt_to_phys(__text_start));
    EXPECT(kmap_check() == 0);
}

/* Plants one wrong flag at a time in a leaf that nobody uses meanwhile. */
void test_kernel_map_check_bites(void)
{
    static const uint64_t wrong[] = {PTE_X, PTE_U, PTE_G, PTE_A, PTE_D};
    static char page[PAGE_SIZE] __attribute__((aligned(4096)));
    pte_t *pte = kernel_leaf(page), good = *pte;

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        pte->v = good.v ^ wrong[i];
        EXPECT(kmap_check() == 1);
    }
    *pte = good;
    tlb_flush_local();
    EXPECT(kmap_check() == 0);
}

void test_stack_guards(void)
{
    for (unsigned slot = 0; slot < KSTACK_SLOTS; slot++) {
        EXPECT(!(kernel_leaf((void *)kstack_guard(slot))->v & PTE_V));
        EXPECT(kernel_leaf((void *)(kstack_top(slot) - 8))->v & PTE_V);
    }
}

void test_audit_is_clean(void)
{
    size_t found = 1;

    EXPECT(stop_machine(mm_audit, &found) == 0);
    EXPECT(found == 0);
}
