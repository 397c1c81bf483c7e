/*
 * Messages of the kernel.
 *
 * Owns the printk lock (RANK_PRINTK, the innermost). A message is formatted first and written in
 * one piece, so that lines of several harts do not mix. Read next: format.c, panic.c.
 */
#include "lib/printk.h"

#include "lib/spinlock.h"

static struct spinlock printk_lock = SPINLOCK_INIT("printk", RANK_PRINTK);

__no_lock_analysis void printk(const char *fmt, ...)
{
    char line[PRINTK_LINE_MAX];
    /* After a panic the holder of the lock may be a stopped hart, or this one further up. */
    bool locks = !panic_happened();
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = vsnprintk(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (locks)
        spin_lock(&printk_lock);
    if (panic_ops.write)
        panic_ops.write(line, n);
    if (locks)
        spin_unlock(&printk_lock);
}
