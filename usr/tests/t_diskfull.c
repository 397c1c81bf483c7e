/*
 * usr/tests/t_diskfull.c: blocks and inodes run out. Calls fail, and all comes back.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/fs.h"
#include "t.h"

#define FILES_MAX  1200
#define BLOCKS_MAX 4000 /* on larger disks the test says so and leaves */

#define PIECE_BLOCKS 3 /* written at once while there is room: one transaction */

static char blocks_of_data[PIECE_BLOCKS * BSIZE];
static char name[16];

static char *name_for(int i)
{
    strcpy(name, "t_full/0000");
    for (int k = 10; k > 6; k--, i /= 10)
        name[k] = (char)('0' + i % 10);
    return name;
}

/* Adds up to n blocks to the file, in pieces of `piece` blocks, until one fails. => how many. */
static int append(int fd, int n, int piece)
{
    int done = 0;

    while (done + piece <= n && write(fd, blocks_of_data, piece * BSIZE) == piece * BSIZE)
        done += piece;
    return done;
}

/*
 * Fills one new file after another, until not even the first block of one can be had (a file that
 * needs its indirect block stops earlier). Returns how many blocks went in.
 */
static int fill_disk(int *files)
{
    int total = 0;

    for (*files = 0; *files < FILES_MAX && total < BLOCKS_MAX; (*files)++) {
        int fd = open(name_for(*files), O_CREATE | O_WRONLY | O_TRUNC);
        int n;

        if (fd < 0)
            break;
        n = append(fd, (int)MAXFILE, PIECE_BLOCKS);
        n += append(fd, (int)MAXFILE - n, 1);
        close(fd);
        total += n;
        if (n == 0) {
            (*files)++;
            break;
        }
    }
    return total;
}

static void remove_files(int files)
{
    for (int i = 0; i < files; i++)
        CHECK_EQ(unlink(name_for(i)), 0);
}

static void blocks(void)
{
    int first;
    int again;
    int files;

    CHECK_EQ(mkdir("t_full"), 0);
    first = fill_disk(&files);
    if (first >= BLOCKS_MAX) {
        printf("t_diskfull: a disk of more than %d blocks is not filled\n", BLOCKS_MAX);
    } else {
        int fd = open("t_full.x", O_CREATE | O_WRONLY); /* may need a block for the entry */

        CHECK(fd < 0 || write(fd, blocks_of_data, BSIZE) == -1);
        close(fd);
        unlink("t_full.x");
        CHECK_EQ(mkdir("t_full/d"), -1);
    }
    remove_files(files);
    if (first < BLOCKS_MAX) {
        again = fill_disk(&files);
        CHECK(again >= first); /* no block was lost; the directory has grown already */
        remove_files(files);
    }
    CHECK_EQ(unlink("t_full"), 0);
}

/* Returns how many empty files could be made. */
static int use_inodes(void)
{
    int n;

    for (n = 0; n < FILES_MAX; n++) {
        int fd = open(name_for(n), O_CREATE | O_WRONLY);

        if (fd < 0)
            break;
        close(fd);
    }
    return n;
}

static void inodes(void)
{
    int first;

    CHECK_EQ(mkdir("t_full"), 0);
    first = use_inodes();
    if (first < FILES_MAX) {
        CHECK_EQ(mkdir("t_full/d"), -1);
        CHECK_EQ(mknod("t_full/d", 1, 1), -1);
        CHECK_EQ(link("README", "t_full/l"), 0); /* needs none */
        CHECK_EQ(unlink("t_full/l"), 0);
    }
    remove_files(first);
    CHECK_EQ(use_inodes(), first);
    remove_files(first);
    CHECK_EQ(unlink("t_full"), 0);
}

static const struct t_case cases[] = {
    {"blocks", blocks},
    {"inodes", inodes},
};

int main(int argc, char **argv)
{
    t_main("t_diskfull", cases, COUNT(cases), argc, argv);
}
