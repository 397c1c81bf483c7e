/*
 * Page faults: the one place where a page appears.
 *
 * Called for the running process (by a trap of its own, or by the kernel copying for it)
 * and for a source whose pages are to be pinned. A fresh page is zeroed; a write to a
 * copy-on-write page gets a copy, or the page itself when nobody else is left on it. In
 * promised memory neither can fail (I5): the frame was reserved with the vma. Lock:
 * mm->lock. Read next: struct page in include/mm/page.h; mm/fork.c, who shares pages.
 */
#include "asm/cpu.h"
#include "asm/tlb.h"
#include "frames.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

/* A frame for a page of v: from its promise, or from what is left. => NULL only if lazy. */
static struct page *take_frame(const struct vma *v)
{
    struct page *page = v->promised ? page_alloc_reserved() : page_alloc();

    if (page)
        page->kind = PAGE_USER;
    return page;
}

/* The page was never touched: a zeroed one. */
static int zero_page(const struct vma *v, pte_t *pte)
{
    struct page *page = take_frame(v);
    paddr_t pa;

    if (!page)
        return -ENOMEM;
    pa = frame_phys(page);
    memset(phys_to_virt(pa), 0, PAGE_SIZE);
    *pte = pte_leaf(pa, vma_own_flags(v));
    return 0;
}

/*
 * A page of v's region. A store to a file's page must be noticed, to be written back: it is
 * mapped read-only until the first. => 0; -EFAULT when it was revoked; -EAGAIN when the
 * pager has to bring it first.
 */
static __noinline int region_map_page(const struct vma *v, vaddr_t va, enum access access, pte_t *pte)
{
    struct region *r = v->region;
    size_t i = vma_page_at(v, va);
    struct page *page;
    pte_t new;

    if (i >= r->npages || __atomic_load_n(&r->revoked, __ATOMIC_SEQ_CST))
        return -EFAULT;
    page = region_page(r, i);
    if (!page && r->pager)
        return -EAGAIN;
    if (!page)
        page = region_zero_page(r, i);
    new = pte_leaf(frame_phys(page), vma_region_flags(v));
    if (r->pager && access == ACCESS_WRITE && !v->copies)
        region_set_dirty(r, i);
    else if (r->pager)
        new = pte_without_write(new);
    *pte = new;
    return 0;
}

/*
 * Whether a store may go to the old frame: the last one on it keeps it, and so does the owner
 * of one that is lent, since it was made his own then.
 */
static bool keeps_frame(pte_t pte, const struct page *old)
{
    return !(pte.v & PTE_S) && (page_sole(old) || page_pinned(old));
}

/*
 * A frame for v's copy of old. Relatives on one frame are promised one less than they are: when
 * all store at once, the last finds no frame, and then finds himself alone.
 * => NULL: keeps_frame(); or no memory, only if lazy.
 */
static struct page *take_copy(const struct vma *v, pte_t pte, const struct page *old)
{
    while (!keeps_frame(pte, old)) {
        struct page *page = v->promised ? page_try_reserved() : page_alloc();

        if (page)
            page->kind = PAGE_USER;
        if (page || !v->promised)
            return page;
        cpu_relax();
    }
    return NULL;
}

/*
 * A store to a page that fork left read-only, or to a private view of a file. If it does not
 * keep the old frame: unhook that, tell the harts, let it go.
 */
static __noinline int copy_on_write(struct mm *mm, const struct vma *v, vaddr_t va, pte_t *pte)
{
    struct page *old = phys_to_frame(pte_phys(*pte));
    struct page *page = take_copy(v, *pte, old);
    bool borrowed = pte->v & PTE_S;

    if (!page && keeps_frame(*pte, old)) {
        *pte = pte_leaf(pte_phys(*pte), vma_own_flags(v));
        tlb_shootdown(mm->cpus, va, 1);
        return 0;
    }
    if (!page)
        return -ENOMEM;
    memcpy(frame_addr(page), frame_addr(old), PAGE_SIZE);
    *pte = pte_leaf(frame_phys(page), vma_own_flags(v));
    tlb_shootdown(mm->cpus, va, 1);
    /* If the relatives left meanwhile, the frame is free and the promise we took from is
     * whole again: in promised memory its reservation replaces the one just used. */
    if (!borrowed && page_drop(old, PAGE_REF) && !v->promised)
        page_unreserve(1);
    return 0;
}

/* The first store through this entry to a page that its vma shares. */
static __noinline int make_writable(struct mm *mm, const struct vma *v, vaddr_t va, pte_t *pte)
{
    if (v->region->pager)
        region_set_dirty(v->region, vma_page_at(v, va));
    *pte = pte_leaf(pte_phys(*pte), vma_region_flags(v));
    tlb_shootdown(mm->cpus, va, 1);
    return 0;
}

int mm_fault_in(struct mm *mm, struct vma *v, vaddr_t va, enum access access, pte_t **out)
{
    pte_t *pte = pt_lookup_create(mm->root, va);
    int err = 0;

    if (!pte)
        return -ENOMEM;
    *out = pte;
    if (!pte_valid(*pte)) {
        err = v->region ? region_map_page(v, va, access, pte) : zero_page(v, pte);
        if (err || !v->copies)
            return err;
    }
    if (access != ACCESS_WRITE || pte_writable(*pte))
        tlb_flush_local_page(va); /* this hart remembered an older entry */
    else if (vma_shares(v))
        err = make_writable(mm, v, va, pte);
    else
        err = copy_on_write(mm, v, va, pte);
    return err;
}

/* mm_fault() where no pager is needed; else -EAGAIN, and *r is the region, held, and *i the page. */
static inline int fault_once(struct mm *mm, vaddr_t va, enum access access, struct region **r, size_t *i)
{
    int err = -EFAULT;
    struct vma *v;
    pte_t *pte;

    va = page_down(va);
    if (va >= USER_TOP)
        return -EFAULT;
    spin_lock(&mm->lock);
    v = vma_find(mm, va);
    if (v && vma_allows(v, access))
        err = mm_fault_in(mm, v, va, access, &pte);
    if (!err && (v->prot & PROT_EXEC))
        icache_sync(mm->cpus);
    if (err == -EAGAIN) {
        *r = v->region;
        *i = vma_page_at(v, va);
        region_get(*r);
    }
    spin_unlock(&mm->lock);
    return err;
}

__noinline int mm_fault(struct mm *mm, vaddr_t va, enum access access)
{
    struct region *r;
    size_t i;
    int err;

    while ((err = fault_once(mm, va, access, &r, &i)) == -EAGAIN) {
        err = r->pager->page_in(r, i);
        region_put(r);
        if (err)
            return err;
    }
    return err;
}

int mm_fault_here(struct mm *mm, vaddr_t va, enum access access)
{
    struct region *r;
    size_t i;
    int err;

    err = fault_once(mm, va, access, &r, &i);
    if (err != -EAGAIN)
        return err;
    region_put(r);
    return -EFAULT;
}

/* The lowest page from va on that is in a vma with a pager; end or above when there is none. */
static vaddr_t next_paged(struct mm *mm, vaddr_t va, vaddr_t end)
{
    struct vma *v;

    spin_lock(&mm->lock);
    v = vma_first_above(mm, va);
    while (v && v->start < end && !(v->region && v->region->pager))
        v = vma_next(mm, v);
    if (!v)
        va = end;
    else if (v->start > va)
        va = v->start;
    spin_unlock(&mm->lock);
    return va;
}

void mm_prefault(struct mm *mm, vaddr_t va, uint64_t n, enum access access)
{
    vaddr_t end;

    if (!mm->npaged || !n || !range_fits(va, n, USER_TOP))
        return;
    end = va + n;
    for (va = page_down(va); (va = next_paged(mm, va, end)) < end; va += PAGE_SIZE)
        if (mm_fault(mm, va, access))
            return;
}
