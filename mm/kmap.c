/*
 * The kernel's address space: one linear map, KERNEL_OFFSET above physical addresses.
 *
 *     text           R-X     \
 *     rodata         R--      | the image, in 4 KiB leaves where the permission changes
 *     data, bss      RW-      |
 *     kernel stacks  RW-     /  with an unmapped guard page under each
 *     other RAM      RW-        1 GiB and 2 MiB leaves
 *     devices        RW-        as drivers ask for them, ioremap()
 *
 * Owns: kmap_root and the tables below it, complete before the first address space copies
 * its upper half. Nothing is both writable and executable (kmap_check() looks). Boot only,
 * no lock. Read next: mm/space.c.
 */
#include "mm/kmap.h"

#include "asm/kstack.h"
#include "asm/mmu.h"
#include "asm/tlb.h"
#include "lib/assert.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/ram.h"
#include "pgtable.h"
#include "space.h"

#define KERNEL_BASE_FLAGS (PTE_V | PTE_G | PTE_A)
#define KERNEL_RX         (KERNEL_BASE_FLAGS | PTE_R | PTE_X)
#define KERNEL_RO         (KERNEL_BASE_FLAGS | PTE_R)
#define KERNEL_RW         (KERNEL_BASE_FLAGS | PTE_R | PTE_W | PTE_D)

#define FRAMES_LEAST 512 /* free at the start: more than the tables of any kernel map */

extern char __kernel_start[], __text_end[], __rodata_end[], __kernel_end[];

pte_t *kmap_root;

/* The largest leaf that can begin at pa and not pass end. */
static unsigned leaf_level(paddr_t pa, paddr_t end, unsigned level)
{
    while (level > 0 && ((pa & (pt_span(level) - 1)) || end - pa < pt_span(level)))
        level--;
    return level;
}

/*
 * Enters [pa, end), page aligned, in the linear map, by leaves of `largest` or below.
 * => false without memory for tables.
 */
static bool map_linear(paddr_t pa, paddr_t end, uint64_t flags, unsigned largest)
{
    while (pa < end) {
        unsigned level = leaf_level(pa, end, largest);
        vaddr_t va = (vaddr_t)phys_to_virt(pa);
        pte_t *pte = pt_create(kmap_root, va, level, TABLES_ALLOC);

        if (!pte)
            return false;
        if (!pte_valid(*pte))
            *pte = pte_leaf(pa, flags);
        pa += pt_span(level);
    }
    return true;
}

static void map_or_die(paddr_t pa, paddr_t end, uint64_t flags)
{
    if (!map_linear(pa, end, flags, PT_LEVELS - 1))
        panic("memory: no room for the kernel's page tables");
}

static void map_image(const char *start, const char *end, uint64_t flags)
{
    map_or_die(virt_to_phys(start), virt_to_phys(end), flags);
}

static void map_stacks(void)
{
    for (unsigned slot = 0; slot < KSTACK_SLOTS; slot++)
        map_image((char *)kstack_guard(slot) + PAGE_SIZE, (char *)kstack_top(slot), KERNEL_RW);
}

/* Maps the part of [start, end) that no hole covers. The lowest hole first, then the rest. */
static void map_around(paddr_t start, paddr_t end, const struct phys_range *holes, size_t n)
{
    while (start < end) {
        paddr_t stop = end, next = end;

        for (size_t i = 0; i < n; i++)
            if (page_up(holes[i].end) > start && page_down(holes[i].start) < stop) {
                stop = page_down(holes[i].start);
                next = page_up(holes[i].end);
            }
        if (stop > start)
            map_or_die(start, stop, KERNEL_RW);
        start = next;
    }
}

void kmap_init(const struct phys_range *banks, size_t nbanks,
               const struct phys_range *reserved, size_t nreserved)
{
    struct phys_range holes[RAM_RESERVED_MAX + 1];
    struct page *root = page_alloc_zeroed();
    size_t n = 0;

    if (!root)
        panic("memory: no room for the kernel's page tables");
    root->kind = PAGE_TABLE;
    kmap_root = page_addr(root);
    holes[n++] = (struct phys_range){virt_to_phys(__kernel_start), virt_to_phys(__kernel_end), 1};
    for (size_t i = 0; i < nreserved && n < RAM_RESERVED_MAX + 1; i++)
        if (reserved[i].no_map)
            holes[n++] = reserved[i];
    for (size_t i = 0; i < nbanks; i++)
        map_around(page_up(banks[i].start), page_down(banks[i].end), holes, n);
    map_image(__kernel_start, __text_end, KERNEL_RX);
    map_image(__text_end, __rodata_end, KERNEL_RO);
    map_image(__rodata_end, __stacks_start, KERNEL_RW);
    map_stacks();
    mmu_set_kernel_root(virt_to_phys(kmap_root));
    mmu_load(virt_to_phys(kmap_root));
}

/* Why [pa, pa + len) cannot be a device's, or NULL. */
static const char *no_device(paddr_t pa, size_t len)
{
    paddr_t kernel = virt_to_phys(__kernel_start);

    if (len == 0 || pa > RAM_END || len > RAM_END - pa)
        return "outside the kernel's linear map";
    if (ram_touches(page_down(pa), page_up(pa + len)))
        return "in RAM";
    if (pa < virt_to_phys(__kernel_end) && pa + len > kernel)
        return "in the kernel";
    return NULL;
}

void *ioremap(paddr_t pa, size_t len)
{
    const char *wrong = no_device(pa, len);

    ASSERT(list_empty(&mm_list));
    if (wrong) {
        printk("device at %lx: %s, left out\n", pa, wrong);
        return NULL;
    }
    /* By pages, which devices that lie close together can share. */
    if (!map_linear(page_down(pa), page_up(pa + len), KERNEL_RW, 0))
        return NULL;
    tlb_flush_local();
    return phys_to_virt(pa);
}

static size_t check_leaf(pte_t pte, vaddr_t va)
{
    uint64_t flags = pte_flags(pte);
    uint64_t must = PTE_G | PTE_A | (flags & PTE_W ? PTE_D : 0);

    if ((flags & must) == must && !(flags & PTE_U) && (flags & (PTE_W | PTE_X)) != (PTE_W | PTE_X))
        return 0;
    printk("kernel map: leaf at %lx has flags %lx\n", va, flags);
    return 1;
}

static size_t check_table(const pte_t *table, unsigned level, vaddr_t base)
{
    size_t bad = 0;

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        vaddr_t va = base + i * pt_span(level);

        if (!pte_valid(table[i]))
            continue;
        if (pte_is_leaf(table[i]))
            bad += check_leaf(table[i], va);
        else
            bad += check_table(phys_to_virt(pte_phys(table[i])), level - 1, va);
    }
    return bad;
}

size_t kmap_check(void)
{
    return check_table(kmap_root, PT_LEVELS - 1, 0 - pt_span(PT_LEVELS - 1) * PT_ENTRIES);
}

const char *mm_init(const struct phys_range *banks, size_t nbanks,
                    const struct phys_range *reserved, size_t nreserved)
{
    static struct phys_range taken[RAM_RESERVED_MAX + 1];
    struct page_stats stats;
    size_t n = 0;

    ASSERT(nreserved <= RAM_RESERVED_MAX);
    taken[n++] = (struct phys_range){virt_to_phys(__kernel_start), virt_to_phys(__kernel_end), 0};
    for (size_t i = 0; i < nreserved; i++)
        taken[n++] = reserved[i];
    ram_find(banks, nbanks, taken, n);
    page_init(ram_ranges, ram_nranges, taken, n);
    page_get_stats(&stats);
    if (stats.free < FRAMES_LEAST)
        return "the RAM that the device tree lists is too small";
    kmap_init(ram_ranges, ram_nranges, reserved, nreserved);
    if (kmap_check())
        panic("memory: the kernel's map breaks W^X");
    region_init();
    return NULL;
}
