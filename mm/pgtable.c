/*
 * Sv39 page tables: find an entry, make the tables for it, trim empty ones.
 *
 * Owns the frames of kind PAGE_TABLE below a root. A table serves 2 MiB (level 0) or
 * 1 GiB (level 1) and is held once, by the entry above it. Lock: that of the mm that owns
 * the root. Called by the files of mm/ only. Source of the rules: RISC-V privileged
 * specification, "Sv39: Page-Based 39-bit Virtual-Memory System".
 * Read next: mm/space.c, which decides what to map.
 */
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/string.h"

#include "frames.h"
#include "pgtable.h"

pte_t *pt_create(pte_t *root, vaddr_t va, unsigned level, enum table_frames from)
{
    for (;;) {
        unsigned at = level;
        pte_t *pte = pt_find(root, va, &at);
        struct page *page = NULL;
        paddr_t table;

        if (at == level)
            return pte;
        ASSERT(!(pte->v & (PTE_V | PTE_H)));
        if (from == TABLES_BOOT) { /* no frame has its struct page yet */
            table = frame_take_early(1);
        } else {
            page = from == TABLES_RESERVED ? page_alloc_reserved() : page_alloc();
            table = page ? page_phys(page) : 0;
        }
        if (!table)
            return NULL;
        if (page && from != TABLES_KERNEL)
            page->kind = PAGE_TABLE;
        memset(phys_to_virt(table), 0, PAGE_SIZE);
        *pte = pte_make(table, PTE_V);
    }
}

/* Unhooks the table under *pte, which maps nothing, and chains its frame. */
static void unhook_table(pte_t *pte, uint32_t *chain)
{
    struct page *page = pte_page(*pte);

#ifdef LAMINA_CHECK
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        ASSERT(!pte_table(*pte)[i].v);
#endif
    *pte = (pte_t){0};
    page->next = *chain;
    *chain = frame_number(page);
}

void pt_map(pte_t *pte, const uint32_t *frames, size_t n, uint64_t flags)
{
    for (size_t i = 0; i < n; i++) {
        /* A fault may have been faster, if the call rested: then it stored the same. */
        CHECK_ASSERT(!pte[i].v || pte_frame(pte[i]) == frames[i]);
        pte[i] = pte_make((paddr_t)frames[i] << PAGE_SHIFT, flags);
    }
}

/*
 * A hart may keep the entries above a leaf, too, and fencing single pages need not make it
 * forget those: when a table goes, every hart that has the mm drops all it knows of it.
 */
void pt_trim(struct mm *mm, vaddr_t start, vaddr_t end, struct pt_gap gap)
{
    uint32_t chain = 0;

    ASSERT(gap.floor <= start && start < end && end <= gap.ceiling);
    for (unsigned level = 1; level < PT_LEVELS; level++) {
        uint64_t span = pt_span(level);
        vaddr_t va = start & ~(span - 1), stop = (end + span - 1) & ~(span - 1);

        /* The first and the last may serve a neighbour, too; most often they are one and do. */
        if (va < gap.floor)
            va += span;
        if (stop > gap.ceiling)
            stop -= span;
        while (va < stop) {
            unsigned at = level;
            pte_t *pte = pt_find(mm->root, va, &at);

            if (at == level && (pte->v & PTE_V))
                unhook_table(pte, &chain);
            va = pt_span_end(va, at);
        }
    }
    if (chain && mm->cpus)
        tlb_shootdown(mm->cpus, 0, USER_TOP >> PAGE_SHIFT);
    while (chain) {
        struct page *page = &page_array[chain];

        ASSERT(page->kind == PAGE_TABLE);
        chain = page->next;
        page_put(page);
    }
}
