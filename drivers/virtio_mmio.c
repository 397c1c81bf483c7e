/*
 * Virtio over memory-mapped registers: from an unknown slot to a disk ready to go.
 *
 * Covers both interfaces: legacy (version 1: one page number for the whole ring) and modern
 * (version 2: three addresses, features confirmed). Runs at boot on one hart, without locks. What a
 * device says is checked; one that makes no sense is named on the console and left alone.
 * Called by drivers/virtio_disk.c, which also owns the disk afterwards.
 */
#include "asm/mmio.h"
#include "asm/page.h"
#include "drivers/irq.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/page.h"

#include "virtio.h"

#define MAGIC 0x74726976U /* "virt" */
#define DEVICE_BLOCK 2
#define QUEUE_MIN 4 /* header, one piece, status: three, and sizes are powers of two */
#define RING_ORDER 1 /* pages of the ring, as a power of two */
#define RESET_LOOKS 100000
#define SECTOR_MAX 1024 /* bytes: the file system reads and writes blocks of this size */

enum device_status {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_FAILED = 128,
};

enum feature { /* bits of feature word 0 */
    FEATURE_SEG_MAX = 1 << 2,
    FEATURE_READ_ONLY = 1 << 5,
    FEATURE_BLOCK_SIZE = 1 << 6,
    FEATURE_FLUSH = 1 << 9,
    FEATURES_KNOWN = FEATURE_SEG_MAX | FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH,
};

#define FEATURE_WORD1_VERSION_1 1

/* The used ring starts at the second page: the legacy interface wants it aligned so. */
#define USED_OFFSET PAGE_SIZE

static_assert((sizeof(struct virtq_desc) + 2) * VIRTIO_QUEUE_MAX + 6 <= USED_OFFSET,
              "descriptors and available ring fit the first page");
static_assert(8 * VIRTIO_QUEUE_MAX + 6 <= PAGE_SIZE, "the used ring fits the second page");
static_assert(VIRTIO_QUEUE_MAX * (sizeof(struct virtio_header) + 1) <= PAGE_SIZE,
              "headers and status bytes fit one page");

static uint32_t reg_read(const struct virtio_disk *disk, enum virtio_register reg)
{
    return mmio_read32(disk->base + reg);
}

static void reg_write(struct virtio_disk *disk, enum virtio_register reg, uint32_t value)
{
    mmio_write32(disk->base + reg, value);
}

static void status_add(struct virtio_disk *disk, enum device_status bit)
{
    reg_write(disk, VIRTIO_STATUS, reg_read(disk, VIRTIO_STATUS) | bit);
}

int virtio_reset(struct virtio_disk *disk)
{
    reg_write(disk, VIRTIO_STATUS, 0);
    for (unsigned i = 0; i < RESET_LOOKS; i++) {
        if (reg_read(disk, VIRTIO_STATUS) == 0)
            return 0;
    }
    return -EIO;
}

/* Agree on features. => NULL and those of word 0 in *features, or what is wrong. */
static const char *negotiate(struct virtio_disk *disk, uint32_t *features)
{
    reg_write(disk, VIRTIO_DEVICE_FEATURES_WORD, 0);
    *features = reg_read(disk, VIRTIO_DEVICE_FEATURES) & FEATURES_KNOWN;
    reg_write(disk, VIRTIO_DRIVER_FEATURES_WORD, 0);
    reg_write(disk, VIRTIO_DRIVER_FEATURES, *features);
    if (disk->version == 1) {
        reg_write(disk, VIRTIO_GUEST_PAGE_SIZE, PAGE_SIZE);
        return NULL;
    }
    reg_write(disk, VIRTIO_DEVICE_FEATURES_WORD, 1);
    if (!(reg_read(disk, VIRTIO_DEVICE_FEATURES) & FEATURE_WORD1_VERSION_1))
        return "does not offer VERSION_1";
    reg_write(disk, VIRTIO_DRIVER_FEATURES_WORD, 1);
    reg_write(disk, VIRTIO_DRIVER_FEATURES, FEATURE_WORD1_VERSION_1);
    status_add(disk, STATUS_FEATURES_OK);
    if (!(reg_read(disk, VIRTIO_STATUS) & STATUS_FEATURES_OK))
        return "refuses our features";
    return NULL;
}

/* Read a 64-bit field that the device may change between the two halves. */
static uint64_t config_read64(struct virtio_disk *disk, enum virtio_register reg)
{
    uint32_t low = 0, high = reg_read(disk, reg + 4);

    for (unsigned tries = 0; tries < 16; tries++) {
        uint32_t before = high;

        low = reg_read(disk, reg);
        high = reg_read(disk, reg + 4);
        if (high == before)
            break;
    }
    return (uint64_t)high << 32 | low;
}

static const char *read_config(struct virtio_disk *disk, uint32_t features)
{
    uint32_t segs = 1;

    if (features & FEATURE_BLOCK_SIZE && reg_read(disk, VIRTIO_CONFIG_BLOCK_SIZE) > SECTOR_MAX)
        return "sectors too large";
    if (features & FEATURE_SEG_MAX)
        segs = reg_read(disk, VIRTIO_CONFIG_SEG_MAX);
    if (segs > BLOCK_SEGS_MAX)
        segs = BLOCK_SEGS_MAX;
    if (segs > disk->queue_size - 2)
        segs = disk->queue_size - 2;
    disk->segs_max = segs > 0 ? segs : 1;
    disk->dev.nsectors = config_read64(disk, VIRTIO_CONFIG_CAPACITY);
    disk->dev.readonly = (features & FEATURE_READ_ONLY) != 0;
    disk->dev.can_flush = (features & FEATURE_FLUSH) != 0;
    return NULL;
}

static const char *queue_check(struct virtio_disk *disk)
{
    reg_write(disk, VIRTIO_QUEUE_SELECT, 0);
    uint32_t max = reg_read(disk, VIRTIO_QUEUE_SIZE_MAX);

    if (reg_read(disk, disk->version == 1 ? VIRTIO_QUEUE_PAGE : VIRTIO_QUEUE_READY) != 0)
        return "queue in use";
    disk->queue_size = VIRTIO_QUEUE_MAX;
    while (disk->queue_size > max)
        disk->queue_size /= 2;
    return disk->queue_size < QUEUE_MIN ? "queue too small" : NULL;
}

static int queue_alloc(struct virtio_disk *disk)
{
    struct page *ring = page_alloc_order(RING_ORDER);
    struct page *page = page_alloc_zeroed();

    if (ring == NULL || page == NULL) {
        if (ring != NULL)
            page_free_order(ring, RING_ORDER);
        if (page != NULL)
            page_put(page);
        return -ENOMEM;
    }
    uint8_t *at = page_addr(ring);

    memset(at, 0, PAGE_SIZE << RING_ORDER);
    disk->desc = (struct virtq_desc *)at;
    disk->avail = (struct virtq_avail *)(at + disk->queue_size * sizeof(struct virtq_desc));
    disk->used = (struct virtq_used *)(at + USED_OFFSET);
    disk->header = page_addr(page);
    disk->status = (uint8_t *)(disk->header + VIRTIO_QUEUE_MAX);
    return 0;
}

static void write_address(struct virtio_disk *disk, enum virtio_register reg,
                          const volatile void *at)
{
    paddr_t pa = virt_to_phys((const void *)at);

    reg_write(disk, reg, (uint32_t)pa);
    reg_write(disk, reg + 4, (uint32_t)(pa >> 32));
}

static void queue_enable(struct virtio_disk *disk)
{
    reg_write(disk, VIRTIO_QUEUE_SIZE, disk->queue_size);
    if (disk->version == 1) {
        reg_write(disk, VIRTIO_QUEUE_ALIGN, USED_OFFSET);
        reg_write(disk, VIRTIO_QUEUE_PAGE, (uint32_t)(virt_to_phys(disk->desc) >> PAGE_SHIFT));
        return;
    }
    write_address(disk, VIRTIO_QUEUE_DESC, disk->desc);
    write_address(disk, VIRTIO_QUEUE_AVAIL, disk->avail);
    write_address(disk, VIRTIO_QUEUE_USED, disk->used);
    reg_write(disk, VIRTIO_QUEUE_READY, 1);
}

/* Everything between reset and DRIVER_OK. => NULL, or what is wrong. */
static const char *bring_up(struct virtio_disk *disk)
{
    uint32_t features;
    const char *wrong;

    if (virtio_reset(disk))
        return "does not reset";
    status_add(disk, STATUS_ACKNOWLEDGE);
    status_add(disk, STATUS_DRIVER);
    wrong = negotiate(disk, &features);
    if (wrong == NULL)
        wrong = queue_check(disk);
    if (wrong == NULL)
        wrong = read_config(disk, features);
    if (wrong == NULL && queue_alloc(disk))
        wrong = "no memory";
    if (wrong == NULL)
        queue_enable(disk);
    return wrong;
}

int virtio_setup(struct virtio_disk *disk, const struct devtree_node *node)
{
    paddr_t start;
    uint64_t size;

    if (devtree_reg(node, 0, &start, &size) || size < VIRTIO_REGISTERS_END || start % 4 != 0) {
        printk("%s: no usable address, left out\n", devtree_name(node));
        return -ENODEV;
    }
    disk->base = ioremap(start, VIRTIO_REGISTERS_END);
    if (disk->base == NULL)
        return -ENODEV;
    if (reg_read(disk, VIRTIO_MAGIC) != MAGIC) {
        printk("virtio at 0x%lx: no such device, left out\n", start);
        return -ENODEV;
    }
    if (reg_read(disk, VIRTIO_DEVICE_ID) != DEVICE_BLOCK)
        return -ENODEV;
    disk->version = reg_read(disk, VIRTIO_VERSION);
    disk->irq = irq_of_node(node, 0);
    const char *wrong = "unknown version";

    if (disk->version == 1 || disk->version == 2)
        wrong = bring_up(disk);
    if (wrong != NULL) {
        status_add(disk, STATUS_FAILED);
        printk("disk at 0x%lx: %s, ignored\n", start, wrong);
        return -EIO;
    }
    return 0;
}

void virtio_go(struct virtio_disk *disk)
{
    status_add(disk, STATUS_DRIVER_OK);
}
