/*
 * usr/scene.c: small programs to look at while they run, in the page or in gdb.
 *
 *   scene touch     stores to fresh memory for the first time
 *   scene fork      parent and child store to the same page after fork
 *   scene owner     the owner of a shared page exits before its borrower
 *   scene file      two processes map the same file, and one stores to it
 *
 * Each says what it has done. The last line is `scene: OK` and the status 0.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "kernel/fcntl.h"
#include "user/user.h"

static char page[PGSIZE] __attribute__((aligned(4096)));

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("scene: %s\n", what);
    exit(1);
}

static void wait_for_child(void)
{
    int status = 0;

    expect(wait(&status) >= 0 && status == 0, "the child failed");
}

static int touch(void)
{
    char *fresh = sbrklazy(PGSIZE);

    expect(fresh != (char *)-1, "sbrk failed");
    printf("scene: the area has grown, and there is no frame yet\n");
    fresh[0] = 't';
    printf("scene: the first store brought a frame\n");
    return 0;
}

static int fork_and_store(void)
{
    page[0] = 'p';
    if (fork() == 0) {
        page[0] = 'c';
        exit(page[0] == 'c' ? 0 : 1);
    }
    wait_for_child();
    expect(page[0] == 'p', "the child's store reached the parent");
    page[0] = 'P';
    printf("scene: each has a page of its own\n");
    return 0;
}

/* The grandchild borrows the child's page; the child exits, and the page lives on. */
static void borrower(int owner, int ready, int gone)
{
    char *borrowed = (char *)map_from(owner, page, PGSIZE);
    char c;

    expect(borrowed != (char *)-1, "the page cannot be mapped");
    expect(write(ready, "r", 1) == 1, "the owner is gone too early");
    read(gone, &c, 1); /* gives 0 when the owner has exited */
    expect(borrowed[0] == 'o', "the page has changed");
    borrowed[0] = 'b';
    printf("scene: the owner is gone, and its page is still here\n");
    expect(unmap_shared_pages(borrowed, PGSIZE) == 0, "unmap failed");
    printf("scene: the last holder let go\n");
    exit(0);
}

static void owner(int done)
{
    int ready[2], gone[2], me = getpid();
    char c;

    page[0] = 'o';
    expect(pipe(ready) == 0 && pipe(gone) == 0, "pipe failed");
    if (fork() == 0) {
        close(gone[1]);
        borrower(me, ready[1], gone[0]);
    }
    close(done);
    expect(read(ready[0], &c, 1) == 1, "the borrower is gone");
    exit(0); /* closes gone[1], which wakes the borrower */
}

static int owner_first(void)
{
    int done[2];
    char c;

    expect(pipe(done) == 0, "pipe failed");
    if (fork() == 0)
        owner(done[1]);
    close(done[1]);
    wait_for_child();
    read(done[0], &c, 1); /* gives 0 when the borrower has exited, too */
    return 0;
}

static char *map_file(const char *name)
{
    int fd = open(name, O_RDWR);
    char *at;

    expect(fd >= 0, "the file cannot be opened");
    at = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    expect(at != MAP_FAILED, "the file cannot be mapped");
    close(fd);
    return at;
}

static int file(void)
{
    int fd = open("scene.txt", O_CREATE | O_RDWR | O_TRUNC);
    char *at;

    expect(fd >= 0 && write(fd, page, PGSIZE) == PGSIZE, "the file cannot be written");
    close(fd);
    at = map_file("scene.txt");
    if (fork() == 0) {
        at = map_file("scene.txt");
        at[1] = 'c';
        exit(0);
    }
    at[0] = 'p';
    wait_for_child();
    expect(at[1] == 'c', "the child's store is not here");
    expect(msync(at, PGSIZE, MS_SYNC) == 0 && munmap(at, PGSIZE) == 0, "unmap failed");
    printf("scene: both stored to one page\n");
    return unlink("scene.txt");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } scenes[] = {
        {"touch", touch}, {"fork", fork_and_store}, {"owner", owner_first}, {"file", file}};

    for (int i = 0; argc == 2 && i < 4; i++) {
        if (strcmp(argv[1], scenes[i].name) == 0) {
            expect(scenes[i].run() == 0, "failed");
            printf("scene: OK\n");
            exit(0);
        }
    }
    fprintf(2, "usage: scene touch | fork | owner | file\n");
    exit(1);
}
