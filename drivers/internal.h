/*
 * What the drivers know of each other; nothing outside drivers/ includes this.
 */
#ifndef DRIVERS_INTERNAL_H
#define DRIVERS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_device;

/* A serial port. Both calls may be made with the console's transmit lock held, in any context. */
struct serial_port {
    const char *name;
    /* Send what fits now without waiting; => bytes taken, 0 when none fit at present. */
    size_t (*send)(const char *bytes, size_t n);
    /* Take one received byte; => -1 when there is none. */
    int (*receive)(void);
    /* Have receive_ready() called when bytes arrive; => false when the port must be polled. */
    bool (*watch)(void (*receive_ready)(void));
};

/* => the 16550 of the device tree, ready to send; NULL when the console is none. Boot only. */
const struct serial_port *uart16550_probe(void);

/*
 * The line discipline (drivers/console_line.c). Its lock is RANK_CONSOLE; echo is sent under it.
 */

/* Register character device CHARDEV_CONSOLE. */
void console_line_init(void);

/* Take one typed byte that is no hook's. => no lock held. */
void console_line_input(char byte);

/* => true while a reader waits for input. */
bool console_line_wanted(void);

/* A reader starts to wait: a polled port must be looked at. => console lock held. */
void console_poll_arm(void);

/*
 * Send as console_write(), giving way to other tasks while the port is busy.
 * => task context, no lock held; bytes sent: fewer than n only when the task was killed.
 */
size_t console_send_task(const char *bytes, size_t n);

/* Line editing (drivers/console_edit.c). All calls: console lock held. */
#define EDIT_MAX 128 /* bytes of a line, its LF included (docs/xv6-abi.md 6) */
#define EDIT_END_OF_FILE 0x04 /* ^D: ends a line too, and stays in it as its last byte */

enum edit_event { EDIT_GOING, EDIT_DONE };

/*
 * Take one typed byte, echo it, and change the line being edited.
 * => `room`, at most EDIT_MAX, is how long the line may become.
 * => EDIT_DONE: the line ends with LF or ^D, or is full. Take it with edit_take().
 */
enum edit_event edit_input(char byte, size_t room);

/* Copy the line to `to`, EDIT_MAX bytes, and start an empty one. => its length. */
size_t edit_take(char *to);

/* Disks. Boot only; each prints what it found. */
void virtio_disk_probe_all(void);
void ramdisk_probe(void);

/* => the RAM disk; NULL when there is none. */
struct block_device *ramdisk_device(void);

#endif
