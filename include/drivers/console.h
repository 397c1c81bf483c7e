/*
 * The console: one serial line, the line discipline of xv6 on it, and where printk goes.
 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <stddef.h>

#define CONSOLE_KEY(letter) ((letter) & 0x1f) /* CONSOLE_KEY('P') is what Ctrl-P sends */

/*
 * Find the serial port (16550 by /chosen/stdout-path or `compatible`, else the SBI console), send
 * printk to it, and register character device CHARDEV_CONSOLE.
 * => boot only, after irq_init(). Cannot fail: without a port the SBI console is used.
 */
void console_init(void);

/*
 * Call `fn` when `key`, a control character, is typed. The key is then not input any more.
 * => boot only. `fn` runs in interrupt context with no lock held, and may printk. Replaces an
 *    earlier hook of that key; ASSERTs that at most 4 keys have one.
 */
void console_set_hook(char key, void (*fn)(void));

/*
 * Send `n` bytes as they are.
 * => any context, interrupts and panic included; takes the transmit lock.
 */
void console_write(const char *bytes, size_t n);

/*
 * Give a byte to whoever reads the console next. CR becomes LF; NUL is dropped.
 * => any context but under RANK_CONSOLE and further locks. Dropped when 4 KiB are unread.
 */
void console_type(char byte);

/*
 * Forget what was typed and is not read yet.
 * => as console_type().
 */
void console_forget_typed(void);

#endif
