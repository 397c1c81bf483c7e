/*
 * Address spaces: made, loaded, released.
 *
 * Owns: struct mm, mm_list. Lock order in mm/mm.h: two mm->locks are never held at once. Called by
 * exec, fork and the holders of an address space; mm_activate() by sched. Read next: mm/rest.c for
 * the lock.
 */
#include "space.h"

#include "asm/cpu.h"
#include "asm/mmu.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/slab.h"

struct list mm_list = LIST_INIT(mm_list);

static struct spinlock mm_list_lock = SPINLOCK_INIT("mm list", RANK_REGION);
static struct slab_cache mm_cache = SLAB_CACHE_INIT(mm_cache, "mm", sizeof(struct mm));

struct mm *mm_create(void)
{
    struct mm *mm = slab_alloc(&mm_cache);
    struct page *root;
    uint64_t irq;

    if (!mm)
        return NULL;
    spin_init(&mm->lock, "mm", RANK_MM);
    waitqueue_init(&mm->reopened);
    list_init(&mm->vmas);
    list_init(&mm->gone);
    mm->magic = MM_MAGIC;
    mm->holders = 1;
    irq = irq_disable_save(); /* one step for the audit */
    root = page_alloc();
    if (root) {
        root->kind = PAGE_TABLE;
        mm->root = page_addr(root);
        memset(mm->root, 0, PAGE_SIZE / 2);
        memcpy(mm->root + PT_ENTRIES / 2, kmap_root + PT_ENTRIES / 2, PAGE_SIZE / 2);
        spin_lock(&mm_list_lock);
        list_push_back(&mm_list, &mm->link);
        spin_unlock(&mm_list_lock);
    }
    irq_restore(irq);
    if (root)
        return mm;
    slab_free(&mm_cache, mm);
    return NULL;
}

void mm_hold(struct mm *mm)
{
    uint32_t n = __atomic_fetch_add(&mm->holders, 1, __ATOMIC_RELAXED);

    ASSERT(mm->magic == MM_MAGIC && n > 0);
}

/* Writes what was stored to shared files. => mm is nobody's any more: its vmas stay the same. */
static void write_back_all(struct mm *mm)
{
    struct list *pos;

    list_for_each(pos, &mm->vmas) {
        const struct vma *v = list_entry(pos, struct vma, link);

        if (vma_shares(v) && v->region->ops->write_back)
            v->region->ops->write_back(v->region, v->first, vma_pages(v));
    }
}

void mm_release(struct mm *mm)
{
    uint64_t irq;

    assert_can_sleep();
    ASSERT(mm->magic == MM_MAGIC && __atomic_load_n(&mm->holders, __ATOMIC_RELAXED) > 0);
    if (__atomic_sub_fetch(&mm->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    ASSERT(__atomic_load_n(&mm->cpus, __ATOMIC_ACQUIRE) == 0);
    if (mm->npaged)
        write_back_all(mm);
    mm_lock(mm);
    /* The whole of it needs no split, so it cannot fail. */
    if (mm_unmap(mm, 0, USER_TOP, TABLES_TRIM))
        ASSERT(0);
    ASSERT(mm->nvmas == 0 && mm->npaged == 0 && !mm->top);
    mm_unlock(mm);
    irq = irq_disable_save(); /* one step for the audit */
    spin_lock(&mm_list_lock);
    list_remove(&mm->link);
    spin_unlock(&mm_list_lock);
    page_put(page_of(mm->root));
    irq_restore(irq);
    mm->magic = 0;
    slab_free(&mm_cache, mm);
}

/*
 * The new mm's bit is set before its table is walked and the old one's cleared after, so
 * that a shootdown on another hart never misses this one.
 */
void mm_activate(struct mm *mm)
{
    struct cpu *cpu = this_cpu;
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
