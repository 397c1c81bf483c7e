/*
 * Bytes and C strings. The compiler, too, calls the first four by these names.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

/* Sets n bytes to the low byte of c; => dst. A page costs about 550 instructions. */
void *memset(void *dst, int c, size_t n);

/* Copies n bytes between areas that do not overlap; => dst. A page costs about 1100 instructions. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);

/* Copies n bytes between areas that may overlap; => dst. */
void *memmove(void *dst, const void *src, size_t n);

/* Compares n bytes as unsigned; => less than, equal to or greater than 0. */
int memcmp(const void *a, const void *b, size_t n);

/* The number of bytes before the NUL. */
size_t strlen(const char *s);

/* Compares two strings as unsigned bytes; => less than, equal to or greater than 0. */
int strcmp(const char *a, const char *b);

/* As strcmp(), looking at no more than n bytes of each. */
int strncmp(const char *a, const char *b, size_t n);

/*
 * Copies src into the size bytes at dst, cut where needed and always ended by NUL (if size > 0).
 * => the length of src: the copy was cut when that is >= size.
 */
size_t strlcpy(char *dst, const char *src, size_t size);

#endif
