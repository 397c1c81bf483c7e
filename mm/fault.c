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
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

/* A frame that the call in progress has reserved (mm_reserve()). */
static struct page *take_set_aside(struct mm *mm)
{
    ASSERT(mm->set_aside > 0);
    mm->set_aside--;
    return page_alloc_reserved();
}

/* The page was never touched: a zeroed one. => -ENOMEM only if v is lazy. */
static int zero_page(const struct vma *v, struct gather *g, pte_t *pte)
{
    struct page *page;
    paddr_t pa;

    if (v->promised)
        page = page_alloc_reserved();
    else
        page = g ? take_set_aside(v->mm) : page_alloc();
    if (!page)
        return -ENOMEM;
    page->kind = PAGE_USER;
    pa = frame_phys(page);
    memset(phys_to_virt(pa), 0, PAGE_SIZE);
    *pte = pte_leaf(pa, vma_own_flags(v));
    return 0;
}

/*
 * A page of v's region. A store to a file's page must be noticed, to be written back: it is
 * mapped read-only until the first. => 0; -EFAULT when it was taken away; -EAGAIN when the
 * pager has to bring it first.
 */
static __noinline int region_map_page(const struct vma *v, vaddr_t va, enum access access, pte_t *pte)
{
    struct region *r = v->region;
    size_t i = vma_page_at(v, va);
    struct page *page;
    pte_t new;

    if (i >= r->npages || region_barred(r))
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
 * of one that is lent, because lending made it the owner's own page.
 */
static bool keeps_frame(pte_t pte, const struct page *old)
{
    return !(pte.v & PTE_S) && (page_sole(old) || page_pinned(old));
}

/*
 * A frame for v's copy of old. n processes that share a frame after fork hold n - 1 promises for
 * it. If all store at once, the last finds none left, but is then the frame's only holder.
 * => NULL: keeps_frame(); or no memory, only if lazy.
 */
static struct page *take_copy(const struct vma *v, struct gather *g, pte_t pte, const struct page *old)
{
    while (!keeps_frame(pte, old)) {
        struct page *page;

        if (v->promised)
            page = page_try_reserved();
        else
            page = g ? take_set_aside(v->mm) : page_alloc();
        if (page)
            page->kind = PAGE_USER;
        if (page || !v->promised)
            return page;
        cpu_relax();
    }
    return NULL;
}

/*
 * Tells the harts that the entry of va has changed, now or with the gather; then lets go of the
 * frame `old` that it held (NULL: of none).
 */
static void replaced(const struct vma *v, struct gather *g, vaddr_t va, struct page *old)
{
    if (g) {
        gather_span(g, va);
        if (old)
            g->frames[g->n++] = frame_number(old);
        return;
    }
    tlb_shootdown(v->mm->cpus, va, 1);
    /* If the relatives left meanwhile, the frame is free and the promise we took from is
     * whole again: in promised memory its reservation replaces the one just used. */
    if (old && page_drop(old, PAGE_REF) && !v->promised)
        page_unreserve(1);
}

/* A store to a page that fork left read-only, or to a private view of a file. */
static __noinline int copy_on_write(const struct vma *v, vaddr_t va, struct gather *g, pte_t *pte)
{
    struct page *old = phys_to_frame(pte_phys(*pte));
    struct page *page = take_copy(v, g, *pte, old);
    bool borrowed = pte->v & PTE_S;

    if (!page && keeps_frame(*pte, old)) {
        *pte = pte_leaf(pte_phys(*pte), vma_own_flags(v));
        replaced(v, g, va, NULL);
        return 0;
    }
    if (!page)
        return -ENOMEM;
    memcpy(frame_addr(page), frame_addr(old), PAGE_SIZE);
    *pte = pte_leaf(frame_phys(page), vma_own_flags(v));
    replaced(v, g, va, borrowed ? NULL : old);
    return 0;
}

/* The first store through this entry to a page that its vma shares. */
static __noinline int make_writable(const struct vma *v, vaddr_t va, struct gather *g, pte_t *pte)
{
    if (v->region->pager)
        region_set_dirty(v->region, vma_page_at(v, va));
    *pte = pte_leaf(pte_phys(*pte), vma_region_flags(v));
    replaced(v, g, va, NULL);
    return 0;
}

/* A page that nobody might touch: mprotect allows it again, and has not come to its entry yet. */
static void allow_again(const struct vma *v, pte_t *pte)
{
    uint64_t flags = pte->v & PTE_S ? vma_region_flags(v) : vma_own_flags(v);

    *pte = pte_without_write(pte_leaf(pte_phys(*pte), flags));
}

/* The entry of va, its tables made if they are missing. => NULL without memory: only if v is lazy. */
static pte_t *fault_entry(struct mm *mm, vaddr_t va, const struct gather *g)
{
    pte_t *pte = pt_lookup(mm->root, va);
    unsigned missing;

    if (likely(pte) || !g)
        return likely(pte) ? pte : pt_create(mm->root, va, 0, TABLES_ALLOC);
    missing = pt_missing(mm->root, va);
    ASSERT(mm->set_aside >= missing);
    mm->set_aside -= missing;
    return pt_create(mm->root, va, 0, TABLES_RESERVED);
}

int mm_fault_in(struct vma *v, vaddr_t va, enum access access, struct gather *g, pte_t **out)
{
    pte_t *pte = fault_entry(v->mm, va, g);
    int err = 0;

    if (!pte)
        return -ENOMEM;
    *out = pte;
    if (unlikely(pte_present(*pte) && !pte_valid(*pte)))
        allow_again(v, pte);
    if (!pte_valid(*pte)) {
        err = v->region ? region_map_page(v, va, access, pte) : zero_page(v, g, pte);
        if (err || !v->copies)
            return err;
    }
    if (access != ACCESS_WRITE || pte_writable(*pte))
        tlb_flush_local_page(va); /* this hart remembered an older entry */
    else if (vma_shares(v))
        err = make_writable(v, va, g, pte);
    else
        err = copy_on_write(v, va, g, pte);
    return err;
}

/*
 * mm_fault() where no pager is needed; else -EAGAIN, and *r is the region, held, and *i the page.
 * => mm->lock held; va is a page's.
 */
static inline int fault_locked(struct mm *mm, vaddr_t va, enum access access, struct region **r, size_t *i)
{
    struct vma *v = vma_find(mm, va);
    int err = -EFAULT;
    pte_t *pte;

    if (v && vma_allows(v, access))
        err = mm_fault_in(v, va, access, NULL, &pte);
    if (!err && (v->prot & PROT_EXEC))
        icache_sync(mm->cpus);
    if (err == -EAGAIN) {
        *r = v->region;
        *i = vma_page_at(v, va);
        region_get(*r);
    }
    return err;
}

static inline int fault_once(struct mm *mm, vaddr_t va, enum access access, struct region **r, size_t *i)
{
    int err;

    va = page_down(va);
    if (va >= USER_TOP)
        return -EFAULT;
    spin_lock(&mm->lock);
    err = fault_locked(mm, va, access, r, i);
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

/* The lowest page from va on that is in a vma with a pager; end or above: none, or killed. => mm locked. */
static vaddr_t next_paged(struct mm *mm, vaddr_t va, vaddr_t end)
{
    struct vma *v = vma_first_above(mm, va);

    while (v && v->start < end && !(v->region && v->region->pager))
        v = mm_work(mm, 1) ? NULL : vma_next(mm, v);
    if (!v)
        return end;
    return v->start > va ? v->start : va;
}

/*
 * Brings the lowest page from *va on that a pager must bring, and moves *va past it; or has the
 * pager bring it, and *va stays on it. mm may be another's, whose long call expects no fault but
 * its own: so this waits for its end. => 0 or -errno.
 */
static int bring_next(struct mm *mm, vaddr_t *va, vaddr_t end, enum access access)
{
    struct region *r = NULL;
    size_t i = 0;
    int err = 0;

    mm_lock(mm);
    *va = next_paged(mm, *va, end);
    if (*va < end)
        err = fault_locked(mm, *va, access, &r, &i);
    mm_unlock(mm);
    if (err != -EAGAIN) {
        *va += PAGE_SIZE;
        return err;
    }
    err = r->pager->page_in(r, i);
    region_put(r);
    return err;
}

void mm_prefault(struct mm *mm, vaddr_t va, uint64_t n, enum access access)
{
    vaddr_t end = va + n;

    if (!mm->npaged || !n || !range_fits(va, n, USER_TOP))
        return;
    va = page_down(va);
    while (va < end && !task_killed(current()) && !bring_next(mm, &va, end, access))
        ;
}

int mm_check(struct mm *mm, vaddr_t va, uint64_t n, enum access access)
{
    vaddr_t end;
    int err;

    if (!n || !range_fits(va, n, USER_TOP))
        return -EINVAL;
    if (n >> PAGE_SHIFT > page_total())
        return -ENOMEM;
    err = mm_lock_killable(mm);
    if (err)
        return err;
    for (end = va + n; va < end && !err;) {
        const struct vma *v = vma_find(mm, va);

        err = v && vma_allows(v, access) ? mm_work(mm, 1) : -EFAULT;
        va = v ? v->end : end;
    }
    mm_unlock(mm);
    return err;
}
