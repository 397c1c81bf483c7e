/*
 * The RAM disk: what the boot loader put into memory (linux,initrd-start), as a writable disk.
 *
 * Owns that memory, which the frame allocator never gets (devtree_reserved()). Changes live until
 * power-off. A request is one copy, done before block_submit() returns; no lock, since two
 * requests for the same sectors at once are the submitter's affair, as on any disk.
 */
#include "asm/page.h"
#include "drivers/blockdev.h"
#include "drivers/devtree.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/ram.h"

#include "internal.h"

static struct {
    struct block_device dev;
    uint8_t *start;
} ramdisk;

static void ramdisk_submit(struct block_device *dev, struct block_request *req)
{
    uint8_t *at = ramdisk.start + req->sector * BLOCK_SECTOR;

    for (unsigned i = 0; i < req->nsegs; i++) {
        struct block_seg *seg = &req->seg[i];

        if (req->op == BLOCK_READ)
            memcpy(seg->addr, at, seg->len);
        else
            memcpy(at, seg->addr, seg->len);
        at += seg->len;
    }
    block_end(req);
}

static void ramdisk_poll(struct block_device *dev)
{
}

static const struct block_ops ramdisk_ops = {
    .submit = ramdisk_submit,
    .poll = ramdisk_poll,
};

void ramdisk_probe(void)
{
    struct phys_range range;

    if (devtree_initrd(&range))
        return;
    if (!ram_holds(range.start, range.end)) { /* nothing else is in the linear map */
        printk("ramdisk: ignored, not in RAM\n");
        return;
    }
    ramdisk.start = phys_to_virt(range.start);
    ramdisk.dev.name = "ramdisk";
    ramdisk.dev.nsectors = (range.end - range.start) / BLOCK_SECTOR;
    ramdisk.dev.ops = &ramdisk_ops;
    blockdev_register(&ramdisk.dev);
    printk("ramdisk: %lu sectors\n", ramdisk.dev.nsectors);
}

struct block_device *ramdisk_device(void)
{
    return ramdisk.start != NULL ? &ramdisk.dev : NULL;
}
