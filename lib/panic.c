/*
 * The kernel's last words.
 *
 * Owns the fact that a panic happened, and panic_ops, what lib needs of the layers above: init/main.c
 * sets it. Takes no lock: it prints also when a stopped hart holds the printk lock.
 * Contracts: lib/printk.h.
 */
#include "asm/cpu.h"
#include "lib/assert.h"
#include "lib/printk.h"

struct panic_ops panic_ops;

static uint32_t panicking; /* [a] */

bool panic_happened(void)
{
    return __atomic_load_n(&panicking, __ATOMIC_RELAXED) != 0;
}

void panic(const char *fmt, ...)
{
    char text[PRINTK_LINE_MAX], task[48] = "no task";
    va_list ap;

    irq_off();
    /* The first hart speaks; the others, and a panic within the panic, fall silent. */
    if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
        cpu_halt();
    if (panic_ops.stop_others)
        panic_ops.stop_others();
    va_start(ap, fmt);
    vsnprintk(text, sizeof(text), fmt, ap);
    va_end(ap);
    printk("\npanic: ");
    printk("%s", text);
    if (panic_ops.describe)
        panic_ops.describe(task, sizeof(task));
    printk("\npanic: on hart %lu, %s\n", this_cpu->hartid, task);
    if (panic_ops.backtrace)
        panic_ops.backtrace();
    if (panic_ops.power_off)
        panic_ops.power_off();
    cpu_halt();
}

void assert_failed(const char *cond, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, cond);
}
