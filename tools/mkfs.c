/*
 * mkfs: makes a file system image that xv6 and Lamina mount, with files in its root.
 *
 *     mkfs [-b blocks] [-i inodes] IMAGE files...
 *
 * A file gets the last part of its path as its name, without one leading `_`. The device `console`
 * comes last: init could not make it on a read-only disk. Without -b and -i the image has 2000
 * blocks and 200 inodes, or more when the files need it: SPARE blocks stay free. The same files
 * give the same bytes. Host program: gcc -Wall -Wextra -Iinclude tools/mkfs.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/format.h"
#include "uapi/kernel/file.h"

enum {
    BLOCKS = 2000,
    INODES = 200,
    SPARE = 1000,
    NLOG = LOG_BLOCKS_MAX + 1
};

/* A file or device to put on the image. */
struct source {
    const char *name;
    short type;
    short major;
    uint8_t *data;
    size_t size;
};

static struct superblock sb;
static uint8_t *image;
static uint32_t next_block; /* lowest block that is free */

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "mkfs: %s: %s\n", name, what);
    exit(1);
}

static void *allocate(size_t n)
{
    void *p = calloc(n ? n : 1, 1);

    if (!p)
        fail("out of memory", "image");
    return p;
}

static uint8_t *block_at(uint32_t block)
{
    return image + (size_t)block * BSIZE;
}

static struct dinode *inode_at(uint32_t inum)
{
    return (struct dinode *)block_at(IBLOCK(inum, sb)) + inum % IPB;
}

/* ---- the files ---- */

static void load(struct source *src, const char *path)
{
    const char *slash = strrchr(path, '/');
    FILE *f = fopen(path, "rb");

    src->type = T_FILE;
    src->name = slash ? slash + 1 : path;
    if (src->name[0] == '_')
        src->name++;
    if (src->name[0] == '\0' || strlen(src->name) > DIRSIZ)
        fail("name is empty or longer than 14 bytes", path);
    if (!f)
        fail("cannot open", path);
    src->data = allocate(MAXFILE * BSIZE + 1);
    src->size = fread(src->data, 1, MAXFILE * BSIZE + 1, f);
    if (ferror(f))
        fail("cannot read", path);
    if (src->size > MAXFILE * BSIZE)
        fail("larger than 268 blocks", path);
    fclose(f);
}

static void refuse_duplicates(const struct source *src, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (strcmp(src[i].name, src[j].name) == 0)
                fail("two files get this name", src[i].name);
}

static uint32_t blocks_of(size_t size)
{
    uint32_t data = (size + BSIZE - 1) / BSIZE;

    return data + (data > NDIRECT ? 1 : 0);
}

/* ---- the layout ---- */

/* Lays an image of so many blocks out. => how many data blocks are left, or less than 0 */
static long lay_out(uint32_t size, uint32_t ninodes)
{
    uint32_t inode_blocks = ninodes / IPB + 1;
    uint32_t bitmap_blocks = size / BPB + 1;

    sb.magic = FSMAGIC;
    sb.size = size;
    sb.ninodes = ninodes;
    sb.nlog = NLOG;
    sb.logstart = 2;
    sb.inodestart = sb.logstart + sb.nlog;
    sb.bmapstart = sb.inodestart + inode_blocks;
    long left = (long)size - sb.bmapstart - bitmap_blocks;
    sb.nblocks = left > 0 ? (uint32_t)left : 0;
    return left;
}

/* Chooses size and number of inodes; 0 leaves the choice to mkfs. */
static void plan(const struct source *src, int n, uint32_t size, uint32_t ninodes)
{
    long need = blocks_of((n + 2) * sizeof(struct dirent));

    for (int i = 0; i < n; i++)
        need += blocks_of(src[i].size);
    if (ninodes == 0)
        ninodes = n + 2 > INODES / 2 ? (uint32_t)n + 2 + INODES / 2 : INODES;
    if (ninodes < (uint32_t)n + 2 || ninodes > INODES_MAX)
        fail("bad number of inodes for these files", "-i");
    if (size == 0) {
        size = BLOCKS;
        while (lay_out(size, ninodes) < need + SPARE)
            size += SPARE / 10;
    }
    if (lay_out(size, ninodes) < need)
        fail("too few blocks for these files", "-b");
    const char *wrong = super_check(&sb, size);
    if (wrong)
        fail(wrong, "layout");
}

/* ---- filling ---- */

static void append_block(struct dinode *ip, uint32_t index, const void *data, size_t n)
{
    uint32_t block;

    if (index >= NDIRECT && ip->addrs[NDIRECT] == 0)
        ip->addrs[NDIRECT] = next_block++;
    block = next_block++;
    if (index < NDIRECT)
        ip->addrs[index] = block;
    else
        ((uint32_t *)block_at(ip->addrs[NDIRECT]))[index - NDIRECT] = block;
    memcpy(block_at(block), data, n);
}

static void fill_inode(uint32_t inum, const struct source *src)
{
    struct dinode *ip = inode_at(inum);

    ip->type = src->type;
    ip->major = src->major;
    ip->nlink = 1;
    ip->size = src->size;
    for (size_t off = 0; off < src->size; off += BSIZE) {
        size_t left = src->size - off;

        append_block(ip, off / BSIZE, src->data + off, left < BSIZE ? left : BSIZE);
    }
}

/* The root gets inode 1 and the first blocks; its size is whole blocks, as xv6's mkfs makes it. */
static void fill_root(const struct source *src, int n)
{
    size_t size = ((n + 2) * sizeof(struct dirent) + BSIZE - 1) / BSIZE * BSIZE;
    struct dirent *entries = allocate(size);

    entries[0].inum = entries[1].inum = ROOTINO;
    memcpy(entries[0].name, ".", 1);
    memcpy(entries[1].name, "..", 2);
    for (int i = 0; i < n; i++) {
        entries[i + 2].inum = ROOTINO + 1 + i;
        memcpy(entries[i + 2].name, src[i].name, strlen(src[i].name));
    }
    if (size > MAXFILE * BSIZE)
        fail("too many files", "root");
    fill_inode(ROOTINO, &(struct source){.type = T_DIR, .data = (uint8_t *)entries, .size = size});
    free(entries);
}

static void fill_bitmap(void)
{
    uint8_t *bits = block_at(sb.bmapstart);

    for (uint32_t b = 0; b < next_block; b++)
        bits[b / 8] |= 1u << (b % 8);
}

static void write_image(const char *path)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(image, BSIZE, sb.size, f) != sb.size || fclose(f) != 0)
        fail("cannot write", path);
}

static uint32_t number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n == 0 || n > UINT32_MAX / 2)
        fail("not a number", text);
    return (uint32_t)n;
}

int main(int argc, char **argv)
{
    uint32_t size = 0, ninodes = 0;
    int arg = 1;

    for (; arg + 1 < argc && argv[arg][0] == '-'; arg += 2) {
        if (strcmp(argv[arg], "-b") == 0)
            size = number(argv[arg + 1]);
        else if (strcmp(argv[arg], "-i") == 0)
            ninodes = number(argv[arg + 1]);
        else
            fail("unknown option", argv[arg]);
    }
    if (arg >= argc) {
        fprintf(stderr, "usage: mkfs [-b blocks] [-i inodes] IMAGE files...\n");
        return 1;
    }

    const char *path = argv[arg++];
    int n = argc - arg + 1;
    struct source *src = allocate(n * sizeof *src);

    for (int i = 0; i < n - 1; i++)
        load(&src[i], argv[arg + i]);
    src[n - 1] = (struct source){.name = "console", .type = T_DEVICE, .major = CONSOLE};
    refuse_duplicates(src, n);
    plan(src, n, size, ninodes);
    image = allocate((size_t)sb.size * BSIZE);
    memcpy(block_at(SUPER_BLOCK), &sb, sizeof sb);
    next_block = super_data_start(&sb);
    fill_root(src, n);
    for (int i = 0; i < n; i++)
        fill_inode(ROOTINO + 1 + i, &src[i]);
    fill_bitmap();
    write_image(path);
    printf("mkfs: %s: %u blocks, %u free, %u inodes, %d files\n", path, sb.size,
           sb.size - next_block, sb.ninodes, n - 1);
    return 0;
}
