/*
 * printk.h - messages of the kernel, and its last words.
 *
 * Formats: %d %i %u %x %X %p %s %c %%, with l, ll or z, a width, and the flags `-` and `0`.
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include "lib/annotate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { PRINTK_LINE_MAX = 256 };

/* Writes a line to the console.
 * => takes the printk lock around one call of the sink, so that lines of harts do not mix;
 *    a message is cut after PRINTK_LINE_MAX - 1 bytes. Callable from anywhere. */
void printk(const char *fmt, ...) __printf_like(1, 2);

/* Formats into the size bytes at buf, cut where needed and always ended by NUL (if size > 0).
 * => the number of bytes before the NUL that are in buf. */
size_t snprintk(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);

/* As snprintk(), with the arguments in a va_list. */
size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap);

/* Sends all later output to write(bytes, n), which must not sleep. Boot only. */
void printk_set_sink(void (*write)(const char *bytes, size_t n));

/* Says what is wrong and where, stops the other harts, and halts or powers off.
 * => takes no lock: it prints even when the printk lock is held. */
void panic(const char *fmt, ...) __noreturn __printf_like(1, 2);

/* True once some hart has panicked; a hart that learns it by an interrupt halts. */
bool panic_happened(void);

/* What panic() needs of the layers above lib: each may be NULL. */
struct panic_ops {
    void (*backtrace)(void);                    /* prints the callers */
    void (*stop_others)(void);                  /* interrupts the other harts */
    void (*power_off)(void);                    /* does not return, if it can */
    void (*describe)(char *buf, size_t size);   /* writes what runs, "pid 3 sh", to the size bytes at buf */
};

/* Registers what panic() needs. Boot only. */
void panic_set_ops(const struct panic_ops *ops);

/* What follows the last words. */
enum panic_action { PANIC_HALT, PANIC_POWER_OFF };

/* Chooses what follows the last words; PANIC_HALT, unless boot argument panic=off says otherwise. */
void panic_set_action(enum panic_action action);

#endif
