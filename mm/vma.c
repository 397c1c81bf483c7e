/*
 * VMAs: what an address space has mapped, as a sorted list.
 *
 * Owns: mm->vmas and its order (I3). Lock: mm->lock, held by every caller that passes an
 * mm. A process has a handful of them, and asks mostly for the one it asked for last;
 * mm->hint remembers that one. Called by the files of mm/ only.
 * Read next: mm/space.c.
 */
#include "vma.h"

#include "lib/assert.h"
#include "mm/slab.h"
#include "mm/region.h"

static struct slab_cache vma_cache = SLAB_CACHE_INIT(vma_cache, "vma", sizeof(struct vma));

struct vma *vma_create(vaddr_t start, vaddr_t end, enum vma_kind kind, unsigned prot)
{
    struct vma *v = slab_alloc(&vma_cache);

    if (!v)
        return NULL;
    list_init(&v->link);
    list_init(&v->region_link);
    v->start = start;
    v->end = end;
    v->kind = kind;
    v->prot = v->max_prot = prot;
    v->promised = (prot & PROT_WRITE) && (kind <= VMA_HEAP);
    return v;
}

struct vma *vma_clone(const struct vma *v)
{
    struct vma *copy = slab_alloc(&vma_cache);

    if (!copy)
        return NULL;
    *copy = *v;
    list_init(&copy->link);
    list_init(&copy->region_link);
    if (copy->region)
        region_get(copy->region);
    return copy;
}

void vma_destroy(struct vma *v)
{
    ASSERT(list_empty(&v->link));
    if (v->region)
        region_put(v->region);
    slab_free(&vma_cache, v);
}

void vma_destroy_list(struct list *vmas)
{
    struct list *node;

    while ((node = list_pop_front(vmas)))
        vma_destroy(list_entry(node, struct vma, link));
}

struct vma *vma_first_above(struct mm *mm, vaddr_t va)
{
    struct list *pos = mm->vmas.next;

    /* Start at the last answer when it does not lie beyond the new question. */
    if (mm->hint && mm->hint->start <= va)
        pos = &mm->hint->link;
    for (; pos != &mm->vmas; pos = pos->next) {
        struct vma *v = list_entry(pos, struct vma, link);

        if (v->end > va) {
            mm->hint = v;
            return v;
        }
    }
    if (!list_empty(&mm->vmas))
        mm->hint = list_entry(mm->vmas.prev, struct vma, link);
    return NULL;
}

struct vma *vma_find(struct mm *mm, vaddr_t va)
{
    struct vma *v = vma_first_above(mm, va);

    return v && v->start <= va ? v : NULL;
}

void vma_link(struct mm *mm, struct vma *v)
{
    struct vma *above = vma_first_above(mm, v->start);
    struct list *place = above ? &above->link : &mm->vmas;

    ASSERT(v->start < v->end && !((v->start | v->end) & (PAGE_SIZE - 1)));
    ASSERT(!above || v->end <= above->start);
    list_insert_after(place->prev, &v->link);
    v->mm = mm;
    mm->npaged += v->region && v->region->pager;
}

void vma_insert(struct mm *mm, struct vma *v)
{
    vma_link(mm, v);
    if (v->region)
        region_add_vma(v->region, v);
}

void vma_remove(struct mm *mm, struct vma *v)
{
    if (mm->hint == v) /* the one below: who takes many away goes downwards */
        mm->hint = vma_prev(mm, v);
    list_remove(&v->link);
    if (v->region) {
        region_remove_vma(v->region, v);
        mm->npaged -= v->region->pager != NULL;
    }
}

vaddr_t vma_gap_start(struct mm *mm, vaddr_t va)
{
    struct vma *above = vma_first_above(mm, va);
    struct list *below = above ? above->link.prev : mm->vmas.prev;

    return below == &mm->vmas ? 0 : list_entry(below, struct vma, link)->end;
}

vaddr_t vma_gap_end(struct mm *mm, vaddr_t va)
{
    struct vma *above = vma_first_above(mm, va);

    return above ? above->start : USER_TOP;
}
