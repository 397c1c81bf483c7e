/*
 * struct vma: one page-aligned range of one address space, with one set of permissions
 * and one kind of backing. All of this is under mm->lock.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include <stdbool.h>

#include "mm/mm.h"

struct region;

enum vma_kind {
    VMA_IMAGE,  /* from the ELF file */
    VMA_GUARD,  /* nothing may touch it */
    VMA_STACK,
    VMA_HEAP,   /* sbrk: promised */
    VMA_LAZY,   /* sbrklazy: promised nothing */
    VMA_SHARED, /* map_shared_pages; has a region */
};

struct vma {
    struct list link;
    vaddr_t start, end;   /* [start, end), page aligned, not empty */
    uint8_t kind;         /* enum vma_kind */
    uint8_t prot;         /* enum prot, or-ed */
    struct region *region; /* held once by this vma; NULL = private */
    size_t first;         /* the region's page that lies at start */
    vaddr_t size_before;  /* VMA_SHARED: mm->size to return to when it goes last */
};

/* => a vma that is in no list; NULL without memory. */
struct vma *vma_create(vaddr_t start, vaddr_t end, enum vma_kind kind, unsigned prot);

/* A copy of v, in no list, that holds the region too. => NULL without memory. */
struct vma *vma_clone(const struct vma *v);

/* => v is in no list. Lets go of its region. */
void vma_destroy(struct vma *v);

/* vma_destroy() for each on a list that is no mm's. */
void vma_destroy_list(struct list *vmas);

/* => the vma that contains va, or NULL. */
struct vma *vma_find(struct mm *mm, vaddr_t va);

/* => the lowest vma that ends above va, or NULL. */
struct vma *vma_first_above(struct mm *mm, vaddr_t va);

/* => the vma after v in address order, or NULL. */
struct vma *vma_next(struct mm *mm, struct vma *v);

/* Adds v, which overlaps none. Removes v, which stays the caller's. */
void vma_insert(struct mm *mm, struct vma *v);
void vma_remove(struct mm *mm, struct vma *v);

/* Where the free range around va begins and ends: the neighbours' bounds. */
vaddr_t vma_gap_start(struct mm *mm, vaddr_t va);
vaddr_t vma_gap_end(struct mm *mm, vaddr_t va);

static inline size_t vma_pages(const struct vma *v)
{
    return (v->end - v->start) >> PAGE_SHIFT;
}

/* Whether each page of v is promised a frame of its own (I5). */
static inline bool vma_promised(const struct vma *v)
{
    return !v->region && (v->prot & PROT_WRITE) && v->kind != VMA_LAZY;
}

static inline bool vma_allows(const struct vma *v, enum access access)
{
    static const uint8_t needs[] = {PROT_READ, PROT_WRITE, PROT_EXEC};

    return v->prot & needs[access];
}

/* Flags of a leaf in v; PTE_S by invariant I4 exactly where the frame is a region's. */
static inline uint64_t vma_pte_flags(const struct vma *v)
{
    return pte_user_flags(v->prot) | (v->region ? PTE_S : 0);
}

#endif
