/*
 * Virtio over memory-mapped registers: from an unknown slot to a disk that goes.
 *
 * Runs at boot on one hart, without locks. What a device says is checked; one that makes no sense
 * is named on the console and left alone. Called by init/main.c; the disk is then
 * drivers/virtio_disk.c's.
 */
#include "asm/page.h"
#include "lib/assert.h"
#include "lib/minmax.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/page.h"
#include "mm/slab.h"

#include "virtio.h"

#define MAGIC        0x74726976U /* "virt" */
#define DEVICE_BLOCK 2
#define QUEUE_MIN    4 /* header, one piece, status: three, and sizes are powers of two */
#define RING_ORDER   1 /* pages of the ring, as a power of two */
#define READ_TRIES   16
#define SECTOR_MAX   1024 /* bytes: the file system reads and writes blocks of this size */

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

static_assert(sizeof(struct virtio_disk) <= SLAB_MAX_OBJECT, "a disk is a slab object");

static struct slab_cache disk_cache =
    SLAB_CACHE_INIT(disk_cache, "virtio_disk", sizeof(struct virtio_disk));

static_assert(sizeof(struct virtio_ring) == PAGE_SIZE << RING_ORDER, "the ring fills its pages");

static void status_add(struct virtio_disk *disk, enum device_status bit)
{
    virtio_write(disk, VIRTIO_STATUS, virtio_read(disk, VIRTIO_STATUS) | bit);
}

/* ---- version 2 ---- */

static const char *modern_accept(struct virtio_disk *disk)
{
    virtio_write(disk, VIRTIO_DEVICE_FEATURES_WORD, 1);
    if (!(virtio_read(disk, VIRTIO_DEVICE_FEATURES) & FEATURE_WORD1_VERSION_1))
        return "does not offer VERSION_1";
    virtio_write(disk, VIRTIO_DRIVER_FEATURES_WORD, 1);
    virtio_write(disk, VIRTIO_DRIVER_FEATURES, FEATURE_WORD1_VERSION_1);
    status_add(disk, STATUS_FEATURES_OK);
    if (!(virtio_read(disk, VIRTIO_STATUS) & STATUS_FEATURES_OK))
        return "refuses our features";
    return NULL;
}

static void write_address(struct virtio_disk *disk, uint32_t reg, const volatile void *at)
{
    paddr_t pa = virt_to_phys((const void *)at);

    virtio_write(disk, reg, (uint32_t)pa);
    virtio_write(disk, reg + 4, (uint32_t)(pa >> 32));
}

static void modern_enable_queue(struct virtio_disk *disk)
{
    disk->avail = &disk->ring->avail;
    write_address(disk, VIRTIO_QUEUE_DESC, disk->ring->desc);
    write_address(disk, VIRTIO_QUEUE_AVAIL, disk->avail);
    write_address(disk, VIRTIO_QUEUE_USED, &disk->ring->used);
    virtio_write(disk, VIRTIO_QUEUE_READY, 1);
}

static const struct virtio_interface modern = {
    .note = "",
    .queue_busy = VIRTIO_QUEUE_READY,
    .accept = modern_accept,
    .enable_queue = modern_enable_queue,
};

const struct virtio_interface *virtio_interfaces[3] = {[2] = &modern};

/* ---- any version ---- */

/* Chooses the queue's size. => NULL, or what is wrong */
static const char *size_queue(struct virtio_disk *disk)
{
    uint32_t max;

    virtio_write(disk, VIRTIO_QUEUE_SELECT, 0);
    max = virtio_read(disk, VIRTIO_QUEUE_SIZE_MAX);
    if (virtio_read(disk, disk->interface->queue_busy) != 0)
        return "queue in use";
    disk->queue_size = VIRTIO_QUEUE_MAX;
    while (disk->queue_size > max)
        disk->queue_size /= 2;
    return disk->queue_size < QUEUE_MIN ? "queue too small" : NULL;
}

/* The capacity, of which the device may change one half between two reads. */
static uint64_t read_capacity(struct virtio_disk *disk)
{
    uint32_t high, low, tries = 0;

    do {
        high = virtio_read(disk, VIRTIO_CONFIG_CAPACITY + 4);
        low = virtio_read(disk, VIRTIO_CONFIG_CAPACITY);
    } while (virtio_read(disk, VIRTIO_CONFIG_CAPACITY + 4) != high && ++tries < READ_TRIES);
    return (uint64_t)high << 32 | low;
}

/* Reads what the disk says of itself. => NULL, or what is wrong */
static const char *read_config(struct virtio_disk *disk, uint32_t features)
{
    uint32_t segs = 1;

    if (features & FEATURE_BLOCK_SIZE && virtio_read(disk, VIRTIO_CONFIG_BLOCK_SIZE) > SECTOR_MAX)
        return "sectors too large";
    if (features & FEATURE_SEG_MAX)
        segs = virtio_read(disk, VIRTIO_CONFIG_SEG_MAX);
    segs = min(segs, min(BLOCK_SEGS_MAX, disk->queue_size - 2)); /* without header and status */
    disk->segs_max = max(segs, 1);
    disk->dev.nsectors = read_capacity(disk);
    disk->dev.readonly = features & FEATURE_READ_ONLY;
    disk->dev.can_flush = features & FEATURE_FLUSH;
    return NULL;
}

/* Does everything between reset and DRIVER_OK. => NULL, or what is wrong */
static const char *bring_up_disk(struct virtio_disk *disk)
{
    const char *wrong;
    struct page *ring;
    uint32_t features;

    if (!virtio_reset(disk))
        return "does not reset";
    status_add(disk, STATUS_ACKNOWLEDGE);
    status_add(disk, STATUS_DRIVER);
    virtio_write(disk, VIRTIO_DEVICE_FEATURES_WORD, 0);
    features = virtio_read(disk, VIRTIO_DEVICE_FEATURES) & FEATURES_KNOWN;
    virtio_write(disk, VIRTIO_DRIVER_FEATURES_WORD, 0);
    virtio_write(disk, VIRTIO_DRIVER_FEATURES, features);
    wrong = disk->interface->accept(disk);
    if (!wrong)
        wrong = size_queue(disk);
    if (!wrong)
        wrong = read_config(disk, features);
    if (wrong)
        return wrong;
    ring = page_alloc_order(RING_ORDER);
    if (!ring)
        return "no memory";
    disk->ring = memset(page_addr(ring), 0, sizeof(*disk->ring));
    virtio_write(disk, VIRTIO_QUEUE_SIZE, disk->queue_size);
    disk->interface->enable_queue(disk);
    return NULL;
}

/* Brings up the disk in a slot as far as DRIVER_OK is missing. => false: none that can be used */
static bool set_up_disk(struct virtio_disk *disk, dtnode_t slot)
{
    const char *wrong = "unknown version";
    uint32_t version;
    paddr_t start;
    uint64_t size;

    if (!dt_reg(slot, 0, &start, &size) || size < VIRTIO_REGISTERS_END || start % 4 != 0) {
        printk("%s: no usable address, left out\n", dt_name(slot));
        return false;
    }
    disk->base = ioremap(start, VIRTIO_REGISTERS_END);
    if (!disk->base)
        return false;
    if (virtio_read(disk, VIRTIO_MAGIC) != MAGIC) {
        printk("virtio at 0x%lx: no such device, left out\n", start);
        return false;
    }
    if (virtio_read(disk, VIRTIO_DEVICE_ID) != DEVICE_BLOCK)
        return false;
    version = virtio_read(disk, VIRTIO_VERSION);
    if (version < ARRAY_LEN(virtio_interfaces) && virtio_interfaces[version]) {
        disk->interface = virtio_interfaces[version];
        wrong = bring_up_disk(disk);
    }
    if (wrong) {
        status_add(disk, STATUS_FAILED);
        printk("disk at 0x%lx: %s, ignored\n", start, wrong);
    }
    return !wrong;
}

static void start_disk(struct virtio_disk *disk)
{
    static unsigned ndisks;

    snprintk(disk->name, sizeof(disk->name), "disk%u", ndisks++);
    status_add(disk, STATUS_DRIVER_OK);
    blockdev_register(&disk->dev);
    printk("%s: %lu sectors%s%s%s\n", disk->name, disk->dev.nsectors,
           disk->dev.readonly ? ", read-only" : "", disk->interface->note,
           disk->polled ? ", polled" : "");
}

/* Disks are started in the order of their slots' addresses. */
void virtio_probe(void)
{
    struct list *pos, found = LIST_INIT(found);
    struct virtio_disk *disk = NULL;
    dtnode_t slot = 0;

    while ((slot = dt_find_compatible(slot, "virtio,mmio"))) {
        if (!disk)
            disk = slab_alloc(&disk_cache);
        if (!disk)
            break;
        if (!set_up_disk(disk, slot))
            continue; /* the object is still blank enough for the next slot */
        virtio_disk_init(disk, slot);
        list_for_each(pos, &found) {
            if (list_entry(pos, struct virtio_disk, dev.link)->base > disk->base)
                break;
        }
        list_push_back(pos, &disk->dev.link);
        disk = NULL;
    }
    if (disk)
        slab_free(&disk_cache, disk);
    while ((pos = list_pop_front(&found)))
        start_disk(list_entry(pos, struct virtio_disk, dev.link));
}
