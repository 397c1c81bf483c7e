/*
 * The table of character devices. Written at boot, read by fs when a device file is opened or used;
 * no lock. Read next: drivers/console_line.c, the one driver there is.
 */
#include "drivers/chardev.h"

#include <stddef.h>

#include "lib/errno.h"

static const struct char_ops *chardevs[CHARDEV_MAJORS];

int chardev_register(int major, const struct char_ops *ops)
{
    if (major < 0 || major >= CHARDEV_MAJORS)
        return -EINVAL;
    if (chardevs[major] != NULL)
        return -EBUSY;
    chardevs[major] = ops;
    return 0;
}

const struct char_ops *chardev_get(int major)
{
    return major >= 0 && major < CHARDEV_MAJORS ? chardevs[major] : NULL;
}
