/*
 * The kernel's address space: one linear map, KERNEL_OFFSET above physical addresses, and the array
 * of struct page above it.
 *
 *     text           R-X     \
 *     rodata         R--      | the image, in 4 KiB leaves where the permission changes
 *     data, bss      RW-      |
 *     kernel stacks  RW-     /  with an unmapped guard page under each
 *     other RAM      RW-        1 GiB and 2 MiB leaves
 *     devices        RW-        as drivers ask for them, ioremap()
 *     struct pages   RW-        those of frames that are ours: 2 MiB leaves, 4 KiB at the ends
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
#include "mm/ram.h"
#include "frames.h"
#include "pgtable.h"
#include "space.h"

#define KERNEL_BASE_FLAGS (PTE_V | PTE_G | PTE_A)
#define KERNEL_RX         (KERNEL_BASE_FLAGS | PTE_R | PTE_X)
#define KERNEL_RO         (KERNEL_BASE_FLAGS | PTE_R)
#define KERNEL_RW         (KERNEL_BASE_FLAGS | PTE_R | PTE_W | PTE_D)

extern char __kernel_start[], __text_end[], __rodata_end[], __kernel_end[];

pte_t *kmap_root;

/* The largest leaf that can begin at pa and not pass end. */
static unsigned leaf_level(paddr_t pa, paddr_t end, unsigned level)
{
    while (level > 0 && ((pa & (pt_span(level) - 1)) || end - pa < pt_span(level)))
        level--;
    return level;
}

static void require(bool done)
{
    if (!done)
        panic("memory: no room for the kernel's page tables");
}

/*
 * Enters [pa, end), page aligned, in the linear map: at boot by the largest leaves, later, for
 * devices, by pages, which devices that lie close together can share. => false without memory for tables.
 */
static bool map_linear(paddr_t pa, paddr_t end, uint64_t flags, enum table_frames from)
{
    unsigned largest = from == TABLES_BOOT ? PT_LEVELS - 1 : 0;

    ASSERT(pa <= end && !((pa | end) & (PAGE_SIZE - 1)));
    while (pa < end) {
        unsigned level = leaf_level(pa, end, largest);
        pte_t *pte = pt_create(kmap_root, (vaddr_t)phys_to_virt(pa), level, from);

        if (!pte)
            return false;
        if (!(pte->v & PTE_V))
            *pte = pte_make(pa, flags);
        pa += pt_span(level);
    }
    return true;
}

static void map_image(const char *start, const char *end, uint64_t flags)
{
    require(map_linear(virt_to_phys(start), virt_to_phys(end), flags, TABLES_BOOT));
}

static void map_stacks(void)
{
    for (unsigned slot = 0; slot < KSTACK_SLOTS; slot++)
        map_image((char *)kstack_guard(slot) + PAGE_SIZE, (char *)kstack_top(slot), KERNEL_RW);
}

/* Maps the RAM around the image and what the firmware keeps for itself. */
static void map_ram(const struct phys_range *reserved, size_t nreserved)
{
    struct phys_range holes[RAM_RESERVED_MAX + 1];
    size_t n = 0;

    holes[n++] = (struct phys_range){virt_to_phys(__kernel_start), virt_to_phys(__kernel_end), 1};
    for (size_t i = 0; i < nreserved; i++)
        if (reserved[i].no_map)
            holes[n++] = reserved[i];
    for (size_t i = 0; i < ram_nranges; i++) {
        struct phys_range r = {.end = ram_ranges[i].start};

        while (ram_next(&r, ram_ranges[i].end, holes, n))
            require(map_linear(r.start, r.end, KERNEL_RW, TABLES_BOOT));
    }
}

/*
 * Maps the struct pages in [at, end). A page of them that is mapped already is shared with the frames
 * before; what a large leaf spans is of these frames alone.
 */
static void map_struct_pages(vaddr_t at, vaddr_t end)
{
    while (at < end) {
        unsigned level = leaf_level(at, end, 1);
        pte_t *pte = pt_create(kmap_root, at, level, TABLES_BOOT);

        require(pte);
        if (!(pte->v & PTE_V)) {
            paddr_t pa = frame_take_early((uint32_t)(pt_span(level) >> PAGE_SHIFT));

            require(pa);
            *pte = pte_make(pa, KERNEL_RW);
        }
        at = (at & ~(pt_span(level) - 1)) + pt_span(level);
    }
}

static void map_page_array(const struct phys_range *reserved, size_t n)
{
    for (size_t i = 0; i < ram_nranges; i++) {
        struct phys_range r = {.end = ram_ranges[i].start};

        while (ram_next(&r, ram_ranges[i].end, reserved, n))
            map_struct_pages((vaddr_t)&page_array[r.start >> PAGE_SHIFT],
                             (vaddr_t)&page_array[r.end >> PAGE_SHIFT]);
    }
}

void kmap_init(const struct phys_range *reserved, size_t n)
{
    paddr_t root = frame_take_early(1);

    require(root);
    kmap_root = memset(phys_to_virt(root), 0, PAGE_SIZE);
    map_page_array(reserved, n);
    map_ram(reserved, n);
    map_image(__kernel_start, __text_end, KERNEL_RX);
    map_image(__text_end, __rodata_end, KERNEL_RO);
    map_image(__rodata_end, __stacks_start, KERNEL_RW);
    map_stacks();
    mmu_set_kernel_root(root);
    mmu_load(root);
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
    if (!map_linear(page_down(pa), page_up(pa + len), KERNEL_RW, TABLES_KERNEL))
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

size_t kmap_check(void)
{
    size_t bad = 0;
    unsigned level;

    for (vaddr_t va = KERNEL_OFFSET; va; va = pt_span_end(va, level)) {
        pte_t *pte;

        level = 0;
        pte = pt_find(kmap_root, va, &level);
        if (pte->v & PTE_V)
            bad += check_leaf(*pte, va);
    }
    return bad;
}
