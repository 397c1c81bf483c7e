/*
 * struct vma: one page-aligned range of one address space, with one set of permissions
 * and one kind of backing.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include <stdbool.h>

#include "mm/mm.h"
#include "mm/region.h"

/*
 * The kinds: what is set in each, and where a page that is not there comes from (mm/fault.c). PTE_S says
 * of an entry that its frame is the region's (I4).
 *
 *     kind    made by              region          promised        a page comes        PTE_S
 *     ------  -------------------  --------------  --------------  ------------------  ------------
 *     IMAGE   exec                 -               if writable     with exec, or zero  -
 *     GUARD   exec                 -               -               never: no access    -
 *     STACK   exec                 -               yes             zeroed              -
 *     HEAP    sbrk                 -               yes             zeroed              -
 *     LAZY    sbrklazy             -               -: may fail     zeroed              -
 *     SHARED  map_shared_pages     yes             -               with the mapping    yes
 *     ID      ids (ipc/)           yes             -               from the region     yes
 *     MAP     mmap, private        -               once writable   zeroed              -
 *             mmap, private file   yes, copies     once writable   from the region     until a copy
 *             mmap, shared         yes             -               from the region     yes
 */
enum vma_kind {
    VMA_IMAGE,
    VMA_GUARD,
    VMA_STACK,
    VMA_HEAP,
    VMA_LAZY,
    VMA_SHARED,
    VMA_ID,
    VMA_MAP,
};

/* Fields without a mark: [mm->lock]. */
struct vma {
    struct list link;
    struct vma *left, *right, *up; /* in the tree of mm/vma.c */
    /* if mm->keeps_gaps: the largest free range below a vma from here down in it */
    uint64_t max_gap;
    uint32_t priority;     /* in that tree */
    uint8_t kind;          /* enum vma_kind */
    uint8_t prot;          /* enum prot, or-ed */
    uint8_t old_prot;      /* what entries may still grant while mprotect changes them; else prot */
    uint8_t max_prot;      /* what mprotect may make of it */
    vaddr_t start, end;    /* [start, end), page aligned, not empty */
    bool promised;         /* each page is promised a frame of its own (I5) */
    bool private_copy;     /* a store goes to a copy of the region's page, of this process' own */
    struct region *region; /* held once by this vma; NULL = private */
    size_t first;          /* the region's page that lies at start */
    vaddr_t size_before;   /* VMA_SHARED, VMA_ID: mm->size to return to when it goes last */
    struct mm *mm;         /* whose list it is in */
    struct list region_link; /* [region->lock] among the region's vmas, while in an mm */
    uint64_t stamp;          /* [region->lock] the last sweep over the region that met it */
    vaddr_t swept;           /* that sweep has done everything from here on */
};

/* => a vma that is in no mm and has no region, promised if it is of VMA_HEAP; NULL without memory. */
struct vma *vma_create(vaddr_t start, vaddr_t end, enum vma_kind kind, unsigned prot);

/* A copy of v, in no mm, that holds the region too. => NULL without memory. */
struct vma *vma_clone(const struct vma *v);

/* Ends vmas that are in no mm, and lets go of their regions. => may sleep. */
void vma_destroy_list(struct list *vmas);

/* ---- the vmas of an mm: mm->lock is held ---- */

/* => the vma that contains va, or NULL. */
struct vma *vma_find(struct mm *mm, vaddr_t va);

/* => the lowest vma that ends above va, or NULL. */
struct vma *vma_first_above(struct mm *mm, vaddr_t va);

/* => the vma after v, before v in address order; the highest one; or NULL. */
static inline struct vma *vma_next(struct mm *mm, const struct vma *v)
{
    return v->link.next == &mm->vmas ? NULL : list_entry(v->link.next, struct vma, link);
}

static inline struct vma *vma_prev(struct mm *mm, const struct vma *v)
{
    return v->link.prev == &mm->vmas ? NULL : list_entry(v->link.prev, struct vma, link);
}

static inline struct vma *vma_last(struct mm *mm)
{
    return list_empty(&mm->vmas) ? NULL : list_entry(mm->vmas.prev, struct vma, link);
}

/* Adds v, which overlaps none; region_add_vma() is then the caller's. Removes v, also from its region. */
void vma_insert(struct mm *mm, struct vma *v);
void vma_remove(struct mm *mm, struct vma *v);

/* Moves the bounds of v, which is in mm and overlaps none afterwards. */
void vma_set_bounds(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
    __must_hold(&mm->lock);

/* The gap below v has changed, or v's children have: so may the largest gaps from v upwards. */
void vma_refresh_gaps(struct mm *mm, struct vma *v);

/*
 * Finds the highest free range of len bytes in [floor, top), above which no vma begins.
 * => mm->keeps_gaps. 0 and *va, where it begins; -ENOMEM.
 */
int vma_find_gap(struct mm *mm, uint64_t len, vaddr_t floor, vaddr_t top, vaddr_t *va)
    __must_hold(&mm->lock);

/* ---- what a vma says ---- */

static inline size_t vma_pages(const struct vma *v)
{
    return (v->end - v->start) >> PAGE_SHIFT;
}

/* The region's page that lies at va, which is in v or its end. */
static inline size_t vma_page_at(const struct vma *v, vaddr_t va)
{
    return v->first + ((va - v->start) >> PAGE_SHIFT);
}

/* Whether stores in v go to the region's frames, for everyone who maps it. */
static inline bool vma_shares(const struct vma *v)
{
    return v->region && !v->private_copy;
}

/* Whether v's pages are, or become by a store, frames of its own. */
static inline bool vma_owns(const struct vma *v)
{
    return v->promised || v->kind == VMA_LAZY;
}

/* Whether v lies below the break and moved it: sizes unwind when it goes. */
static inline bool vma_in_size(const struct vma *v)
{
    return v->kind == VMA_SHARED || v->kind == VMA_ID;
}

static inline bool vma_allows(const struct vma *v, enum access access)
{
    static const uint8_t needs[] = {PROT_READ, PROT_WRITE, PROT_EXEC};

    return v->prot & needs[access];
}

/*
 * Flags of a leaf in v, at most: to a frame of the region, which is not this process' own
 * (I4) and not to be written where v keeps its stores private; or to a frame of v's own.
 */
static inline uint64_t vma_region_flags(const struct vma *v)
{
    return pte_user_flags((v->private_copy ? v->prot & ~PROT_WRITE : v->prot) * PTE_R) | PTE_S;
}

static inline uint64_t vma_own_flags(const struct vma *v)
{
    return pte_user_flags(v->prot * PTE_R);
}

#endif
