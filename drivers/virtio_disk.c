/*
 * Virtio disks: requests in, chains of descriptors out, completions back.
 *
 * Owns one struct virtio_disk per disk, under its lock (RANK_DEV). A request becomes a chain:
 * header, its pieces of memory, status byte. Many chains fly at once; when descriptors run out,
 * requests wait in `pending`. A request with more pieces than a chain may have flies in parts, one
 * after the other. The device is not believed: the links of chains are kept outside its reach, the
 * ids it returns are looked up, and one that breaks the ring or falls silent is reset, its requests
 * ending in -EIO. block_end() is called with the lock released. Called by block_submit(), by interrupt
 * and by timer; read next: drivers/virtio_mmio.c (how a disk comes up).
 */
#include "asm/cpu.h"
#include "asm/mmio.h"
#include "asm/page.h"
#include "asm/timer.h"
#include "drivers/irq.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/slab.h"

#include "internal.h"
#include "virtio.h"

#define POLL_MS 1         /* between two looks at a disk without interrupt */
#define WATCH_MS 10000    /* between two looks at one that should have interrupted */
#define SILENCE_SECONDS 30 /* with chains in flight: the disk is given up */

enum { STATUS_GOOD = 0, STATUS_UNWRITTEN = 0xff };

static const uint32_t header_types[] = {[BLOCK_READ] = 0, [BLOCK_WRITE] = 1, [BLOCK_FLUSH] = 4};

static_assert(sizeof(struct virtio_disk) <= SLAB_MAX_OBJECT, "a disk is a slab object");

static struct slab_cache disk_cache =
    SLAB_CACHE_INIT(disk_cache, "virtio_disk", sizeof(struct virtio_disk));
static unsigned ndisks;

/* Everything to memory and registers before, is done before everything after. */
static inline void ring_barrier(void)
{
    __asm__ volatile("fence iorw,iorw" : : : "memory");
}

/* Take a free descriptor and fill it; the caller has made sure that there is one. */
static uint16_t desc_take(struct virtio_disk *disk, const void *addr, size_t len, uint16_t flags)
{
    uint16_t id = disk->free;

    disk->free = disk->next[id];
    disk->nfree--;
    disk->next[id] = VIRTIO_NO_DESC;
    disk->desc[id] = (struct virtq_desc){virt_to_phys(addr), (uint32_t)len, flags, 0};
    return id;
}

static uint16_t desc_link(struct virtio_disk *disk, uint16_t tail, uint16_t id)
{
    disk->next[tail] = id;
    disk->desc[tail].next = id;
    disk->desc[tail].flags |= VIRTQ_DESC_NEXT;
    return id;
}

static void chain_free(struct virtio_disk *disk, uint16_t id)
{
    while (id != VIRTIO_NO_DESC) {
        uint16_t next = disk->next[id];

        disk->next[id] = disk->free;
        disk->free = id;
        disk->nfree++;
        id = next;
    }
}

/* The sector at which the next part of a request starts. */
static uint64_t part_sector(const struct block_request *req)
{
    uint64_t sector = req->op == BLOCK_FLUSH ? 0 : req->sector;

    for (unsigned i = 0; i < req->next_seg; i++)
        sector += req->seg[i].len / BLOCK_SECTOR;
    return sector;
}

/* Put the next part of a request into the ring; false when descriptors are short. */
static bool part_start(struct virtio_disk *disk, struct block_request *req)
{
    unsigned n = req->nsegs - req->next_seg;
    uint16_t data_flags = req->op == BLOCK_READ ? VIRTQ_DESC_DEVICE_WRITES : 0;

    if (n > disk->segs_max)
        n = disk->segs_max;
    if (disk->nfree < n + 2)
        return false;
    uint16_t head = disk->free, tail;

    disk->header[head] = (struct virtio_header){header_types[req->op], 0, part_sector(req)};
    disk->status[head] = STATUS_UNWRITTEN;
    tail = desc_take(disk, &disk->header[head], sizeof(struct virtio_header), 0);
    for (unsigned i = req->next_seg; i < req->next_seg + n; i++)
        tail = desc_link(disk, tail,
                         desc_take(disk, req->seg[i].addr, req->seg[i].len, data_flags));
    desc_link(disk, tail,
              desc_take(disk, (void *)&disk->status[head], 1, VIRTQ_DESC_DEVICE_WRITES));
    req->flying_seg = req->next_seg + n;
    disk->flying[head] = req;
    disk->nflying++;
    disk->avail->ring[disk->avail_index++ & (disk->queue_size - 1)] = head;
    return true;
}

/* Start what waits, as far as there are descriptors, and tell the device once. => lock held */
static void start_pending(struct virtio_disk *disk)
{
    uint16_t before = disk->avail_index;
    struct list *first;

    if (disk->nflying == 0)
        disk->progress = time_now();
    while ((first = list_first(&disk->pending)) != NULL &&
           part_start(disk, list_entry(first, struct block_request, link)))
        list_remove(first);
    if (disk->avail_index == before)
        return;
    ring_barrier(); /* descriptors before the index that offers them */
    *(volatile uint16_t *)&disk->avail->index = disk->avail_index;
    ring_barrier(); /* the index before the look at the device's flags */
    if (!(disk->used->flags & VIRTQ_USED_NO_NOTIFY))
        mmio_write32(disk->base + VIRTIO_QUEUE_NOTIFY, 0);
}

/* How many sectors the part has that the device has now. */
static uint64_t part_sectors(const struct block_request *req)
{
    uint64_t n = 0;

    for (unsigned i = req->next_seg; i < req->flying_seg; i++)
        n += req->seg[i].len / BLOCK_SECTOR;
    return n;
}

/* The device has returned a chain: the request ends, or its next part waits. => lock held */
static void part_end(struct virtio_disk *disk, uint16_t head, struct list *finished)
{
    struct block_request *req = disk->flying[head];

    req->status = disk->status[head] == STATUS_GOOD ? 0 : -EIO;
    if (req->status)
        block_error(&disk->dev, req, part_sector(req), part_sectors(req));
    disk->flying[head] = NULL;
    disk->nflying--;
    chain_free(disk, head);
    req->next_seg = req->flying_seg;
    if (req->status == 0 && req->next_seg < req->nsegs)
        list_push_front(&disk->pending, &req->link);
    else
        list_push_back(finished, &req->link);
}

/* Stop using the device; all its requests end in -EIO. => lock held */
static void give_up(struct virtio_disk *disk, const char *why, struct list *finished)
{
    struct list *first;

    printk("%s: %s, given up\n", disk->name, why);
    disk->dead = true;
    virtio_reset(disk);
    for (uint16_t head = 0; head < disk->queue_size; head++) {
        if (disk->flying[head] != NULL)
            list_push_back(&disk->pending, &disk->flying[head]->link);
        disk->flying[head] = NULL;
    }
    disk->nflying = 0;
    while ((first = list_pop_front(&disk->pending)) != NULL) {
        list_entry(first, struct block_request, link)->status = -EIO;
        list_push_back(finished, first);
    }
}

/* Take back what the device has returned. Ids that are not in flight are dropped. => lock held */
static void collect(struct virtio_disk *disk, struct list *finished)
{
    ring_barrier(); /* the interrupt's acknowledgement before the look at the ring */
    uint16_t index = disk->used->index;

    if ((uint16_t)(index - disk->used_index) > disk->queue_size) {
        give_up(disk, "ring broken", finished);
        return;
    }
    ring_barrier(); /* the index before the entries it vouches for */
    while (disk->used_index != index) {
        uint32_t id = disk->used->ring[disk->used_index++ & (disk->queue_size - 1)].id;

        if (id < disk->queue_size && disk->flying[id] != NULL) {
            part_end(disk, (uint16_t)id, finished);
            disk->progress = time_now();
        }
    }
    if (disk->nflying > 0 && time_now() - disk->progress > SILENCE_SECONDS * timebase_hz)
        give_up(disk, "no answer", finished);
}

static void service(struct virtio_disk *disk)
{
    struct list finished = LIST_INIT(finished);
    struct list *first;

    spin_lock(&disk->lock);
    if (!disk->dead)
        collect(disk, &finished);
    if (!disk->dead)
        start_pending(disk);
    spin_unlock(&disk->lock);
    while ((first = list_pop_front(&finished)) != NULL) {
        struct block_request *req = list_entry(first, struct block_request, link);

        block_end(req);
    }
}

static void disk_interrupt(void *arg)
{
    struct virtio_disk *disk = arg;

    mmio_write32(disk->base + VIRTIO_INTERRUPT_ACK,
                 mmio_read32(disk->base + VIRTIO_INTERRUPT_STATUS));
    service(disk);
}

static void disk_timer(struct ktimer *timer);

static void watch_set(struct virtio_disk *disk)
{
    uint64_t ms = disk->irq == IRQ_NONE ? POLL_MS : WATCH_MS;

    disk->watch_is_set = true;
    ktimer_add(&disk->timer, time_now() + timer_ms(ms), disk_timer);
}

static void disk_timer(struct ktimer *timer)
{
    struct virtio_disk *disk = container_of(timer, struct virtio_disk, timer);

    service(disk);
    spin_lock(&disk->lock);
    disk->watch_is_set = false;
    if (disk->nflying > 0)
        watch_set(disk);
    spin_unlock(&disk->lock);
}

static void disk_submit(struct block_device *dev, struct block_request *req)
{
    struct virtio_disk *disk = container_of(dev, struct virtio_disk, dev);

    spin_lock(&disk->lock);
    bool dead = disk->dead;

    if (!dead) {
        list_push_back(&disk->pending, &req->link);
        start_pending(disk);
        if (!disk->watch_is_set)
            watch_set(disk);
    }
    spin_unlock(&disk->lock);
    if (dead) {
        req->status = -EIO;
        block_end(req);
    }
}

static void disk_poll(struct block_device *dev)
{
    service(container_of(dev, struct virtio_disk, dev));
}

static const struct block_ops disk_ops = {
    .submit = disk_submit,
    .poll = disk_poll,
};

/* Make a disk that has been set up usable. */
static void disk_start(struct virtio_disk *disk)
{
    snprintk(disk->name, sizeof(disk->name), "disk%u", ndisks++);
    disk->dev.name = disk->name;
    disk->dev.ops = &disk_ops;
    spin_init(&disk->lock, disk->name, RANK_DEV);
    list_init(&disk->pending);
    disk->free = VIRTIO_NO_DESC;
    for (uint32_t id = disk->queue_size; id-- > 0;) {
        disk->next[id] = disk->free;
        disk->free = (uint16_t)id;
    }
    disk->nfree = (uint16_t)disk->queue_size;
    if (disk->irq != IRQ_NONE && irq_register(disk->irq, disk_interrupt, disk))
        disk->irq = IRQ_NONE;
    virtio_go(disk);
    blockdev_register(&disk->dev);
    printk("%s: %lu sectors%s%s%s\n", disk->name, disk->dev.nsectors,
           disk->dev.readonly ? ", read-only" : "", disk->version == 1 ? ", legacy" : "",
           disk->irq == IRQ_NONE ? ", polled" : "");
}

/* Put a disk among those found so far, by the address of its slot. */
static void sort_in(struct list *found, struct virtio_disk *disk)
{
    struct list *pos;

    list_for_each(pos, found) {
        if (list_entry(pos, struct virtio_disk, dev.link)->base > disk->base)
            break;
    }
    list_insert_after(pos->prev, &disk->dev.link);
}

void virtio_disk_probe_all(void)
{
    struct list found = LIST_INIT(found);
    struct virtio_disk *disk = NULL;
    struct devtree_node slot, *prev = NULL;
    struct list *first;

    for (; devtree_find_compatible(prev, "virtio,mmio", &slot); prev = &slot) {
        if (disk == NULL)
            disk = slab_alloc(&disk_cache);
        if (disk == NULL)
            break;
        if (virtio_setup(disk, &slot))
            continue; /* the object is still blank enough for the next slot */
        sort_in(&found, disk);
        disk = NULL;
    }
    if (disk != NULL)
        slab_free(&disk_cache, disk);
    while ((first = list_pop_front(&found)) != NULL)
        disk_start(list_entry(first, struct virtio_disk, dev.link));
}
