/*
 * The console: one serial line, xv6's line mode on it (docs/xv6-abi.md 6), and where printk goes.
 *
 * Sending: printk, programs and the echo share the port. `transmit` guards it and is a leaf:
 * nothing but the port is called with it held, so it may be taken under any lock and in interrupts.
 * It has no rank, because printk's sink runs under the innermost ranked lock. After a panic it is
 * not taken any more, because its holder may be a stopped hart.
 * Reading: a typed byte only goes into the ring `typed`. Echo, erasing and the end of a line are
 * the reader's work, so what is typed ahead shows where it is read, and a reader of keys gets them
 * untouched. A full ring loses nothing: the port is not listened to until a reader has taken
 * something. `input.lock` (RANK_CONSOLE) guards ring and line.
 * Called by fs/file.c through chardev_get(), by printk, and by the port. Read next:
 * drivers/uart16550.c (the port), usr/lib/edit.c (which reads keys).
 */
#include "drivers/console.h"

#include "asm/cpu.h"
#include "asm/sbi.h"
#include "asm/timer.h"
#include "drivers/chardev.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "mm/uaccess.h"
#include "sched/ktimer.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include "serial.h"

#define RECEIVE_MAX     64    /* bytes taken in one go: a chattering line must not keep the hart */
#define POLL_MS         20    /* between two looks at a port without interrupt */
#define TYPED_MAX       4096u /* a power of two: the counters run free */
#define LINE_MAX        128   /* bytes of a line, its LF included; a full line ends, too */
#define WRITE_CHUNK     256
#define KEY_END_OF_FILE CONSOLE_KEY('D') /* ends a line, too, and stays in it as its last byte */
#define KEY_DELETE      0x7f

/* The firmware's console: it takes everything at once and never interrupts. */
static size_t firmware_send(const char *bytes, size_t n)
{
    sbi_console_write(bytes, n);
    return n;
}

static const struct serial_port firmware_port = {
    .name = "firmware",
    .send = firmware_send,
    .receive = sbi_console_getc,
};

static const struct serial_port *port = &firmware_port; /* [I] after console_init() */
static struct spinlock transmit = SPINLOCK_INIT("console transmit", RANK_NONE);
static struct mutex writers = MUTEX_INIT(writers); /* keeps the bytes of one write() together */
static struct ktimer poll_timer;
static void (*hooks[32])(void); /* [I] after boot: by control character */

static struct {
    struct spinlock lock;
    struct waitqueue readable;
    char typed[TYPED_MAX]; /* [lock] */
    uint32_t head;         /* [lock] next typed byte to take */
    uint32_t tail;         /* [lock] next typed byte to fill */
    bool deaf;             /* [lock] the ring was full: the port is not listened to */
    char line[LINE_MAX];   /* [lock] taken from the ring, and echoed */
    uint32_t len;          /* [lock] */
    uint32_t taken;        /* [lock] bytes of the line that readers have */
    bool finished;         /* [lock] by LF or ^D, or full: no byte is added or erased */
} input = {
    .lock = SPINLOCK_INIT("console", RANK_CONSOLE),
    .readable = WAITQUEUE_INIT(input.readable),
};

/* ---- sending ---- */

static size_t send_some(const char *bytes, size_t n)
{
    size_t sent = 0, k;

    while (sent < n && (k = port->send(bytes + sent, n - sent)) > 0)
        sent += k;
    return sent;
}

/* Waits for the port, but not for ever: a dead line must not stop the kernel. */
void console_write(const char *bytes, size_t n) __no_lock_analysis
{
    bool locks = !panic_happened();
    uint64_t start = time_now();
    size_t sent;

    if (locks)
        spin_lock(&transmit);
    sent = send_some(bytes, n);
    while (sent < n && time_now() - start <= timebase_hz) {
        cpu_relax();
        sent += send_some(bytes + sent, n - sent);
    }
    if (locks)
        spin_unlock(&transmit);
}

/* Sends all, letting others run while the port is busy. => bytes sent: fewer only when killed */
static size_t send_yielding(const char *bytes, size_t n)
{
    size_t sent = 0;

    for (;;) {
        spin_lock(&transmit);
        sent += send_some(bytes + sent, n - sent);
        spin_unlock(&transmit);
        if (sent == n || task_killed(current()))
            return sent;
        sched_yield();
    }
}

/* A bad buffer or a kill ends the write with what was sent. */
static long console_write_user(vaddr_t ubuf, long n)
{
    char chunk[WRITE_CHUNK];
    long done = 0;

    mutex_lock(&writers);
    while (done < n) {
        size_t want = min((size_t)(n - done), WRITE_CHUNK);
        size_t have = copy_from_user_partial(chunk, ubuf + (vaddr_t)done, want);
        size_t sent = send_yielding(chunk, have);

        done += (long)sent;
        if (sent < want)
            break;
    }
    mutex_unlock(&writers);
    return done;
}

/* ---- from the port ---- */

static bool has_room(void)
{
    bool room;

    spin_lock(&input.lock);
    room = input.tail - input.head < TYPED_MAX;
    if (!room && !input.deaf && port->listen) {
        input.deaf = true;
        port->listen(false);
    }
    spin_unlock(&input.lock);
    return room;
}

void console_type(char byte)
{
    spin_lock(&input.lock);
    if (byte && input.tail - input.head < TYPED_MAX) {
        input.typed[input.tail++ % TYPED_MAX] = byte == '\r' ? '\n' : byte;
        wake_all(&input.readable);
    }
    spin_unlock(&input.lock);
}

static void forget_line(void) __must_hold(&input.lock)
{
    input.len = input.taken = 0;
    input.finished = false;
}

void console_forget_typed(void)
{
    spin_lock(&input.lock);
    input.head = input.tail;
    forget_line();
    spin_unlock(&input.lock);
}

/* Takes what has arrived. => no lock held: a hook takes its own */
static void receive_bytes(void)
{
    for (unsigned n = 0; n < RECEIVE_MAX && has_room(); n++) {
        int byte = port->receive();

        if (byte < 0)
            return;
        if ((size_t)byte < ARRAY_LEN(hooks) && hooks[byte])
            hooks[byte]();
        else
            console_type((char)byte);
    }
}

static void poll_port(struct ktimer *timer)
{
    receive_bytes();
    ktimer_add(timer, time_now() + timer_ms(POLL_MS), poll_port);
}

/* ---- a line ---- */

static int wait_for_typed(void) __must_hold(&input.lock)
{
    int err = 0;

    while (!err && input.head == input.tail)
        err = wait_on_killable(&input.readable, &input.lock);
    return err;
}

static char take_typed(void) __must_hold(&input.lock)
{
    if (input.deaf) {
        input.deaf = false;
        port->listen(true);
    }
    return input.typed[input.head++ % TYPED_MAX];
}

/*
 * Does to the line what a typed byte does, and echoes it. The lock is let go of afterwards: echo
 * takes its time, and interrupts must come in.
 */
static void edit_line(char byte) __must_hold(&input.lock)
{
    uint32_t erased = byte == CONSOLE_KEY('U') ? input.len : min(input.len, 1);

    if (byte == CONSOLE_KEY('H') || byte == KEY_DELETE || byte == CONSOLE_KEY('U')) {
        for (; erased > 0; erased--, input.len--)
            console_write("\b \b", 3);
    } else {
        if (byte == CONSOLE_KEY('C')) { /* an empty line instead, so that a shell prompts anew */
            console_write("^C", 2);
            input.len = 0;
            byte = '\n';
        }
        input.line[input.len++] = byte;
        if (byte != KEY_END_OF_FILE)
            console_write(&byte, 1);
        input.finished = byte == '\n' || byte == KEY_END_OF_FILE || input.len == LINE_MAX;
    }
    spin_unlock(&input.lock);
    spin_lock(&input.lock);
}

static void drop_from_line(void) __must_hold(&input.lock)
{
    if (++input.taken == input.len)
        forget_line();
}

/* ---- readers ---- */

/* -EINTR when killed; a bad buffer ends the read with what was copied. */
static long console_read(vaddr_t ubuf, long n)
{
    long done = 0;
    char byte = 0;

    spin_lock(&input.lock);
    while (done < n && byte != '\n') {
        while (!input.finished && !wait_for_typed())
            edit_line(take_typed());
        if (!input.finished) {
            done = -EINTR;
            break;
        }
        byte = input.line[input.taken];
        if (byte == KEY_END_OF_FILE) {
            if (done == 0)
                drop_from_line(); /* with data before it, ^D stays for the next read */
            break;
        }
        if (copy_to_user(ubuf + (vaddr_t)done, &byte, 1))
            break;
        drop_from_line();
        done++;
    }
    spin_unlock(&input.lock);
    return done;
}

/* The byte that a reader of keys gets next: what is left of a line comes first. => NULL: none */
static const char *next_key(void) __must_hold(&input.lock)
{
    if (input.len > 0)
        return &input.line[input.taken];
    return input.head != input.tail ? &input.typed[input.head % TYPED_MAX] : NULL;
}

/* -EINTR when killed, -EFAULT for a bad buffer, before the first byte. */
static long console_read_keys(vaddr_t ubuf, long n)
{
    const char *key;
    char byte = 0;
    long done = 0;
    int err = 0;

    spin_lock(&input.lock);
    if (n > 0 && input.len == 0)
        err = wait_for_typed();
    while (!err && done < n && byte != '\n' && byte != KEY_END_OF_FILE && (key = next_key())) {
        byte = *key;
        err = copy_to_user(ubuf + (vaddr_t)done, &byte, 1);
        if (err)
            break;
        done++;
        if (input.len > 0)
            drop_from_line();
        else
            take_typed();
    }
    spin_unlock(&input.lock);
    return done ? done : err;
}

const struct char_ops console_ops = {
    .read = console_read,
    .read_keys = console_read_keys,
    .write = console_write_user,
};

/* ---- boot ---- */

void console_set_hook(char key, void (*fn)(void))
{
    ASSERT((size_t)key < ARRAY_LEN(hooks));
    hooks[(size_t)key] = fn;
}

void console_init(void)
{
    const struct serial_port *found = uart16550_probe(receive_bytes);

    if (found)
        port = found;
    if (port->listen)
        port->listen(true);
    else
        poll_port(&poll_timer);
    printk("console: %s%s\n", port->name, port->listen ? "" : ", polled");
}
