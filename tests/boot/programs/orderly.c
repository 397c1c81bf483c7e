/*
 * orderly.c: what is lost when the machine is switched off in the middle of everything?
 *
 *   orderly off        works with files in many processes, then powers off
 *   orderly reboot     the same, then reboots
 *   orderly full       powers off while all memory is taken
 *   orderly sync       the same work, then sync(), then no end: the power goes
 *   orderly fsync      with an fsync() for each of the two files that count
 *   orderly long       leaves a process that is in the middle of a long call
 *   orderly kept       after the next boot: what was synced is there
 *   orderly check      and calls that were under way have been done to their end
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/stat.h"
#include "user/user.h"
#include "user/mman.h"

#define MAPPED  9000
#define LONGEST (MAXFILE * BSIZE)

static char buffer[LONGEST];
static int ready[2];

static int create(const char *name)
{
    return open(name, O_CREATE | O_TRUNC | O_RDWR);
}

static char byte_at(int i)
{
    return (char)(i * 7 + i / 256 + 1);
}

/* Short calls, and long ones, that come to no end. */
static void write_for_ever(const char *name, int n)
{
    for (;;) {
        int fd = create(name);

        write(fd, buffer, n);
        close(fd);
    }
}

/* Stores that no call has written yet. */
static void store(const char *name)
{
    int fd = create(name);
    char *p;

    write(fd, buffer, MAPPED);
    p = mmap(0, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (int i = 0; p != MAP_FAILED && i < MAPPED; i++)
        p[i] = byte_at(i);
    close(fd);
}

static void store_and_stay(void)
{
    store("o.mapped");
    write(ready[1], "m", 1);
    for (;;)
        pause(100);
}

/* A file without a name goes with its last user, and nothing of it stays on the disk. */
static void hold_unlinked(void)
{
    int fd = create("o.unlinked");

    write(fd, buffer, 5000);
    unlink("o.unlinked");
    write(ready[1], "u", 1);
    for (;;)
        pause(100);
}

/* Whoever looks for this process finds the child of the one that was there. */
static void run_away(void)
{
    for (;;)
        if (fork() > 0)
            exit(0);
}

static void start_others(void)
{
    char c;

    pipe(ready);
    if (fork() == 0)
        write_for_ever("o.short", 3000);
    if (fork() == 0)
        write_for_ever("o.long", LONGEST);
    if (fork() == 0)
        store_and_stay();
    if (fork() == 0)
        hold_unlinked();
    if (fork() == 0)
        run_away();
    read(ready[0], &c, 1);
    read(ready[0], &c, 1);
}

static long size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) < 0 ? -1 : (long)st.size;
}

static void start_long_call(void)
{
    if (fork() == 0)
        write_for_ever("o.long", LONGEST);
    while (size_of("o.long") <= 0)
        pause(1);
    exit(0);
}

static void take_all_memory(void)
{
    for (int n = 1 << 26; n >= 4096; n /= 2)
        while (sbrk(n) != SBRK_ERROR)
            ;
}

static void write_last(void)
{
    int fd = create("o.last");

    write(fd, "precious", 8);
    close(fd);
}

static int fsync_name(const char *name)
{
    int fd = open(name, O_RDONLY);
    int result = fsync(fd);

    close(fd);
    return result;
}

static void sync_and_stay(int each)
{
    int result = each ? fsync_name("o.last") | fsync_name("o.mapped") : sync();

    printf("orderly: synced %d\n", result);
    for (;;)
        pause(100);
}

/* Who asks has a file mapped. Two at once ask for poweroff; the end of one writes what both have stored. */
static void end_machine(int (*how)(void))
{
    if (how == poweroff)
        fork();
    how();
    printf("orderly: FAILED\n");
}

static int is_stored(const char *name)
{
    int fd = open(name, O_RDONLY);

    if (read(fd, buffer, sizeof(buffer)) != MAPPED)
        return 0;
    for (int i = 0; i < MAPPED; i++)
        if (buffer[i] != byte_at(i))
            return 0;
    return 1;
}

static int last_is_kept(void)
{
    int fd = open("o.last", O_RDONLY);

    return read(fd, buffer, 100) == 8 && memcmp(buffer, "precious", 8) == 0;
}

/* A call that was under way has been done to its end. */
static int whole_or_empty(const char *name, long size)
{
    return size_of(name) == size || size_of(name) <= 0;
}

static int kept(void)
{
    printf("sizes: mapped %ld last %ld long %ld short %ld\n", size_of("o.mapped"),
           size_of("o.last"), size_of("o.long"), size_of("o.short"));
    return is_stored("o.mapped") && last_is_kept();
}

static int check(void)
{
    return kept() && is_stored("o.own") && whole_or_empty("o.long", LONGEST) &&
           whole_or_empty("o.short", 3000) && size_of("o.unlinked") < 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "check";

    if (strcmp(what, "check") == 0 || strcmp(what, "kept") == 0) {
        printf("orderly: %s\n", (what[0] == 'c' ? check() : kept()) ? "OK" : "FAILED");
        exit(0);
    }
    if (strcmp(what, "long") == 0)
        start_long_call();
    start_others();
    store("o.own");
    if (strcmp(what, "full") == 0)
        take_all_memory();
    write_last();
    if (strcmp(what, "sync") == 0 || strcmp(what, "fsync") == 0)
        sync_and_stay(what[0] == 'f');
    end_machine(strcmp(what, "reboot") == 0 ? reboot : poweroff);
    exit(1);
}
