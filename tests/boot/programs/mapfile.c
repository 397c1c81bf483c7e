/*
 * mapfile.c: stores to a file through a mapping, and leaves the rest to exit.
 *
 *   mapfile store      writes the file, stores over it through a mapping, exits with that mapped
 *   mapfile sync       the same, but msync, and then never ends: the power goes
 *   mapfile check      the file holds what was stored
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"
#include "user/mman.h"

#define NAME  "mapfile.x"
#define BYTES (3 * 4096 + 100)

static char byte_at(int i)
{
    return (char)(i * 7 + i / 256);
}

static char *map(int flags)
{
    int fd = open(NAME, flags);

    return fd < 0 ? MAP_FAILED
                  : mmap(0, BYTES, PROT_READ | (flags ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
}

static int check(void)
{
    char *p = map(O_RDONLY);

    if (p == MAP_FAILED)
        return 0;
    for (int i = 0; i < BYTES; i++)
        if (p[i] != byte_at(i))
            return 0;
    return 1;
}

static int store(void)
{
    static char zero[BYTES];
    int fd = open(NAME, O_CREATE | O_RDWR | O_TRUNC);
    char *p;

    if (write(fd, zero, BYTES) != BYTES || (p = map(O_RDWR)) == MAP_FAILED)
        return 0;
    for (int i = 0; i < BYTES; i++)
        p[i] = byte_at(i);
    return 1;
}

static int sync_and_stay(void)
{
    char *p;

    if (!store() || (p = map(O_RDWR)) == MAP_FAILED || msync(p, BYTES, MS_SYNC) < 0)
        return 0;
    printf("mapfile: synced\n");
    for (;;)
        pause(100);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "check";
    int good = strcmp(what, "store") == 0  ? store()
               : strcmp(what, "sync") == 0 ? sync_and_stay()
                                           : check();

    printf("mapfile: %s\n", good ? "OK" : "FAILED");
    exit(!good);
}
