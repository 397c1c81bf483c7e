/*
 * usr/tests/t_mmapfile.c: mapped files: read, write and mapping agree at every moment.
 * Files that change under a mapping: t_mmapcut.c. Rules: docs/sharing.md.
 */
#include "t_mmapfile.h"

/* ---- what can be mapped ---- */

static void which_files(void)
{
    int fds[2];
    int fd = open(".", O_RDONLY);

    CHECK_EQ((long)mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -1);
    close(fd);
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ((long)mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0), -1);
    CHECK_EQ((long)mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 1, 0), -1); /* the console */
    t_make_file(NAME, 100, 1);
    fd = open_file(O_WRONLY);
    CHECK_ERRNO(mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), EACCES);
    CHECK_ERRNO(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
    close(fd);
    fd = open_file(O_RDONLY);
    CHECK_ERRNO(mmap(0, PAGE, BOTH, MAP_SHARED, fd, 0), EACCES);
    CHECK_ERRNO(mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 100), EINVAL);
    CHECK_EQ((long)mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, -(long)PAGE), -1);
    CHECK_EQ((long)mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 1L << 40), -1);
    CHECK_EQ((long)mmap(0, ~0UL, PROT_READ, MAP_SHARED, fd, 0), -1);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* A shared mapping of a file that is open for reading cannot become writable; a private one can. */
static void read_only(void)
{
    int fd;
    char *shared, *own;

    t_make_file(NAME, 100, 1);
    fd = open_file(O_RDONLY);
    shared = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    own = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    CHECK(t_is_pattern(shared, 100, 1));
    CHECK_ERRNO(mprotect(shared, PAGE, BOTH), EACCES);
    CHECK_EQ(t_status(only_store_at, (uint64)shared), -1);
    CHECK_EQ(mprotect(own, PAGE, BOTH), 0);
    t_fill(own, PAGE, 5);
    CHECK(t_is_pattern(shared, 100, 1));
    t_check_file(NAME, 100, 1);
    CHECK_EQ(unlink(NAME), 0);
}

/* ---- agreement ---- */

static void shared_mapping(void)
{
    int n = 3 * (int)PAGE + 100;
    char *p = map_new(n, 1, BOTH, MAP_SHARED);

    CHECK(t_is_pattern(p, (uint64)n, 1));
    for (int i = n; i < 4 * (int)PAGE; i++)
        if (p[i] != 0) {
            CHECK(!"beyond the end of the file there is nothing");
            break;
        }
    for (int at = 0; at < n; at += 777) {
        char c = (char)(at / 777 + 100);

        p[at] = c;
        CHECK_EQ(byte_at(at), c);
        c++;
        write_at(at, &c, 1);
        CHECK_EQ(p[at], c);
    }
    t_fill(p, (uint64)n, 7);
    t_check_file(NAME, n, 7);
    CHECK_EQ(munmap(p, (uint64)n), 0);
    t_check_file(NAME, n, 7);
    CHECK_EQ(unlink(NAME), 0);
}

static void private_mapping(void)
{
    int n = 2 * (int)PAGE;
    char *p = map_new(n, 1, BOTH, MAP_PRIVATE);

    CHECK_EQ(p[PAGE], (char)(1 + PAGE));
    p[0] = 77;
    t_check_file(NAME, n, 1);
    write_at(0, "WW", 2);
    CHECK_EQ(p[0], 77);
    CHECK_EQ(p[1], 2); /* the page is this process' own since the store */
    CHECK_EQ(munmap(p, (uint64)n), 0);
    CHECK_EQ(byte_at(0), 'W');
    CHECK_EQ(unlink(NAME), 0);
}

static void two_views(void)
{
    int fd;
    char *whole = map_new(3 * (int)PAGE, 1, BOTH, MAP_SHARED);
    char *second;

    fd = open_file(O_RDWR);
    second = mmap(0, PAGE, BOTH, MAP_SHARED, fd, PAGE);
    CHECK(second != MAP_FAILED);
    close(fd);
    CHECK(t_is_pattern(second, PAGE, 1 + (int)PAGE));
    second[5] = 'x';
    CHECK_EQ(whole[PAGE + 5], 'x');
    whole[2 * PAGE - 1] = 'y';
    CHECK_EQ(second[PAGE - 1], 'y');
    CHECK_EQ(munmap(whole, 3 * PAGE), 0);
    CHECK_EQ(byte_at((int)PAGE + 5), 'x');
    second[6] = 'z';
    CHECK_EQ(byte_at((int)PAGE + 6), 'z');
    CHECK_EQ(munmap(second, PAGE), 0);
    CHECK_EQ(unlink(NAME), 0);
}

/* read and write whose buffer is the mapping of the very file, with pages not touched yet. */
static void into_itself(void)
{
    int n = 4 * (int)PAGE;
    char *p = map_new(n, 1, BOTH, MAP_SHARED);
    int fd = open_file(O_RDWR);

    CHECK_EQ(read(fd, p + 2 * PAGE, (int)PAGE), PAGE); /* page 0 into page 2 */
    CHECK(t_is_pattern(p + 2 * PAGE, PAGE, 1));
    CHECK_EQ(write(fd, p + 3 * PAGE, (int)PAGE), PAGE); /* page 3 onto page 1 */
    CHECK(t_is_pattern(p + PAGE, PAGE, 1 + 3 * (int)PAGE));
    close(fd);
    CHECK_EQ(munmap(p, (uint64)n), 0);
    fd = open_file(O_RDONLY);
    CHECK_EQ(read(fd, chunk, 2 * (int)PAGE), 2 * PAGE);
    CHECK(t_is_pattern(chunk, PAGE, 1));
    CHECK(t_is_pattern(chunk + PAGE, PAGE, 1 + 3 * (int)PAGE));
    CHECK_EQ(read(fd, chunk, (int)PAGE), PAGE);
    CHECK(t_is_pattern(chunk, PAGE, 1));
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* A path, an argument and a wait status may lie in a mapping. */
static void names_in_file(void)
{
    char *p = map_new(100, 0, BOTH, MAP_SHARED);
    char *argv[] = {p, 0};
    int pid;

    strcpy(p, "echo");
    CHECK_EQ(munmap(p, 100), 0);
    p = mmap(0, 100, PROT_READ, MAP_SHARED, open_file(O_RDONLY), 0);
    argv[0] = p;
    pid = t_fork();
    if (pid == 0) {
        exec(p, argv);
        exit(1);
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(munmap(p, 100), 0);
    p = mmap(0, 100, PROT_READ, MAP_SHARED, open_file(O_RDONLY), 0);
    CHECK(open(p, O_RDONLY) >= 0);
    CHECK_EQ(unlink(NAME), 0);
}

/* ---- several processes ---- */

static void add_in_file(uint64 n)
{
    int fd = open_file(O_RDWR);
    volatile uint *p = mmap(0, PAGE, BOTH, MAP_SHARED, fd, 0);

    for (uint64 i = 0; i < n; i++)
        __sync_fetch_and_add(p, 1);
}

static void many_processes(void)
{
    uint value = 0;
    int fd;

    t_make_file(NAME, (int)PAGE, 0);
    write_at(0, &value, sizeof(value));
    for (int i = 0; i < 4; i++)
        if (t_fork() == 0) {
            add_in_file(5000);
            t_exit(); /* without munmap */
        }
    for (int i = 0; i < 4; i++) {
        int status = 1;

        wait(&status);
        CHECK_EQ(status, 0);
    }
    fd = open_file(O_RDONLY);
    CHECK_EQ(read(fd, &value, sizeof(value)), sizeof(value));
    CHECK_EQ(value, 20000);
    CHECK_EQ(unlink(NAME), 0);
}

/* One stores through a mapping, one reads: what is read never goes back. */
static void count_in_file(uint64 address)
{
    for (uint64 i = 1; i <= 300000; i++)
        *(volatile uint64 *)address = i;
}

static void read_follows_store(void)
{
    char *p = map_new((int)PAGE, 0, BOTH, MAP_SHARED);
    uint64 seen = 0;
    int pid;

    memset(p, 0, PAGE);
    pid = t_fork();
    if (pid == 0) {
        count_in_file((uint64)p);
        t_exit();
    }
    for (int i = 0; i < 300; i++) {
        int fd = open_file(O_RDONLY);
        uint64 now = 0;
        uint64 later = *(volatile uint64 *)p;

        CHECK_EQ(read(fd, &now, sizeof(now)), sizeof(now));
        close(fd);
        CHECK(now >= seen && now >= later);
        seen = now;
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(*(volatile uint64 *)p, 300000);
    CHECK_EQ(unlink(NAME), 0);
}

/* One writes by write(), the other sees it in its mapping, however they are interleaved. */
static void write_forever(uint64 arg)
{
    for (uint64 i = 1;; i++)
        write_at(0, &i, sizeof(i));
}

static void mapping_follows_write(void)
{
    char *p = map_new((int)PAGE, 0, PROT_READ, MAP_SHARED);
    uint64 zero = 0;
    uint64 seen = 0;
    int pid;

    write_at(0, &zero, sizeof(zero));
    pid = t_fork();
    if (pid == 0)
        write_forever(0);
    for (int i = 1; seen < 100; i++) {
        uint64 now = *(volatile uint64 *)p;

        CHECK(now >= seen);
        seen = now;
        if (i % 100000 == 0)
            pause(1); /* with one hart, it is the writer's turn */
    }
    CHECK_EQ(kill(pid), 0);
    CHECK_EQ(t_wait(pid), -1);
    CHECK_EQ(unlink(NAME), 0);
}

/* How a process ends makes no difference to what it stored. */
static void store_and_end(uint64 how)
{
    static char *argv[] = {"echo", 0};
    int fd = open_file(O_RDWR);
    char *p = mmap(0, 3 * PAGE, BOTH, MAP_SHARED, fd, 0);

    close(fd);
    t_fill(p, 3 * PAGE, 20 + (int)how);
    if (how == 1)
        exec("echo", argv);
    if (how == 2) {
        kill(getpid());
        for (;;)
            ;
    }
    if (how == 3)
        *(volatile char *)0xfffffff000 = 1;
}

static void ends(void)
{
    for (int how = 0; how < 4; how++) {
        t_make_file(NAME, 3 * (int)PAGE, 1);
        CHECK_EQ(t_status(store_and_end, (uint64)how), how < 2 ? 0 : -1);
        t_check_file(NAME, 3 * (int)PAGE, 20 + how);
    }
    CHECK_EQ(unlink(NAME), 0);
}

static void over_fork(void)
{
    char *shared = map_new((int)PAGE, 1, BOTH, MAP_SHARED);
    char *own = mmap(0, PAGE, BOTH, MAP_PRIVATE, open_file(O_RDONLY), 0);
    int pid;

    own[0] = 50;
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(own[0], 50);
        shared[0] = own[0] = 60;
        own[1] = 61;
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(shared[0], 60);
    CHECK_EQ(own[0], 50);
    CHECK_EQ(own[1], 2);
    CHECK_EQ(byte_at(0), 60);
    CHECK_EQ(unlink(NAME), 0);
}

static const struct t_case cases[] = {
    {"which_files", which_files},
    {"read_only", read_only},
    {"shared_mapping", shared_mapping},
    {"private_mapping", private_mapping},
    {"two_views", two_views},
    {"into_itself", into_itself},
    {"names_in_file", names_in_file},
    {"many_processes", many_processes},
    {"read_follows_store", read_follows_store},
    {"mapping_follows_write", mapping_follows_write},
    {"ends", ends},
    {"over_fork", over_fork},
};

int main(int argc, char **argv)
{
    t_main("t_mmapfile", cases, COUNT(cases), argc, argv);
}
