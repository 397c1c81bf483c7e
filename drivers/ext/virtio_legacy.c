/*
 * The legacy register interface of virtio (version 1): one page number for the whole ring, and no
 * word in which the driver confirms features. QEMU offers it unless told otherwise.
 *
 * Called by drivers/virtio_mmio.c through virtio_interfaces[]. Source: Virtual I/O Device
 * Specification 1.1, 4.2.4 and 2.6.2.
 */
#include "asm/page.h"

#include "../virtio.h"

enum { /* registers that only this interface has */
    LEGACY_GUEST_PAGE_SIZE = 0x028,
    LEGACY_QUEUE_ALIGN = 0x03c,
    LEGACY_QUEUE_PAGE = 0x040,
};

static const char *legacy_accept(struct virtio_disk *disk)
{
    virtio_write(disk, LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE);
    return NULL;
}

/* The available ring follows the descriptors that are in use, the used ring is on the next page. */
static void legacy_enable_queue(struct virtio_disk *disk)
{
    disk->avail = (struct virtq_avail *)&disk->ring->desc[disk->queue_size];
    virtio_write(disk, LEGACY_QUEUE_ALIGN, PAGE_SIZE);
    virtio_write(disk, LEGACY_QUEUE_PAGE, (uint32_t)(virt_to_phys(disk->ring) >> PAGE_SHIFT));
}

static const struct virtio_interface legacy = {
    .note = ", legacy",
    .queue_busy = LEGACY_QUEUE_PAGE,
    .accept = legacy_accept,
    .enable_queue = legacy_enable_queue,
};

void virtio_add_legacy(void)
{
    virtio_interfaces[1] = &legacy;
}
