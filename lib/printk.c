/*
 * printk.c - messages of the kernel, and its last words.
 *
 * Owns the output sink, its lock (RANK_PRINTK, the innermost) and the fact that a panic happened.
 * A message is formatted first and handed to the sink in one piece, so that lines of several harts
 * do not mix. What this file needs of the layers above, init/main.c registers.
 * Contracts: lib/printk.h. Read next: format.c.
 */
#include "lib/printk.h"

#include "asm/cpu.h"
#include "lib/assert.h"
#include "lib/spinlock.h"

static struct spinlock printk_lock = SPINLOCK_INIT("printk", RANK_PRINTK);
static void (*sink)(const char *bytes, size_t n);       /* [I] after boot */

static uint32_t panicking;                              /* [a] */
static struct panic_ops ops;                            /* [I] after boot */
static enum panic_action action = PANIC_HALT;           /* [I] after boot */

static void emit(const char *line, size_t n)
{
    if (sink)
        sink(line, n);
}

static void vprintk(const char *fmt, va_list ap)
{
    char line[PRINTK_LINE_MAX];
    size_t n = vsnprintk(line, sizeof(line), fmt, ap);

    /* After a panic the holder of the lock may be a stopped hart, or this one further up. */
    if (panic_happened()) {
        emit(line, n);
        return;
    }
    spin_lock(&printk_lock);
    emit(line, n);
    spin_unlock(&printk_lock);
}

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

void printk_set_sink(void (*write)(const char *bytes, size_t n))
{
    sink = write;
}

bool panic_happened(void)
{
    return __atomic_load_n(&panicking, __ATOMIC_RELAXED) != 0;
}

void panic_set_ops(const struct panic_ops *machine)
{
    ops = *machine;
}

void panic_set_action(enum panic_action chosen)
{
    action = chosen;
}

static void print_where(void)
{
    char task[48] = "no task";

    if (ops.describe)
        ops.describe(task, sizeof(task));
    printk("panic: on hart %lu, %s\n", this_cpu()->hartid, task);
    if (ops.backtrace)
        ops.backtrace();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    irq_off();
    /* The first hart speaks; the others, and a panic within the panic, fall silent. */
    if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
        cpu_halt();
    if (ops.stop_others)
        ops.stop_others();
    printk("\npanic: ");
    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
    printk("\n");
    print_where();
    if (action == PANIC_POWER_OFF && ops.power_off)
        ops.power_off();
    cpu_halt();
}

void assert_failed(const char *cond, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, cond);
}
