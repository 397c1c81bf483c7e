/*
 * Turns a format and its arguments into text: snprintk() and vsnprintk().
 *
 * Owns nothing, takes no lock. Called by printk(), panic() and what composes a name.
 * Contracts: lib/printk.h.
 */
#include "lib/printk.h"

#include "lib/string.h"

#include <stdint.h>

/* The output area: bytes past the end are dropped, room for the NUL is kept. */
struct out {
    char *at, *end;
};

/* One conversion: %-08lx and the like. */
struct spec {
    bool left;
    char pad;
    unsigned width;
    unsigned longs; /* 0 = int, else 64 bits */
};

static void put(struct out *o, char c)
{
    if (o->at < o->end)
        *o->at++ = c;
}

static void put_padded(struct out *o, const struct spec *sp, const char *s, size_t len)
{
    size_t fill = sp->width > len ? sp->width - len : 0;

    /* Zeros go after the sign, blanks before it. */
    if (len && *s == '-' && sp->pad == '0' && !sp->left) {
        put(o, '-');
        s++, len--;
    }
    for (; fill && !sp->left; fill--)
        put(o, sp->pad);
    while (len--)
        put(o, *s++);
    for (; fill; fill--)
        put(o, ' ');
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v, unsigned base,
                       bool negative)
{
    char buf[24], *p = buf + sizeof(buf);

    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    if (negative)
        *--p = '-';
    put_padded(o, sp, p, (size_t)(buf + sizeof(buf) - p));
}

static uint64_t take_unsigned(const struct spec *sp, va_list *ap)
{
    return sp->longs ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
}

static void put_signed(struct out *o, const struct spec *sp, va_list *ap)
{
    int64_t v = sp->longs ? va_arg(*ap, int64_t) : va_arg(*ap, int);

    /* Negated as unsigned: the least number has no positive twin. */
    put_number(o, sp, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
}

static const char *parse_spec(const char *f, struct spec *sp)
{
    *sp = (struct spec){.pad = ' '};
    for (; *f == '-' || *f == '0'; f++) {
        if (*f == '-')
            sp->left = true;
        else
            sp->pad = '0';
    }
    for (; *f >= '0' && *f <= '9'; f++)
        sp->width = sp->width * 10 + (unsigned)(*f - '0');
    for (; *f == 'l' || *f == 'z'; f++)
        sp->longs++;
    return f;
}

static void convert(struct out *o, const struct spec *sp, char kind, va_list *ap)
{
    const char *s;
    char c;

    switch (kind) {
    case 'd':
        put_signed(o, sp, ap);
        break;
    case 'u':
        put_number(o, sp, take_unsigned(sp, ap), 10, false);
        break;
    case 'x':
        put_number(o, sp, take_unsigned(sp, ap), 16, false);
        break;
    case 'p':
        put(o, '0'), put(o, 'x');
        put_number(o, &(struct spec){.pad = '0', .width = 16}, (uintptr_t)va_arg(*ap, void *), 16,
                   false);
        break;
    case 's':
        s = va_arg(*ap, const char *);
        s = s ? s : "(null)";
        put_padded(o, sp, s, strlen(s));
        break;
    case 'c':
        c = (char)va_arg(*ap, int);
        put_padded(o, sp, &c, 1);
        break;
    default: /* %% and mistakes: the character itself */
        put(o, kind);
    }
}

size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size ? buf + size - 1 : buf};
    va_list args;

    va_copy(args, ap);
    while (*fmt) {
        struct spec sp;
        if (*fmt != '%') {
            put(&o, *fmt++);
            continue;
        }
        fmt = parse_spec(fmt + 1, &sp);
        if (!*fmt)
            break;
        convert(&o, &sp, *fmt++, &args);
    }
    va_end(args);
    if (size)
        *o.at = '\0';
    return (size_t)(o.at - buf);
}

size_t snprintk(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    size_t n = vsnprintk(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
