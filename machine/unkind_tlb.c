/*
 * A TLB that remembers more than it was asked: entries of the upper levels, and translations that nobody used.
 *
 * Privileged specification, section 4.3.2: what the walk reads in step 2 may be held, for as long as no fence covers it,
 * and the walk may be done at any time for any address. Section 4.2.1: a fence that names an address covers leaf entries
 * alone; the levels above need one for all addresses. What is held belongs to an address space number, and this kernel
 * uses one: so it survives a new satp.
 * Invalid entries that mmu.c keeps (TLB_KEEPS) are such reads, too.
 */
#include "unkind.h"

#define INDEX_BITS 9

/* In an empty place, else seldom: what is old is what finds mistakes. */
static void keep(struct hart *h, struct table_kept entry)
{
    uint32_t place = 0;

    while (place < TABLES_KEPT && h->unkind.table[place].prefix != NEVER)
        place++;
    if (place == TABLES_KEPT && machine_random(h->machine, 4) == 0)
        place = machine_random(h->machine, TABLES_KEPT);
    if (place < TABLES_KEPT)
        h->unkind.table[place] = entry;
}

bool table_load(struct hart *h, uint64_t pa, uint64_t vpn, unsigned level, uint64_t *pte)
{
    struct machine *m = h->machine;
    uint64_t prefix = vpn >> INDEX_BITS * level;

    for (unsigned i = 0; i < TABLES_KEPT; i++) {
        const struct table_kept *kept = &h->unkind.table[i];

        if (kept->prefix == prefix && kept->level == level) {
            *pte = kept->pte;
            return true;
        }
    }
    if (!bus_load(m, pa, 8, pte))
        return false;
    if (*pte & (PTE_R | PTE_X) || (!(*pte & PTE_V) && !unkind(m, UNKIND_TLB_KEEPS)))
        return true;
    keep(h, (struct table_kept){prefix, *pte, level});
    return true;
}

void table_forget(struct hart *h, bool keep_global)
{
    for (unsigned i = 0; i < TABLES_KEPT; i++) {
        struct table_kept *kept = &h->unkind.table[i];

        if (!keep_global || (kept->pte & (PTE_V | PTE_G)) != (PTE_V | PTE_G))
            kept->prefix = NEVER;
    }
}

/* An address near one that the TLB knows: that is where a program goes next. */
void tlb_speculate(struct hart *h)
{
    const struct tlb_entry *known = &h->tlb[machine_random(h->machine, TLB_ENTRIES)];
    uint64_t vpn = known->vpn + machine_random(h->machine, 3) - 1;

    if (known->vpn != NEVER)
        mmu_speculate(h, vpn * PAGE_SIZE);
}
