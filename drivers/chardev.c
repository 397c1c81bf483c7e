/*
 * The character devices that there are, by major number. Called by fs when a device file is opened
 * or used. Read next: drivers/console.c.
 */
#include "drivers/chardev.h"

#include <stddef.h>

static const struct char_ops *const chardevs[CHARDEV_MAJORS] = {
    [CHARDEV_CONSOLE] = &console_ops,
};

const struct char_ops *chardev_get(int major)
{
    return major >= 0 && major < CHARDEV_MAJORS ? chardevs[major] : NULL;
}
