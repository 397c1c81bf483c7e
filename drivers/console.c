/*
 * The console's two ends: bytes out to the serial port, bytes in from it.
 *
 * Owns the port in use, the transmit lock, the hooked keys and the polling timer. Three flows send:
 * printk through its sink, user programs, and the echo of line mode. `transmit` is a
 * leaf: nothing is called with it held but the port, so it may be taken under any lock and in
 * interrupts; it has no rank since printk's sink runs under the innermost ranked lock.
 * After a panic the lock is not taken any more, for its holder may be a stopped hart.
 * Read next: drivers/console_line.c (what programs read), drivers/uart16550.c (the port).
 */
#include "drivers/console.h"

#include "asm/sbi.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "sched/task.h"
#include "sched/timer.h"

#include "internal.h"

#define HOOKS_MAX 4
#define RECEIVE_MAX 64    /* bytes taken in one go: a chattering line must not keep the hart */
#define POLL_MS 20        /* between two looks at a port without interrupt */
#define BUSY_LOOKS 64     /* at a full transmitter before a task gives way */

static struct spinlock transmit = SPINLOCK_INIT("console transmit", RANK_NONE);
static const struct serial_port *port; /* [I] after console_init() */
static bool polled;                    /* [I] the port has no interrupt */

static struct {
    char key;
    void (*fn)(void);
} hooks[HOOKS_MAX]; /* [I] after boot */

static struct ktimer poll_timer;

/* The firmware's console as a port: it takes everything at once and never interrupts. */
static size_t sbi_port_send(const char *bytes, size_t n)
{
    sbi_console_write(bytes, n);
    return n;
}

static bool sbi_port_watch(void (*receive_ready)(void))
{
    return false;
}

static const struct serial_port sbi_port = {
    .name = "firmware",
    .send = sbi_port_send,
    .receive = sbi_console_getc,
    .watch = sbi_port_watch,
};

static size_t send_some(const char *bytes, size_t n)
{
    size_t sent = 0, k;

    while (sent < n && (k = port->send(bytes + sent, n - sent)) > 0)
        sent += k;
    return sent;
}

/* Send all, waiting for the port, but not for ever: a dead line must not stop the kernel. */
static void send_all(const char *bytes, size_t n)
{
    uint64_t start = 0;

    for (size_t sent = send_some(bytes, n); sent < n; sent += send_some(bytes + sent, n - sent)) {
        if (start == 0)
            start = time_now();
        if (time_now() - start > timebase_hz)
            return;
        cpu_relax();
    }
}

void console_write(const char *bytes, size_t n)
{
    if (panic_happened()) {
        send_all(bytes, n);
        return;
    }
    spin_lock(&transmit);
    send_all(bytes, n);
    spin_unlock(&transmit);
}

size_t console_send_task(const char *bytes, size_t n)
{
    size_t sent = 0;

    for (unsigned looks = 0;; looks++) {
        spin_lock(&transmit);
        sent += send_some(bytes + sent, n - sent);
        spin_unlock(&transmit);
        if (sent == n || task_killed(current()))
            return sent;
        if (looks < BUSY_LOOKS)
            cpu_relax();
        else
            sched_yield();
    }
}

/* One received byte. => no lock held: a hook takes its own. */
static void console_input(char byte)
{
    for (unsigned i = 0; i < HOOKS_MAX; i++) {
        if (hooks[i].fn != NULL && hooks[i].key == byte) {
            hooks[i].fn();
            return;
        }
    }
    console_type(byte);
}

static void receive_ready(void)
{
    int byte;

    for (unsigned n = 0; n < RECEIVE_MAX && console_line_has_room(); n++) {
        byte = port->receive();
        if (byte < 0)
            return;
        console_input((char)byte);
    }
}

static void poll_input(struct ktimer *timer)
{
    receive_ready();
    ktimer_add(timer, time_now() + timer_ms(POLL_MS), poll_input);
}

void console_listen(bool on)
{
    if (!polled)
        port->listen(on);
}

void console_set_hook(char key, void (*fn)(void))
{
    unsigned i = 0;

    while (i < HOOKS_MAX && hooks[i].fn != NULL && hooks[i].key != key)
        i++;
    ASSERT(i < HOOKS_MAX);
    hooks[i].key = key;
    hooks[i].fn = fn;
}

void console_init(void)
{
    port = uart16550_probe();
    if (port == NULL)
        port = &sbi_port;
    printk_set_sink(console_write);
    console_line_init();
    polled = !port->watch(receive_ready);
    if (polled)
        poll_input(&poll_timer);
    printk("console: %s%s\n", port->name, polled ? ", polled" : "");
}
