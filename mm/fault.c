/*
 * Page faults: the one place where a page appears.
 *
 * Called for the running process (by a trap of its own, or by the kernel copying for it) and, by
 * mm/lend.c, for a process that lends pages. What happens, by what is there and what is asked:
 *
 *   the entry | the vma          | read, fetch              | write
 *   ----------+------------------+--------------------------+-----------------------------------
 *   absent    | private          | zero_page()              | zero_page()
 *             | region           | map_region_page()        | map_region_page()
 *             | file, shared     | the same, read-only      | the same, the store is noted
 *             | file, private    | the same, read-only      | the same, then copy_on_write()
 *   read-only | private          | (an older TLB entry)     | copy_on_write(): a copy, or the frame
 *             | region, file     | (an older TLB entry)     | map_region_page() again
 *             | file, private    | (an older TLB entry)     | copy_on_write()
 *   forbidden | any, by mprotect | allow_again()            | allow_again(), then as read-only
 *   ----------+------------------+--------------------------+-----------------------------------
 *   no vma, or one that does not allow it: -EFAULT; a region whose page was taken away: -EFAULT
 *   lazy memory (sbrklazy) and no frame left: -ENOMEM, in zero_page(), copy_on_write(), make_tables()
 *   a file's page that is not in memory: -EAGAIN from fault_page(), then bring_page(), then again
 *
 * In promised memory neither a zeroed page nor a copy can fail (I5): the frame was reserved with
 * the vma. Lock: mm->lock. Read next: struct page in include/mm/page.h; mm/fork.c, which shares
 * pages.
 */
#include "asm/cpu.h"
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

/* A frame that the call in progress has reserved (mm_reserve()), or one that nobody was promised. */
static struct page *take_unpromised(const struct vma *v, const struct gather *g)
{
    if (!g)
        return page_alloc();
    ASSERT(v->mm->set_aside > 0);
    v->mm->set_aside--;
    return page_alloc_reserved();
}

/* The page was never touched: a zeroed one. => -ENOMEM only if v is lazy. */
static int zero_page(const struct vma *v, struct gather *g, pte_t *pte)
{
    struct page *page = v->promised ? page_alloc_reserved() : take_unpromised(v, g);

    if (!page)
        return -ENOMEM;
    page->kind = PAGE_USER;
    memset(page_addr(page), 0, PAGE_SIZE);
    *pte = page_pte(page, vma_own_flags(v));
    return 0;
}

/*
 * A page of v's region. Where the region must know of stores, it is mapped read-only until the first.
 * => 0; -EFAULT when it was taken away; -EAGAIN when it must be brought first.
 */
static __noinline int map_region_page(const struct vma *v, vaddr_t va, enum access access,
                                      pte_t *pte)
{
    struct region *r = v->region;
    size_t i = vma_page_at(v, va);
    struct page *page;
    int err;

    if (v->private_copy)
        access = ACCESS_READ; /* a store will go to a copy */
    if (i >= r->npages || region_barred(r))
        return -EFAULT;
    err = r->ops->give(r, i, access, &page);
    if (err)
        return err;
    CHECK_ASSERT(page->kind == PAGE_USER && page_pinned(page));
    *pte = page_pte(page, vma_region_flags(v));
    if (r->ops->write_back && access != ACCESS_WRITE)
        *pte = pte_without_write(*pte);
    return 0;
}

/*
 * Whether a store may go to the old frame: its last holder keeps it. So does the owner of a lent one,
 * because lending made it the owner's own page; only mprotect can have taken W from its entry.
 */
static bool keeps_frame(pte_t pte, const struct page *old)
{
    return !(pte.v & PTE_S) && (page_sole(old) || page_pinned(old));
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
    /* This frees `old` if its other holders let go meanwhile. In promised memory its reservation
     * then takes the place of the one that the copy has used. */
    if (old && page_put_keep(old) && !v->promised)
        page_unreserve(1);
}

/*
 * A store to a page that fork left read-only, or to a private view of a file. n processes that share a
 * frame after fork hold n - 1 promises for it: if all store at once, the last finds no frame left, but
 * is then the frame's only holder. => -ENOMEM only if v is lazy.
 */
static __noinline int copy_on_write(const struct vma *v, vaddr_t va, struct gather *g, pte_t *pte)
{
    struct page *old = pte_page(*pte), *page = NULL;

    while (!page && !keeps_frame(*pte, old)) {
        page = v->promised ? page_try_reserved() : take_unpromised(v, g);
        if (!page && !v->promised)
            return -ENOMEM;
        if (!page)
            cpu_relax();
    }
    if (!page) {
        *pte = page_pte(old, vma_own_flags(v));
        replaced(v, g, va, NULL);
        return 0;
    }
    page->kind = PAGE_USER;
    memcpy(page_addr(page), page_addr(old), PAGE_SIZE);
    if (pte->v & PTE_S)
        old = NULL; /* borrowed: the region holds it */
    *pte = page_pte(page, vma_own_flags(v));
    replaced(v, g, va, old);
    return 0;
}

/* A page that nobody might touch: mprotect allows it again, and has not come to its entry yet. */
static void allow_again(const struct vma *v, pte_t *pte)
{
    uint64_t flags = pte->v & PTE_S ? vma_region_flags(v) : vma_own_flags(v);

    *pte = pte_without_write(pte_make(pte_phys(*pte), flags));
}

/* Makes the tables for va. => its entry; NULL without memory: only if v is lazy. */
static __noinline pte_t *make_tables(struct mm *mm, vaddr_t va, unsigned missing,
                                     const struct gather *g)
{
    if (!g)
        return pt_create(mm->root, va, 0, TABLES_ALLOC);
    ASSERT(mm->set_aside >= missing);
    mm->set_aside -= missing;
    return pt_create(mm->root, va, 0, TABLES_RESERVED);
}

int fault_page(struct vma *v, vaddr_t va, enum access access, struct gather *g, pte_t **out)
{
    unsigned missing = 0;
    pte_t *pte = pt_find(v->mm->root, va, &missing);
    int err;

    CHECK_ASSERT(spin_held(&v->mm->lock) && v->start <= va && va < v->end);
    CHECK_ASSERT(!v->private_copy || v->region);
    if (unlikely(missing > 0))
        pte = make_tables(v->mm, va, missing, g);
    if (!pte)
        return -ENOMEM;
    *out = pte;
    if (unlikely(pte->v && !(pte->v & PTE_V)))
        allow_again(v, pte);
    if (!(pte->v & PTE_V)) {
        err = v->region ? map_region_page(v, va, access, pte) : zero_page(v, g, pte);
        if (err || !v->private_copy)
            return err;
    }
    if (access != ACCESS_WRITE || (pte->v & PTE_W)) {
        /* This hart remembered an older entry, perhaps an empty one of an upper level, where a table
         * is now: a fence that names an address covers leaves alone (privileged specification, 4.2.1). */
        tlb_flush_local();
        return 0;
    }
    if (!vma_shares(v))
        return copy_on_write(v, va, g, pte);
    err = map_region_page(v, va, access, pte);
    if (!err)
        replaced(v, g, va, NULL);
    return err;
}

/*
 * Has page i brought, and lets go of r. A copy by the kernel may sleep unless it holds a lock: a spin
 * lock keeps interrupts out, and a mutex may be one that bring() needs. This is the one place that
 * asks. => -EAGAIN: look again; -EFAULT; what bring() returns.
 */
static __noinline int bring_page(struct region *r, size_t i)
{
    bool may_sleep = irqs_enabled() && !current()->mutexes;
    int err = may_sleep ? r->ops->bring(r, i) : -EFAULT;

    region_put(r);
    return err ? err : -EAGAIN;
}

__noinline int mm_fault(struct mm *mm, vaddr_t va, enum access access)
{
    int err;

    va = page_down(va);
    if (va >= USER_TOP)
        return -EFAULT;
    do {
        struct region *r = NULL;
        struct vma *v;
        size_t i = 0;
        pte_t *pte;

        spin_lock(&mm->lock);
        v = vma_find(mm, va);
        err = v && vma_allows(v, access) ? fault_page(v, va, access, NULL, &pte) : -EFAULT;
        if (!err && (v->prot & PROT_EXEC))
            icache_sync(mm->cpus);
        if (unlikely(err == -EAGAIN)) {
            r = v->region;
            i = vma_page_at(v, va);
            region_get(r);
        }
        spin_unlock(&mm->lock);
        if (r)
            err = bring_page(r, i);
    } while (unlikely(err == -EAGAIN));
    return err;
}
