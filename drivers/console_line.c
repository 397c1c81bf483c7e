/*
 * What programs read from and write to the console: xv6's line mode (docs/xv6-abi.md 6).
 *
 * Owns the bytes that were typed and not read yet, and the line being read. A typed byte only
 * goes into the ring `typed`. Echo, erasing and the end of a line are the reader's work: so what is
 * typed ahead shows where it is read, and a reader that wants the keys gets them untouched.
 * A full ring loses nothing: the port is not listened to until a reader has taken something.
 * `line.lock` (RANK_CONSOLE) guards ring and line. `writers` keeps the bytes of one write()
 * together. Called through chardev_get(CHARDEV_CONSOLE) by fs, and by drivers/console.c for input.
 * Read next: usr/lib/edit.c, which reads keys.
 */
#include "asm/page.h"
#include "drivers/chardev.h"
#include "drivers/console.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "mm/uaccess.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include "internal.h"

#define TYPED_MAX 4096u /* a power of two: the counters run free */
#define LINE_MAX 128    /* bytes of a line, its LF included; a full line ends, too */
#define WRITE_CHUNK 256
#define KEY_END_OF_FILE CONSOLE_KEY('D') /* ends a line, too, and stays in it as its last byte */
#define KEY_DELETE 0x7f

static struct {
    struct spinlock lock;
    struct waitqueue readable;
    char typed[TYPED_MAX];  /* [lock] */
    uint32_t head;          /* [lock] next typed byte to take */
    uint32_t tail;          /* [lock] next typed byte to fill */
    bool deaf;              /* [lock] the ring was full: the port is not listened to */
    char text[LINE_MAX];    /* [lock] the line: taken from the ring, and echoed */
    uint32_t len;           /* [lock] */
    uint32_t taken;         /* [lock] bytes of it that readers have; 0 until it is finished */
    bool finished;          /* [lock] by LF or ^D, or full */
} line = {
    .lock = SPINLOCK_INIT("console", RANK_CONSOLE),
    .readable = WAITQUEUE_INIT(line.readable),
};

static struct mutex writers;

/* ---- from the port ---- */

bool console_line_has_room(void)
{
    spin_lock(&line.lock);
    bool room = line.tail - line.head < TYPED_MAX;

    if (!room && !line.deaf) {
        line.deaf = true;
        console_listen(false);
    }
    spin_unlock(&line.lock);
    return room;
}

void console_type(char byte)
{
    spin_lock(&line.lock);
    if (byte != 0 && line.tail - line.head < TYPED_MAX) {
        line.typed[line.tail++ % TYPED_MAX] = byte == '\r' ? '\n' : byte;
        wake_all(&line.readable);
    }
    spin_unlock(&line.lock);
}

void console_forget_typed(void)
{
    spin_lock(&line.lock);
    line.head = line.tail;
    line.len = line.taken = 0;
    line.finished = false;
    spin_unlock(&line.lock);
}

/* ---- a line ---- */

static int wait_for_typed(void)
{
    int error = 0;

    while (!error && line.head == line.tail)
        error = wait_on_killable(&line.readable, &line.lock);
    return error;
}

static char take_typed(void)
{
    if (line.deaf) {
        line.deaf = false;
        console_listen(true);
    }
    return line.typed[line.head++ % TYPED_MAX];
}

static void erase(uint32_t n)
{
    for (; n > 0 && line.len > 0; n--) {
        console_write("\b \b", 3);
        line.len--;
    }
}

static void append(char byte)
{
    line.text[line.len++] = byte;
    if (byte != KEY_END_OF_FILE)
        console_write(&byte, 1);
    line.finished = byte == '\n' || byte == KEY_END_OF_FILE || line.len == LINE_MAX;
}

/* What a typed byte does to the line. */
static void edit(char byte)
{
    switch (byte) {
    case CONSOLE_KEY('H'):
    case KEY_DELETE:
        erase(1);
        break;
    case CONSOLE_KEY('U'):
        erase(LINE_MAX);
        break;
    case CONSOLE_KEY('C'): /* an empty line instead of this one, so that a shell prompts anew */
        console_write("^C", 2);
        line.len = 0;
        append('\n');
        break;
    default:
        append(byte);
    }
}

/* => 0: there is a finished line; -EINTR when killed. May let the lock go in between. */
static int wait_for_line(void)
{
    while (!line.finished) {
        int error = wait_for_typed();

        if (error)
            return error;
        edit(take_typed());
        spin_unlock(&line.lock); /* echo takes its time: let interrupts in */
        spin_lock(&line.lock);
    }
    return 0;
}

/* ---- readers ---- */

static void drop_from_line(void)
{
    if (++line.taken < line.len)
        return;
    line.len = line.taken = 0;
    line.finished = false;
}

/* => as struct char_ops. -EINTR when killed; a bad buffer ends the read with what was copied. */
static long console_read(vaddr_t ubuf, long n)
{
    long done = 0;
    char byte = 0;

    spin_lock(&line.lock);
    while (done < n && byte != '\n') {
        if (wait_for_line()) {
            done = -EINTR;
            break;
        }
        byte = line.text[line.taken];
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
    spin_unlock(&line.lock);
    return done;
}

/* The next byte for a reader of keys: what is left of a line comes first. => false: none. */
static bool peek_key(char *byte)
{
    if (line.len > 0)
        *byte = line.text[line.taken];
    else if (line.head != line.tail)
        *byte = line.typed[line.head % TYPED_MAX];
    else
        return false;
    return true;
}

static void drop_key(void)
{
    if (line.len > 0)
        drop_from_line();
    else
        take_typed();
}

/* => as struct char_ops. -EINTR when killed, -EFAULT for a bad buffer, before the first byte. */
static long console_read_keys(vaddr_t ubuf, long n)
{
    long done = 0;
    int error = 0;
    char byte = 0;

    spin_lock(&line.lock);
    if (n > 0 && line.len == 0)
        error = wait_for_typed();
    while (!error && done < n && byte != '\n' && byte != KEY_END_OF_FILE && peek_key(&byte)) {
        error = copy_to_user(ubuf + (vaddr_t)done, &byte, 1);
        if (!error) {
            drop_key();
            done++;
        }
    }
    spin_unlock(&line.lock);
    return done ? done : error;
}

/* => as struct char_ops. A bad buffer or a kill ends the write with what was sent. */
static long console_write_user(vaddr_t ubuf, long n)
{
    char chunk[WRITE_CHUNK];
    long done = 0;

    mutex_lock(&writers);
    while (done < n) {
        size_t want = n - done < WRITE_CHUNK ? (size_t)(n - done) : WRITE_CHUNK;
        size_t have = copy_from_user_partial(chunk, ubuf + (vaddr_t)done, want);
        size_t sent = console_send_task(chunk, have);

        done += (long)sent;
        if (sent < want)
            break;
    }
    mutex_unlock(&writers);
    return done;
}

static const struct char_ops console_ops = {
    .read = console_read,
    .read_keys = console_read_keys,
    .write = console_write_user,
};

void console_line_init(void)
{
    mutex_init(&writers);
    int error = chardev_register(CHARDEV_CONSOLE, &console_ops);

    ASSERT(error == 0);
}
