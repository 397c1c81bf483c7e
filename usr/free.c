/*
 * usr/free.c: the memory of the machine, in KiB.
 */
#include "kernel/types.h"
#include "kernel/lamina.h"
#include "user/user.h"

#define KIB_PER_PAGE 4

int main(void)
{
    struct meminfo info;

    if (meminfo(&info) < 0) {
        fprintf(2, "free: not available\n");
        exit(1);
    }
    printf("total    %lu KiB\n", info.total * KIB_PER_PAGE);
    printf("free     %lu KiB, of which %lu KiB are promised\n", info.free * KIB_PER_PAGE,
           info.promised * KIB_PER_PAGE);
    printf("cached   %lu KiB\n", info.cached * KIB_PER_PAGE);
    printf("used     %lu KiB\n", (info.total - info.free - info.cached) * KIB_PER_PAGE);
    printf("kernel   %lu KiB\n", info.kernel * KIB_PER_PAGE);
    exit(0);
}
