/*
 * usr/tests/t_oom.c: memory runs out, in every call that needs some. Each gives -1 or works; none
 * kills, none leaks, and what was promised is delivered. Invariants attacked: I5, I6, I7, I8.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/lamina.h"
#include "t.h"

#define LEAVE_MAX 24          /* pages left, from 0 up, for a call to run out in the middle */
#define TOUCH_MAX (1UL << 30) /* machines with more are not filled by touching */

static char buffer[4 * PAGE] __attribute__((aligned(4096)));

/* Takes all the heap there is, in falling steps. */
static void eat_memory(void)
{
    for (int step = 1 << 26; step >= (int)PAGE; step /= 4)
        while (sbrk(step) != SBRK_ERROR)
            ;
}

static void give_back(int pages)
{
    if (pages > 0)
        CHECK(sbrk(-pages * (int)PAGE) != SBRK_ERROR);
}

static void eat_all_and_touch(void)
{
    struct meminfo info;
    char *start = t_align_break();
    uint64 size;

    CHECK_EQ(meminfo(&info), 0);
    eat_memory();
    size = (uint64)sbrk(0) - (uint64)start;
    CHECK(size > PAGE);
    CHECK_EQ((uint64)sbrk(PAGE), -1);
    CHECK_EQ((uint64)sbrk(0), (uint64)start + size);
    if (size < TOUCH_MAX)
        for (uint64 i = 0; i < size; i += PAGE)
            *(uint64 *)(start + i) = i;
    if (size < TOUCH_MAX)
        for (uint64 i = 0; i < size; i += PAGE)
            if (*(uint64 *)(start + i) != i) {
                CHECK(!"every promised page is there and is its own");
                break;
            }
    for (uint64 left = size; left > 0;) {
        uint64 part = left < 1UL << 30 ? left : 1UL << 30;

        CHECK(sbrk(-(int)part) != SBRK_ERROR);
        left -= part;
    }
    CHECK_EQ(audit(), 0);
}

/* Runs fn with `pages` pages left for it, in a child, and looks for what it lost. */
static void with_pages_left(void (*fn)(void))
{
    for (int pages = 0; pages < LEAVE_MAX; pages++) {
        long before = t_free_pages();
        int pid = t_fork();

        if (pid == 0) {
            eat_memory();
            give_back(pages);
            fn();
            t_exit();
        }
        CHECK_EQ(t_wait(pid), 0);
        CHECK(t_settle(before) >= before);
    }
    CHECK_EQ(audit(), 0);
}

static void fork_once(void)
{
    int pid = fork();

    if (pid == 0)
        exit(0);
    if (pid > 0)
        CHECK_EQ(t_wait(pid), 0);
}

static void forks(void)
{
    with_pages_left(fork_once);
}

static void exec_once(void)
{
    static char *argv[] = {"echo", 0};

    exec("echo", argv); /* -1, or the end of this process with status 0 */
}

static void execs(void)
{
    with_pages_left(exec_once);
}

static void pipe_once(void)
{
    int ends[2];
    char c = 0;

    for (int i = 0; i < 5; i++) {
        if (pipe(ends) < 0)
            return;
        CHECK_EQ(write(ends[1], "p", 1), 1);
        CHECK_EQ(read(ends[0], &c, 1), 1);
        CHECK_EQ(c, 'p');
    }
}

static void pipes(void)
{
    with_pages_left(pipe_once);
}

static void map_once(void)
{
    uint64 size = (uint64)sbrk(0);
    uint64 at = map_to(getpid(), buffer, sizeof(buffer));

    if (at == NO_ADDRESS) {
        CHECK_EQ((uint64)sbrk(0), size);
        return;
    }
    t_fill(buffer, sizeof(buffer), 1);
    CHECK(t_is_pattern((char *)at, sizeof(buffer), 1));
    CHECK_EQ(unmap_shared_pages(at, sizeof(buffer)), 0);
    CHECK_EQ((uint64)sbrk(0), size);
}

static void maps(void)
{
    with_pages_left(map_once);
}

/* May be refused at each step; what worked must have worked. */
static void file_once(void)
{
    int fd = open("t_oom.tmp", O_CREATE | O_TRUNC | O_RDWR);
    int written;

    if (fd < 0)
        return;
    t_fill(buffer, 5000, 1);
    written = write(fd, buffer, 5000);
    close(fd);
    if (written == 5000 && (fd = open("t_oom.tmp", O_RDONLY)) >= 0) {
        memset(buffer, 0, 5000);
        if (read(fd, buffer, 5000) == 5000)
            CHECK(t_is_pattern(buffer, 5000, 1));
        close(fd);
    }
}

static void files(void)
{
    t_make_file("t_oom.tmp", 1, 1);
    with_pages_left(file_once);
    CHECK_EQ(unlink("t_oom.tmp"), 0);
}

/* Each takes what it is promised and touches it all, while the others do: nobody is killed. */
static void promises_kept(void)
{
    enum {
        CHILDREN = 6
    };
    int go[2];
    char c;

    CHECK_EQ(pipe(go), 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (t_fork() == 0) {
            close(go[1]);
            read(go[0], &c, 1); /* until all are there: forks need memory, too */
            for (int k = 0; k < 4000; k++) {
                char *p = sbrk(16 * PAGE);

                if (p == SBRK_ERROR)
                    break;
                for (uint64 at = 0; at < 16 * PAGE; at += PAGE)
                    p[at] = 1;
            }
            t_exit();
        }
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;

        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 0);
    }
}

/* Two halves do not fit twice: either fork refuses, or both sides can write it all. */
static void copy_on_write_promises(void)
{
    struct meminfo info;
    uint64 share;

    CHECK_EQ(meminfo(&info), 0);
    for (uint64 percent = 30; percent <= 70; percent += 20) {
        char *p;
        int pid;

        share = (info.free - info.promised) * percent / 100 * PAGE;
        if (share > TOUCH_MAX)
            return;
        p = sbrk((int)share);
        if (p == SBRK_ERROR)
            continue;
        for (uint64 at = 0; at < share; at += PAGE)
            p[at] = 1;
        pid = fork();
        if (pid >= 0)
            for (uint64 at = 0; at < share; at += PAGE)
                p[at] = 2;
        if (pid == 0)
            t_exit();
        if (pid > 0)
            CHECK_EQ(t_wait(pid), 0);
        CHECK(sbrk(-(int)share) != SBRK_ERROR);
    }
}

static void touch_lazily(uint64 bytes)
{
    char *p = sbrklazy((int)bytes);

    if (p == SBRK_ERROR)
        exit(1);
    for (uint64 at = 0; at < bytes; at += PAGE)
        p[at] = 1;
}

/* A lazy heap is promised nothing: who uses it up is killed, and nobody else. */
static void lazy_ends_alone(void)
{
    struct meminfo info;
    uint64 bytes;

    CHECK_EQ(meminfo(&info), 0);
    bytes = info.total * PAGE;
    if (bytes > TOUCH_MAX)
        return;
    CHECK_EQ(t_status(touch_lazily, bytes), -1);
    CHECK_EQ(t_status(touch_lazily, PAGE), 0);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"eat_all_and_touch", eat_all_and_touch},
    {"forks", forks},
    {"execs", execs},
    {"pipes", pipes},
    {"maps", maps},
    {"files", files},
    {"promises_kept", promises_kept},
    {"copy_on_write_promises", copy_on_write_promises},
    {"lazy_ends_alone", lazy_ends_alone},
};

int main(int argc, char **argv)
{
    t_main("t_oom", cases, COUNT(cases), argc, argv);
}
