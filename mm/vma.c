/*
 * VMAs: what an address space has mapped, as a sorted list and as a search tree.
 *
 * Owns: mm->vmas and its order (I3), and the tree below mm->top: a treap. It is sorted by address
 * from left to right, and no vma lies above one of a higher priority. Priorities are as good as
 * random, so the tree is shallow whatever the order in which a program maps: a lookup takes
 * O(log n) steps.
 * The question is mostly for the vma found last, which mm->hint remembers.
 *
 * Lock: mm->lock, held by every caller that passes an mm. Called by the files of mm/ only.
 * Read next: mm/space.c.
 */
#include "vma.h"

#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/region.h"

#define FEW 8

static struct slab_cache vma_cache = SLAB_CACHE_INIT(vma_cache, "vma", sizeof(struct vma));

struct vma *vma_create(vaddr_t start, vaddr_t end, enum vma_kind kind, unsigned prot)
{
    struct vma *v = slab_alloc_raw(&vma_cache); /* vma_link() sets the rest */

    if (!v)
        return NULL;
    list_init(&v->link);
    list_init(&v->region_link);
    v->start = start;
    v->end = end;
    v->kind = kind;
    v->prot = v->old_prot = v->max_prot = prot;
    v->promised = kind == VMA_HEAP;
    v->copies = false;
    v->region = NULL;
    v->first = 0;
    v->size_before = 0;
    return v;
}

struct vma *vma_clone(const struct vma *v)
{
    struct vma *copy = slab_alloc_raw(&vma_cache); /* vma_link() sets the rest */

    if (!copy)
        return NULL;
    list_init(&copy->link);
    list_init(&copy->region_link);
    copy->start = v->start;
    copy->end = v->end;
    copy->kind = v->kind;
    copy->prot = v->prot;
    copy->old_prot = v->old_prot;
    copy->max_prot = v->max_prot;
    copy->promised = v->promised;
    copy->copies = v->copies;
    copy->region = v->region;
    copy->first = v->first;
    copy->size_before = v->size_before;
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

    while ((node = list_pop_front(vmas))) {
        vma_destroy(list_entry(node, struct vma, link));
        task_yield_if_due();
    }
}

/* ---- the tree ---- */

/*
 * A hash of v's own address, which no program chooses. The first few all have 0, and are not turned about:
 * most address spaces have no more.
 */
static uint32_t priority_of(const struct mm *mm, const struct vma *v)
{
    uint64_t mixed = (uint64_t)v * 0x9e3779b97f4a7c15;

    return mm->nvmas < FEW ? 0 : (uint32_t)((mixed ^ mixed >> 32) * 0xd6e8feb86659fd93 >> 32);
}

static uint64_t gap_below(struct mm *mm, const struct vma *v)
{
    return v->start - vma_gap_start(mm, v);
}

__noinline void vma_refresh_gaps(struct mm *mm, struct vma *v)
{
    for (; v; v = v->up) {
        uint64_t most = gap_below(mm, v);

        if (v->left && v->left->max_gap > most)
            most = v->left->max_gap;
        if (v->right && v->right->max_gap > most)
            most = v->right->max_gap;
        if (v->max_gap == most)
            break;
        v->max_gap = most;
    }
}

/* Most address spaces never look for a gap, and do not pay for it. */
static inline void update_gaps(struct mm *mm, struct vma *v)
{
    if (unlikely(mm->keeps_gaps))
        vma_refresh_gaps(mm, v);
}

/* Where the tree points at v: its parent's field, or mm->top. */
static struct vma **vma_slot(struct mm *mm, const struct vma *v)
{
    if (!v->up)
        return &mm->top;
    return v->up->left == v ? &v->up->left : &v->up->right;
}

/* Puts v, which may be NULL, where `slot` is, a field of `up`. */
static void hang(struct vma **slot, struct vma *v, struct vma *up)
{
    *slot = v;
    if (v)
        v->up = up;
}

/*
 * Turns v and its parent about: v comes up, and the order from left to right stays.
 *
 *          up            v
 *         /  \          / \
 *        v    c   ->   a   up
 *       / \                / \
 *      a   b              b   c
 */
static __noinline void rotate_up(struct mm *mm, struct vma *v)
{
    struct vma *up = v->up, **slot = vma_slot(mm, up), *above = up->up;

    if (up->left == v) {
        hang(&up->left, v->right, up);
        hang(&v->right, up, v);
    } else {
        hang(&up->right, v->left, up);
        hang(&v->left, up, v);
    }
    hang(slot, v, above);
    v->max_gap = up->max_gap;
    update_gaps(mm, up);
}

/* Adds v to tree and list; its place is found on the way down. */
static void tree_insert(struct mm *mm, struct vma *v)
{
    struct vma **slot = &mm->top, *up = NULL, *last = vma_last(mm);
    struct list *before = &mm->vmas;

    if (last && v->start > last->start) { /* most often: right of all */
        up = last;
        slot = &last->right;
        before = &last->link;
    }
    while (*slot) {
        up = *slot;
        if (v->start < up->start) {
            slot = &up->left;
        } else {
            before = &up->link;
            slot = &up->right;
        }
    }
    v->left = v->right = NULL;
    v->max_gap = 0;
    v->priority = priority_of(mm, v);
    mm->nvmas++;
    hang(slot, v, up);
    v->up = up;
    list_push_front(before, &v->link);
    update_gaps(mm, v);
    update_gaps(mm, vma_next(mm, v));
    while (v->up && v->up->priority < v->priority)
        rotate_up(mm, v);
}

/* Takes v out: its children come up, the higher one first, until one is left at most. */
static void tree_remove(struct mm *mm, struct vma *v)
{
    struct vma *next = vma_next(mm, v);

    while (v->left && v->right)
        rotate_up(mm, v->left->priority > v->right->priority ? v->left : v->right);
    hang(vma_slot(mm, v), v->left ? v->left : v->right, v->up);
    list_remove(&v->link);
    mm->nvmas--;
    update_gaps(mm, v->up);
    update_gaps(mm, next);
}

int vma_find_gap(struct mm *mm, uint64_t len, vaddr_t floor, vaddr_t top, vaddr_t *va)
{
    const struct vma *v = vma_last(mm);
    vaddr_t start = v ? v->end : 0;

    if (v && (top < start || top - start < len)) {
        if (mm->top->max_gap < len)
            return -ENOMEM;
        for (v = mm->top;;) {
            if (v->right && v->right->max_gap >= len)
                v = v->right;
            else if (gap_below(mm, v) >= len)
                break;
            else
                v = v->left;
        }
        start = vma_gap_start(mm, v);
        if (top > v->start)
            top = v->start;
    }
    if (start < floor)
        start = floor;
    *va = top - len;
    return start <= top && top - start >= len ? 0 : -ENOMEM;
}

struct vma *vma_first_above(struct mm *mm, vaddr_t va)
{
    struct vma *found = mm->hint;

    /* The one found last, or one of its neighbours. */
    if (found && found->start > va && vma_prev(mm, found))
        found = vma_prev(mm, found);
    if (found && found->start <= va) {
        if (va >= found->end)
            found = vma_next(mm, found);
        if (!found)
            return NULL;
        if (va < found->end)
            return mm->hint = found;
    }
    found = NULL;
    for (struct vma *v = mm->top; v;) {
        if (v->end > va) {
            found = v;
            v = v->left;
        } else {
            v = v->right;
        }
    }
    if (found)
        mm->hint = found;
    return found;
}

struct vma *vma_find(struct mm *mm, vaddr_t va)
{
    struct vma *v = mm->hint;

    if (v && v->start <= va && va < v->end)
        return v;
    v = vma_first_above(mm, va);
    return v && v->start <= va ? v : NULL;
}

/* ---- entering and leaving an mm ---- */

void vma_link(struct mm *mm, struct vma *v)
{
    ASSERT(v->start < v->end && !((v->start | v->end) & (PAGE_SIZE - 1)));
    tree_insert(mm, v);
    CHECK_ASSERT(!vma_prev(mm, v) || vma_prev(mm, v)->end <= v->start);
    CHECK_ASSERT(!vma_next(mm, v) || v->end <= vma_next(mm, v)->start);
    v->mm = mm;
    mm->npaged += v->region && v->region->ops->bring;
}

void vma_insert(struct mm *mm, struct vma *v)
{
    vma_link(mm, v);
    if (v->region)
        region_add_vma(v->region, v);
}

void vma_remove(struct mm *mm, struct vma *v)
{
    if (mm->hint == v)
        mm->hint = vma_prev(mm, v); /* mm_unmap() works from the top down */
    tree_remove(mm, v);
    if (v->region) {
        region_remove_vma(v->region, v);
        mm->npaged -= v->region->ops->bring != NULL;
    }
}

void vma_set_bounds(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    v->start = start;
    v->end = end;
    update_gaps(mm, v);
    update_gaps(mm, vma_next(mm, v));
}

void vma_gap(struct mm *mm, vaddr_t va, vaddr_t *start, vaddr_t *end)
{
    const struct vma *above = vma_first_above(mm, va);
    const struct vma *below = above ? vma_prev(mm, above) : vma_last(mm);

    *start = below ? below->end : 0;
    *end = above ? above->start : USER_TOP;
}
