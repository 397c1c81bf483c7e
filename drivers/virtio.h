/*
 * Virtio disks: the registers, the ring, and what is kept per disk. Private to the virtio files.
 *
 * Source: Virtual I/O Device Specification 1.1, sections 2.6 (split ring), 4.2 (MMIO, with 4.2.4
 * for the legacy interface) and 5.2 (block device).
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "asm/mmio.h"
#include "drivers/blockdev.h"
#include "lib/spinlock.h"
#include "sched/ktimer.h"

#include "dtnode.h"

enum virtio_register { /* offsets in bytes; [2] not in the legacy interface */
    VIRTIO_MAGIC = 0x000,
    VIRTIO_VERSION = 0x004,
    VIRTIO_DEVICE_ID = 0x008,
    VIRTIO_DEVICE_FEATURES = 0x010,
    VIRTIO_DEVICE_FEATURES_WORD = 0x014,
    VIRTIO_DRIVER_FEATURES = 0x020,
    VIRTIO_DRIVER_FEATURES_WORD = 0x024,
    VIRTIO_QUEUE_SELECT = 0x030,
    VIRTIO_QUEUE_SIZE_MAX = 0x034,
    VIRTIO_QUEUE_SIZE = 0x038,
    VIRTIO_QUEUE_READY = 0x044, /* [2] */
    VIRTIO_QUEUE_NOTIFY = 0x050,
    VIRTIO_INTERRUPT_STATUS = 0x060,
    VIRTIO_INTERRUPT_ACK = 0x064,
    VIRTIO_STATUS = 0x070,
    VIRTIO_QUEUE_DESC = 0x080,      /* [2] each of the three: low word, high word */
    VIRTIO_QUEUE_AVAIL = 0x090,     /* [2] */
    VIRTIO_QUEUE_USED = 0x0a0,      /* [2] */
    VIRTIO_CONFIG_CAPACITY = 0x100, /* block device: sectors, 64 bits */
    VIRTIO_CONFIG_SEG_MAX = 0x10c,
    VIRTIO_CONFIG_BLOCK_SIZE = 0x114,
    VIRTIO_REGISTERS_END = 0x118,
};

#define VIRTIO_QUEUE_MAX 128 /* descriptors; a power of two */
#define VIRTIO_NO_DESC   0xffff

enum {
    VIRTQ_DESC_NEXT = 1,
    VIRTQ_DESC_DEVICE_WRITES = 2
};
enum {
    VIRTQ_USED_NO_NOTIFY = 1
};

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[VIRTIO_QUEUE_MAX];
};

struct virtq_used {
    uint16_t flags;
    uint16_t index;
    struct {
        uint32_t id;
        uint32_t len;
    } ring[VIRTIO_QUEUE_MAX];
};

/* What a request tells the device before its data. */
struct virtio_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* The memory that the device also uses. It may write what it likes into `used` and `status`. */
struct virtio_ring {
    struct virtq_desc desc[VIRTIO_QUEUE_MAX];
    struct virtq_avail avail;
    volatile struct virtq_used used __aligned(PAGE_SIZE); /* as the legacy interface wants it */
    struct virtio_header header[VIRTIO_QUEUE_MAX];        /* by the chain's first descriptor */
    volatile uint8_t status[VIRTIO_QUEUE_MAX];            /* the same */
};

struct virtio_disk {
    struct block_device dev;                  /* [I] */
    char name[12];                            /* [I] */
    uint8_t *base;                            /* [I] registers */
    const struct virtio_interface *interface; /* [I] */
    bool polled;                              /* [I] it has no interrupt */
    uint32_t queue_size;                      /* [I] a power of two, at most VIRTIO_QUEUE_MAX */
    uint32_t segs_max;                        /* [I] pieces of memory that one chain may have */
    struct virtio_ring *ring;                 /* [I] */
    struct virtq_avail *avail;                /* [I] in the ring */

    struct spinlock lock;                           /* RANK_DEV */
    struct list pending;                            /* [lock] requests that wait for descriptors */
    struct block_request *flying[VIRTIO_QUEUE_MAX]; /* [lock] by the chain's first descriptor */
    uint16_t next[VIRTIO_QUEUE_MAX];                /* [lock] links of chains, free list */
    uint16_t free;                                  /* [lock] first free descriptor */
    uint16_t nfree;                                 /* [lock] */
    uint16_t nflying;                               /* [lock] chains */
    uint16_t avail_index;                           /* [lock] chains ever given */
    uint16_t used_index;                            /* [lock] chains ever taken back */
    bool dead;                                      /* [lock] given up: all requests fail */
    bool watch_is_set;                              /* [lock] */
    uint64_t progress;                              /* [lock] time the device last did something */
    struct ktimer timer;                            /* [lock] watches (or polls) while chains fly */
};

/* Where the versions of the register interface differ. */
struct virtio_interface {
    const char *note;    /* behind the line about a disk */
    uint32_t queue_busy; /* the register that is not 0 while the queue is in use */
    /* Ends the negotiation of features. => NULL, or what is wrong */
    const char *(*accept)(struct virtio_disk *disk);
    /* Places disk->avail, and tells the device where its ring is. */
    void (*enable_queue)(struct virtio_disk *disk);
};

/* By version; NULL: not known. Version 1 is drivers/ext/virtio_legacy.c's. */
extern const struct virtio_interface *virtio_interfaces[3];

static inline uint32_t virtio_read(const struct virtio_disk *disk, uint32_t reg)
{
    return mmio_read32(disk->base + reg);
}

static inline void virtio_write(struct virtio_disk *disk, uint32_t reg, uint32_t value)
{
    mmio_write32(disk->base + reg, value);
}

/* Makes a disk whose device is set up usable, but for its name. => boot only */
void virtio_disk_init(struct virtio_disk *disk, dtnode_t slot);

/* Stops the device; => false when it does not confirm that it has. */
bool virtio_reset(struct virtio_disk *disk);

#endif
