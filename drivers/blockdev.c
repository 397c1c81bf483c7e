/*
 * Block devices: the list of them, waiting for a request's end, and the lines about errors.
 *
 * Owns the list (written at boot only, so without a lock) and the sectors that have failed, under
 * errors.lock; ends_lock orders the end of a request with its submitter's sleep. Called by fs, and by
 * the disks' drivers when a request ends. Read next: drivers/virtio_disk.c.
 */
#include "drivers/blockdev.h"

#include "drivers/devtree.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "sched/task.h"

#define ERRORS_MAX 64 /* sectors whose errors are told */

static struct list devices = LIST_INIT(devices);
static struct spinlock ends_lock = SPINLOCK_INIT("disk ends", RANK_DISK_ENDS);

static struct {
    struct spinlock lock;
    unsigned n; /* [lock] */
    struct {
        const struct block_device *dev;
        uint64_t sector;
    } at[ERRORS_MAX]; /* [lock] the first n are in use */
} errors = {
    .lock = SPINLOCK_INIT("disk errors", RANK_DISK_ERRORS),
};

void blockdev_register(struct block_device *dev)
{
    list_push_back(&devices, &dev->link);
}

struct block_device *blockdev_root(void)
{
    bool in_ram = devtree_bootarg("root=ram");
    struct block_device *dev;
    struct list *pos;

    list_for_each(pos, &devices) {
        dev = list_entry(pos, struct block_device, link);
        if (!in_ram || strcmp(dev->name, RAMDISK_NAME) == 0)
            return dev;
    }
    return NULL;
}

/* ---- requests ---- */

void block_submit(struct block_device *dev, struct block_request *req)
{
    uint64_t end = req->sector;

    ASSERT(req->nsegs <= BLOCK_SEGS_MAX && (req->nsegs == 0) == (req->op == BLOCK_FLUSH));
    for (unsigned i = 0; i < req->nsegs; i++) {
        ASSERT(req->seg[i].len % BLOCK_SECTOR == 0);
        end += req->seg[i].len / BLOCK_SECTOR;
    }
    ASSERT(end <= dev->nsectors);
    req->status = req->op == BLOCK_WRITE && dev->readonly ? -EACCES : 0;
    req->task = current();
    req->next_seg = 0;
    req->ended = false;
    req->wq = (struct waitqueue)WAITQUEUE_INIT(req->wq);
    if (req->status)
        block_end(req);
    else
        dev->submit(dev, req);
}

/* Wakes under the lock: once the submitter has seen `ended` there, the request may be gone. */
void block_end(struct block_request *req)
{
    spin_lock(&ends_lock);
    req->ended = true;
    wake_all(&req->wq);
    spin_unlock(&ends_lock);
}

int block_wait(struct block_request *req)
{
    assert_can_sleep();
    spin_lock(&ends_lock);
    while (!req->ended)
        wait_on(&req->wq, &ends_lock);
    spin_unlock(&ends_lock);
    return req->status;
}

int block_io(struct block_device *dev, enum block_op op, uint64_t sector, void *buf, size_t len,
             const char *what)
{
    struct block_request req;

    req.op = op;
    req.what = what;
    req.sector = sector;
    req.nsegs = op != BLOCK_FLUSH;
    req.seg[0] = (struct block_seg){.addr = buf, .len = len};
    block_submit(dev, &req);
    return block_wait(&req);
}

int block_flush(struct block_device *dev)
{
    return dev->can_flush ? block_io(dev, BLOCK_FLUSH, 0, NULL, 0, "what was written") : 0;
}

/* ---- errors ---- */

/* Notes a sector that failed. => how many there were before; ERRORS_MAX when it is not new. */
static unsigned note_error(const struct block_device *dev, uint64_t sector)
{
    unsigned before;

    spin_lock(&errors.lock);
    before = errors.n;
    for (unsigned i = 0; i < errors.n; i++)
        if (errors.at[i].dev == dev && errors.at[i].sector == sector)
            before = ERRORS_MAX;
    if (before < ERRORS_MAX) {
        errors.at[before].dev = dev;
        errors.at[before].sector = sector;
        errors.n++;
    }
    spin_unlock(&errors.lock);
    return before;
}

void block_error(struct block_device *dev, const struct block_request *req, uint64_t sector,
                 uint64_t n)
{
    bool flush = req->op == BLOCK_FLUSH;
    unsigned before = req->what ? note_error(dev, flush ? UINT64_MAX : sector) : ERRORS_MAX;
    char who[40] = "the boot";

    if (before == ERRORS_MAX)
        return;
    if (req->task->pid)
        snprintk(who, sizeof(who), "pid %d %s", req->task->pid, req->task->name);
    if (flush)
        printk("%s: flush error, for %s\n", dev->name, who);
    else
        printk("%s: %s error at sector %lu, %lu sectors of %s, for %s\n", dev->name,
               req->op == BLOCK_READ ? "read" : "write", sector, n, req->what, who);
    if (before == ERRORS_MAX - 1)
        printk("%s: errors at more sectors are not told\n", dev->name);
}
