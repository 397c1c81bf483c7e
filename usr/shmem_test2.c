/*
 * usr/shmem_test2.c: a child maps memory of its parent, greets through it, unmaps it, and can use
 * malloc as before. Here the child asks; in shmem_test it is the parent.
 *
 * Prints the child's size at each step. The last line is `shmem_test2: OK` and the status 0, or
 * the line before says what differed and the status is 1.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"

#define GREETING     "Hello daddy"
#define BUFFER_BYTES 100
#define MALLOC_BYTES (20 * PGSIZE)

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("shmem_test2: %s\n", what);
    exit(1);
}

static uint64 print_size(const char *when)
{
    uint64 size = (uint64)sbrk(0);

    printf("child: size %s: %lu\n", when, size);
    return size;
}

static void child(int parent, char *buffer)
{
    uint64 before = print_size("before map  ");
    uint64 address = map_shared_pages(parent, getpid(), buffer, BUFFER_BYTES);
    char *block;

    expect(address != (uint64)-1, "map failed");
    expect(print_size("after map   ") > before, "map did not grow the child");
    strcpy((char *)address, GREETING);
    expect(unmap_shared_pages(address, BUFFER_BYTES) == 0, "unmap failed");
    expect(print_size("after unmap ") == before, "the size after unmap is not the size before map");
    block = malloc(MALLOC_BYTES);
    expect(block != 0, "malloc failed after unmap");
    memset(block, 'm', MALLOC_BYTES);
    expect(print_size("after malloc") > before, "malloc did not grow the child");
    exit(0);
}

int main(void)
{
    char *buffer = malloc(BUFFER_BYTES);
    int parent = getpid();
    int status = -1;
    int pid;

    expect(buffer != 0, "no memory");
    pid = fork();
    expect(pid >= 0, "fork failed");
    if (pid == 0)
        child(parent, buffer);
    expect(wait(&status) == pid, "the child is lost");
    expect(status == 0, "the child failed");
    printf("parent: %s\n", buffer);
    expect(strcmp(buffer, GREETING) == 0, "the greeting did not arrive");
    free(buffer);
    printf("shmem_test2: OK\n");
    exit(0);
}
