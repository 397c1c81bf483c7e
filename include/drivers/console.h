/*
 * The console: one serial line, the line discipline of xv6 on it, and where printk goes.
 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <stddef.h>

#define CONSOLE_KEY(letter) ((letter)&0x1f) /* CONSOLE_KEY('P') is what Ctrl-P sends */

/*
 * Finds the serial port (16550 by /chosen/stdout-path or `compatible`) and takes its input. Without
 * one the firmware's console stays in use, which is polled.
 * => boot only, after plic_init().
 */
void console_init(void);

/*
 * Has `fn` called when `key`, a control character, is typed; the key is then no input.
 * => boot only. `fn` runs in interrupt context with no lock held, and may printk.
 */
void console_set_hook(char key, void (*fn)(void));

/*
 * Sends `n` bytes as they are: printk's sink. Before console_init() the firmware sends them.
 * => any context, interrupts and panic included; takes the transmit lock.
 */
void console_write(const char *bytes, size_t n);

/*
 * Gives a byte to the task that reads the console next. CR becomes LF; NUL is dropped, and all is
 * dropped while 4 KiB are unread.
 * => any context but under RANK_CONSOLE and further locks.
 */
void console_type(char byte);

/* Forgets what was typed and is not read yet. => as console_type() */
void console_forget_typed(void);

#endif
