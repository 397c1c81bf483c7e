/*
 * usr/crash.c: does what a program must not, in each of the ways it is asked for. The kernel ends it
 * and says why; docs/debugging.md goes on from there.
 */
#include "kernel/types.h"
#include "user/user.h"

static const char constant[8] = "constant";
static char data[8] = {0x67}; /* something to jump to */

static void overflow(uint64 depth)
{
    volatile char frame[512];

    frame[0] = (char)depth;
    if (depth > 0)
        overflow(depth - 1);
    frame[511] = frame[0];
}

static __attribute__((noinline)) void store(const void *p)
{
    *(volatile char *)p = 1;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";

    if (strcmp(way, "text") == 0)
        store(0);
    else if (strcmp(way, "constant") == 0)
        store(constant);
    else if (strcmp(way, "nowhere") == 0)
        store(sbrk(0) + 4096);
    else if (strcmp(way, "kernel") == 0)
        store((void *)0xffffffc080200000);
    else if (strcmp(way, "stack") == 0)
        overflow(100);
    else if (strcmp(way, "guard") == 0)
        store((char *)((uint64)&argc & ~4095UL) - 64);
    else if (strcmp(way, "jump") == 0)
        ((void (*)(void))data)();
    else if (strcmp(way, "float") == 0)
        __asm__ volatile(".4byte 0x02007053"); /* fadd.d f0, f0, f0 */
    else if (strcmp(way, "sret") == 0)
        __asm__ volatile("sret");
    else
        fprintf(2, "usage: crash text|constant|nowhere|kernel|stack|guard|jump|float|sret\n");
    exit(1);
}
