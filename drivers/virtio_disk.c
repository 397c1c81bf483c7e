/*
 * Virtio disks: requests in, chains of descriptors out, completions back.
 *
 * Owns one struct virtio_disk per disk, under its lock (RANK_DEV). A request becomes a chain:
 * header, its pieces of memory, status byte. Many chains fly at once; when descriptors run out,
 * requests wait in `pending`. A request with more pieces than a chain may have flies in parts, one
 * after the other. The device is not believed: the links of chains are kept outside its reach, the
 * ids it returns are looked up, and one that breaks the ring or falls silent is reset, its requests
 * ending in -EIO. Called by block_submit() through the device's operations, by interrupt and by timer.
 * Read next: drivers/virtio_mmio.c (how a disk comes up).
 */
#include "asm/page.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/printk.h"

#include "virtio.h"

#define POLL_MS         1     /* between two looks at a disk without interrupt */
#define WATCH_MS        10000 /* between two looks at one that should have interrupted */
#define SILENCE_SECONDS 30    /* with chains in flight: the disk is given up */
#define RESET_LOOKS     100000

enum {
    STATUS_GOOD = 0,
    STATUS_UNWRITTEN = 0xff
};

static const uint32_t header_types[] = {[BLOCK_READ] = 0, [BLOCK_WRITE] = 1, [BLOCK_FLUSH] = 4};

/* Everything to memory and registers before, is done before everything after. */
static inline void ring_barrier(void)
{
    __asm__ volatile("fence iorw,iorw" : : : "memory");
}

/* Takes a free descriptor, of which there must be one, as the next after `tail` of a chain. */
static uint16_t chain_add(struct virtio_disk *disk, uint16_t tail, const volatile void *addr,
                          size_t len, uint16_t flags)
{
    struct virtq_desc *desc = disk->ring->desc;
    uint16_t id = disk->free;

    disk->free = disk->next[id];
    disk->nfree--;
    disk->next[id] = VIRTIO_NO_DESC;
    desc[id] = (struct virtq_desc){virt_to_phys((const void *)addr), (uint32_t)len, flags, 0};
    if (tail != VIRTIO_NO_DESC) {
        disk->next[tail] = id;
        desc[tail].next = id;
        desc[tail].flags |= VIRTQ_DESC_NEXT;
    }
    return id;
}

/* Puts the next part of a request into the ring. => false when descriptors are short */
static bool part_start(struct virtio_disk *disk, struct block_request *req)
{
    unsigned first = req->next_seg, n = min(req->nsegs - first, disk->segs_max);
    uint16_t data_flags = req->op == BLOCK_READ ? VIRTQ_DESC_DEVICE_WRITES : 0;
    struct virtio_ring *ring = disk->ring;
    uint16_t head = disk->free, tail;

    if (disk->nfree < n + 2)
        return false;
    ring->header[head] = (struct virtio_header){header_types[req->op], 0, req->sector};
    ring->status[head] = STATUS_UNWRITTEN;
    tail = chain_add(disk, VIRTIO_NO_DESC, &ring->header[head], sizeof(struct virtio_header), 0);
    for (unsigned i = first; i < first + n; i++)
        tail = chain_add(disk, tail, req->seg[i].addr, req->seg[i].len, data_flags);
    chain_add(disk, tail, &ring->status[head], 1, VIRTQ_DESC_DEVICE_WRITES);
    req->flying_seg = first + n;
    disk->flying[head] = req;
    disk->nflying++;
    disk->avail->ring[disk->avail_index++ & (disk->queue_size - 1)] = head;
    return true;
}

/* Starts what waits, as far as there are descriptors, and tells the device once. */
static void start_pending(struct virtio_disk *disk) __must_hold(&disk->lock)
{
    uint16_t before = disk->avail_index;
    struct list *first;

    if (disk->nflying == 0)
        disk->progress = time_now();
    while ((first = list_first(&disk->pending)) &&
           part_start(disk, list_entry(first, struct block_request, link)))
        list_remove(first);
    if (disk->avail_index == before)
        return;
    ring_barrier(); /* descriptors before the index that offers them */
    *(volatile uint16_t *)&disk->avail->index = disk->avail_index;
    ring_barrier(); /* the index before the look at the device's flags */
    if (!(disk->ring->used.flags & VIRTQ_USED_NO_NOTIFY))
        virtio_write(disk, VIRTIO_QUEUE_NOTIFY, 0);
}

/* The device has returned a chain: the request ends, or its next part waits. */
static void part_end(struct virtio_disk *disk, uint16_t head) __must_hold(&disk->lock)
{
    struct block_request *req = disk->flying[head];
    uint64_t sectors = 0;

    for (; req->next_seg < req->flying_seg; req->next_seg++)
        sectors += req->seg[req->next_seg].len / BLOCK_SECTOR;
    req->status = disk->ring->status[head] == STATUS_GOOD ? 0 : -EIO;
    if (req->status)
        block_error(&disk->dev, req, req->sector, sectors);
    req->sector += sectors;
    disk->flying[head] = NULL;
    disk->nflying--;
    for (uint16_t id = head, next; id != VIRTIO_NO_DESC; id = next) { /* frees the chain */
        next = disk->next[id];
        disk->next[id] = disk->free;
        disk->free = id;
        disk->nfree++;
    }
    if (req->status == 0 && req->next_seg < req->nsegs)
        list_push_front(&disk->pending, &req->link);
    else
        block_end(req);
}

static void end_failed(struct block_request *req)
{
    req->status = -EIO;
    block_end(req);
}

bool virtio_reset(struct virtio_disk *disk)
{
    virtio_write(disk, VIRTIO_STATUS, 0);
    for (unsigned i = 0; i < RESET_LOOKS; i++)
        if (virtio_read(disk, VIRTIO_STATUS) == 0)
            return true;
    return false;
}

/* Stops using the device; all its requests fail. */
static void give_up_disk(struct virtio_disk *disk, const char *why) __must_hold(&disk->lock)
{
    struct list *first;

    printk("%s: %s, given up\n", disk->name, why);
    disk->dead = true;
    virtio_reset(disk);
    for (uint32_t head = 0; head < disk->queue_size; head++)
        if (disk->flying[head])
            end_failed(disk->flying[head]);
    disk->nflying = 0;
    while ((first = list_pop_front(&disk->pending)))
        end_failed(list_entry(first, struct block_request, link));
}

/* Takes back what the device has returned, and starts what waits. Unknown ids are dropped. */
static void service_disk(struct virtio_disk *disk)
{
    volatile struct virtq_used *used = &disk->ring->used;
    uint16_t index;

    spin_lock(&disk->lock);
    ring_barrier(); /* the interrupt's acknowledgement before the look at the ring */
    index = used->index;
    ring_barrier(); /* the index before the entries it vouches for */
    if (!disk->dead && (uint16_t)(index - disk->used_index) > disk->queue_size)
        give_up_disk(disk, "ring broken");
    while (!disk->dead && disk->used_index != index) {
        uint32_t id = used->ring[disk->used_index++ & (disk->queue_size - 1)].id;

        if (id < disk->queue_size && disk->flying[id]) {
            part_end(disk, (uint16_t)id);
            disk->progress = time_now();
        }
    }
    if (disk->nflying > 0 && time_now() - disk->progress > SILENCE_SECONDS * timebase_hz)
        give_up_disk(disk, "no answer");
    if (!disk->dead)
        start_pending(disk);
    spin_unlock(&disk->lock);
}

static void disk_interrupt(void *arg)
{
    struct virtio_disk *disk = arg;

    virtio_write(disk, VIRTIO_INTERRUPT_ACK, virtio_read(disk, VIRTIO_INTERRUPT_STATUS));
    service_disk(disk);
}

static void disk_timer(struct ktimer *timer);

static void set_watch(struct virtio_disk *disk) __must_hold(&disk->lock)
{
    disk->watch_is_set = true;
    ktimer_add(&disk->timer, time_now() + timer_ms(disk->polled ? POLL_MS : WATCH_MS), disk_timer);
}

static void disk_timer(struct ktimer *timer)
{
    struct virtio_disk *disk = container_of(timer, struct virtio_disk, timer);

    service_disk(disk);
    spin_lock(&disk->lock);
    disk->watch_is_set = false;
    if (disk->nflying > 0)
        set_watch(disk);
    spin_unlock(&disk->lock);
}

static void disk_submit(struct block_device *dev, struct block_request *req)
{
    struct virtio_disk *disk = container_of(dev, struct virtio_disk, dev);

    spin_lock(&disk->lock);
    if (disk->dead) {
        end_failed(req);
    } else {
        list_push_back(&disk->pending, &req->link);
        start_pending(disk);
        if (!disk->watch_is_set)
            set_watch(disk);
    }
    spin_unlock(&disk->lock);
}

void virtio_disk_init(struct virtio_disk *disk, dtnode_t slot)
{
    disk->dev.name = disk->name;
    disk->dev.submit = disk_submit;
    spin_init(&disk->lock, disk->name, RANK_DEV);
    list_init(&disk->pending);
    disk->free = VIRTIO_NO_DESC;
    for (uint32_t id = disk->queue_size; id-- > 0;) {
        disk->next[id] = disk->free;
        disk->free = (uint16_t)id;
    }
    disk->nfree = (uint16_t)disk->queue_size;
    disk->polled = !plic_connect(slot, disk_interrupt, disk);
}
