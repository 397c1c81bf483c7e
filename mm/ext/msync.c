/*
 * msync: what was stored to shared pages of files is written back.
 *
 * The region knows how; here is only which parts of which regions. Called by syscall/ext/sysmmap.c and
 * mm/ext/mmap.c. The way of a file's pages: fs/ext/mapping.c.
 */
#include "mm/mmap.h"

#include "../space.h"
#include "lib/errno.h"
#include "private.h"

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

int map_write_back(struct mm *mm, vaddr_t start, vaddr_t end)
{
    int err = 0;

    while (start < end && mm->npaged) {
        int e = write_back_next(mm, &start, end);

        if (e)
            err = e;
    }
    return err;
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
        err = map_write_back(mm, va, end);
    return !err && has_hole(mm, va, end) ? -ENOMEM : err;
}
