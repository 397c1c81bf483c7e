/*
 * Bytes and C strings.
 *
 * Owns nothing, takes no lock; everyone calls it, the compiler included. Fills, copies and
 * comparisons go by words, in blocks long enough that the loop's own instructions hardly count: zeroing
 * and copying pages is most of what fork and page faults cost. Contracts: lib/string.h.
 */
#include "lib/string.h"

#include "lib/minmax.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t __attribute__((may_alias)) word;

enum {
    WORD = sizeof(word)
};

/* All loads before the stores, so that neither the compiler nor the hart has to wait. */
static inline void copy8(word *d, const word *s)
{
    word a = s[0], b = s[1], c = s[2], e = s[3], f = s[4], g = s[5], h = s[6], i = s[7];

    d[0] = a, d[1] = b, d[2] = c, d[3] = e;
    d[4] = f, d[5] = g, d[6] = h, d[7] = i;
}

void *memset(void *dst, int c, size_t n)
{
    uint8_t *d = dst;
    word v = (uint8_t)c * 0x0101010101010101UL;

    for (; n && (uintptr_t)d % WORD; n--)
        *d++ = (uint8_t)c;
    word *w = (word *)d;
    for (; n >= 32 * WORD; n -= 32 * WORD, w += 32) {
        w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = v;
        w[8] = w[9] = w[10] = w[11] = w[12] = w[13] = w[14] = w[15] = v;
        w[16] = w[17] = w[18] = w[19] = w[20] = w[21] = w[22] = w[23] = v;
        w[24] = w[25] = w[26] = w[27] = w[28] = w[29] = w[30] = w[31] = v;
    }
    for (; n >= 4 * WORD; n -= 4 * WORD, w += 4)
        w[0] = w[1] = w[2] = w[3] = v;
    for (; n >= WORD; n -= WORD)
        *w++ = v;
    for (d = (uint8_t *)w; n; n--)
        *d++ = (uint8_t)c;
    return dst;
}

/* Upwards, and each word is read before written: so it also serves a memmove() to a lower address. */
void *memcpy(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;

    if (((uintptr_t)d ^ (uintptr_t)s) % WORD == 0) {
        for (; n && (uintptr_t)d % WORD; n--)
            *d++ = *s++;
        word *dw = (word *)d;
        const word *sw = (const word *)s;
        for (; n >= 32 * WORD; n -= 32 * WORD, dw += 32, sw += 32) {
            copy8(dw, sw);
            copy8(dw + 8, sw + 8);
            copy8(dw + 16, sw + 16);
            copy8(dw + 24, sw + 24);
        }
        for (; n >= 8 * WORD; n -= 8 * WORD, dw += 8, sw += 8)
            copy8(dw, sw);
        for (; n >= WORD; n -= WORD)
            *dw++ = *sw++;
        d = (uint8_t *)dw;
        s = (const uint8_t *)sw;
    }
    for (; n; n--)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n-- > 0)
        d[n] = s[n];
    return dst;
}

/* A branch for each word is less than what putting them together takes. */
static inline bool equal8(const word *x, const word *y)
{
    return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4] &&
           x[5] == y[5] && x[6] == y[6] && x[7] == y[7];
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    if (((uintptr_t)x | (uintptr_t)y) % WORD == 0)
        for (; n >= 8 * WORD && equal8((const word *)x, (const word *)y); n -= 8 * WORD)
            x += 8 * WORD, y += 8 * WORD;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return (size_t)(p - s);
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    while (n && *a && *a == *b)
        n--, a++, b++;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);

    if (size) {
        size_t n = min(len, size - 1);

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}
