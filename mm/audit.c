/*
 * The audit: counts everything again from the truth, and compares.
 *
 * The vmas and regions say what must be mapped; the tables say what is; from both follows
 * what each frame's count must be, how many frames are free, and how many are promised.
 * Checks I1, I3, I4, W^X and the bookkeeping of I5. Changes nothing but its scratch fields and
 * mm->hint.
 * No other hart runs (see mm/audit.h). Called by the audit system call, the console
 * key, tests, and by hand from gdb: `lamina-audit`.
 *
 * Scratch: page->seen counts holders found, page->prev (of frames that are not free) how
 * many of them are regions, page->marked whether a promise has become this frame.
 */
#include "mm/audit.h"

#include "frames.h"
#include "lib/printk.h"
#include "mm/kmap.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

struct audit {
    size_t bad;
    size_t promised; /* pages of promised vmas, and what calls in progress have set aside */
    size_t limbo;    /* frames that calls in progress are about to put on the lists */
    size_t kept;     /* frames that such a promise has become */
};

#define WRONG(a, ...)                  \
    do {                               \
        printk("audit: " __VA_ARGS__); \
        printk("\n");                  \
        (a)->bad++;                    \
    } while (0)

static void clear_scratch(void)
{
    for (size_t i = 0; i < frame_nextents; i++)
        for (uint32_t pfn = frame_extents[i].first; pfn < frame_extents[i].next; pfn++) {
            struct page *page = &page_array[pfn];

            page->seen = 0;
            page->marked = 0;
            if (page->kind != PAGE_FREE)
                page->prev = 0;
        }
}

/* I4 for an entry of v: PTE_S says whose the frame is, and then it is the region's. */
static void audit_owner(struct audit *a, struct mm *mm, const struct vma *v, vaddr_t va, pte_t pte,
                        const struct page *page)
{
    bool borrowed = pte.v & PTE_S;

    if (borrowed ? !v->region : vma_shares(v))
        WRONG(a, "I4: mm %p has PTE_S wrong at %lx", (void *)mm, va);
    else if (borrowed && region_page(v->region, vma_page_at(v, va)) != page)
        WRONG(a, "I4: mm %p maps another frame than its region at %lx", (void *)mm, va);
}

/* What an entry of v may grant at most; while mprotect changes v's entries, also what they did. */
static uint64_t may_grant(const struct vma *v, pte_t pte)
{
    struct vma old = *v;

    old.prot = v->old_prot;
    return pte.v & PTE_S ? vma_region_flags(v) | vma_region_flags(&old)
                         : vma_own_flags(v) | vma_own_flags(&old);
}

/* I3 and I4 for one present user entry; counts it for I1, unless it is borrowed. */
static void audit_leaf(struct audit *a, struct mm *mm, vaddr_t va, pte_t pte)
{
    struct page *page = pte_page(pte);
    struct vma *v = vma_find(mm, va);
    uint64_t may;

    page->seen += !(pte.v & PTE_S);
    if (!v) {
        WRONG(a, "I3: mm %p maps %lx outside any vma", (void *)mm, va);
        return;
    }
    may = may_grant(v, pte);
    if (pte_flags(pte) & ~may)
        WRONG(a, "I3: mm %p grants %lx at %lx, its vma %lx", (void *)mm, pte_flags(pte), va, may);
    if ((pte.v & PTE_V) && !(pte.v & PTE_U))
        WRONG(a, "W^X: mm %p has an entry of the kernel's at %lx: %lx", (void *)mm, va,
              pte_flags(pte));
    audit_owner(a, mm, v, va, pte, page);
    if (page->kind != PAGE_USER)
        WRONG(a, "I1: frame %lx is mapped and of kind %d", page_phys(page), page->kind);
    if (v->promised && !(pte.v & PTE_S) && !page->marked) {
        page->marked = 1;
        a->kept++;
    }
}

/* Whether v's largest gap is that of its children or the one below it, `below`. */
static bool knows_gaps(const struct vma *v, uint64_t below)
{
    uint64_t left = v->left ? v->left->max_gap : 0, right = v->right ? v->right->max_gap : 0;
    uint64_t most = left > right ? left : right;

    return v->max_gap == (below > most ? below : most);
}

static void audit_vmas(struct audit *a, struct mm *mm)
{
    vaddr_t end = 0;
    struct list *pos;

    list_for_each(pos, &mm->vmas) {
        struct vma *v = list_entry(pos, struct vma, link);

        if (v->start < end || v->start >= v->end || v->end > USER_TOP ||
            ((v->start | v->end) & (PAGE_SIZE - 1)))
            WRONG(a, "I3: mm %p has vma %lx-%lx after %lx", (void *)mm, v->start, v->end, end);
        if (vma_find(mm, v->start) != v || vma_find(mm, v->end - 1) != v)
            WRONG(a, "I3: mm %p does not find its vma %lx-%lx", (void *)mm, v->start, v->end);
        if (mm->keeps_gaps && !knows_gaps(v, v->start - end))
            WRONG(a, "I3: mm %p has vma %lx with wrong gaps", (void *)mm, v->start);
        if (v->promised)
            a->promised += vma_pages(v);
        end = v->end;
    }
}

/* Counts the tables and leaves under one entry of a root, 1 GiB. */
static void audit_gigabyte(struct audit *a, struct mm *mm, pte_t top, vaddr_t base)
{
    pte_t *middle = pte_table(top);

    pte_page(top)->seen++;
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        pte_t *bottom = pte_table(middle[i]);

        if (!(middle[i].v & PTE_V))
            continue;
        page_of(bottom)->seen++;
        for (unsigned j = 0; j < PT_ENTRIES; j++)
            if (bottom[j].v)
                audit_leaf(a, mm, base + i * pt_span(1) + j * pt_span(0), bottom[j]);
    }
}

static void audit_mm(struct audit *a, struct mm *mm)
{
    if (mm->magic != MM_MAGIC)
        WRONG(a, "mm %p has lost its magic number", (void *)mm);
    page_of(mm->root)->seen++;
    a->promised += mm->set_aside;
    a->limbo += mm->limbo;
    audit_vmas(a, mm);
    for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
        if (mm->root[i].v & PTE_V)
            audit_gigabyte(a, mm, mm->root[i], i * pt_span(2));
}

/* Counts a region's pins, and what it was promised. */
static void audit_region(struct audit *a, struct region *r)
{
    size_t filled = 0;

    for (size_t i = 0; i < r->npages; i++) {
        struct page *page = region_page(r, i);

        if (!page)
            continue;
        page->seen++;
        page->prev++;
        filled++;
    }
    a->promised += r->promised;
    if (filled + r->promised > r->npages)
        WRONG(a, "I5: region %p has %zu frames and is promised %zu", (void *)r, filled,
              r->promised);
}

/* I1 for one frame, when everything that can be seen has been counted. */
static void audit_frame(struct audit *a, struct page *page, size_t *nfree)
{
    uint64_t expect = page->seen;

    switch (page->kind) {
    case PAGE_FREE:
        ++*nfree;
        break;
    case PAGE_KERNEL:
        expect += PAGE_REF;
        break;
    case PAGE_USER:
        expect += (uint64_t)page->prev << 32;
        break;
    }
    if (page->refs != expect || (page->kind == PAGE_KERNEL && page->seen))
        WRONG(a, "I1: frame %lx of kind %d counts %lx, found %lx", page_phys(page), page->kind,
              page->refs, expect);
}

static void audit_frames(struct audit *a)
{
    size_t nfree = 0, untouched = 0, listed, stocked;

    for (size_t i = 0; i < frame_nextents; i++) {
        for (uint32_t pfn = frame_extents[i].first; pfn < frame_extents[i].next; pfn++)
            audit_frame(a, &page_array[pfn], &nfree);
        untouched += frame_extents[i].end - frame_extents[i].next;
    }
    frame_list_sizes(&listed, &stocked);
    if (nfree != listed + stocked + a->limbo)
        WRONG(a, "I1: %zu frames are free, the lists hold %zu", nfree, listed + stocked);
    if (frame_free_count() + a->limbo != nfree + untouched)
        WRONG(a, "I1: %zu frames are free, the count says %zu", nfree + untouched,
              frame_free_count());
    if (frame_available() != (long)(nfree + untouched) - (long)(a->promised - a->kept))
        WRONG(a, "I5: %zu free, %zu promised, but %ld available", nfree + untouched,
              a->promised - a->kept, frame_available());
}

size_t mm_audit(void)
{
    struct audit a = {0};
    struct list *pos;

    clear_scratch();
    a.bad = kmap_check();
    list_for_each(pos, &mm_list)
        audit_mm(&a, list_entry(pos, struct mm, link));
    list_for_each(pos, &region_list)
        audit_region(&a, list_entry(pos, struct region, link));
    audit_frames(&a);
    return a.bad;
}
