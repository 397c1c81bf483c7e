/*
 * mmap, munmap, mprotect, msync: memory apart from the break.
 *
 * A mapping is one vma of kind VMA_MAP: private and zeroed (no region), shared and zeroed (a
 * region on demand), or a file's pages (a region whose pages are brought), shared or copied on a
 * store. Its pages come by mm/fault.c and go by mm/unmap.c like all others; here is only what the
 * calls mean. Equal neighbours merge. How a file's pages are written back, its region knows
 * (fs/ext/mapping.c). Lock: mm->lock. Called by syscall/ext/sysmmap.c. Read next: map_region_page() and
 * allow_again() in mm/fault.c.
 */
#include "mm/mmap.h"

#include "../pgtable.h"
#include "../space.h"
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"

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
           a->max_prot == b->max_prot && a->promised == b->promised &&
           a->private_copy == b->private_copy && a->region == b->region &&
           (!a->region || vma_page_at(a, a->end) == b->first);
}

/* Makes one vma of each pair of equal neighbours that meet in [start, end]. => rests. */
static void map_merge(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
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

    for (struct vma *v = vma_first_above(mm, 0); v && !err && !mm->keeps_gaps;
         v = vma_next(mm, v)) {
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

/* Puts v, whose place is found, into mm. => rests. On error nothing has changed. */
static int map_at(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    bool tables = v->promised || v->region; /* else nothing is promised, and it may be huge */
    int err = v->promised ? mm_reserve(mm, vma_pages(v)) : 0;

    if (!err && tables)
        err = mm_prepare(mm, v->start, v->end);
    /* What lies there goes last, and leaves its tables to v: only a split may need memory. */
    if (!err)
        err = mm_unmap(mm, v->start, v->end, TABLES_KEEP);
    if (err || !tables)
        trim_gaps(mm, v->start, v->end);
    if (err)
        return err;
    mm->set_aside = 0; /* the promise is v's from here on */
    vma_insert(mm, v);
    if (v->region)
        region_add_vma(v);
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
    v->private_copy = q->private_copy;
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
    err = mm_lock_killable(mm);
    if (err)
        return err;
    v = request_vma(q);
    err = v ? find_place(mm, q, len, va) : -ENOMEM;
    if (!err) {
        v->start = *va;
        v->end = *va + len;
        err = map_at(mm, v);
    }
    if (!err)
        map_merge(mm, *va, *va + len);
    else if (v)
        list_push_back(&mm->gone, &v->link);
    mm_unlock(mm);
    return err;
}

/* ---- writing back, unmapping ---- */

/*
 * Writes back the first part of a shared file in [*va, end), and moves *va past it; to `end` if there
 * is none. => no lock held; may sleep. 0 or -errno.
 */
static int write_back_next(struct mm *mm, vaddr_t *va, vaddr_t end)
{
    struct region *r = NULL;
    size_t first = 0, n = 0;
    struct vma *v;
    int err = 0;

    mm_lock(mm);
    v = vma_first_above(mm, *va);
    while (v && v->start < end && !(vma_shares(v) && v->region->ops->write_back)) {
        v = vma_next(mm, v);
        mm_work(mm, 1);
    }
    if (v && v->start < end) {
        vaddr_t from = *va > v->start ? *va : v->start;

        end = end < v->end ? end : v->end;
        r = v->region;
        first = vma_page_at(v, from);
        n = (end - from) >> PAGE_SHIFT;
        region_get(r);
    }
    *va = end;
    mm_unlock(mm);
    if (r)
        err = r->ops->write_back(r, first, n);
    region_put(r);
    return err;
}

/* Writes back the stores to shared files in [start, end). => may sleep. 0, or the last -errno. */
static int map_write_back(struct mm *mm, vaddr_t start, vaddr_t end)
{
    int err = 0;

    while (start < end && mm->npaged) {
        int now = write_back_next(mm, &start, end);

        err = now ? now : err;
    }
    return err;
}

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

int mm_sync(struct mm *mm, vaddr_t va, uint64_t len)
{
    struct vma *v = NULL;
    vaddr_t end;
    int err = map_range(va, len, &end);

    if (!err)
        err = map_write_back(mm, va, end);
    if (err)
        return err;
    mm_lock(mm);
    while (va < end && (v = vma_find(mm, va)) && !mm_work(mm, 1))
        va = v->end;
    mm_unlock(mm);
    return va < end ? -ENOMEM : 0; /* there is a hole */
}

/* ---- protecting ---- */

/* Whether [start, end) may all become `prot`. => rests. */
static int may_protect(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
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
 * => rests. 0, -ENOMEM, -EINTR.
 */
static int reserve_writable(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
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

/* Enters v's permissions in the entries there are. A page gets W by a fault, as ever. => rests. */
static void rewrite_entries(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    struct pt_walk w = pt_walk(mm->root, v->start, v->end);

    while (pt_next(&w)) {
        if (!w.missing && w.n > WORK_PIECE)
            w.n = WORK_PIECE;
        mm_work(mm, 4 + (w.missing ? 0 : (unsigned)w.n / 2));
        if (w.missing)
            continue;
        w.stop = w.va + w.n * PAGE_SIZE;
        for (pte_t *pte = w.pte; pte < w.pte + w.n; pte++) {
            uint64_t flags = pte->v & PTE_S ? vma_region_flags(v) : vma_own_flags(v);

            if (!(pte->v & PTE_W))
                flags &= ~(PTE_W | PTE_D);
            if (pte->v)
                *pte = pte_make(pte_phys(*pte), flags);
        }
        tlb_shootdown(mm->cpus, w.va, w.n);
    }
    v->old_prot = v->prot;
}

/* Takes away the pages of v, which is promised nothing, and leaves v. => rests. */
static void unmap_pages(struct mm *mm, const struct vma *v) __must_hold(&mm->lock)
{
    unsigned work;

    ASSERT(!v->promised);
    for (vaddr_t to = v->end, from; to > v->start; to = from) {
        from = unmap_piece_start(v, v->start, to, &work);
        mm_work(mm, work);
        unmap_piece(v, from, to, UNHOOK_ALL);
    }
}

/*
 * => rests. Boundaries are made, promises reserved. A vma that was never writable
 * has only zero pages or its file's; the zero pages go, since they were not promised.
 */
static void protect_vmas(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(mm, v)) {
        if ((prot & PROT_WRITE) && !v->promised && !vma_shares(v)) {
            unmap_pages(mm, v);
            v->promised = true;
            ASSERT(mm->set_aside >= vma_pages(v));
            mm->set_aside -= vma_pages(v);
        }
        v->prot = (uint8_t)prot;
        rewrite_entries(mm, v);
    }
}

/* Boundaries, promises, tables: all that can fail, once it is allowed. => rests. */
static int prepare_protect(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
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
static void trim_unused(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    struct vma *v = vma_first_above(mm, start);

    for (; v && v->start < end; v = vma_next(mm, v)) {
        mm_work(mm, 1);
        if (v->kind != VMA_MAP || v->promised || v->region)
            continue;
        unmap_pages(mm, v);
        mm_trim(mm, v->start, v->end);
    }
}

/* mm_protect() of what may be protected so. => rests. */
static int protect_range(struct mm *mm, vaddr_t va, vaddr_t end, unsigned prot)
    __must_hold(&mm->lock)
{
    int err = prepare_protect(mm, va, end, prot);

    if (err) {
        trim_unused(mm, va, end);
        map_merge(mm, va, va);
        map_merge(mm, end, end);
        return err;
    }
    /* Commit: nothing below may fail. */
    protect_vmas(mm, va, end, prot);
    if (prot & PROT_EXEC)
        icache_sync(mm->cpus);
    map_merge(mm, va, end);
    return 0;
}

int mm_protect(struct mm *mm, vaddr_t va, uint64_t len, unsigned prot)
{
    vaddr_t end;
    int err = map_range(va, len, &end);

    if (err || !len)
        return err;
    err = mm_lock_killable(mm);
    if (err)
        return err;
    err = may_protect(mm, va, end, prot);
    if (!err)
        err = protect_range(mm, va, end, prot);
    mm_unlock(mm);
    return err;
}
