/*
 * usr/memsize.c: prints its own size in bytes, before and after a page more of heap.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"

int main(void)
{
    int before = memsize();

    if (sbrk(PGSIZE) == SBRK_ERROR) {
        fprintf(2, "memsize: no memory\n");
        exit(1);
    }
    printf("memsize: %d bytes, with a page more %d\n", before, memsize());
    exit(0);
}
