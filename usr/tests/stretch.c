/*
 * usr/tests/stretch.c: how long the biggest calls keep interrupts waiting.
 *
 * Prints `stretch NAME VALUE` for each, and the worst as `bench longest_stretch VALUE`. Meant for
 * one hart under -icount shift=0, where a tick of the clock is 100 instructions; elsewhere the
 * figures are the host's time. `stretch MIB` says how much memory the calls take: 64 unless said.
 */
#include "kernel/types.h"
#include "kernel/elf.h"
#include "kernel/fcntl.h"
#include "t.h"

#define EVERY                 20 /* ticks between two samples */
#define INSTRUCTIONS_PER_TICK 100
#define PRIVATE               (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW                    (PROT_READ | PROT_WRITE)
#define FILE_NAME             "stretch.tmp"

static uint64 bytes = 64UL << 20;
static uint64 worst;

static void need(int ok, const char *what)
{
    if (ok)
        return;
    printf("stretch: %s failed\n", what);
    exit(1);
}

/* What was measured since the last call belongs to `name`. */
static void note(const char *name)
{
    uint64 late = irq_latency(EVERY) * INSTRUCTIONS_PER_TICK;

    if (late > worst)
        worst = late;
    printf("stretch %s %lu\n", name, late);
}

static char *memory(uint64 n)
{
    char *p = mmap(0, n, RW, PRIVATE, -1, 0);

    need(p != MAP_FAILED, "mmap");
    return p;
}

static void touch(char *p, uint64 n)
{
    for (uint64 i = 0; i < n; i += PAGE)
        p[i] = 1;
}

/* Runs fn in a child, and waits for its end, which counts too. */
static void in_child(void (*fn)(void), const char *name)
{
    int pid = fork();
    int status;

    need(pid >= 0, "fork");
    if (pid == 0) {
        fn();
        exit(0);
    }
    need(wait(&status) == pid && status == 0, name);
    note(name);
}

static void heap(void)
{
    char *p = sbrk((int)bytes);

    need(p != SBRK_ERROR, "sbrk");
    sbrk(-(int)bytes);
    need(sbrk((int)bytes) == p, "sbrk");
    touch(p, bytes);
    sbrk(-(int)bytes);
}

static void lend_untouched(void)
{
    char *p = memory(bytes);
    uint64 at = map_to(getpid(), p, bytes);

    need(at != NO_ADDRESS, "map_to");
    if (fork() == 0)
        exit(0);
    wait(0);
    need(unmap_shared_pages(at, bytes) == 0, "unmap");
    munmap(p, bytes);
}

/* The parent's pages are copy-on-write, and are copied as they are lent. */
static void lend_after_fork(void)
{
    char *p = memory(bytes / 2);

    touch(p, bytes / 2);
    if (fork() == 0) {
        need(map_from(getppid(), p, bytes / 2) != NO_ADDRESS, "map_from");
        exit(0);
    }
    wait(0);
}

static void shared_anonymous(void)
{
    char *p = mmap(0, bytes, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED, "mmap");
    touch(p, bytes);
    if (fork() == 0) {
        touch(p, bytes);
        exit(0);
    }
    wait(0);
    munmap(p, bytes);
}

static void protect(void)
{
    char *p = memory(bytes);

    touch(p, bytes);
    need(mprotect(p, bytes, PROT_READ) == 0, "mprotect");
    need(mprotect(p, bytes, PROT_NONE) == 0, "mprotect");
    need(mprotect(p, bytes, RW) == 0, "mprotect");
    touch(p, bytes);
}

static void many_areas(void)
{
    enum {
        AREAS = 20000
    };
    char *p = mmap(0, 2UL * AREAS * PAGE, PROT_NONE, PRIVATE, -1, 0);

    need(p != MAP_FAILED, "mmap");
    for (uint64 i = 0; i < AREAS; i++)
        need(mprotect(p + 2 * i * PAGE, PAGE, PROT_READ) == 0, "mprotect");
    for (uint64 i = 0; i < AREAS; i += 7)
        need(((volatile char *)p)[2 * (i * 7919 % AREAS) * PAGE] == 0, "load");
    if (fork() == 0)
        exit(0);
    wait(0);
    need(mmap(0, PAGE, RW, PRIVATE, -1, 0) != MAP_FAILED, "mmap");
    need(munmap(p, 2UL * AREAS * PAGE) == 0, "munmap");
}

static void lazy(void)
{
    char *p = sbrklazy(0x7fffffff);

    for (int i = 0; i < 99; i++)
        sbrklazy(0x7fffffff);
    need(share_grant(1, p, 100UL << 30, 1) == -1, "share_grant");
    need(map_to(getpid(), p, 100UL << 30) == NO_ADDRESS, "map_to");
    touch(p, bytes);
    need(map_to(getpid(), p, bytes) != NO_ADDRESS, "map_to");
}

/* A program of many headers, or of one whose memory is large. */
static void exec_file(int headers, uint64 size, int flags)
{
    static struct elfhdr elf;
    static struct proghdr ph;
    char *argv[] = {FILE_NAME, 0};
    int fd = open(FILE_NAME, O_CREATE | O_TRUNC | O_RDWR);

    elf.magic = ELF_MAGIC;
    elf.phoff = sizeof(elf);
    elf.phnum = (ushort)headers;
    need(write(fd, &elf, sizeof(elf)) == sizeof(elf), "write");
    ph.type = ELF_PROG_LOAD;
    ph.flags = (uint32)flags;
    ph.memsz = size;
    for (int i = 0; i < headers; i++) {
        need(write(fd, &ph, sizeof(ph)) == sizeof(ph), "write");
        ph.vaddr += size;
    }
    close(fd);
    if (fork() == 0) {
        exec(FILE_NAME, argv);
        exit(1);
    }
    wait(0);
    unlink(FILE_NAME);
}

static void exec_large(void)
{
    exec_file(1, bytes, ELF_PROG_FLAG_READ);
}

static void exec_many(void)
{
    exec_file(2000, PAGE, ELF_PROG_FLAG_READ | ELF_PROG_FLAG_WRITE);
}

static char lent[2 * PAGE];

/* The same page of this program in each process that runs it. */
static char *lent_page(void)
{
    return (char *)(((uint64)lent + PAGE - 1) & ~(PAGE - 1));
}

/* A stranger maps a page of ours a thousand times, and it is taken back from it. */
static void revoke(void)
{
    char *argv[] = {"stretch", "borrow", 0};
    volatile char *p = lent_page();
    int child = fork();

    if (child == 0) {
        exec("stretch", argv);
        exit(1);
    }
    while (*p == 0) {
        share_grant(child, lent_page(), 1, 1);
        sleep(1);
    }
    need(share_revoke(child, lent_page(), 1) == 0, "share_revoke");
    kill(child);
    wait(0);
}

/* The stranger: its first store says that it is done. */
static void borrow(void)
{
    uint64 at;

    while ((at = map_shared_pages(getppid(), getpid(), lent_page(), 1)) == NO_ADDRESS)
        sleep(1);
    for (int i = 0; i < 1000; i++)
        map_shared_pages(getppid(), getpid(), lent_page(), 1);
    *(volatile char *)at = 1;
    for (;;)
        sleep(1);
}

static void files(void)
{
    static char buffer[64 * 1024];
    int ends[2];
    int fd = open(FILE_NAME, O_CREATE | O_TRUNC | O_RDWR);
    char *p;

    for (int i = 0; i < 4; i++)
        need(write(fd, buffer, sizeof(buffer)) == sizeof(buffer), "write");
    p = mmap(0, 256 * 1024, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED, "mmap");
    touch(p, 256 * 1024);
    need(msync(p, 256 * 1024, MS_SYNC) == 0, "msync");
    close(open(FILE_NAME, O_TRUNC | O_RDWR));
    munmap(p, 256 * 1024);
    close(fd);
    unlink(FILE_NAME);
    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        for (int i = 0; i < 16; i++)
            write(ends[1], buffer, sizeof(buffer));
        exit(0);
    }
    close(ends[1]);
    while (read(ends[0], buffer, sizeof(buffer)) > 0)
        ;
    wait(0);
}

/* All memory is asked for, so that what the cache holds is given back. */
static void all_memory(void)
{
    uint64 n = 1UL << 30;

    while (n >= PAGE)
        if (sbrk((int)n) == SBRK_ERROR)
            n /= 2;
}

static void console(void)
{
    for (int i = 0; i < 20; i++)
        printf("stretch: a line of some length, so that the console has something to do: %d\n", i);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "borrow") == 0)
        borrow();
    if (argc > 1)
        bytes = (uint64)atoi(argv[1]) << 20;
    irq_latency(EVERY);
    in_child(heap, "heap");
    in_child(lend_untouched, "lend_untouched");
    in_child(lend_after_fork, "lend_after_fork");
    in_child(shared_anonymous, "shared_anonymous");
    in_child(protect, "protect");
    in_child(many_areas, "many_areas");
    in_child(lazy, "lazy");
    in_child(exec_large, "exec_large");
    in_child(exec_many, "exec_many");
    in_child(revoke, "revoke");
    in_child(files, "files");
    in_child(all_memory, "all_memory");
    in_child(console, "console");
    irq_latency(0);
    printf("bench longest_stretch %lu instructions\nstretch: OK\n", worst);
    exit(0);
}
