/*
 * usr/tests/t_copy.c: bad pointers to every system call. Each gives -1, nothing is changed, and
 * the process lives. Invariants attacked: I6, I8.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "kernel/lamina.h"
#include "t.h"

#define NAME "t_copy.tmp"

static const uint64 bad[] = {
    KERNBASE,
    TRAPFRAME,
    TRAMPOLINE,
    MAXVA - 4,
    MAXVA,
    1UL << 39,
    1UL << 63,
    ~0UL,
    ~7UL,
    0xffffffc080200000UL,
    0xffffffc000000000UL,
    0xeaeb0b5b00002f5eUL,
    0x3fffffc000UL,
};

static const char constant[64] = "constant";

/* Calls fn with each bad address, the guard page, and what is just behind the break. */
static void with_each(void (*fn)(void *))
{
    for (int i = 0; i < COUNT(bad); i++)
        fn((void *)bad[i]);
    fn((void *)(PGROUNDDOWN(r_sp()) - PAGE));
    fn((void *)PGROUNDUP((uint64)sbrk(0)));
}

static void read_write_at(void *p)
{
    int fd = open(NAME, O_RDWR);
    int ends[2];
    char c;

    CHECK_EQ(read(fd, p, 8192), -1);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, 5); /* the offset has not moved */
    CHECK_EQ(write(fd, p, 8192), -1);
    close(fd);
    CHECK_EQ(pipe(ends), 0);
    CHECK(write(ends[1], p, 8192) <= 0);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK(read(ends[0], p, 8192) <= 0);
    close(ends[0]);
    close(ends[1]);
    CHECK(write(1, p, 100) <= 0);
}

static void reads_and_writes(void)
{
    t_make_file(NAME, 3000, 5);
    with_each(read_write_at);
    t_check_file(NAME, 3000, 5);
    CHECK_EQ(unlink(NAME), 0);
}

static void path_at(void *p)
{
    char *argv[] = {"x", 0};
    struct stat st;

    CHECK_EQ(open(p, O_RDONLY), -1);
    CHECK_EQ(open(p, O_CREATE | O_RDWR), -1);
    CHECK_EQ(stat(p, &st), -1);
    CHECK_EQ(unlink(p), -1);
    CHECK_EQ(mkdir(p), -1);
    CHECK_EQ(chdir(p), -1);
    CHECK_EQ(mknod(p, 1, 1), -1);
    CHECK_EQ(link(p, "t_copy.x"), -1);
    CHECK_EQ(link("README", p), -1);
    CHECK_EQ(exec(p, argv), -1);
    CHECK_EQ(exec("echo", (char **)p), -1);
    argv[0] = p;
    CHECK_EQ(exec("echo", argv), -1);
}

static void paths(void)
{
    struct stat st;

    with_each(path_at);
    CHECK_EQ(stat("README", &st), 0);
    CHECK_EQ(st.nlink, 1);
}

static void result_at(void *p)
{
    int status;
    int pid;
    int fd = open("echo", O_RDONLY);

    CHECK_EQ(fstat(fd, p), -1);
    close(fd);
    CHECK_EQ(pipe(p), -1);
    CHECK_EQ(meminfo(p), -1);
    CHECK_EQ(procinfo(0, p), -1);
    pid = t_fork();
    if (pid == 0)
        exit(3);
    CHECK_EQ(wait(p), -1);
    CHECK_EQ(wait(&status), pid);
    CHECK_EQ(open("echo", O_RDONLY), fd); /* no descriptor is lost */
    close(fd);
}

static void results(void)
{
    with_each(result_at);
}

/* The kernel writes where the process could: not into text or constants. */
static void results_into_text(void)
{
    int fd = open("echo", O_RDONLY);
    int pid = t_fork();

    if (pid == 0)
        exit(3);
    CHECK_EQ(wait((int *)constant), -1);
    CHECK_EQ(t_wait(pid), 3);
    CHECK_EQ(read(fd, (void *)constant, 4), -1);
    CHECK_EQ(read(fd, (void *)8, 4), -1);
    CHECK_EQ(fstat(fd, (void *)constant), -1);
    CHECK_EQ(pipe((int *)constant), -1);
    CHECK_EQ(pipe((int *)8), -1);
    CHECK_EQ(strcmp(constant, "constant"), 0);
    close(fd);
}

/* Half a result in, half out of memory. */
static void across_the_end(void)
{
    char *end = t_align_break();
    int ends[2];
    int fd;

    sbrk(PAGE);
    end += PAGE;
    CHECK_EQ(pipe((int *)(end - 4)), -1);
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(write(ends[1], "0123456789", 10), 10);
    CHECK_EQ(read(ends[0], end - 10, 10), 10);
    fd = open("echo", O_RDONLY);
    CHECK_EQ(fstat(fd, (struct stat *)(end - 16)), -1);
    CHECK_EQ(read(fd, end - 5, 10), -1);
    CHECK_EQ(read(fd, end - 4, 4), 4); /* the offset has not moved: the file begins here */
    CHECK_EQ(memcmp(end - 4,
                    "\x7f"
                    "ELF",
                    4),
             0);
    memset(end - 4, 'R', 4);
    CHECK_EQ(open(end - 4, O_RDONLY), -1); /* a string without its NUL */
    close(fd);
}

/* What could be read is in the file, though the call fails. */
static void partial_write(void)
{
    char *end = t_align_break();
    char c = 0;
    int fd;

    sbrk(PAGE);
    end += PAGE;
    end[-1] = 'w';
    fd = open(NAME, O_CREATE | O_TRUNC | O_RDWR);
    CHECK_EQ(write(fd, end - 1, 2), -1);
    close(fd);
    fd = open(NAME, O_RDONLY);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, 'w');
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* Many failing writes of new blocks: fsck would find those that are lost. */
static void no_block_lost(void)
{
    for (int i = 0; i < 100; i++) {
        int fd = open(NAME, O_CREATE | O_WRONLY);

        CHECK_EQ(write(fd, (void *)0xffffffffffUL, 1), -1);
        close(fd);
        CHECK_EQ(unlink(NAME), 0);
    }
    t_make_file(NAME, 100, 1);
    CHECK_EQ(unlink(NAME), 0);
}

static const struct t_case cases[] = {
    {"reads_and_writes", reads_and_writes},
    {"paths", paths},
    {"results", results},
    {"results_into_text", results_into_text},
    {"across_the_end", across_the_end},
    {"partial_write", partial_write},
    {"no_block_lost", no_block_lost},
};

int main(int argc, char **argv)
{
    t_main("t_copy", cases, COUNT(cases), argc, argv);
}
