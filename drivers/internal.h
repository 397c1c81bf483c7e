/*
 * What the drivers know of each other; nothing outside drivers/ includes this.
 */
#ifndef DRIVERS_INTERNAL_H
#define DRIVERS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_device;

/* Disks. Boot only; each prints what it found. */
void virtio_disk_probe_all(void);
void ramdisk_probe(void);

/* => the RAM disk; NULL when there is none. */
struct block_device *ramdisk_device(void);

#endif
