/*
 * Brings up all devices, in the order in which they need each other. Called once by init/main.c.
 */
#include "drivers/drivers.h"

#include "drivers/console.h"
#include "drivers/irq.h"
#include "lib/printk.h"

#include "internal.h"

void drivers_init(void)
{
    int error = irq_init();

    irq_init_hart();
    console_init();
    if (error)
        printk("irq: no interrupt controller, devices are polled\n");
    virtio_disk_probe_all();
    ramdisk_probe();
}
