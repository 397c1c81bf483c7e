/*
 * The RAM disk: what the boot loader put into memory (linux,initrd-start), as a writable disk.
 *
 * Owns that memory, which the frame allocator never gets (devtree_reserved()). Changes live until
 * power-off. A request is one copy, done before block_submit() returns; no lock, since two
 * requests for the same sectors at once are the submitter's affair, as on any disk.
 */
#include "drivers/blockdev.h"

#include "asm/page.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/ram.h"

#include "../dtnode.h"

static uint8_t *ramdisk_start;

static void ramdisk_submit(struct block_device *dev, struct block_request *req)
{
    uint8_t *at = ramdisk_start + req->sector * BLOCK_SECTOR;

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

void ramdisk_probe(void)
{
    static struct block_device ramdisk = {.name = RAMDISK_NAME, .submit = ramdisk_submit};
    struct phys_range range;

    if (!dt_initrd(&range))
        return;
    if (!ram_holds(range.start, range.end)) { /* nothing else is in the linear map */
        printk("ramdisk: ignored, not in RAM\n");
        return;
    }
    ramdisk_start = phys_to_virt(range.start);
    ramdisk.nsectors = (range.end - range.start) / BLOCK_SECTOR;
    blockdev_register(&ramdisk);
    printk("ramdisk: %lu sectors\n", ramdisk.nsectors);
}
