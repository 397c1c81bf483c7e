/*
 * labform.c: compiles as a program of MIT's mmap lab: headers in its order, its own MAP_FAILED, and
 * the prototype spelled out.
 */
#include "kernel/param.h"
#include "kernel/fcntl.h"
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/riscv.h"
#include "kernel/fs.h"
#include "user/user.h"

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
int munmap(void *addr, size_t length);

#define MAP_FAILED ((char *)-1)

int main(void)
{
    int fd = open("README", O_RDONLY);
    char byte = 0;
    char *p = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    read(fd, &byte, 1);
    if (p == MAP_FAILED || *p != byte || munmap(p, PGSIZE) < 0)
        printf("labform: mmap failed\n");
    else if (mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
        printf("labform: a read-only file is writable\n");
    else
        printf("labform: OK\n");
    exit(0);
}
