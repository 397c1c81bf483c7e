/*
 * Messages of the kernel.
 *
 * Owns the printk lock (RANK_PRINTK, the innermost). A message is formatted first and written in
 * one piece, so that lines of several harts do not mix. Read next: format.c, panic.c.
 */
#include "lib/printk.h"

#include "lib/spinlock.h"

static struct spinlock printk_lock = SPINLOCK_INIT("printk", RANK_PRINTK);

void printk(const char *fmt, ...)
{
    char line[PRINTK_LINE_MAX];
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = vsnprintk(line, sizeof(line), fmt, ap);
    va_end(ap);
    /* After a panic the holder of the lock may be a stopped hart, or this one further up. */
    if (panic_happened()) {
        write_line(line, n);
        return;
    }
    spin_lock(&printk_lock);
    write_line(line, n);
    spin_unlock(&printk_lock);
}
