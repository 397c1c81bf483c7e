/*
 * Block devices: the list of them, the checks every request passes, and waiting for one.
 *
 * Owns the list (written at boot only, so without a lock) and nothing else: queues and completion
 * are the drivers'. A request that reaches a driver lies inside the device and is made of whole
 * sectors. Called by fs. Read next: drivers/virtio_disk.c, drivers/ramdisk.c.
 */
#include "drivers/blockdev.h"

#include "asm/cpu.h"
#include "drivers/devtree.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include "internal.h"

static struct list devices = LIST_INIT(devices);

void blockdev_register(struct block_device *dev)
{
    list_push_back(&devices, &dev->link);
}

struct block_device *blockdev_get(unsigned index)
{
    struct list *pos;

    list_for_each(pos, &devices) {
        if (index-- == 0)
            return list_entry(pos, struct block_device, link);
    }
    return NULL;
}

struct block_device *blockdev_root(void)
{
    char root[8];

    if (devtree_bootarg("root", root, sizeof(root)) && strcmp(root, "ram") == 0)
        return ramdisk_device();
    return blockdev_get(0); /* the RAM disk comes last */
}

static int check(const struct block_device *dev, const struct block_request *req)
{
    uint64_t left = dev->nsectors;

    if (req->op == BLOCK_FLUSH)
        return req->nsegs == 0 ? 0 : -EINVAL;
    if (req->nsegs == 0 || req->nsegs > BLOCK_SEGS_MAX || req->sector > left)
        return -EINVAL;
    left -= req->sector;
    for (unsigned i = 0; i < req->nsegs; i++) {
        size_t len = req->seg[i].len;

        if (len == 0 || len % BLOCK_SECTOR != 0 || len > UINT32_MAX || len / BLOCK_SECTOR > left)
            return -EINVAL;
        left -= len / BLOCK_SECTOR;
    }
    return req->op == BLOCK_WRITE && dev->readonly ? -EACCES : 0;
}

void block_submit(struct block_device *dev, struct block_request *req)
{
    ASSERT(req->done != NULL);
    req->status = check(dev, req);
    req->next_seg = 0;
    req->flying_seg = 0;
    list_init(&req->link);
    if (req->status || (req->op == BLOCK_FLUSH && !dev->can_flush))
        req->done(req);
    else
        dev->ops->submit(dev, req);
}

void block_poll(struct block_device *dev)
{
    dev->ops->poll(dev);
}

/* Someone who waits for one request. */
struct waiter {
    struct block_request req;
    struct spinlock lock;
    struct waitqueue wq;
    bool done; /* [lock] */
};

/* Wakes with the lock held: the waiter's stack is gone once it has seen `done` under the lock. */
static void waiter_done(struct block_request *req)
{
    struct waiter *waiter = req->context;

    spin_lock(&waiter->lock);
    waiter->done = true;
    wake_all(&waiter->wq);
    spin_unlock(&waiter->lock);
}

static int submit_and_wait(struct block_device *dev, struct waiter *waiter)
{
    spin_init(&waiter->lock, "block waiter", RANK_DEV);
    waitqueue_init(&waiter->wq);
    waiter->done = false;
    waiter->req.done = waiter_done;
    waiter->req.context = waiter;
    block_submit(dev, &waiter->req);

    spin_lock(&waiter->lock);
    while (!waiter->done) {
        if (current() != NULL) {
            wait_on(&waiter->wq, &waiter->lock);
            continue;
        }
        spin_unlock(&waiter->lock); /* boot, before there are tasks */
        block_poll(dev);
        cpu_relax();
        spin_lock(&waiter->lock);
    }
    spin_unlock(&waiter->lock);
    return waiter->req.status;
}

int block_io(struct block_device *dev, enum block_op op, uint64_t sector, void *buf, size_t len)
{
    struct waiter waiter;

    waiter.req.op = op;
    waiter.req.sector = sector;
    waiter.req.nsegs = op != BLOCK_FLUSH;
    waiter.req.seg[0].addr = buf;
    waiter.req.seg[0].len = len;
    return submit_and_wait(dev, &waiter);
}

int block_flush(struct block_device *dev)
{
    return dev->can_flush ? block_io(dev, BLOCK_FLUSH, 0, NULL, 0) : 0;
}
