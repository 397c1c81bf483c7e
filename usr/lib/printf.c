/*
 * usr/lib/printf.c: formatted output for programs of every xv6 generation.
 *
 * Text is gathered on the stack and written when the call ends or the buffer is full, so a line of
 * ordinary length reaches the console, a pipe or a file as one write(). The stack of a program is
 * one page: keep the buffer small. Contract and formats: include/uapi/user/user.h.
 */
#include <stdarg.h>

#include "kernel/types.h"
#include "user/user.h"

#define BUFFER_BYTES 256

struct output {
    int fd;
    int used;
    char text[BUFFER_BYTES];
};

static void flush(struct output *out)
{
    if (out->used > 0)
        write(out->fd, out->text, out->used);
    out->used = 0;
}

static void put(struct output *out, char c)
{
    if (out->used == BUFFER_BYTES)
        flush(out);
    out->text[out->used++] = c;
}

static void put_string(struct output *out, const char *s)
{
    if (s == 0)
        s = "(null)";
    for (; *s != 0; s++)
        put(out, *s);
}

/* Digits of value, at least `width` of them, upper case as in xv6. */
static void put_number(struct output *out, uint64 value, uint base, int width)
{
    char digits[20];
    int n = 0;

    do {
        digits[n++] = "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    while (n < width)
        digits[n++] = '0';
    while (n > 0)
        put(out, digits[--n]);
}

static void put_signed(struct output *out, long value)
{
    if (value < 0)
        put(out, '-');
    put_number(out, value < 0 ? -(uint64)value : (uint64)value, 10, 0);
}

/* How many of the characters at s belong to a 64-bit format: l or ll, then d, u or x. */
static int long_format(const char *s)
{
    int n = s[1] == 'l' ? 2 : 1;

    return s[n] == 'd' || s[n] == 'u' || s[n] == 'x' ? n + 1 : 0;
}

static void put_long(struct output *out, char c, uint64 value)
{
    if (c == 'd')
        put_signed(out, (long)value);
    else
        put_number(out, value, c == 'x' ? 16 : 10, 0);
}

/* One format without a 64-bit length; c is the character after the percent sign. */
static void put_plain(struct output *out, char c, va_list *args)
{
    switch (c) {
    case 'd':
        put_signed(out, va_arg(*args, int));
        break;
    case 'u':
    case 'l': /* 2022: the low half of a long, unsigned */
        put_number(out, va_arg(*args, uint), 10, 0);
        break;
    case 'x':
        put_number(out, va_arg(*args, uint), 16, 0);
        break;
    case 'p':
        put_string(out, "0x");
        put_number(out, va_arg(*args, uint64), 16, 16);
        break;
    case 's':
        put_string(out, va_arg(*args, const char *));
        break;
    case 'c':
        put(out, (char)va_arg(*args, int));
        break;
    case '%':
        put(out, '%');
        break;
    default: /* unknown: shown as it stands, so that it is noticed */
        put(out, '%');
        put(out, c);
    }
}

static void print_list(int fd, const char *format, va_list *args)
{
    struct output out;

    out.fd = fd;
    out.used = 0;
    for (const char *s = format; *s != 0; s++) {
        int n;

        if (*s != '%') {
            put(&out, *s);
            continue;
        }
        if (*++s == 0)
            break;
        n = *s == 'l' ? long_format(s) : 0;
        if (n > 0) {
            s += n - 1;
            put_long(&out, *s, va_arg(*args, uint64));
        } else {
            put_plain(&out, *s, args);
        }
    }
    flush(&out);
}

void fprintf(int fd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(fd, format, &args);
    va_end(args);
}

void printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(1, format, &args);
    va_end(args);
}
