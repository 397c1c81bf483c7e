/*
 * The smaller and the larger of numbers that are not negative.
 */
#ifndef LIB_MINMAX_H
#define LIB_MINMAX_H

#include <stdint.h>

static inline uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
