/*
 * What the drivers know of each other; nothing outside drivers/ includes this.
 */
#ifndef DRIVERS_INTERNAL_H
#define DRIVERS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_device;

/*
 * A serial port. send() is called with the console's transmit lock held, in any context; the others
 * may be called while another hart sends.
 */
struct serial_port {
    const char *name;
    /* Send what fits now without waiting; => bytes taken, 0 when none fit at present. */
    size_t (*send)(const char *bytes, size_t n);
    /* Take one received byte; => -1 when there is none. */
    int (*receive)(void);
    /* Have receive_ready() called when bytes arrive; => false when the port must be polled. */
    bool (*watch)(void (*receive_ready)(void));
    /* Call receive_ready() for what has arrived or arrives, or not until listened to again: it
     * stays in the port, which holds its sender up when it is full. Of watched ports only. */
    void (*listen)(bool on);
};

/* => the 16550 of the device tree, ready to send; NULL when the console is none. Boot only. */
const struct serial_port *uart16550_probe(void);

/*
 * Line mode (drivers/console_line.c). Its lock is RANK_CONSOLE; echo is sent under it.
 */

/* Register character device CHARDEV_CONSOLE. */
void console_line_init(void);

/*
 * Whether another typed byte can be kept. If not, the port is not listened to until one can.
 * => no lock held; by the one flow that receives.
 */
bool console_line_has_room(void);

/* Listen to the port, or leave what arrives in it. => console lock held. */
void console_listen(bool on);

/*
 * Send as console_write(), giving way to other tasks while the port is busy.
 * => task context, no lock held; bytes sent: fewer than n only when the task was killed.
 */
size_t console_send_task(const char *bytes, size_t n);

/* Disks. Boot only; each prints what it found. */
void virtio_disk_probe_all(void);
void ramdisk_probe(void);

/* => the RAM disk; NULL when there is none. */
struct block_device *ramdisk_device(void);

#endif
