/*
 * Address spaces: made, locked, loaded, released; and the mapping of a region into one.
 *
 * Owns: struct mm, mm_list. The entries of a table change only under mm->lock, and only
 * here, in unmap.c, fork.c, fault.c and map.c. Lock order in mm/mm.h: two mm->locks are
 * never held at once. Read next: mm/pgtable.c for what pt_map() stores; mm/unmap.c for the way
 * back.
 */
#include "space.h"

#include "asm/cpu.h"
#include "asm/mmu.h"
#include "asm/tlb.h"
#include "frames.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/slab.h"
#include "pgtable.h"
#include "mm/region.h"

struct list mm_list = LIST_INIT(mm_list);

static struct spinlock mm_list_lock = SPINLOCK_INIT("mm list", RANK_REGION);
static struct slab_cache mm_cache = SLAB_CACHE_INIT(mm_cache, "mm", sizeof(struct mm));

/* => a root table with the kernel's upper half and an empty lower one; NULL without memory. */
static pte_t *root_create(void)
{
    struct page *page = page_alloc();
    pte_t *root;

    if (!page)
        return NULL;
    page->kind = PAGE_TABLE;
    root = page_addr(page);
    memset(root, 0, PAGE_SIZE / 2);
    memcpy(root + PT_ENTRIES / 2, kmap_root + PT_ENTRIES / 2, PAGE_SIZE / 2);
    return root;
}

struct mm *mm_create(void)
{
    struct mm *mm = slab_alloc(&mm_cache);
    uint64_t irq;

    if (!mm)
        return NULL;
    spin_init(&mm->lock, "mm", RANK_MM);
    waitqueue_init(&mm->reopened);
    list_init(&mm->vmas);
    mm->magic = MM_MAGIC;
    mm->holders = 1;
    irq = irq_disable_save();
    mm->root = root_create();
    if (mm->root) {
        spin_lock(&mm_list_lock);
        list_push_back(&mm_list, &mm->link);
        spin_unlock(&mm_list_lock);
    }
    irq_restore(irq);
    if (!mm->root) {
        slab_free(&mm_cache, mm);
        return NULL;
    }
    return mm;
}

void mm_hold(struct mm *mm)
{
    ASSERT(mm->magic == MM_MAGIC);
    __atomic_fetch_add(&mm->holders, 1, __ATOMIC_RELAXED);
}

static void mm_destroy(struct mm *mm)
{
    struct list gone = LIST_INIT(gone);
    uint64_t irq;

    ASSERT(__atomic_load_n(&mm->cpus, __ATOMIC_ACQUIRE) == 0);
    mm_sync_all(mm);
    mm_lock(mm);
    /* The whole of it needs no split, so it cannot fail. */
    if (mm_unmap(mm, 0, USER_TOP, TABLES_TRIM, &gone))
        ASSERT(0);
    mm_unlock(mm);
    irq = irq_disable_save();
    spin_lock(&mm_list_lock);
    list_remove(&mm->link);
    spin_unlock(&mm_list_lock);
    page_put(page_of(mm->root));
    irq_restore(irq);
    vma_destroy_list(&gone);
    mm->magic = 0;
    slab_free(&mm_cache, mm);
}

void mm_release(struct mm *mm)
{
    ASSERT(mm->magic == MM_MAGIC);
    if (__atomic_sub_fetch(&mm->holders, 1, __ATOMIC_ACQ_REL) == 0)
        mm_destroy(mm);
}

/*
 * The new mm's bit is set before its table is walked and the old one's cleared after, so
 * that a shootdown on another hart never misses this one.
 */
void mm_activate(struct mm *mm)
{
    struct cpu *cpu = this_cpu();
    struct mm *old = cpu->mm;
    uint64_t bit = 1UL << cpu->id;

    if (mm == old)
        return;
    if (mm)
        __atomic_fetch_or(&mm->cpus, bit, __ATOMIC_SEQ_CST);
    cpu->mm = mm;
    mmu_load(mm ? virt_to_phys(mm->root) : mmu_kernel_root());
    if (old)
        __atomic_fetch_and(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
}

uint64_t mm_new_family(void)
{
    static uint64_t last;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

/* ---- the lock ---- */

void mm_lock(struct mm *mm)
{
    spin_lock(&mm->lock);
    while (unlikely(mm->closed))
        wait_on(&mm->reopened, &mm->lock);
}

/* The rest of mm_lock_killable(): mm->lock is held. */
__no_lock_analysis int mm_lock_slowly(struct mm *mm)
{
    while (mm->closed)
        if (wait_on_killable(&mm->reopened, &mm->lock)) {
            spin_unlock(&mm->lock);
            return -EINTR;
        }
    return 0;
}

/* The rest of mm_unlock(). */
void mm_reopen(struct mm *mm)
{
    mm->closed = false;
    wake_all(&mm->reopened);
}

__noinline int mm_rest(struct mm *mm, unsigned units)
{
    mm->closed = true;
    mm->work = units;
    spin_unlock(&mm->lock);
    task_yield_if_due();
    spin_lock(&mm->lock);
    return task_killed(current()) ? -EINTR : 0;
}

int mm_reserve(struct mm *mm, size_t n)
{
    size_t missing;

    while (n && (missing = page_try_reserve(n)) > 0) {
        int err = n <= page_total() && page_reclaim(missing) ? mm_work(mm, WORK_BATCH) : -ENOMEM;

        if (err)
            return err;
    }
    mm->set_aside += n;
    return 0;
}

void mm_unreserve(struct mm *mm)
{
    if (mm->set_aside)
        page_unreserve(mm->set_aside);
    mm->set_aside = 0;
}

int mm_prepare(struct mm *mm, vaddr_t start, vaddr_t end)
{
    int err = 0;

    for (vaddr_t va = start; va < end && !err; va = pt_table_end(va, end)) {
        if (pt_lookup(mm->root, va))
            err = mm_work(mm, 1);
        else
            err = pt_create(mm->root, va, 0, TABLES_ALLOC) ? mm_work(mm, WORK_TABLE) : -ENOMEM;
    }
    return err;
}

#define TRIM_STEP (64 * pt_span(1)) /* what one step of trimming looks at: 64 tables */

void mm_trim(struct mm *mm, vaddr_t start, vaddr_t end)
{
    const struct vma *v = vma_find(mm, start);
    vaddr_t floor, ceiling;

    if (v) {
        floor = v->start;
        ceiling = v->end;
    } else {
        vma_gap(mm, start, &floor, &ceiling);
    }
    /* From the top down, so that a table goes after those below it. */
    for (vaddr_t to = end, from; to > start; to = from) {
        from = (to - 1) & ~(TRIM_STEP - 1);
        if (from < start)
            from = start;
        pt_trim(mm->root, mm->cpus, from, to, from == start ? floor : from, ceiling);
        mm_work(mm, WORK_BATCH / 2);
    }
}

/* ---- mapping a region ---- */

/*
 * Enters v's frames in the tables, which are prepared. Those of a sparse region come by a
 * fault. => v is in its mm: a revocation that does not show here will find it there.
 */
static void map_vma(struct mm *mm, struct vma *v)
{
    const uint32_t *frames = v->region->frames + v->first;
    uint64_t flags = vma_pte_flags(v);
    size_t n;

    for (vaddr_t va = v->start; va < v->end; va += n * PAGE_SIZE, frames += n) {
        n = (pt_table_end(va, v->end) - va) >> PAGE_SHIFT;
        mm_work(mm, (unsigned)n / 3);
        if (v->region->sparse || region_barred(v->region))
            return;
        pt_map(pt_lookup(mm->root, va), frames, n, flags);
    }
}

/* To refuse what was revoked already; map_vma() looks again. => mm locked; rests. 0, -EFAULT, -EINTR. */
static int check_barred(struct mm *mm, struct list *vmas)
{
    struct list *pos;
    int err = 0;

    list_for_each(pos, vmas) {
        if (!err)
            err = region_barred(list_entry(pos, struct vma, link)->region) ? -EFAULT : mm_work(mm, 1);
    }
    return err;
}

/* => dst locked. mm_map_region() with the place found: [va, end). */
static int map_region_at(struct mm *dst, struct list *vmas, vaddr_t va, vaddr_t end)
{
    struct list *node;
    int err = mm_prepare(dst, va, end);

    if (!err)
        err = check_barred(dst, vmas);
    if (err) {
        mm_trim(dst, va, end);
        return err;
    }
    /* Commit: nothing below may fail. No fence: a hart that remembers an entry as invalid faults
     * once, and mm_fault() finds it valid. */
    while ((node = list_pop_front(vmas))) {
        struct vma *v = list_entry(node, struct vma, link);

        v->size_before = v->start ? va + v->start : dst->size;
        v->start += va;
        v->end += va;
        vma_insert(dst, v);
        if (v->prot & PROT_EXEC)
            icache_sync(dst->cpus); /* before it can fetch what others have stored there */
        map_vma(dst, v);
        mm_work(dst, WORK_VMA);
    }
    dst->size = end;
    return 0;
}

__noinline int mm_map_region(struct mm *dst, struct list *vmas, size_t npages, vaddr_t *va)
{
    int err = mm_lock_killable(dst);
    vaddr_t start;

    if (err)
        return err;
    err = -EINVAL;
    start = page_up(dst->size);
    if (range_fits(start, npages * PAGE_SIZE, USER_BREAK_MAX)) {
        const struct vma *above = vma_first_above(dst, start);
        vaddr_t end = start + npages * PAGE_SIZE;

        if (!above || above->start >= end)
            err = map_region_at(dst, vmas, start, end);
    }
    mm_unlock(dst);
    *va = start;
    return err;
}

int mm_attach(struct mm *mm, struct region *r, unsigned prot, vaddr_t *va)
{
    struct list vmas = LIST_INIT(vmas);
    struct vma *v = vma_create(0, r->npages << PAGE_SHIFT, VMA_ID, prot);
    int err;

    if (!v)
        return -ENOMEM;
    v->region = r;
    region_get(r);
    list_push_back(&vmas, &v->link);
    err = mm_map_region(mm, &vmas, r->npages, va);
    if (err)
        vma_destroy_list(&vmas);
    return err;
}

int mm_detach(struct mm *mm, struct region *r, vaddr_t va)
{
    struct list gone = LIST_INIT(gone);
    struct vma *v;
    int err = -EINVAL;

    mm_lock(mm);
    v = vma_find(mm, va);
    if (v && v->kind == VMA_ID && v->region == r && v->start == va)
        err = mm_unmap(mm, v->start, v->end, TABLES_TRIM, &gone);
    mm_unlock(mm);
    vma_destroy_list(&gone);
    return err;
}
