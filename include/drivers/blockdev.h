/*
 * Block devices: 512-byte sectors, requests in flight.
 *
 * fs builds a struct block_request, hands it over with block_submit(), and waits for its end with
 * block_wait(). A device may end requests in any order. block_io() is the simple road for callers
 * that want one piece of memory moved.
 */
#ifndef DRIVERS_BLOCKDEV_H
#define DRIVERS_BLOCKDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"
#include "sched/waitqueue.h"

#define BLOCK_SECTOR   512
#define BLOCK_SEGS_MAX 32
#define RAMDISK_NAME   "ramdisk"

enum block_op {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH
};

/* Memory of one piece: in the linear map, `len` a multiple of BLOCK_SECTOR, contiguous. */
struct block_seg {
    void *addr;
    size_t len;
};

/*
 * One transfer between consecutive sectors and up to BLOCK_SEGS_MAX pieces of memory.
 * The submitter fills the first group; from block_submit() until block_wait() returns, the request
 * and its memory are not the submitter's. Fields without a mark: [submitter].
 */
struct block_request {
    enum block_op op;
    unsigned nsegs;  /* 0 for BLOCK_FLUSH, else 1..BLOCK_SEGS_MAX */
    uint64_t sector; /* first sector, which the driver moves on; 0 for BLOCK_FLUSH */
    struct block_seg seg[BLOCK_SEGS_MAX];
    const char *what; /* it moves, in a word, for block_error(); NULL: an error is nobody's loss */

    int status;              /* when it has ended: 0, -EIO or -EACCES */
    bool ended;              /* [ends_lock in drivers/blockdev.c] */
    struct waitqueue wq;     /* the submitter, in block_wait() */
    const struct task *task; /* the submitter */
    struct list link;        /* driver: its queue of requests that wait */
    unsigned next_seg;       /* driver: first piece that is not handed to the device yet */
    unsigned flying_seg;     /* driver: first piece after those the device has now */
};

struct block_device {
    const char *name;  /* [I] */
    uint64_t nsectors; /* [I] */
    bool readonly;     /* [I] */
    bool can_flush;    /* [I] false: it caches nothing, and is asked for no BLOCK_FLUSH */
    /* Takes a request; block_end() may be called before this returns. Any context. */
    void (*submit)(struct block_device *dev, struct block_request *req); /* [I] */
    struct list link; /* [I] after boot: all devices, in the order of probing */
};

/*
 * Starts a request. block_wait() must follow, by the same task.
 * => the request lies inside the device; spin locks of rank < RANK_DEV may be held; never sleeps.
 *    A write to a read-only device ends with -EACCES.
 */
void block_submit(struct block_device *dev, struct block_request *req);

/*
 * Sleeps until a submitted request has ended, also when the task is killed.
 * => no spin lock held; may sleep. 0; -EIO, -EACCES.
 */
int block_wait(struct block_request *req);

/*
 * Transfers `len` bytes (a multiple of BLOCK_SECTOR) and waits. `what`: see struct block_request.
 * => as block_wait(); on error `buf` is undefined
 */
int block_io(struct block_device *dev, enum block_op op, uint64_t sector, void *buf, size_t len,
             const char *what);

/* Waits until all that was written and has ended is on stable storage. => as block_io() */
int block_flush(struct block_device *dev);

/*
 * The device the file system is on: the RAM disk with boot argument `root=ram`, else the first
 * there is. Disks come in the order of their slots' addresses.
 * => NULL when the machine has none.
 */
struct block_device *blockdev_root(void);

/* ---- for drivers ---- */

/* Adds a device. => boot only */
void blockdev_register(struct block_device *dev);

/*
 * Ends a request with the result in req->status, and wakes its submitter, who may free it at once.
 * => exactly once for each request; any context, locks up to RANK_DEV may be held.
 */
void block_end(struct block_request *req);

/*
 * Prints a line about an error that the device has answered to n sectors of a request: device,
 * sector, what and for whom. Of a sector only the first; after many sectors, no more.
 * => any context.
 */
void block_error(struct block_device *dev, const struct block_request *req, uint64_t sector,
                 uint64_t n);

/* ---- for init/main.c: finding devices. Boot only; each prints what it found ---- */

void virtio_probe(void);      /* the virtio disks of the device tree */
void virtio_add_legacy(void); /* has virtio_probe() know the legacy interface, too (drivers/ext) */
void ramdisk_probe(void);     /* what the boot loader put into memory (drivers/ext) */

#endif
