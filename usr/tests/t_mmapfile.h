/*
 * usr/tests/t_mmapfile.h: a file to be mapped.
 */
#ifndef LAMINA_T_MMAPFILE_H
#define LAMINA_T_MMAPFILE_H

#include "t_mmap.h"
#include "kernel/fs.h"
#include "kernel/stat.h"

#define NAME "t_mmap.tmp"

static __attribute__((unused)) char chunk[2 * PAGE];

static __attribute__((unused)) int open_file(int flags)
{
    int fd = open(NAME, flags);

    CHECK(fd >= 0);
    return fd;
}

/* The file of n patterned bytes, mapped. */
static __attribute__((unused)) char *map_new(int n, int seed, int prot, int flags)
{
    int fd;
    char *p;

    t_make_file(NAME, n, seed);
    fd = open_file(O_RDWR);
    p = mmap(0, (size_t)n, prot, flags, fd, 0);
    CHECK(p != MAP_FAILED);
    close(fd);
    return p;
}

/* Writes n bytes of p at `at` in the file, by write(). */
static __attribute__((unused)) void write_at(int at, const void *p, int n)
{
    int fd = open_file(O_RDWR);

    while (at > 0) {
        int part = at < (int)sizeof(chunk) ? at : (int)sizeof(chunk);

        CHECK_EQ(read(fd, chunk, part), part);
        at -= part;
    }
    CHECK_EQ(write(fd, p, n), n);
    close(fd);
}

static __attribute__((unused)) char byte_at(int at)
{
    int fd = open_file(O_RDONLY);
    char c = 0;

    for (; at >= 0; at -= (int)sizeof(chunk)) {
        int part = at + 1 < (int)sizeof(chunk) ? at + 1 : (int)sizeof(chunk);

        CHECK_EQ(read(fd, chunk, part), part);
        c = chunk[part - 1];
    }
    close(fd);
    return c;
}

#endif
