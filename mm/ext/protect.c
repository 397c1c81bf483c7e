/*
 * mprotect: what may be done with a mapping changes.
 *
 * Above the line `Commit:` vmas are split where the range begins and ends, and what becomes
 * writable is promised; below it entries get their new permissions, and equal neighbours merge
 * again. Lock: mm->lock. Called by syscall/ext/sysmmap.c. Read next: allow_again() in mm/fault.c.
 */
#include "mm/mmap.h"

#include "../pgtable.h"
#include "../space.h"
#include "asm/tlb.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "private.h"

/* Whether [start, end) may all become `prot`. => rests. */
static int may_protect(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    int err = 0;

    while (start < end && !err) {
        struct vma *v = vma_find(mm, start);

        if (!v)
            return -ENOMEM;
        if (v->kind != VMA_MAP)
            return -EINVAL;
        if (prot & ~v->max_prot)
            return -EACCES;
        start = v->end;
        err = mm_work(mm, 1);
    }
    return err;
}

/*
 * Reserves for pages of [start, end) that are to be promised because they become writable.
 * => rests. 0, -ENOMEM, -EINTR.
 */
static int reserve_writable(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    size_t n = 0;

    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(mm, v)) {
        if (!v->promised && !vma_shares(v))
            n += vma_pages(v);
        if (mm_work(mm, 1))
            return -EINTR;
    }
    return mm_reserve(mm, n);
}

/* The flags of a present entry of v, which has new permissions. A page gets W by a fault, as ever. */
static uint64_t new_flags(const struct vma *v, pte_t pte)
{
    uint64_t flags = pte.v & PTE_S ? vma_region_flags(v) : vma_own_flags(v);

    return pte.v & PTE_W ? flags : flags & ~(PTE_W | PTE_D);
}

/* Enters v's permissions in the entries there are. => rests. */
static void rewrite_entries(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    struct pt_walk w = pt_walk(mm->root, v->start, v->end);

    while (pt_next(&w)) {
        if (!w.missing && w.n > WORK_PIECE)
            w.n = WORK_PIECE;
        mm_work(mm, 4 + (w.missing ? 0 : (unsigned)w.n / 2));
        if (w.missing)
            continue;
        w.stop = w.va + w.n * PAGE_SIZE;
        for (pte_t *pte = w.pte; pte < w.pte + w.n; pte++)
            if (pte->v)
                *pte = pte_make(pte_phys(*pte), new_flags(v, *pte));
        tlb_shootdown(mm->cpus, w.va, w.n);
    }
    v->old_prot = v->prot;
}

/*
 * => rests. Boundaries are made, promises reserved. A vma that was never writable
 * has only zero pages or its file's; the zero pages go, since they were not promised.
 */
static void protect_vmas(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(mm, v)) {
        if ((prot & PROT_WRITE) && !v->promised && !vma_shares(v)) {
            mm_unmap_pages(mm, v);
            v->promised = true;
            ASSERT(mm->set_aside >= vma_pages(v));
            mm->set_aside -= vma_pages(v);
        }
        v->prot = (uint8_t)prot;
        rewrite_entries(mm, v);
    }
}

/* Boundaries, promises, tables: all that can fail, once it is allowed. => rests. */
static int prepare_protect(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    int err = vma_split(mm, va);

    if (!err)
        err = vma_split(mm, end);
    if (!err && (prot & PROT_WRITE))
        err = reserve_writable(mm, va, end);
    if (!err && (prot & PROT_WRITE))
        err = mm_prepare(mm, va, end);
    return err;
}

/*
 * Frees the tables of what was never writable, after prepare_protect() has made them in vain; the
 * zero pages in them go, too, as in protect_vmas(), and come back by a fault.
 */
static void trim_unused(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    struct vma *v = vma_first_above(mm, start);

    for (; v && v->start < end; v = vma_next(mm, v)) {
        mm_work(mm, 1);
        if (v->kind != VMA_MAP || v->promised || v->region)
            continue;
        mm_unmap_pages(mm, v);
        mm_trim(mm, v->start, v->end);
    }
}

/* mm_protect() of what may be protected so. => rests. */
static int protect_range(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    int err = prepare_protect(mm, va, end, prot);

    if (err) {
        mm_unreserve(mm);
        trim_unused(mm, va, end);
        map_merge(mm, va, va);
        map_merge(mm, end, end);
        return err;
    }
    /* Commit: nothing below may fail. */
    protect_vmas(mm, va, end, prot);
    if (prot & PROT_EXEC)
        icache_sync(mm->cpus);
    map_merge(mm, va, end);
    return 0;
}

int mm_protect(struct mm *mm, vaddr_t va, uint64_t len, unsigned prot)
{
    vaddr_t end;
    int err = map_range(va, len, &end);

    if (err || !len)
        return err;
    err = mm_lock_killable(mm);
    if (err)
        return err;
    err = may_protect(mm, va, end, prot);
    if (!err)
        err = protect_range(mm, va, end, prot);
    mm_unlock(mm);
    return err;
}
