/*
 * usr/lib/umalloc.c: malloc and free over sbrk.
 *
 * Every block, free or not, begins with a 16-byte header that holds its size. Free blocks hang in
 * one list, sorted by address, and neighbours that touch are joined when one is freed. malloc
 * takes the first block that is large enough and cuts from its front, so that what is left over
 * touches, and joins, the next piece that sbrk gives.
 *
 * Two pieces of heap need not touch: a shared mapping may lie between them, and may have gone by
 * the time the next piece is asked for. Nothing here assumes more than that sbrk gives memory
 * which nobody else uses. Memory is never given back to the kernel.
 * Contract: include/uapi/user/user.h.
 */
#include "kernel/types.h"
#include "user/user.h"

#define ALIGNMENT  16
#define GROW_BYTES 65536 /* least that is asked of the kernel at a time */
#define SBRK_MAX   0x7fffffffUL

struct block {
    uint64 size;        /* bytes, this header included; a multiple of ALIGNMENT */
    struct block *next; /* in the free list; unused while allocated */
};

_Static_assert(sizeof(struct block) == ALIGNMENT, "payload keeps the alignment of the block");

static struct block *free_list;

static uint64 round_up(uint64 n)
{
    return (n + ALIGNMENT - 1) & ~(uint64)(ALIGNMENT - 1);
}

static int touches(const struct block *low, const struct block *high)
{
    return (const char *)low + low->size == (const char *)high;
}

static void join_with_next(struct block *b)
{
    if (b->next != 0 && touches(b, b->next)) {
        b->size += b->next->size;
        b->next = b->next->next;
    }
}

static void insert(struct block *b)
{
    struct block *before = 0;
    struct block *after = free_list;

    while (after != 0 && after < b) {
        before = after;
        after = after->next;
    }
    b->next = after;
    if (before != 0)
        before->next = b;
    else
        free_list = b;
    join_with_next(b);
    if (before != 0)
        join_with_next(before);
}

/* The first free block of at least `size` bytes, cut to that size and off the list; or 0. */
static struct block *take(uint64 size)
{
    struct block **link = &free_list;

    while (*link != 0 && (*link)->size < size)
        link = &(*link)->next;
    if (*link == 0)
        return 0;

    struct block *b = *link;

    if (b->size - size > sizeof(struct block)) {
        struct block *rest = (struct block *)((char *)b + size);

        rest->size = b->size - size;
        rest->next = b->next;
        *link = rest;
        b->size = size;
    } else {
        *link = b->next;
    }
    return b;
}

/* Adds at least `size` bytes of fresh heap to the free list. => 0, or -1 when there are none. */
static int grow(uint64 size)
{
    uint64 brk = (uint64)sbrk(0);
    uint64 pad = round_up(brk) - brk; /* the break may be at any byte */
    char *p;

    if (size + pad > SBRK_MAX)
        return -1;
    p = sbrk((int)(size + pad));
    if (p == SBRK_ERROR)
        return -1;

    struct block *b = (struct block *)round_up((uint64)p);

    b->size = size;
    insert(b);
    return 0;
}

void *malloc(uint n)
{
    uint64 size = round_up((uint64)n + sizeof(struct block));
    struct block *b = take(size);

    if (b == 0) {
        /* When a whole piece is not to be had, what was asked for still may be. */
        if ((size >= GROW_BYTES || grow(GROW_BYTES) < 0) && grow(size) < 0)
            return 0;
        b = take(size);
    }
    return b == 0 ? 0 : b + 1;
}

void free(void *p)
{
    if (p != 0)
        insert((struct block *)p - 1);
}
