/*
 * Address spaces: made, loaded, released; and the mapping of a region into one.
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
    irq = irq_disable_save();
    spin_lock(&mm->lock);
    /* The whole of it needs no split, so it cannot fail. */
    if (mm_unmap(mm, 0, USER_TOP, TABLES_TRIM, &gone))
        ASSERT(0);
    spin_unlock(&mm->lock);
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

/* ---- mapping a region ---- */

/* Gives the vmas of a region, which count from 0, their place at va. */
static void place_vmas(struct list *vmas, vaddr_t va, vaddr_t size_before)
{
    struct list *pos;

    list_for_each(pos, vmas) {
        struct vma *v = list_entry(pos, struct vma, link);

        v->size_before = v->start ? va + v->start : size_before;
        v->start += va;
        v->end += va;
    }
}

/*
 * Enters v's frames in the tables, which are prepared. Those of a sparse region come by a
 * fault. => v is in its mm: a revocation that does not show here will find it there.
 */
static void map_vma(struct mm *mm, struct vma *v)
{
    const uint32_t *frames = v->region->frames + v->first;
    uint64_t flags = vma_pte_flags(v);
    size_t n;

    if (v->region->sparse || __atomic_load_n(&v->region->revoked, __ATOMIC_SEQ_CST))
        return;
    for (vaddr_t va = v->start; va < v->end; va += n * PAGE_SIZE, frames += n) {
        n = (pt_table_end(va, v->end) - va) >> PAGE_SHIFT;
        pt_map(pt_lookup(mm->root, va), frames, n, flags);
    }
}

/* To refuse what was revoked already; map_vma() looks again. */
static bool any_revoked(struct list *vmas)
{
    struct list *pos;

    list_for_each(pos, vmas)
        if (__atomic_load_n(&list_entry(pos, struct vma, link)->region->revoked, __ATOMIC_SEQ_CST))
            return true;
    return false;
}

/* => dst->lock held. mm_map_region() with the place found: [va, end). */
static int map_region_at(struct mm *dst, struct list *vmas, vaddr_t va, vaddr_t end)
{
    struct list *node;
    int err = pt_prepare(dst->root, va, end);

    if (!err && any_revoked(vmas))
        err = -EFAULT;
    if (err) {
        pt_trim(dst->root, dst->cpus, va, end, vma_gap_start(dst, va), vma_gap_end(dst, va));
        return err;
    }
    /* Commit: nothing below may fail. No fence: an entry that was invalid is in no TLB that
     * matters; a hart that remembers the hole faults once, and mm_fault() finds it filled. */
    place_vmas(vmas, va, dst->size);
    while ((node = list_pop_front(vmas))) {
        struct vma *v = list_entry(node, struct vma, link);

        vma_insert(dst, v);
        if (v->prot & PROT_EXEC)
            icache_sync(dst->cpus); /* before it can fetch what others have stored there */
        map_vma(dst, v);
    }
    dst->size = end;
    return 0;
}

__noinline int mm_map_region(struct mm *dst, struct list *vmas, size_t npages, vaddr_t *va)
{
    int err = -EINVAL;
    vaddr_t start;

    spin_lock(&dst->lock);
    start = page_up(dst->size);
    if (range_fits(start, npages * PAGE_SIZE, USER_BREAK_MAX)) {
        vaddr_t end = start + npages * PAGE_SIZE;

        if (vma_gap_end(dst, start) >= end)
            err = map_region_at(dst, vmas, start, end);
    }
    spin_unlock(&dst->lock);
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

    spin_lock(&mm->lock);
    v = vma_find(mm, va);
    if (v && v->kind == VMA_ID && v->region == r && v->start == va)
        err = mm_unmap(mm, v->start, v->end, TABLES_TRIM, &gone);
    spin_unlock(&mm->lock);
    vma_destroy_list(&gone);
    return err;
}
