/*
 * mmap, munmap, mprotect, msync: memory apart from the break.
 *
 * A mapping is one vma of kind VMA_MAP: private and zeroed (no region), shared and zeroed (a
 * sparse region), or a file's pages (a region with a pager), shared or copied on a store.
 * Its pages come by mm/fault.c and go by mm/unmap.c like all others; here is only what the
 * calls mean. Cutting and changing splits vmas, and equal neighbours merge again. Lock:
 * mm->lock. Read next: mm/fault.c, region_map_page().
 */
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "pgtable.h"
#include "space.h"

/* Looks for what is not mmap's own in [start, end). => mm locked; rests. 0; -EINVAL; -EINTR. */
static int only_maps(struct mm *mm, vaddr_t start, vaddr_t end)
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

/* Makes one vma of each pair of equal neighbours that meet in [start, end]. => mm locked; rests. */
static void merge_around(struct mm *mm, vaddr_t start, vaddr_t end, struct list *gone)
{
    struct vma *v = vma_first_above(mm, start ? start - 1 : 0), *next;

    while (v && v->start <= end && (next = vma_next(mm, v))) {
        mm_work(mm, WORK_VMA);
        if (!can_merge(v, next)) {
            v = next;
            continue;
        }
        vma_remove(mm, next);
        v->end = next->end;
        if (v->region)
            region_resweep(v);
        list_push_back(gone, &next->link);
    }
}

/* ---- mapping ---- */

/*
 * The highest gap below USER_BREAK_MAX that has room for len bytes. A hole below the break is
 * none: what lies there goes when the break comes down. => mm locked; rests. 0 and *va; -ENOMEM;
 * -EINTR. Page 0 is never chosen: a null pointer should fault.
 */
static int find_gap(struct mm *mm, uint64_t len, vaddr_t *va)
{
    vaddr_t top = USER_BREAK_MAX;
    struct list *pos;

    for (pos = mm->vmas.prev; pos != &mm->vmas; pos = pos->prev) {
        struct vma *v = list_entry(pos, struct vma, link);

        vaddr_t floor = v->end > page_up(mm->size) ? v->end : page_up(mm->size);

        if (floor <= top && top - floor >= len) {
            *va = top - len;
            return *va ? 0 : -ENOMEM;
        }
        if (v->start < top)
            top = v->start;
        if (mm_work(mm, 1))
            return -EINTR;
    }
    return -ENOMEM;
}

static bool is_free(struct mm *mm, vaddr_t start, uint64_t len)
{
    struct vma *above = vma_first_above(mm, start);

    return range_fits(start, len, USER_BREAK_MAX) && start >= page_up(mm->size) &&
           (!above || above->start >= start + len);
}

/* Where the request goes. => mm locked; rests. 0 and *va. */
static int find_place(struct mm *mm, const struct map_request *q, uint64_t len, vaddr_t *va)
{
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
    return q->addr && is_free(mm, q->addr, len) ? 0 : find_gap(mm, len, va);
}

/* Frees the tables that were made in vain for [start, end), in each gap between vmas. */
static void trim_gaps(struct mm *mm, vaddr_t start, vaddr_t end)
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

/* Reserves for v, whose place is found, and makes its tables. => mm locked; rests. 0 or -errno. */
static int prepare_map(struct mm *mm, const struct vma *v)
{
    int err = v->promised ? mm_reserve(mm, vma_pages(v)) : 0;

    if (!err && (v->promised || v->region)) /* else nothing is promised, and it may be huge */
        err = mm_prepare(mm, v->start, v->end);
    return err;
}

/* Puts v, whose place is found, into mm. => mm locked; rests. On error nothing has changed. */
static int map_at(struct mm *mm, struct vma *v, struct list *gone)
{
    int err = prepare_map(mm, v);

    /* What lies there goes last, and leaves its tables to v: only a split may need memory. */
    if (!err)
        err = mm_unmap(mm, v->start, v->end, TABLES_KEEP, gone);
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
    struct list gone = LIST_INIT(gone);
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
        err = map_at(mm, v, &gone);
    }
    if (err)
        list_push_back(&gone, &v->link);
    else
        merge_around(mm, *va, *va + len, &gone);
    mm_unlock(mm);
    vma_destroy_list(&gone);
    return err;
}

/* ---- writing back, unmapping ---- */

/* The first vma of a shared file that ends above *va: its region, held, and the pages of it
 * below `end`; *va moves past it. => false when there is none. */
static bool next_file(struct mm *mm, vaddr_t *va, vaddr_t end, struct region **r, size_t *first,
                      size_t *n)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_first_above(mm, *va);
    while (v && v->start < end && (!vma_shares(v) || !v->region->pager)) {
        v = vma_next(mm, v);
        mm_work(mm, 1);
    }
    if (v && v->start < end) {
        vaddr_t from = *va > v->start ? *va : v->start, to = end < v->end ? end : v->end;

        *r = v->region;
        *first = vma_page_at(v, from);
        *n = (to - from) >> PAGE_SHIFT;
        *va = to;
        region_get(*r);
    } else {
        v = NULL;
    }
    mm_unlock(mm);
    return v;
}

static int sync_range(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct region *r;
    size_t first, n;
    int err = 0;

    while (start < end && mm->npaged && next_file(mm, &start, end, &r, &first, &n)) {
        int e = r->pager->sync(r, first, n);

        region_put(r);
        if (e)
            err = e;
    }
    return err;
}

/* Where the pages of [va, va + len) end. => 0; -EINVAL unaligned; -ENOMEM not user space. */
static int map_range(vaddr_t va, uint64_t len, vaddr_t *end)
{
    if (va & (PAGE_SIZE - 1))
        return -EINVAL;
    if (!range_fits(va, len, USER_TOP))
        return -ENOMEM;
    *end = page_up(va + len);
    return 0;
}

static bool has_hole(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct vma *v = NULL;

    mm_lock(mm);
    while (start < end && (v = vma_find(mm, start)) && !mm_work(mm, 1))
        start = v->end;
    mm_unlock(mm);
    return start < end;
}

int mm_sync(struct mm *mm, vaddr_t va, uint64_t len)
{
    vaddr_t end;
    int err = map_range(va, len, &end);

    if (!err)
        err = sync_range(mm, va, end);
    return !err && has_hole(mm, va, end) ? -ENOMEM : err;
}

void mm_sync_all(struct mm *mm)
{
    sync_range(mm, 0, USER_TOP);
}

int mm_munmap(struct mm *mm, vaddr_t va, uint64_t len)
{
    struct list gone = LIST_INIT(gone);
    vaddr_t end;
    int err;

    if (!len || map_range(va, len, &end))
        return -EINVAL;
    sync_range(mm, va, end);
    if (mm_lock_killable(mm))
        return -EINTR;
    err = only_maps(mm, va, end);
    if (!err)
        err = mm_unmap(mm, va, end, TABLES_TRIM, &gone);
    mm_unlock(mm);
    vma_destroy_list(&gone);
    return err;
}

/* ---- protection ---- */

/* Whether [start, end) may all become `prot`. => mm locked; rests. */
static int may_protect(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
{
    int err = 0;

    while (start < end && !err) {
        struct vma *v = vma_find(mm, start);

        if (!v)
            return -ENOMEM;
        if (v->kind != VMA_MAP)
            return -EINVAL;
        if (prot & ~v->max_prot)
            return -EACCES;
        start = v->end;
        err = mm_work(mm, 1);
    }
    return err;
}

/*
 * Reserves for pages of [start, end) that are to be promised because they become writable.
 * => mm locked; rests. 0, -ENOMEM, -EINTR.
 */
static int reserve_writable(struct mm *mm, vaddr_t start, vaddr_t end)
{
    size_t n = 0;

    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(mm, v)) {
        if (!v->promised && !vma_shares(v))
            n += vma_pages(v);
        if (mm_work(mm, 1))
            return -EINTR;
    }
    return mm_reserve(mm, n);
}

/* The flags of a present entry of v, which has new permissions. A page gets W by a fault, as ever. */
static uint64_t new_flags(const struct vma *v, pte_t pte)
{
    uint64_t flags = pte.v & PTE_S ? vma_region_flags(v) : vma_own_flags(v);

    return pte_writable(pte) ? flags : flags & ~(PTE_W | PTE_D);
}

/* Enters v's permissions in the entries there are. => mm locked; rests. */
static void rewrite_entries(struct mm *mm, struct vma *v)
{
    for (vaddr_t va = v->start, stop; va < v->end; va = stop) {
        pte_t *pte = pt_lookup(mm->root, va);
        vaddr_t piece = va + WORK_PIECE * PAGE_SIZE, at = va;

        stop = pt_table_end(va, v->end);
        if (pte && stop > piece)
            stop = piece;
        else if (!pte && pt_missing(mm->root, va) == 2)
            stop = pt_gigabyte_end(va, v->end);
        mm_work(mm, 4 + (pte ? (unsigned)((stop - va) >> PAGE_SHIFT) / 2 : 0));
        for (; pte && at < stop; at += PAGE_SIZE, pte++)
            if (pte_present(*pte))
                *pte = pte_leaf(pte_phys(*pte), new_flags(v, *pte));
        if (pte)
            tlb_shootdown(mm->cpus, va, (stop - va) >> PAGE_SHIFT);
    }
    v->old_prot = v->prot;
}

/*
 * => mm locked; rests. Boundaries are made, promises reserved. A vma that was never writable
 * has only zero pages or its file's; the zero pages go, since they were not promised.
 */
static void protect_vmas(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
{
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(mm, v)) {
        if ((prot & PROT_WRITE) && !v->promised && !vma_shares(v)) {
            mm_unmap_pages(mm, v);
            v->promised = true;
            mm->set_aside -= vma_pages(v);
        }
        v->prot = (uint8_t)prot;
        rewrite_entries(mm, v);
    }
}

/* Boundaries, promises, tables: all that can fail, once it is allowed. => mm locked; rests. */
static int prepare_protect(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot)
{
    int err = vma_split(mm, va);

    if (!err)
        err = vma_split(mm, end);
    if (!err && (prot & PROT_WRITE))
        err = reserve_writable(mm, va, end);
    if (!err && (prot & PROT_WRITE))
        err = mm_prepare(mm, va, end);
    return err;
}

/*
 * Frees the tables of what was never writable, after prepare_protect() has made them in vain; the
 * zero pages in them go, too, as in protect_vmas(), and come back by a fault.
 */
static void trim_unused(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct vma *v = vma_first_above(mm, start);

    for (; v && v->start < end; v = vma_next(mm, v)) {
        mm_work(mm, 1);
        if (v->kind != VMA_MAP || v->promised || v->region)
            continue;
        mm_unmap_pages(mm, v);
        mm_trim(mm, v->start, v->end);
    }
}

/* mm_protect() of what may be protected so. => mm locked; rests. */
static int protect_range(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot, struct list *gone)
{
    int err = prepare_protect(mm, va, end, prot);

    if (err) {
        mm_unreserve(mm);
        trim_unused(mm, va, end);
        merge_around(mm, va, va, gone);
        merge_around(mm, end, end, gone);
        return err;
    }
    /* Commit: nothing below may fail. */
    protect_vmas(mm, va, end, prot);
    if (prot & PROT_EXEC)
        icache_sync(mm->cpus);
    merge_around(mm, va, end, gone);
    return 0;
}

int mm_protect(struct mm *mm, vaddr_t va, uint64_t len, unsigned prot)
{
    struct list gone = LIST_INIT(gone);
    vaddr_t end;
    int err = map_range(va, len, &end);

    if (err || !len)
        return err;
    err = mm_lock_killable(mm);
    if (err)
        return err;
    err = may_protect(mm, va, end, prot);
    if (!err)
        err = protect_range(mm, va, end, prot, &gone);
    mm_unlock(mm);
    vma_destroy_list(&gone);
    return err;
}
