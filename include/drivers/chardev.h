/*
 * Character devices by major number: what a T_DEVICE inode leads to.
 */
#ifndef DRIVERS_CHARDEV_H
#define DRIVERS_CHARDEV_H

#include "asm/page.h"

#define CHARDEV_MAJORS  10 /* majors 0..9 can be opened (docs/xv6-abi.md 7) */
#define CHARDEV_CONSOLE 1

/* They act on the user memory of the running task, may sleep, and return bytes done or -errno. */
struct char_ops {
    long (*read)(vaddr_t ubuf, long n);
    /* Waits for a key, then takes what is typed, as it is and unechoed, through an LF or ^D at
     * most. NULL: a device without keys. For n of 0 or less it does nothing. */
    long (*read_keys)(vaddr_t ubuf, long n);
    long (*write)(vaddr_t ubuf, long n);
};

extern const struct char_ops console_ops; /* drivers/console.c */

/* => the driver of `major`; NULL when the number is out of range or has no driver. */
const struct char_ops *chardev_get(int major);

#endif
