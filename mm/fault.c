/*
 * Page faults: the one place where a page appears.
 *
 * Called for the running process (by a trap of its own, or by the kernel copying for it)
 * and for a source whose pages are to be pinned. A fresh page is zeroed; a write to a
 * copy-on-write page gets a copy, or the page itself when nobody else is left on it. In
 * promised memory neither can fail (I5): the frame was reserved with the vma. Lock:
 * mm->lock. Read next: struct page in include/mm/page.h; mm/fork.c, who shares pages.
 */
#include "asm/tlb.h"
#include "frames.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "pgtable.h"
#include "space.h"

/* A frame for a page of v: from its promise, or from what is left. => NULL only if lazy. */
static struct page *take_frame(const struct vma *v)
{
    struct page *page = vma_promised(v) ? page_alloc_reserved() : page_alloc();

    if (page)
        page->kind = PAGE_USER;
    return page;
}

/* The page was never touched: a zeroed one. */
static int zero_page(const struct vma *v, pte_t *pte)
{
    struct page *page = take_frame(v);

    if (!page)
        return -ENOMEM;
    memset(frame_addr(page), 0, PAGE_SIZE);
    *pte = pte_leaf(frame_phys(page), vma_pte_flags(v));
    return 0;
}

/*
 * A store to a page that fork left read-only. The frame may be shared with a relative; the
 * last one on it keeps it. Otherwise: unhook the old frame, tell the harts, let it go.
 */
static int copy_on_write(struct mm *mm, const struct vma *v, vaddr_t va, pte_t *pte)
{
    struct page *old = phys_to_frame(pte_phys(*pte));
    struct page *page;

    if (page_sole(old)) {
        *pte = pte_with_write(*pte);
        tlb_shootdown(mm->cpus, va, 1);
        return 0;
    }
    page = take_frame(v);
    if (!page)
        return -ENOMEM;
    memcpy(frame_addr(page), frame_addr(old), PAGE_SIZE);
    *pte = pte_leaf(frame_phys(page), vma_pte_flags(v));
    tlb_shootdown(mm->cpus, va, 1);
    /* If the relatives left meanwhile, the frame is free and the promise we took from is
     * whole again: in promised memory its reservation replaces the one just used. */
    if (page_drop(old, PAGE_REF) && !vma_promised(v))
        page_unreserve(1);
    return 0;
}

int mm_fault_in(struct mm *mm, struct vma *v, vaddr_t va, enum access access, pte_t **out)
{
    pte_t *pte = pt_lookup_create(mm->root, va, 0);
    int err = 0;

    if (!pte)
        return -ENOMEM;
    if (!pte_valid(*pte))
        err = v->region ? -EFAULT : zero_page(v, pte);
    else if (access == ACCESS_WRITE && !pte_writable(*pte))
        err = copy_on_write(mm, v, va, pte);
    else
        tlb_flush_local_page(va); /* this hart remembered an older entry */
    *out = pte;
    return err;
}

__noinline int mm_fault(struct mm *mm, vaddr_t va, enum access access)
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
    spin_unlock(&mm->lock);
    return err;
}
