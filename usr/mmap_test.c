/*
 * usr/mmap_test.c: what mmap can do, one step after the other: memory at an address of one's own
 * choice, memory shared with a child, a file as memory, and who may write and execute what.
 *
 * The last line is `mmap_test: OK` and the status 0, or the line before says what differed and the
 * status is 1. All corners: usr/tests/t_mmap.c.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "user/user.h"
#include "user/mman.h"

#define FILE_NAME "mmap_test.tmp"
#define TEXT      "a file is memory, and memory is a file\n"
#define CHOSEN    ((char *)0x1000000000)

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("mmap_test: %s\n", what);
    unlink(FILE_NAME);
    exit(1);
}

/* Runs fn(p) in a child. => its status: -1 when it was killed. */
static int in_child(void (*fn)(char *p), char *p)
{
    int status = 0;
    int pid = fork();

    expect(pid >= 0, "fork failed");
    if (pid == 0) {
        fn(p);
        exit(0);
    }
    expect(wait(&status) == pid, "the child is lost");
    return status;
}

static void store(char *p)
{
    *(volatile char *)p = 'c';
}

/* Whether a store to p ends a child, which the kernel will report. */
static int dies_storing(char *p)
{
    printf("mmap_test: expected now: a child is ended by its store\n");
    return in_child(store, p) == -1;
}

/* ---- two arguments: memory where one wants it ---- */

static void two_arguments(void)
{
    char *p = mmap(CHOSEN, 2 * PGSIZE);

    expect(p == CHOSEN, "two arguments: not at the address asked for");
    p[0] = 'a';
    p[2 * PGSIZE - 1] = 'z';
    expect(p[1] == 0, "two arguments: the memory is not zero");
    expect(mmap(CHOSEN + PGSIZE, PGSIZE) == MAP_FAILED && errno == EEXIST,
           "two arguments: memory in use was given twice");
    expect(munmap(p, 2 * PGSIZE) == 0, "two arguments: munmap failed");
    expect(dies_storing(p), "two arguments: memory is there after munmap");
    printf("mmap_test: two arguments: memory at %p, and no more\n", p);
}

/* ---- memory shared with a child, or not ---- */

static void with_child(void)
{
    int both = PROT_READ | PROT_WRITE;
    char *shared = mmap(0, PGSIZE, both, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *own = mmap(0, PGSIZE, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    expect(shared != MAP_FAILED && own != MAP_FAILED, "with a child: mmap failed");
    *shared = *own = 'p';
    expect(in_child(store, shared) == 0 && in_child(store, own) == 0, "with a child: it failed");
    expect(*(volatile char *)shared == 'c', "with a child: shared memory is not shared");
    expect(*(volatile char *)own == 'p', "with a child: private memory is not private");
    expect(munmap(shared, PGSIZE) == 0 && munmap(own, PGSIZE) == 0, "with a child: munmap failed");
    printf("mmap_test: with a child: MAP_SHARED is shared, MAP_PRIVATE is not\n");
}

/* ---- a file ---- */

static int make_file(void)
{
    int fd = open(FILE_NAME, O_CREATE | O_RDWR | O_TRUNC);

    expect(fd >= 0, "a file: open failed");
    expect(write(fd, TEXT, sizeof(TEXT) - 1) == sizeof(TEXT) - 1, "a file: write failed");
    return fd;
}

/* What read() finds at the beginning of the file. */
static char first_byte(void)
{
    int fd = open(FILE_NAME, O_RDONLY);
    char c = 0;

    expect(fd >= 0 && read(fd, &c, 1) == 1, "a file: read failed");
    close(fd);
    return c;
}

static void with_file(void)
{
    int both = PROT_READ | PROT_WRITE;
    int fd = make_file();
    char *shared = mmap(0, PGSIZE, both, MAP_SHARED, fd, 0);
    char *own = mmap(0, PGSIZE, both, MAP_PRIVATE, fd, 0);

    expect(shared != MAP_FAILED && own != MAP_FAILED, "a file: mmap failed");
    close(fd);
    expect(memcmp(shared, TEXT, sizeof(TEXT)) == 0, "a file: the mapping does not show it");
    own[0] = 'X';
    expect(first_byte() == 'a' && shared[0] == 'a', "a file: a private store got out");
    shared[0] = 'A';
    expect(first_byte() == 'A', "a file: read does not see what was stored");
    fd = open(FILE_NAME, O_WRONLY);
    expect(write(fd, "B", 1) == 1 && shared[0] == 'B', "a file: the mapping does not see a write");
    close(fd);
    shared[0] = 'C';
    expect(msync(shared, PGSIZE, MS_SYNC) == 0, "a file: msync failed");
    expect(munmap(shared, PGSIZE) == 0 && munmap(own, PGSIZE) == 0, "a file: munmap failed");
    expect(first_byte() == 'C', "a file: it lost what was stored");
    expect(unlink(FILE_NAME) == 0, "a file: unlink failed");
    printf("mmap_test: a file: mapping, read and write agree at every moment\n");
}

/* ---- protection ---- */

/* li a0, 7; ret */
static const uint seven[] = {0x00700513, 0x00008067};

static void protection(void)
{
    int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, anonymous, -1, 0);

    expect(p != MAP_FAILED, "protection: mmap failed");
    memcpy(p, seven, sizeof(seven));
    expect(mprotect(p, PGSIZE, PROT_READ) == 0, "protection: mprotect failed");
    expect(dies_storing(p), "protection: read-only memory could be stored to");
    expect(mprotect(p, PGSIZE, PROT_READ | PROT_EXEC) == 0, "protection: mprotect failed");
    __asm__ volatile("fence.i" ::: "memory");
    expect(((int (*)(void))p)() == 7, "protection: the code in it did not run");
    expect(dies_storing(p), "protection: code could be stored to");
    expect(mprotect(p, PGSIZE, PROT_NONE) == 0, "protection: mprotect failed");
    expect(write(1, p, 1) == -1 || write(1, p, 1) == 0, "protection: the kernel reads PROT_NONE");
    expect(munmap(p, PGSIZE) == 0, "protection: munmap failed");
    p = mmap(0, PGSIZE, PROT_RWX, anonymous, -1, 0);
    expect(p != MAP_FAILED, "protection: PROT_RWX is not to be had");
    memcpy(p, seven, sizeof(seven));
    __asm__ volatile("fence.i" ::: "memory");
    expect(((int (*)(void))p)() == 7, "protection: the code in RWX memory did not run");
    expect(munmap(p, PGSIZE) == 0, "protection: munmap failed");
    printf("mmap_test: protection: writable or executable; both only who asks for both\n");
}

int main(void)
{
    uint64 before = (uint64)sbrk(0);

    two_arguments();
    with_child();
    with_file();
    protection();
    expect((uint64)sbrk(0) == before, "the break has moved");
    printf("mmap_test: OK\n");
    exit(0);
}
