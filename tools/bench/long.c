/*
 * long.c - the biggest calls, so that `make bench` can see how long one keeps its hart from interrupts.
 *
 * Each runs in a child of its own, again and again, so that timer interrupts fall due everywhere in it.
 * What is measured is in the kernel (sched/sched.c: sched_latest); here is only the work. Prints `long: OK`.
 */
#include "kernel/types.h"
#include "kernel/elf.h"
#include "kernel/fcntl.h"
#include "user/user.h"
#include "user/mman.h"

#define PAGE 4096UL
#define SIZE (16UL << 20)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define BOTH (PROT_READ | PROT_WRITE)
#define VMAS 3000
#define HEADERS 400
#define LOANS 1024
#define TIMES 12

static char chunk[64 * 1024] __attribute__((aligned(4096)));

static void
need(int ok, const char *what)
{
    if (ok)
        return;
    printf("long: %s failed\n", what);
    exit(1);
}

static char *
map(uint64 size)
{
    char *p = mmap(0, size, BOTH, ANONYMOUS, -1, 0);

    need(p != MAP_FAILED, "mmap");
    return p;
}

static char *
map_touched(uint64 size)
{
    char *p = map(size);

    for (uint64 i = 0; i < size; i += PAGE)
        p[i] = 1;
    return p;
}

static void
fork_and_wait(void)
{
    int pid = fork();

    need(pid >= 0, "fork");
    if (pid == 0)
        exit(0);
    wait(0);
}

static void
lend_untouched(void)
{
    char *p = map(SIZE);
    uint64 at = map_to(getpid(), p, SIZE);

    need(at != (uint64)-1, "map_to");
    fork_and_wait(); /* copies what is lent */
    need(unmap_shared_pages(at, SIZE) == 0 && munmap(p, SIZE) == 0, "munmap");
}

static void
lend_after_fork(void)
{
    char *p = map_touched(SIZE);
    int ends[2];
    char c;

    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        read(ends[0], &c, 1);
        exit(0);
    }
    need(map_to(getpid(), p, SIZE) != (uint64)-1, "map_to"); /* copies each page first */
    write(ends[1], "", 1);
    wait(0);
}

static void
protect(void)
{
    char *p = map_touched(SIZE);

    fork_and_wait();
    need(mprotect(p, SIZE, PROT_NONE) == 0 && mprotect(p, SIZE, PROT_READ) == 0, "mprotect");
    need(munmap(p, SIZE) == 0, "munmap");
}

static void
heap(void)
{
    char *p = sbrk((int)SIZE);

    need(p != SBRK_ERROR, "sbrk");
    for (uint64 i = 0; i < SIZE; i += PAGE)
        p[i] = 1;
    sbrk(-(int)SIZE);
    need(sbrk((int)(8 * SIZE / 2)) != SBRK_ERROR, "sbrk"); /* promised, and never touched */
}

static void
many_vmas(void)
{
    char *at = (char *)0x1000000000;

    for (int i = 0; i < VMAS; i++)
        need(mmap(at + i * PAGE, PAGE, i % 2 ? PROT_READ : PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED,
             "mmap of many");
    fork_and_wait();
    need(mprotect(at, VMAS * PAGE, PROT_READ) == 0, "mprotect of many");
}

/* The last of the headers asks for too much. */
static void
exec_headers(void)
{
    static struct proghdr block[HEADERS];
    struct elfhdr h = {.magic = ELF_MAGIC, .phoff = sizeof(h), .phnum = HEADERS};
    char *argv[] = {"long.elf", 0};
    int fd = open("long.elf", O_CREATE | O_TRUNC | O_RDWR);

    for (int i = 0; i < HEADERS; i++)
        block[i] = (struct proghdr){.type = ELF_PROG_LOAD, .flags = ELF_PROG_FLAG_READ, .filesz = sizeof(block),
                                    .memsz = i < HEADERS - 1 ? SIZE : 1UL << 40};
    need(write(fd, &h, sizeof(h)) == sizeof(h) && write(fd, block, sizeof(block)) == sizeof(block), "write");
    close(fd);
    need(exec("long.elf", argv) == -1, "exec of too much");
    unlink("long.elf");
}

static void
map_file(void)
{
    int fd = open("long.tmp", O_CREATE | O_TRUNC | O_RDWR);
    char *p;

    for (int i = 0; i < 4; i++)
        need(write(fd, chunk, sizeof(chunk)) == sizeof(chunk), "write");
    p = mmap(0, 4 * sizeof(chunk), BOTH, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED, "mmap of a file");
    for (uint64 i = 0; i < 4 * sizeof(chunk); i += PAGE)
        p[i]++;
    need(msync(p, 4 * sizeof(chunk), MS_SYNC) == 0 && munmap(p, 4 * sizeof(chunk)) == 0, "msync");
    close(fd);
    unlink("long.tmp");
}

/* The borrower, a program of its own: it maps what the owner granted as often as it may. */
static void
borrow(int owner, uint64 va)
{
    char c;

    write(1, "long: borrowing\n", 16);
    while (read(3, &c, 1) == 1)
        for (int i = 0; i < LOANS; i++)
            map_from(owner, va, PAGE);
    exit(0);
}

static void
print_number(char *to, uint64 n)
{
    char digits[20];
    int i = 0;

    do
        digits[i++] = (char)('0' + n % 10);
    while ((n /= 10));
    while (i > 0)
        *to++ = digits[--i];
    *to = 0;
}

static void
grant_and_revoke(void)
{
    static char page[PAGE] __attribute__((aligned(4096)));
    char pid[24], va[24];
    char *argv[] = {"long", pid, va, 0};
    int ends[2], borrower;

    print_number(pid, (uint64)getpid());
    print_number(va, (uint64)page);
    need(pipe(ends) == 0 && ends[0] == 3, "pipe");
    borrower = fork();
    if (borrower == 0) {
        close(ends[1]);
        exec("long", argv);
        exit(1);
    }
    pause(2);
    need(share_grant(borrower, page, PAGE, 1) == 0, "share_grant");
    write(ends[1], "", 1);
    pause(2);
    need(share_revoke(borrower, page, PAGE) == 0, "share_revoke");
    close(ends[1]);
    wait(0);
}

static void
run(const char *name, void (*work)(void))
{
    for (int i = 0; i < TIMES; i++) {
        int status, pid = fork();

        if (pid == 0) {
            for (int turns = 0; turns < i * 1000; turns++) /* elsewhere in its slice each time */
                __asm__ volatile("");
            work();
            exit(0);
        }
        need(wait(&status) == pid && status == 0, name);
    }
}

/* Keeps the hart from being idle: then the clock would follow the host's. => its pid */
static int
start_spinner(void)
{
    int pid = fork();

    need(pid >= 0, "fork");
    if (pid == 0)
        for (;;)
            ;
    return pid;
}

int
main(int argc, char **argv)
{
    int spinner;

    if (argc == 3)
        borrow(atoi(argv[1]), (uint64)atoi(argv[2]));
    spinner = start_spinner();
    run("lend_untouched", lend_untouched);
    run("lend_after_fork", lend_after_fork);
    run("protect", protect);
    run("heap", heap);
    run("many_vmas", many_vmas);
    run("exec_headers", exec_headers);
    run("map_file", map_file);
    run("grant_and_revoke", grant_and_revoke);
    kill(spinner);
    wait(0);
    printf("long: OK\n");
    exit(0);
}
