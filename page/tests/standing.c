/*
 * page/tests/standing.c: processes that share memory in every way, and then stand still, for a test to look at.
 *
 * The parent owns two pages; `borrower` maps them; `copy` has them copied by fork, as everything else, copy-on-write;
 * `spinner` runs in user mode for ever; parent and borrower map a file. It prints who is who, and "standing" at the end.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "user/user.h"
#include "user/mman.h"

#define FOREVER 1000000

static char pages[2 * PGSIZE] __attribute__((aligned(4096)));
static int ready[2];

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("standing: %s\n", what);
    exit(1);
}

static char *map_readme(void)
{
    int fd = open("README", O_RDONLY);
    char *file = mmap(0, 2 * PGSIZE, PROT_READ, MAP_SHARED, fd, 0);

    expect(fd >= 0 && file != MAP_FAILED && file[0] != 0, "the file is not mapped");
    close(fd);
    return file;
}

static void stand(const char *who, void *what)
{
    printf("%s %d %p\n", who, getpid(), what);
    write(ready[1], "r", 1);
    pause(FOREVER);
    exit(0);
}

static void borrow(void)
{
    char *at = (char *)map_shared_pages(getppid(), getpid(), (uint64)pages, sizeof(pages));

    expect(at != 0, "nothing was lent");
    at[0] = 'b';
    map_readme();
    stand("borrower", at);
}

/* A function of its own name, for backtraces. */
__attribute__((noinline)) void spin_in_user_mode(void)
{
    for (;;)
        ;
}

static void spin(void)
{
    printf("spinner %d %p\n", getpid(), (void *)spin_in_user_mode);
    write(ready[1], "r", 1);
    spin_in_user_mode();
}

static void start(void (*run)(void))
{
    char c;
    int pid = fork();

    expect(pid >= 0, "fork failed");
    if (pid == 0)
        run();
    expect(read(ready[0], &c, 1) == 1, "nobody is ready");
}

static void copy(void)
{
    pages[PGSIZE] = 'c';
    stand("copy", pages);
}

int main(void)
{
    char *file;

    pages[0] = 'a';
    pages[PGSIZE] = 'a';
    expect(pipe(ready) == 0, "no pipe");
    start(copy);
    start(borrow);
    start(spin);
    file = map_readme();
    printf("file %d %p\n", getpid(), file);
    printf("owner %d %p\nstanding\n", getpid(), pages);
    pause(FOREVER);
    return 0;
}
