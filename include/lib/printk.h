/*
 * Messages of the kernel, and its last words.
 *
 * Formats: %d %u %x %p %s %c %%, with l, ll or z, a width, and the flags `-` and `0`.
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include "lib/annotate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    PRINTK_LINE_MAX = 256
};

/*
 * Writes a message to the console, cut after PRINTK_LINE_MAX - 1 bytes.
 * => takes the printk lock; callable from anywhere
 */
void printk(const char *fmt, ...) __printf_like(1, 2);

/*
 * Formats into the size bytes at buf, cut where needed and always ended by NUL (if size > 0).
 * => the number of bytes before the NUL that are in buf
 */
size_t snprintk(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);

/* As snprintk(), with the arguments in a va_list. */
size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap);

/*
 * Says what is wrong and where, stops the other harts, and halts or powers off.
 * => takes no lock: it prints even when the printk lock is held
 */
__noreturn void panic(const char *fmt, ...) __printf_like(1, 2);

/* Whether some hart has panicked; a hart that learns it by an interrupt halts. */
bool panic_happened(void);

/* What lib needs of the layers above; each may be NULL. */
struct panic_ops {
    void (*write)(const char *bytes,
                  size_t n);                  /* to the console, of printk(), too; must not sleep */
    void (*backtrace)(void);                  /* prints the callers */
    void (*stop_others)(void);                /* interrupts the other harts */
    void (*power_off)(void);                  /* at the end; NULL: the hart halts */
    void (*describe)(char *buf, size_t size); /* writes what runs ("pid 3 sh") to buf */
};

extern struct panic_ops panic_ops; /* [I] after boot */

#endif
