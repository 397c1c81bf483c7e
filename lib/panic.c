/*
 * The kernel's last words.
 *
 * Owns the fact that a panic happened, and what lib needs of the layers above, which init/main.c
 * registers. Takes no lock: it prints also when a stopped hart holds the printk lock.
 * Contracts: lib/printk.h.
 */
#include "asm/cpu.h"
#include "lib/assert.h"
#include "lib/printk.h"

static uint32_t panicking;                    /* [a] */
static struct panic_ops ops;                  /* [I] after boot */
static enum panic_action action = PANIC_HALT; /* [I] after boot */

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

void write_line(const char *line, size_t n)
{
    if (ops.write)
        ops.write(line, n);
}

static void vsay(const char *fmt, va_list ap)
{
    char line[PRINTK_LINE_MAX];

    write_line(line, vsnprintk(line, sizeof(line), fmt, ap));
}

static __printf_like(1, 2) void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
}

static void say_where(void)
{
    char task[48] = "no task";

    if (ops.describe)
        ops.describe(task, sizeof(task));
    say("panic: on hart %lu, %s\n", this_cpu->hartid, task);
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
    say("\npanic: ");
    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
    say("\n");
    say_where();
    if (action == PANIC_POWER_OFF && ops.power_off)
        ops.power_off();
    cpu_halt();
}

void assert_failed(const char *cond, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, cond);
}
