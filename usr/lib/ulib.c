/*
 * usr/lib/ulib.c: strings, the ends of the heap, and small helpers over system calls.
 *
 * Needs usys.S only, so that a program can be linked without printf and malloc.
 * Contracts: include/uapi/user/user.h.
 */
#if !defined(__clang__)
/* Or gcc would see that the loop in memcpy is a memcpy, and call it. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/vm.h"
#include "user/user.h"

char *sbrk(int n)
{
    return sys_sbrk(n, SBRK_EAGER);
}

char *sbrklazy(int n)
{
    return sys_sbrk(n, SBRK_LAZY);
}

char *strcpy(char *to, const char *from)
{
    uint i = 0;

    do {
        to[i] = from[i];
    } while (from[i++] != 0);
    return to;
}

int strcmp(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (int)(uchar)*a - (int)(uchar)*b;
}

uint strlen(const char *s)
{
    const char *end = s;

    while (*end != 0)
        end++;
    return (uint)(end - s);
}

char *strchr(const char *s, char c)
{
    for (; *s != 0; s++)
        if (*s == c)
            return (char *)s;
    return 0;
}

int atoi(const char *s)
{
    uint value = 0;

    for (; *s >= '0' && *s <= '9'; s++)
        value = value * 10 + (uint)(*s - '0');
    return (int)value;
}

/* The memory functions go word by word where both ends allow it: tests move megabytes. */

#define WORD sizeof(uint64)

typedef uint64 __attribute__((may_alias)) word_t;

void *memset(void *to, int c, uint n)
{
    char *p = to;
    char *end = p + n;
    uint64 word = (uchar)c * 0x0101010101010101UL;

    for (; p < end && (uint64)p % WORD != 0; p++)
        *p = (char)c;
    for (; (uint64)(end - p) >= WORD; p += WORD)
        *(word_t *)p = word;
    for (; p < end; p++)
        *p = (char)c;
    return to;
}

static void copy_upwards(char *to, const char *from, uint64 n)
{
    if (((uint64)to - (uint64)from) % WORD == 0) {
        for (; n > 0 && (uint64)to % WORD != 0; n--)
            *to++ = *from++;
        for (; n >= WORD; n -= WORD, to += WORD, from += WORD)
            *(word_t *)to = *(const word_t *)from;
    }
    for (; n > 0; n--)
        *to++ = *from++;
}

static void copy_downwards(char *to, const char *from, uint64 n)
{
    while (n > 0) {
        n--;
        to[n] = from[n];
    }
}

void *memmove(void *to, const void *from, int n)
{
    if (n <= 0)
        return to;
    if ((char *)to <= (const char *)from)
        copy_upwards(to, from, (uint64)n);
    else
        copy_downwards(to, from, (uint64)n);
    return to;
}

void *memcpy(void *to, const void *from, uint n)
{
    copy_upwards(to, from, n);
    return to;
}

int memcmp(const void *a, const void *b, uint n)
{
    const uchar *p = a;
    const uchar *q = b;

    for (uint i = 0; i < n; i++)
        if (p[i] != q[i])
            return (int)p[i] - (int)q[i];
    return 0;
}

char *gets(char *buf, int max)
{
    int n = 0;
    char c;

    while (n + 1 < max && read(0, &c, 1) == 1) {
        buf[n++] = c;
        if (c == '\n' || c == '\r')
            break;
    }
    buf[n] = 0;
    return buf;
}

int stat(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY);
    int result;

    if (fd < 0)
        return -1;
    result = fstat(fd, st);
    close(fd);
    return result;
}
