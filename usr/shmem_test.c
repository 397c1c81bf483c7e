/*
 * usr/shmem_test.c: a parent lends a buffer to its child, which greets through it.
 *
 *   shmem_test               the child unmaps the buffer, then uses malloc
 *   shmem_test --no-unmap    the child exits with the buffer mapped (also -n, -d, keep)
 *
 * Prints each step and the child's size, and checks what it prints: the last line is
 * `shmem_test: OK` and the status 0, or the line before says what differed and the status is 1.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"

#define GREETING     "Hello daddy"
#define BUFFER_BYTES 100
#define MALLOC_BYTES (20 * PGSIZE)

/* In the middle of a page, to show that the offset is kept. */
static char memory[2 * PGSIZE] __attribute__((aligned(4096)));
static char *const buffer = memory + 1000;

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("shmem_test: %s\n", what);
    exit(1);
}

static void print_size(const char *when)
{
    printf("child: size %s: %lu\n", when, (uint64)sbrk(0));
}

static void unmap_and_allocate(uint64 address, uint64 before)
{
    char *block;

    expect(unmap_shared_pages(address, BUFFER_BYTES) == 0, "unmap failed");
    print_size("after unmap ");
    expect((uint64)sbrk(0) == before, "the size after unmap is not the size before map");
    expect(unmap_shared_pages(address, BUFFER_BYTES) == -1, "a second unmap worked");

    block = malloc(MALLOC_BYTES);
    expect(block != 0, "malloc failed after unmap");
    memset(block, 'm', MALLOC_BYTES);
    print_size("after malloc");
    expect((uint64)sbrk(0) > before, "malloc did not grow the child");
    free(block);
}

static void child(int from_parent, int to_parent, int keep)
{
    uint64 before = (uint64)sbrk(0);
    uint64 address;

    print_size("before map  ");
    expect(write(to_parent, "m", 1) == 1, "the parent is gone");
    expect(read(from_parent, &address, sizeof(address)) == sizeof(address), "no address came");
    print_size("after map   ");
    expect((uint64)sbrk(0) > before, "map did not grow the child");
    expect(address % PGSIZE == (uint64)buffer % PGSIZE, "the offset in the page is not kept");

    strcpy((char *)address, GREETING);
    if (keep)
        printf("child: exits with the buffer mapped\n");
    else
        unmap_and_allocate(address, before);
    exit(0);
}

int main(int argc, char **argv)
{
    int keep = argc > 1 && (strcmp(argv[1], "--no-unmap") == 0 || strcmp(argv[1], "-n") == 0 ||
                            strcmp(argv[1], "-d") == 0 || strcmp(argv[1], "keep") == 0);
    int down[2];
    int up[2];
    int status = -1;
    int pid;
    uint64 address;
    char ready;

    if (argc > 2 || (argc == 2 && !keep)) {
        fprintf(2,
                "usage: shmem_test [-n | -d | keep | --no-unmap]    (the child exits as it is)\n");
        exit(1);
    }
    expect(pipe(down) == 0 && pipe(up) == 0, "pipe failed");
    pid = fork();
    expect(pid >= 0, "fork failed");
    if (pid == 0)
        child(down[0], up[1], keep);

    /* The child has to look at its size before anything is mapped into it. */
    close(up[1]);
    expect(read(up[0], &ready, 1) == 1, "the child did not start");
    address = map_shared_pages(getpid(), pid, buffer, BUFFER_BYTES);
    if (address == (uint64)-1)
        kill(pid);
    expect(address != (uint64)-1, "map failed");
    write(down[1], &address, sizeof(address));
    expect(wait(&status) == pid, "the child is lost");
    expect(status == 0, "the child failed");
    printf("parent: the buffer says: %s\n", buffer);
    expect(strcmp(buffer, GREETING) == 0, "the greeting did not arrive");
    strcpy(buffer, "still the parent's memory");
    printf("shmem_test: OK\n");
    exit(0);
}
