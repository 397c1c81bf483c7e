/*
 * mmap and munmap: memory apart from the break.
 *
 * A mapping is one vma of kind VMA_MAP: private and zeroed (no region), shared and zeroed (a
 * region on demand), or a file's pages (a region whose pages are brought), shared or copied on a
 * store. Its pages come by mm/fault.c and go by mm/unmap.c like all others; here is only what the
 * calls mean. Equal neighbours merge. Lock: mm->lock. Called by syscall/ext/sysmmap.c. Read next:
 * map_region_page() in mm/fault.c.
 */
#include "mm/mmap.h"

#include "../pgtable.h"
#include "../space.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "private.h"

/* Looks for what is not mmap's own in [start, end). => rests. 0; -EINVAL; -EINTR. */
static int only_maps(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    struct vma *v = vma_first_above(mm, start);
    int err = 0;

    for (; v && v->start < end && !err; v = vma_next(mm, v))
        err = v->kind == VMA_MAP ? mm_work(mm, 1) : -EINVAL;
    return err;
}

/* ---- merging ---- */

static bool can_merge(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->kind == VMA_MAP && b->kind == VMA_MAP && a->prot == b->prot &&
           a->max_prot == b->max_prot && a->promised == b->promised && a->copies == b->copies &&
           a->region == b->region && (!a->region || vma_page_at(a, a->end) == b->first);
}

void map_merge(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct vma *v = vma_first_above(mm, start ? start - 1 : 0), *next;

    while (v && v->start <= end && (next = vma_next(mm, v))) {
        mm_work(mm, WORK_VMA);
        if (!can_merge(v, next)) {
            v = next;
            continue;
        }
        vma_remove(mm, next);
        vma_set_bounds(mm, v, v->start, next->end);
        if (v->region)
            region_resweep(v);
        list_push_back(&mm->gone, &next->link);
    }
}

/* ---- mapping ---- */

static bool is_free(struct mm *mm, vaddr_t start, uint64_t len) __must_hold(&mm->lock)
{
    struct vma *above = vma_first_above(mm, start);

    return range_fits(start, len, USER_BREAK_MAX) && start >= page_up(mm->size) &&
           (!above || above->start >= start + len);
}

/* From here on the gaps are known, for vma_find_gap(). => rests. 0; -EINTR, and they are not. */
static int keep_gaps(struct mm *mm) __must_hold(&mm->lock)
{
    int err = 0;

    for (struct vma *v = vma_first(mm); v && !err && !mm->keeps_gaps; v = vma_next(mm, v)) {
        vma_refresh_gaps(mm, v);
        err = mm_work(mm, 1);
    }
    mm->keeps_gaps = !err;
    return err;
}

/*
 * Where the request goes. A hole below the break is no place: what lies there goes when the break
 * comes down. Nor is page 0, if the kernel may choose: a null pointer should fault.
 * => rests. 0 and *va; -ENOMEM, -EEXIST, -EINVAL, -EINTR.
 */
static int find_place(struct mm *mm, const struct map_request *q, uint64_t len, vaddr_t *va)
    __must_hold(&mm->lock)
{
    vaddr_t lowest = mm->size ? page_up(mm->size) : PAGE_SIZE;

    *va = q->addr;
    if (q->place != MAP_ANYWHERE && !range_fits(q->addr, len, USER_BREAK_MAX))
        return -ENOMEM;
    switch (q->place) {
    case MAP_OVER:
        return q->addr >= page_up(mm->size) ? only_maps(mm, q->addr, q->addr + len) : -EINVAL;
    case MAP_HERE:
        return is_free(mm, q->addr, len) ? 0 : -EEXIST;
    case MAP_ANYWHERE:
        break;
    }
    if (q->addr && is_free(mm, q->addr, len))
        return 0;
    return keep_gaps(mm) ? -EINTR : vma_find_gap(mm, len, lowest, USER_BREAK_MAX, va);
}

/* Frees the tables that were made in vain for [start, end), in each gap between vmas. */
static void trim_gaps(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    while (start < end) {
        const struct vma *above = vma_first_above(mm, start);
        vaddr_t stop = above && above->start < end ? above->start : end;

        if (start < stop)
            mm_trim(mm, start, stop);
        mm_work(mm, 1);
        start = above ? above->end : end;
    }
}

/* Reserves for v, whose place is found, and makes its tables. => rests. 0 or -errno. */
static int prepare_map(struct mm *mm, const struct vma *v) __must_hold(&mm->lock)
{
    int err = v->promised ? mm_reserve(mm, vma_pages(v)) : 0;

    if (!err && (v->promised || v->region)) /* else nothing is promised, and it may be huge */
        err = mm_prepare(mm, v->start, v->end);
    return err;
}

/* Puts v, whose place is found, into mm. => rests. On error nothing has changed. */
static int map_at(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    int err = prepare_map(mm, v);

    /* What lies there goes last, and leaves its tables to v: only a split may need memory. */
    if (!err)
        err = mm_unmap(mm, v->start, v->end, TABLES_KEEP);
    if (err || !(v->promised || v->region))
        trim_gaps(mm, v->start, v->end);
    if (err) {
        mm_unreserve(mm);
        return err;
    }
    mm->set_aside = 0; /* the promise is v's from here on */
    vma_insert(mm, v);
    return 0;
}

/* A vma for the request, in no list and without a place. => NULL without memory. */
static struct vma *request_vma(const struct map_request *q)
{
    struct vma *v = vma_create(0, PAGE_SIZE, VMA_MAP, q->prot);

    if (!v)
        return NULL;
    v->max_prot = (uint8_t)q->max_prot;
    v->region = q->region;
    v->first = q->first;
    v->copies = q->copies;
    v->promised = !vma_shares(v) && (q->prot & PROT_WRITE);
    if (q->region)
        region_get(q->region);
    return v;
}

int mm_map(struct mm *mm, const struct map_request *q, vaddr_t *va)
{
    uint64_t len = page_up(q->len);
    struct vma *v;
    int err;

    if (len == 0 || q->len > USER_TOP || (q->addr & (PAGE_SIZE - 1)))
        return -EINVAL;
    if (q->region && (len >> PAGE_SHIFT) > REGION_MAX)
        return -ENOMEM;
    v = request_vma(q);
    if (!v)
        return -ENOMEM;
    err = mm_lock_killable(mm);
    if (err) {
        vma_destroy(v);
        return err;
    }
    err = find_place(mm, q, len, va);
    if (!err) {
        v->start = *va;
        v->end = *va + len;
        err = map_at(mm, v);
    }
    if (err)
        list_push_back(&mm->gone, &v->link);
    else
        map_merge(mm, *va, *va + len);
    mm_unlock(mm);
    return err;
}

/* ---- unmapping ---- */

int mm_munmap(struct mm *mm, vaddr_t va, uint64_t len)
{
    vaddr_t end;
    int err;

    if (!len || map_range(va, len, &end))
        return -EINVAL;
    map_write_back(mm, va, end);
    if (mm_lock_killable(mm))
        return -EINTR;
    err = only_maps(mm, va, end);
    if (!err)
        err = mm_unmap(mm, va, end, TABLES_TRIM);
    mm_unlock(mm);
    return err;
}
