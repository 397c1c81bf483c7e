/*
 * The memory management unit: from a virtual address to a physical one.
 *
 * The hart walks the three levels of an Sv39 table as mm/pgtable.c does, and remembers what it found in its TLB. What it
 * remembers may be older than the table: it forgets only what a fence names.
 *
 * Source: privileged specification, sections 4.2.1 (fences), 4.3.1 and 4.3.2 (the walk), 4.4 (Sv39).
 * Read next: bus.c.
 */
#include "unkind.h"

#define LEVELS     3
#define INDEX_BITS 9
#define PPN_MASK   ((1ULL << 44) - 1)
#define PAGE_SHIFT 12

static const uint8_t page_fault[3] = {CAUSE_PAGE_LOAD, CAUSE_PAGE_STORE, CAUSE_PAGE_FETCH};
static const uint8_t access_fault[3] = {CAUSE_ACCESS_LOAD, CAUSE_ACCESS_STORE, CAUSE_ACCESS_FETCH};

/* ---- The TLB ---- */

static struct tlb_entry *tlb_entry(struct hart *h, uint64_t vpn)
{
    return &h->tlb[vpn % TLB_ENTRIES];
}

void mmu_forget_fetch(struct hart *h)
{
    h->fetch_vpn = NEVER;
}

void mmu_fence_fetch(struct hart *h)
{
    mmu_forget_fetch(h);
    if (unkind(h->machine, UNKIND_ORDER))
        order_stores(h);
    if (unkind(h->machine, UNKIND_FETCH))
        line_forget(h);
}

/* Forgets one address or all of them; what is global may stay when the fence names an address space. */
void mmu_fence(struct hart *h, uint64_t va, bool all, bool keep_global)
{
    uint64_t vpn = va >> PAGE_SHIFT;

    if (unkind(h->machine, UNKIND_ORDER))
        order_stores(h); /* this hart's walks read memory, not the buffer */
    if (all && unkind(h->machine, UNKIND_TLB_TABLES))
        table_forget(h, keep_global);
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        struct tlb_entry *entry = &h->tlb[i];
        uint64_t span = (uint64_t)INDEX_BITS * entry->level;

        if ((all || entry->vpn >> span == vpn >> span) && !(keep_global && entry->flags & PTE_G))
            entry->vpn = NEVER;
    }
    mmu_forget_fetch(h);
    if (!all && unkind(h->machine, UNKIND_TLB_SPECULATES) && machine_random(h->machine, 2))
        mmu_speculate(h, va);
}

/* ---- The walk ---- */

/* May a leaf with these flags be used so? A and D are another question. */
static bool allows(const struct hart *h, uint32_t flags, enum access access)
{
    if (h->mode == MODE_USER && !(flags & PTE_U))
        return false;
    if (h->mode == MODE_SUPERVISOR && flags & PTE_U &&
        (access == ACCESS_FETCH || !(h->sstatus & STATUS_SUM)))
        return false;
    if (access == ACCESS_STORE)
        return flags & PTE_W;
    if (access == ACCESS_FETCH)
        return flags & PTE_X;
    return flags & PTE_R || (h->sstatus & STATUS_MXR && flags & PTE_X);
}

/* Sets A, and D for a store. With Svade the hart leaves that to software, and faults (section 4.3.1). */
static bool set_accessed(struct hart *h, uint64_t pte_pa, uint64_t *pte, enum access access)
{
    uint64_t need = access == ACCESS_STORE ? PTE_A | PTE_D : PTE_A;

    if ((*pte & need) == need)
        return true;
    if (unkind(h->machine, UNKIND_SVADE))
        return false;
    *pte |= need;
    return bus_store(h, pte_pa, 8, *pte);
}

/* Step 2 of the walk. */
static bool read_entry(struct hart *h, uint64_t pa, uint64_t vpn, unsigned level, uint64_t *pte)
{
    if (!bus_ram(h->machine, pa, 8))
        return false;
    if (level && unkind(h->machine, UNKIND_TLB_TABLES))
        return table_load(h, pa, vpn, level, pte);
    return bus_load(h->machine, pa, 8, pte);
}

/*
 * Walks the table for one address. => 0 and the entry, or the cause of a fault. A walk that meets an invalid entry
 * gives it too, with flags 0: a TLB may keep even that.
 */
static uint64_t walk(struct hart *h, uint64_t va, enum access access, struct tlb_entry *found)
{
    uint64_t table = (h->satp & PPN_MASK) << PAGE_SHIFT, vpn = va >> PAGE_SHIFT, pte_pa, pte, ppn;
    unsigned level = LEVELS - 1;

    *found = (struct tlb_entry){.vpn = vpn};
    if (unkind(h->machine, UNKIND_ORDER))
        early_end(h); /* what a walk reads comes before the accesses that use what it found */
    if ((int64_t)va >> 38 != 0 && (int64_t)va >> 38 != -1)
        return page_fault[access]; /* bits 63..39 repeat bit 38 */
    for (;; level--) {
        pte_pa = table + (vpn >> INDEX_BITS * level & 511) * 8;
        if (!read_entry(h, pte_pa, vpn, level, &pte))
            return access_fault[access];
        if (!(pte & PTE_V) || (!(pte & PTE_R) && pte & PTE_W) || pte >> 54)
            return page_fault[access];
        if (pte & (PTE_R | PTE_X))
            break;
        if (level == 0 || pte & (PTE_U | PTE_A | PTE_D))
            return page_fault[access];
        table = (pte >> 10 & PPN_MASK) << PAGE_SHIFT;
    }
    ppn = pte >> 10 & PPN_MASK;
    if (ppn & ((1ULL << INDEX_BITS * level) - 1))
        return page_fault[access]; /* a large page begins at a multiple of its size */
    found->level = level;
    found->flags = pte & 0xff;
    found->pa = (ppn | (vpn & ((1ULL << INDEX_BITS * level) - 1))) << PAGE_SHIFT;
    if (!allows(h, found->flags, access) || !set_accessed(h, pte_pa, &pte, access))
        return page_fault[access];
    found->flags = pte & 0xff;
    return 0;
}

void mmu_speculate(struct hart *h, uint64_t va)
{
    struct tlb_entry found;

    if (!h->satp || tlb_entry(h, va >> PAGE_SHIFT)->vpn != NEVER)
        return; /* what is remembered already stays */
    walk(h, va, ACCESS_LOAD, &found);
    if (found.flags & PTE_V || unkind(h->machine, UNKIND_TLB_KEEPS))
        *tlb_entry(h, va >> PAGE_SHIFT) = found;
}

/* The slow way of a translation: the TLB does not have it, or what it has does not allow it. */
static bool translate_slowly(struct hart *h, uint64_t va, enum access access, uint64_t *pa)
{
    struct tlb_entry *entry = tlb_entry(h, va >> PAGE_SHIFT), found;
    bool keeps = unkind(h->machine, UNKIND_TLB_KEEPS);
    uint64_t cause;

    /* Section 4.2.1: an entry that is too weak, or not valid at all, may be kept until it is fenced. */
    if (keeps && entry->vpn == va >> PAGE_SHIFT && !allows(h, entry->flags, access)) {
        hart_trap(h, page_fault[access], va);
        return false;
    }
    cause = walk(h, va, access, &found);
    if (!cause || keeps)
        *entry = found;
    if (cause) {
        hart_trap(h, cause, va);
        return false;
    }
    *pa = found.pa + va % PAGE_SIZE;
    return true;
}

bool mmu_translate(struct hart *h, uint64_t va, enum access access, uint64_t *pa)
{
    const struct tlb_entry *entry = tlb_entry(h, va >> PAGE_SHIFT);

    if (h->satp == 0) {
        *pa = va;
        return true;
    }
    if (entry->vpn == va >> PAGE_SHIFT && (entry->flags & h->mask[access]) == h->want[access]) {
        *pa = entry->pa + va % PAGE_SIZE;
        return true;
    }
    return translate_slowly(h, va, access, pa);
}

/* ---- What instructions need ---- */

/* Where an address of a fetch lies in the host's memory; NULL: a trap was taken. */
static uint8_t *fetch_page(struct hart *h, uint64_t va)
{
    uint64_t pa;
    uint8_t *at;

    if (!mmu_translate(h, va, ACCESS_FETCH, &pa))
        return NULL;
    at = bus_ram(h->machine, pa & ~(uint64_t)(PAGE_SIZE - 1), PAGE_SIZE);
    if (!at) {
        hart_trap(h, CAUSE_ACCESS_FETCH, va);
        return NULL;
    }
    h->fetch_vpn = va >> PAGE_SHIFT;
    h->fetch_at = at;
    return at;
}

static uint32_t half(const uint8_t *at)
{
    uint16_t value;

    __builtin_memcpy(&value, at, 2);
    return value;
}

/* From what the hart remembers; the two halves may lie in different lines, or pages. */
static bool fetch_halves(struct hart *h, const uint8_t *at, uint32_t *insn)
{
    *insn = line_half(h, at);
    if ((*insn & 3) != 3)
        return true;
    at += 2;
    if (h->pc % PAGE_SIZE == PAGE_SIZE - 2 && !(at = fetch_page(h, h->pc + 2)))
        return false;
    *insn |= (uint32_t)line_half(h, at) << 16;
    return true;
}

bool mmu_fetch(struct hart *h, uint32_t *insn)
{
    uint64_t offset = h->pc % PAGE_SIZE;
    uint8_t *at = h->fetch_at;

    if (h->fetch_vpn != h->pc >> PAGE_SHIFT && !(at = fetch_page(h, h->pc)))
        return false;
    if (unkind(h->machine, UNKIND_FETCH))
        return fetch_halves(h, at + offset, insn);
    if (offset <= PAGE_SIZE - 4) {
        __builtin_memcpy(insn, at + offset, 4);
        return true;
    }
    *insn = half(at + offset);
    if ((*insn & 3) != 3)
        return true;
    if (!(at = fetch_page(h, h->pc + 2))) /* its upper half lies in the next page */
        return false;
    *insn |= half(at) << 16;
    return true;
}

/* An access that crosses a page: each byte has a translation of its own. */
static bool load_bytes(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
    uint64_t pa, byte;

    if (unkind(h->machine, UNKIND_ORDER))
        order_all(h);
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        if (!mmu_translate(h, va + i, ACCESS_LOAD, &pa))
            return false;
        if (!bus_load(h->machine, pa, 1, &byte)) {
            hart_trap(h, CAUSE_ACCESS_LOAD, va + i);
            return false;
        }
        *value |= byte << 8 * i;
    }
    return true;
}

static bool store_bytes(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t pa[8];

    if (unkind(h->machine, UNKIND_ORDER))
        order_all(h);
    for (unsigned i = 0; i < size; i++)
        if (!mmu_translate(h, va + i, ACCESS_STORE, &pa[i]))
            return false;
    for (unsigned i = 0; i < size; i++) {
        if (!bus_store(h, pa[i], 1, value >> 8 * i)) {
            hart_trap(h, CAUSE_ACCESS_STORE, va + i);
            return false;
        }
    }
    return true;
}

bool mmu_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
    uint64_t pa;

    if (va % PAGE_SIZE > PAGE_SIZE - size)
        return load_bytes(h, va, size, value);
    if (!mmu_translate(h, va, ACCESS_LOAD, &pa))
        return false;
    if (unkind(h->machine, UNKIND_ORDER | UNKIND_MEETINGS) && unkind_load(h, pa, size, value))
        return true;
    if (bus_load(h->machine, pa, size, value))
        return true;
    hart_trap(h, CAUSE_ACCESS_LOAD, va);
    return false;
}

bool mmu_store(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t pa;

    if (va % PAGE_SIZE > PAGE_SIZE - size)
        return store_bytes(h, va, size, value);
    if (!mmu_translate(h, va, ACCESS_STORE, &pa))
        return false;
    if (unkind(h->machine, UNKIND_ORDER | UNKIND_MEETINGS) && unkind_store(h, pa, size, value))
        return true;
    if (bus_store(h, pa, size, value))
        return true;
    hart_trap(h, CAUSE_ACCESS_STORE, va);
    return false;
}
