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
    struct vma *v = slab_alloc_raw(&vma_cache);

    if (!v)
        return NULL;
    ASSERT(prot <= (PROT_READ | PROT_WRITE | PROT_EXEC));
    *v = (struct vma){
        .start = start,
        .end = end,
        .kind = kind,
        .prot = prot,
        .old_prot = prot,
        .max_prot = prot,
        .promised = kind == VMA_HEAP,
    };
    list_init(&v->link);
    list_init(&v->region_link);
    return v;
}

struct vma *vma_clone(const struct vma *v)
{
    struct vma *copy = slab_alloc_raw(&vma_cache);

    if (!copy)
        return NULL;
    *copy = *v;
    list_init(&copy->link);
    list_init(&copy->region_link);
    if (copy->region)
        region_get(copy->region);
    return copy;
}

void vma_destroy_list(struct list *vmas)
{
    struct list *node;

    while ((node = list_pop_front(vmas))) {
        struct vma *v = list_entry(node, struct vma, link);

        if (v->region)
            region_put(v->region);
        slab_free(&vma_cache, v);
        task_yield_if_due();
    }
}

/* ---- the tree ---- */

/* The free bytes right below v. */
static uint64_t gap_below(struct mm *mm, const struct vma *v)
{
    const struct vma *below = vma_prev(mm, v);

    return v->start - (below ? below->end : 0);
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
    struct vma *up = v->up, **slot = vma_slot(mm, up), *middle;

    if (up->left == v) {
        up->left = middle = v->right;
        v->right = up;
    } else {
        up->right = middle = v->left;
        v->left = up;
    }
    if (middle)
        middle->up = up;
    v->up = up->up;
    up->up = v;
    *slot = v;
    v->max_gap = up->max_gap;
    update_gaps(mm, up);
}

/* The place of v, in the tree and in the list, is found on the way down. */
void vma_insert(struct mm *mm, struct vma *v)
{
    struct vma **slot = &mm->top, *up = NULL, *last = vma_last(mm);
    struct list *before = &mm->vmas;
    uint64_t mixed = (uint64_t)v * 0x9e3779b97f4a7c15;

    ASSERT(v->start < v->end && v->end <= USER_TOP && !((v->start | v->end) & (PAGE_SIZE - 1)));
    ASSERT(v->region ? v->kind >= VMA_SHARED : !v->private_copy && !vma_in_size(v));
    ASSERT(!(v->promised && vma_shares(v)));
    if (last && v->start > last->start) { /* most often: right of all */
        up = last;
        slot = &last->right;
        before = &last->link;
    }
    while (*slot) {
        up = *slot;
        slot = v->start < up->start ? &up->left : &up->right;
        if (slot == &up->right)
            before = &up->link;
    }
    *slot = v;
    v->left = v->right = NULL;
    v->up = up;
    v->max_gap = 0;
    /* A hash of v's address, which no program chooses. The first few, mostly all, are not turned about. */
    v->priority =
        mm->nvmas < FEW ? 0 : (uint32_t)((mixed ^ mixed >> 32) * 0xd6e8feb86659fd93 >> 32);
    v->mm = mm;
    mm->nvmas++;
    mm->npaged += v->region && v->region->ops->bring;
    list_push_front(before, &v->link);
    CHECK_ASSERT(gap_below(mm, v) <= v->start &&
                 (!vma_next(mm, v) || v->end <= vma_next(mm, v)->start));
    update_gaps(mm, v);
    update_gaps(mm, vma_next(mm, v));
    while (v->up && v->up->priority < v->priority)
        rotate_up(mm, v);
}

/* The children of v come up, the higher one first, until one is left at most. */
void vma_remove(struct mm *mm, struct vma *v)
{
    struct vma *next = vma_next(mm, v), *child;

    ASSERT(v->mm == mm && mm->nvmas > 0);
    if (mm->hint == v)
        mm->hint = vma_prev(mm, v); /* mm_unmap() works from the top down */
    while (v->left && v->right)
        rotate_up(mm, v->left->priority > v->right->priority ? v->left : v->right);
    child = v->left ? v->left : v->right;
    *vma_slot(mm, v) = child;
    if (child)
        child->up = v->up;
    list_remove(&v->link);
    mm->nvmas--;
    update_gaps(mm, v->up);
    update_gaps(mm, next);
    if (v->region) {
        spin_lock(&v->region->lock);
        list_remove(&v->region_link);
        spin_unlock(&v->region->lock);
        mm->npaged -= v->region->ops->bring != NULL;
    }
}

void vma_set_bounds(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    ASSERT(v->mm == mm && start < end && !((start | end) & (PAGE_SIZE - 1)));
    v->start = start;
    v->end = end;
    update_gaps(mm, v);
    update_gaps(mm, vma_next(mm, v));
}

/* ---- looking ---- */

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
        start = v->start - gap_below(mm, v);
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
