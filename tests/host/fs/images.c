/*
 * images.c - tools/fsck.c as a library, and tools/mkfs.c run as a child's main().
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Problems are worth a line here, remarks are not. */
static int print_problem(const char *fmt, ...)
{
    va_list ap;

    if (strncmp(fmt, "note:", 5) == 0)
        return 0;
    va_start(ap, fmt);
    int n = vprintf(fmt, ap);
    va_end(ap);
    return n;
}

#define main   fsck_main
#define printf print_problem
#include "../../../tools/fsck.c"
#undef main
#undef printf

#include "world.h"

int mkfs_main(int argc, char **argv);

static void write_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");

    for (size_t i = 0; i < size; i++)
        fputc((int)(i * 7 % 251), f);
    fclose(f);
}

/* Reads a file as the disk. */
static void load_disk(const char *path)
{
    FILE *f = fopen(path, "rb");

    CHECK(f);
    fseek(f, 0, SEEK_END);
    world_disk_bytes = (size_t)ftell(f);
    rewind(f);
    free(world_disk);
    world_disk = malloc(world_disk_bytes);
    CHECK(fread(world_disk, 1, world_disk_bytes, f) == world_disk_bytes);
    fclose(f);
    world_dev.nsectors = world_disk_bytes / 512;
}

static char *mkfs_args[16];

static void run_mkfs(void *arg)
{
    int n = 0;

    while (mkfs_args[n])
        n++;
    freopen("/dev/null", "w", stdout);
    CHECK(mkfs_main(n, mkfs_args) == 0);
}

void image_make(const char *blocks, const char *inodes)
{
    char dir[] = "/tmp/lamina-fs-XXXXXX";
    int n = 0;

    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    write_file("README", 2300);
    write_file("_cat", 30000);
    mkfs_args[n++] = "mkfs";
    if (blocks) {
        mkfs_args[n++] = "-b";
        mkfs_args[n++] = (char *)blocks;
    }
    if (inodes) {
        mkfs_args[n++] = "-i";
        mkfs_args[n++] = (char *)inodes;
    }
    mkfs_args[n++] = "fs.img";
    mkfs_args[n++] = "README";
    mkfs_args[n++] = "_cat";
    mkfs_args[n] = NULL;
    CHECK(world_run(run_mkfs, NULL));
    load_disk("fs.img");
    unlink("README");
    unlink("_cat");
    unlink("fs.img");
    CHECK(chdir("/") == 0 && rmdir(dir) == 0);
}

unsigned image_fsck(int mode)
{
    problems = repairs = 0;
    queue_size = 0;
    image = malloc(world_disk_bytes);
    memcpy(image, world_disk, world_disk_bytes);
    image_blocks = world_disk_bytes / BSIZE;
    if (check_super() == 0) {
        check_log(mode & FSCK_REPLAY);
        check_contents(mode & FSCK_ORPHANS);
        free(owner);
        free(names);
        free(subdirs);
        free(parent);
        free(queue);
    }
    free(image);
    return problems + repairs;
}
