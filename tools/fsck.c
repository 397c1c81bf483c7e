/*
 * fsck: checks a file system image of xv6 or Lamina.
 *
 *     fsck [--replay] [--repair] [--allow-orphans] IMAGE
 *
 * Checked, as it is once the log is replayed: superblock, log header, every inode, every block in
 * one place only and so marked in the bitmap, no block beyond a file's size, directories from the
 * root on, link counts, and that no inode is left without a name.
 *
 * Two things are no damage, for the kernel puts them right when it starts: a committed log that was
 * not replayed yet, and orphans, which are inodes with nlink 0 and no name. --replay and
 * --allow-orphans expect them. --repair replays the log and writes the image back.
 *
 * One line a finding; the last line and the exit status are the verdict: `fsck: clean` 0;
 * `fsck: N problems` 1; wrong usage 2; `fsck: sound after the next start` 3.
 * Host program: gcc -Wall -Wextra -Iinclude tools/fsck.c
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/format.h"

static struct superblock sb;
static uint8_t *image;
static uint64_t image_blocks;
static unsigned problems; /* found so far */
static unsigned repairs;  /* what the next start of the kernel puts right */

static uint32_t *owner;   /* of each block: the inode that has it, or 0 */
static uint32_t *names;   /* of each inode: entries that lead to it, but "." and ".." */
static uint32_t *subdirs; /* of each directory: entries that are directories */
static uint32_t *parent;  /* of each directory reached: where it was found */
static uint32_t *queue;   /* directories reached */
static uint32_t queue_size;

static void problem(const char *fmt, ...) __attribute__((format(__printf__, 1, 2)));

static void problem(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    problems++;
}

static int verdict(void)
{
    if (problems) {
        printf("fsck: %u problems\n", problems);
        return 1;
    }
    printf(repairs ? "fsck: sound after the next start\n" : "fsck: clean\n");
    return repairs ? 3 : 0;
}

static void *allocate(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    if (!p) {
        problem("out of memory");
        exit(verdict());
    }
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

static int data_block(uint32_t block)
{
    return block >= super_data_start(&sb) && block < sb.size;
}

/* ---- image and log ---- */

/* => 0; -1 and a problem was counted */
static int load(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0) {
        problem("%s: cannot read", path);
        return -1;
    }
    image_blocks = (uint64_t)size / BSIZE;
    image = allocate(size, 1);
    if (fread(image, 1, size, f) != (size_t)size)
        problem("%s: cannot read", path);
    fclose(f);
    return problems ? -1 : 0;
}

static void save(const char *path)
{
    FILE *f = fopen(path, "r+b");

    if (!f || fwrite(image, BSIZE, image_blocks, f) != image_blocks || fclose(f) != 0)
        problem("%s: cannot write", path);
}

static int check_super(void)
{
    const char *wrong = image_blocks <= SUPER_BLOCK ? "no superblock" : NULL;

    if (!wrong) {
        memcpy(&sb, block_at(SUPER_BLOCK), sizeof sb);
        wrong = super_check(&sb, image_blocks);
    }
    if (wrong)
        problem("superblock: %s", wrong);
    return wrong ? -1 : 0;
}

/* A transaction has each block once. => whether this one does; the others are problems */
static int log_once(const struct log_header *head)
{
    unsigned before = problems;

    for (int i = 0; i < head->n; i++)
        for (int j = 0; j < i; j++)
            if (head->block[i] == head->block[j])
                problem("log: block %d is in it twice", head->block[i]);
    return problems == before;
}

/* Checks the log and replays it in memory, as the kernel will. */
static void check_log(int expected)
{
    struct log_header *head = (struct log_header *)block_at(sb.logstart);
    const char *wrong = log_header_check(head, &sb);

    if (wrong)
        problem("log: %s", wrong);
    if (wrong || head->n == 0 || !log_once(head))
        return;
    if (expected) {
        printf("note: log of %d blocks replayed\n", head->n);
    } else {
        printf("log: committed log not yet replayed, %d blocks\n", head->n);
        repairs++;
    }
    for (int i = 0; i < head->n; i++)
        memcpy(block_at(head->block[i]), block_at(sb.logstart + 1 + i), BSIZE);
    memset(head, 0, BSIZE);
}

/* ---- inodes and blocks ---- */

static void claim(uint32_t inum, uint32_t block)
{
    if (!data_block(block))
        problem("inode %u: block %u is not a data block", inum, block);
    else if (owner[block] != 0)
        problem("inode %u: block %u belongs to inode %u too", inum, block, owner[block]);
    else
        owner[block] = inum;
}

/* The block at `index`, or 0. */
static uint32_t map(const struct dinode *ip, uint32_t index)
{
    if (index < NDIRECT)
        return ip->addrs[index];
    if (!data_block(ip->addrs[NDIRECT]))
        return 0;
    return ((uint32_t *)block_at(ip->addrs[NDIRECT]))[index - NDIRECT];
}

/* xv6's mkfs rounds the root's size up, and may leave its last block out. */
static int may_be_hole(uint32_t inum, uint32_t index, uint32_t size)
{
    return inum == ROOTINO && size == (index + 1) * BSIZE;
}

/* Claims all blocks of an inode, and compares them with its size. */
static void check_blocks(uint32_t inum, const struct dinode *ip)
{
    uint32_t used = (ip->size + BSIZE - 1) / BSIZE, beyond = 0;

    if (ip->addrs[NDIRECT] != 0)
        claim(inum, ip->addrs[NDIRECT]);
    for (uint32_t i = 0; i < MAXFILE; i++) {
        uint32_t block = map(ip, i);

        if (block != 0)
            claim(inum, block);
        if (block != 0 && i >= used)
            beyond++;
        if (block == 0 && i < used && !may_be_hole(inum, i, ip->size))
            problem("inode %u: no block at index %u", inum, i);
    }
    if (beyond > 0)
        problem("inode %u: size %u, but %u blocks beyond it", inum, ip->size, beyond);
    else if (ip->addrs[NDIRECT] != 0 && used <= NDIRECT)
        problem("inode %u: size %u, but an indirect block", inum, ip->size);
}

/* Size and device number, which mean different things for each type. */
static void check_attributes(uint32_t inum, const struct dinode *ip)
{
    if (ip->type != T_DIR && ip->type != T_FILE && ip->type != T_DEVICE)
        problem("inode %u: unknown type %d", inum, ip->type);
    if (ip->nlink < 0)
        problem("inode %u: nlink %d", inum, ip->nlink);
    if (ip->type != T_DEVICE && (ip->major != 0 || ip->minor != 0))
        problem("inode %u: no device, but has device number %d,%d", inum, ip->major, ip->minor);
    if (ip->size > MAXFILE * BSIZE)
        problem("inode %u: size %u", inum, ip->size);
    else if (ip->type == T_DIR && ip->size % sizeof(struct dirent) != 0)
        problem("inode %u: directory of size %u", inum, ip->size);
    else if (ip->type == T_DEVICE && ip->size != 0)
        problem("inode %u: device of size %u", inum, ip->size);
}

/* Freeing an inode leaves nothing in it. */
static void check_free(uint32_t inum, const struct dinode *ip)
{
    for (uint32_t i = 0; i <= NDIRECT; i++)
        if (ip->addrs[i] != 0)
            problem("inode %u: free, but has block %u", inum, ip->addrs[i]);
    if (ip->nlink != 0)
        problem("inode %u: free, but has nlink %d", inum, ip->nlink);
    if (ip->size != 0)
        problem("inode %u: free, but has size %u", inum, ip->size);
}

static void check_inode(uint32_t inum)
{
    const struct dinode *ip = inode_at(inum);

    if (ip->type == 0) {
        check_free(inum, ip);
    } else if (inum < ROOTINO) {
        problem("inode %u: in use, but no entry can name it", inum);
    } else {
        check_attributes(inum, ip);
        check_blocks(inum, ip);
    }
}

/* ---- directories ---- */

static const struct dirent *entry_at(const struct dinode *ip, uint32_t i)
{
    static const struct dirent none;
    uint32_t off = i * sizeof(struct dirent);
    uint32_t block = map(ip, off / BSIZE);

    return data_block(block) ? (struct dirent *)(block_at(block) + off % BSIZE) : &none;
}

static int name_is(const struct dirent *entry, const char *name)
{
    return strncmp(entry->name, name, DIRSIZ) == 0;
}

/* Whether an entry in use leads to an inode in use; problems are counted. */
static int entry_leads(uint32_t dir, const struct dirent *entry)
{
    if (entry->inum < ROOTINO || entry->inum >= super_inode_limit(&sb)) {
        problem("inode %u: entry %.14s: no inode %u", dir, entry->name, entry->inum);
        return 0;
    }
    if (inode_at(entry->inum)->type == 0) {
        problem("inode %u: entry %.14s: inode %u is free", dir, entry->name, entry->inum);
        return 0;
    }
    return 1;
}

static void check_dots(uint32_t dir, const struct dinode *ip)
{
    const struct dirent *dot = entry_at(ip, 0), *dots = entry_at(ip, 1);

    if (ip->size < 2 * sizeof(struct dirent) || !name_is(dot, ".") || dot->inum != dir)
        problem("inode %u: bad entry .", dir);
    if (ip->size < 2 * sizeof(struct dirent) || !name_is(dots, "..") || dots->inum != parent[dir])
        problem("inode %u: bad entry ..", dir);
}

static void check_name(uint32_t dir, const struct dinode *ip, uint32_t i)
{
    const struct dirent *entry = entry_at(ip, i);

    if (entry->name[0] == '\0' || name_is(entry, ".") || name_is(entry, "..") ||
        memchr(entry->name, '/', strnlen(entry->name, DIRSIZ)))
        problem("inode %u: bad name at entry %u", dir, i);
    for (uint32_t j = 2; j < i; j++) {
        const struct dirent *other = entry_at(ip, j);

        if (other->inum != 0 && strncmp(other->name, entry->name, DIRSIZ) == 0)
            problem("inode %u: two entries %.14s", dir, entry->name);
    }
}

static void reach(uint32_t dir, const struct dirent *entry)
{
    uint32_t inum = entry->inum;

    names[inum]++;
    if (inode_at(inum)->type != T_DIR)
        return;
    subdirs[dir]++;
    if (parent[inum] != 0) {
        problem("inode %u: directory in two places, %u and %u", inum, parent[inum], dir);
        return;
    }
    parent[inum] = dir;
    queue[queue_size++] = inum;
}

static void check_directory(uint32_t dir)
{
    const struct dinode *ip = inode_at(dir);

    if (ip->size > MAXFILE * BSIZE)
        return;
    check_dots(dir, ip);
    for (uint32_t i = 2; i < ip->size / sizeof(struct dirent); i++) {
        const struct dirent *entry = entry_at(ip, i);

        if (entry->inum == 0)
            continue;
        check_name(dir, ip, i);
        if (entry_leads(dir, entry))
            reach(dir, entry);
    }
}

static void check_tree(void)
{
    if (inode_at(ROOTINO)->type != T_DIR) {
        problem("inode %u: the root is no directory", ROOTINO);
        return;
    }
    parent[ROOTINO] = ROOTINO;
    queue[queue_size++] = ROOTINO;
    for (uint32_t i = 0; i < queue_size; i++)
        check_directory(queue[i]);
}

/* ---- counts ---- */

static void check_links(uint32_t inum, int allow_orphans)
{
    const struct dinode *ip = inode_at(inum);
    uint32_t links = ip->type == T_DIR ? 1 + subdirs[inum] : names[inum];

    if (ip->type == 0)
        return;
    if (inum != ROOTINO && names[inum] == 0) {
        if (ip->nlink != 0) {
            problem("inode %u: nlink %d, but no entry leads to it", inum, ip->nlink);
        } else if (!allow_orphans) {
            printf("inode %u: orphan not yet freed\n", inum);
            repairs++;
        }
    } else if (ip->nlink < 0 || (uint32_t)ip->nlink != links) {
        problem("inode %u: nlink %d should be %u", inum, ip->nlink, links);
    }
}

static int is_marked(uint64_t block)
{
    return block_at(BBLOCK(block, sb))[block % BPB / 8] >> (block % 8) & 1;
}

static void check_bitmap(void)
{
    for (uint32_t b = 0; b < sb.size; b++) {
        int used = b < super_data_start(&sb) || owner[b] != 0;

        if (is_marked(b) && !used)
            problem("block %u: marked in use, but nobody has it", b);
        if (!is_marked(b) && used)
            problem("block %u: in use, but marked free", b);
    }
    for (uint64_t b = sb.size; b < super_bitmap_blocks(&sb) * BPB; b++)
        if (is_marked(b))
            problem("bitmap: bit %llu is set, past the last block", (unsigned long long)b);
}

static void check_contents(int allow_orphans)
{
    uint32_t ninodes = super_inode_limit(&sb);

    owner = allocate(sb.size, sizeof *owner);
    names = allocate(ninodes, sizeof *names);
    subdirs = allocate(ninodes, sizeof *subdirs);
    parent = allocate(ninodes, sizeof *parent);
    queue = allocate(ninodes, sizeof *queue);
    for (uint32_t i = 0; i < ninodes; i++)
        check_inode(i);
    check_tree();
    for (uint32_t i = ROOTINO; i < ninodes; i++)
        check_links(i, allow_orphans);
    check_bitmap();
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    int replay = 0, repair = 0, allow_orphans = 0, bad = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--replay") == 0)
            replay = 1;
        else if (strcmp(argv[i], "--repair") == 0)
            replay = repair = 1;
        else if (strcmp(argv[i], "--allow-orphans") == 0)
            allow_orphans = 1;
        else if (argv[i][0] == '-' || path)
            bad = 1;
        else
            path = argv[i];
    }
    if (bad || !path) {
        fprintf(stderr, "usage: fsck [--replay] [--repair] [--allow-orphans] IMAGE\n");
        return 2;
    }
    if (load(path) == 0 && check_super() == 0) {
        check_log(replay);
        if (repair && problems == 0)
            save(path);
        check_contents(allow_orphans);
    }
    return verdict();
}
