/*
 * The copy of an address space for a child: copy-on-write.
 *
 * Private pages are shared read-only until one side stores; pages that a region pins are
 * copied now, because their owner and the region's borrowers must go on seeing one frame.
 * Every promise of the parent is made again for the child (I5): one side of each shared
 * page will need a frame of its own. Absent tables are not looked at: a lazily grown
 * space costs what was touched. Lock: src->lock; the child is nobody else's until publish().
 * Read next: copy_on_write() in mm/fault.c.
 */
#include "asm/tlb.h"
#include "frames.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

/* Gives the child its own copy of a pinned page, from the promise for v or from what is left. */
static int copy_pinned(const struct vma *v, pte_t from, pte_t *to)
{
    struct page *page = v->promised ? page_alloc_reserved() : page_alloc();

    if (!page)
        return -ENOMEM;
    page->kind = PAGE_USER;
    memcpy(frame_addr(page), phys_to_virt(pte_phys(from)), PAGE_SIZE);
    *to = pte_leaf(frame_phys(page), vma_own_flags(v));
    return 0;
}

/* Copies n entries of one table of v. => 0 or -ENOMEM; what was copied stays. */
static int copy_entries(const struct vma *v, pte_t *from, pte_t *to, size_t n)
{
    const struct frame_bank bank = frame_banks[0];
    bool owns = vma_owns(v);

    for (pte_t *end = from + n; from < end; from++, to++) {
        pte_t pte = *from;
        struct page *page;

        if ((pte.v & (PTE_V | PTE_S)) != PTE_V) {
            *to = pte; /* none; or borrowed: the region holds the frame, and v's clone the region */
            continue;
        }
        page = frame_in(&bank, pte_frame(pte));
        if (owns) {
            if (page_pinned(page)) {
                if (copy_pinned(v, pte, to))
                    return -ENOMEM;
                continue;
            }
            *from = pte = pte_without_write(pte);
        }
        page_get(page);
        *to = pte;
    }
    return 0;
}

/*
 * Copies the tables of v from src to dst, which has a clone of v. A promised range gets all
 * its tables, as in the parent, so that its faults need none.
 */
static int copy_tables(struct mm *dst, struct mm *src, const struct vma *v)
{
    vaddr_t stop;

    for (vaddr_t va = v->start; va < v->end; va = stop) {
        pte_t *from = pt_lookup(src->root, va), *to;

        stop = pt_table_end(va, v->end);
        if (!from) {
            if (!pte_valid(src->root[pt_index(va, PT_LEVELS - 1)]))
                stop = (va | (pt_span(2) - 1)) + 1;
            continue;
        }
        to = pt_lookup_create(dst->root, va);
        if (!to || copy_entries(v, from, to, (stop - va) >> PAGE_SHIFT))
            return -ENOMEM;
    }
    return 0;
}

/* Clones v into dst with its promise and its pages. On error dst holds what it got. */
static int copy_vma(struct mm *dst, struct mm *src, const struct vma *v)
{
    struct vma *copy = vma_clone(v);

    if (!copy)
        return -ENOMEM;
    if (v->promised && page_reserve(vma_pages(v))) {
        vma_destroy(copy);
        return -ENOMEM;
    }
    vma_link(dst, copy);
    return copy_tables(dst, src, v);
}

/*
 * From here on a sweep over a region finds dst, to which no vma will be added. It cannot have
 * passed: src, where these entries come from, is locked.
 */
static void publish(struct mm *dst)
{
    struct list *pos;

    list_for_each(pos, &dst->vmas) {
        struct vma *v = list_entry(pos, struct vma, link);

        if (v->region)
            region_add_vma(v->region, v);
    }
}

__noinline int mm_fork(struct mm *src, struct mm **out)
{
    struct mm *dst = mm_create();
    struct list *pos;
    int err = 0;

    if (!dst)
        return -ENOMEM;
    spin_lock(&src->lock);
    list_for_each(pos, &src->vmas) {
        err = copy_vma(dst, src, list_entry(pos, struct vma, link));
        if (err)
            break;
    }
    dst->size = src->size;
    dst->family = src->family;
    publish(dst);
    /* The parent's pages are read-only now, also when the child was given up half way: its
     * next store finds itself alone on the page and takes it back. */
    if (src->cpus)
        tlb_shootdown(src->cpus, 0, USER_TOP >> PAGE_SHIFT);
    spin_unlock(&src->lock);
    if (err) {
        mm_release(dst);
        return err;
    }
    *out = dst;
    return 0;
}
