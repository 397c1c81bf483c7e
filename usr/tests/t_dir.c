/*
 * usr/tests/t_dir.c: directories, paths, chdir, and what their removal does to who is inside.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "t.h"

static char path[600];

static void make_and_remove(void)
{
    struct stat root;
    struct stat st;

    CHECK_EQ(stat("/", &root), 0);
    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(mkdir("d_tmp"), -1);
    CHECK_EQ(stat("d_tmp", &st), 0);
    CHECK_EQ(st.type, T_DIR);
    CHECK_EQ(st.nlink, 1);
    CHECK_EQ(st.size, 2 * sizeof(struct dirent));
    CHECK_EQ(stat("/", &st), 0);
    CHECK_EQ(st.nlink, root.nlink + 1);
    CHECK_EQ(mkdir("d_tmp/in"), 0);
    CHECK_EQ(unlink("d_tmp"), -1); /* not empty */
    CHECK_EQ(unlink("d_tmp/in/"), 0);
    CHECK_EQ(unlink("d_tmp"), 0);
    CHECK_EQ(unlink("d_tmp"), -1);
    CHECK_EQ(stat("/", &st), 0);
    CHECK_EQ(st.nlink, root.nlink);
    CHECK_EQ(mkdir("missing/in"), -1);
    CHECK_EQ(mkdir(""), -1);
    CHECK_EQ(mkdir("/"), -1);
    CHECK_EQ(unlink(""), -1);
    CHECK_EQ(unlink("/"), -1);
}

static void dots(void)
{
    struct stat a;
    struct stat b;

    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(chdir("d_tmp"), 0);
    CHECK_EQ(chdir(""), 0);
    CHECK_EQ(stat(".", &a), 0);
    CHECK_EQ(stat("../d_tmp", &b), 0);
    CHECK_EQ(a.ino, b.ino);
    CHECK_EQ(stat("", &b), 0);
    CHECK_EQ(a.ino, b.ino);
    CHECK_EQ(unlink("."), -1);
    CHECK_EQ(unlink(".."), -1);
    CHECK_EQ(unlink("../d_tmp/."), -1);
    CHECK_EQ(open("", O_CREATE), -1);
    CHECK_EQ(chdir("///..//"), 0);
    CHECK_EQ(stat("/..", &a), 0);
    CHECK_EQ(a.ino, 1);
    CHECK_EQ(chdir("README"), -1);
    CHECK_EQ(chdir("missing"), -1);
    CHECK_EQ(unlink("//d_tmp"), 0);
}

static void directories_as_files(void)
{
    struct dirent entry;
    int fd;

    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(open("d_tmp", O_RDWR), -1);
    CHECK_EQ(open("d_tmp", O_WRONLY), -1);
    CHECK_EQ(open("d_tmp", O_CREATE), -1);
    CHECK_EQ(open("d_tmp", O_TRUNC), -1);
    CHECK_EQ(open("d_tmp", 0x8000), -1); /* with any flag at all */
    fd = open("d_tmp", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQ(read(fd, &entry, sizeof(entry)), sizeof(entry));
    CHECK_EQ(strcmp(entry.name, "."), 0);
    CHECK_EQ(read(fd, &entry, sizeof(entry)), sizeof(entry));
    CHECK_EQ(strcmp(entry.name, ".."), 0);
    CHECK_EQ(entry.inum, 1);
    CHECK_EQ(read(fd, &entry, sizeof(entry)), 0);
    CHECK_EQ(write(fd, &entry, sizeof(entry)), -1);
    close(fd);
    t_make_file("d_tmp/f", 1, 0);
    CHECK_EQ(open("d_tmp/f/x", O_RDONLY), -1); /* a file is no directory */
    CHECK_EQ(open("d_tmp/f/x", O_CREATE), -1);
    CHECK_EQ(mkdir("d_tmp/f/x"), -1);
    CHECK_EQ(unlink("d_tmp/f/x"), -1);
    CHECK_EQ(chdir("d_tmp/f"), -1);
    CHECK_EQ(unlink("d_tmp/f"), 0);
    CHECK_EQ(unlink("d_tmp"), 0);
}

/* Names of 14 bytes are whole, what is longer is cut. */
static void long_names(void)
{
    struct stat a;
    struct stat b;

    t_make_file("d_tmp_14_bytes", 4, 0);
    CHECK_EQ(stat("d_tmp_14_bytes_and_more", &a), 0);
    CHECK_EQ(stat("d_tmp_14_bytes", &b), 0);
    CHECK_EQ(a.ino, b.ino);
    CHECK_EQ(mkdir("d_tmp_14_bytesX"), -1);
    CHECK_EQ(unlink("d_tmp_14_bytesY"), 0);
    CHECK_EQ(stat("d_tmp_14_bytes", &b), -1);
}

static void long_paths(void)
{
    char *argv[] = {"x", 0};
    struct stat st;

    memset(path, '/', sizeof(path));
    strcpy(path + MAXPATH - 1 - 6, "README"); /* 127 bytes and the NUL */
    CHECK_EQ(strlen(path), MAXPATH - 1);
    CHECK_EQ(stat(path, &st), 0);
    memset(path, '/', sizeof(path));
    strcpy(path + MAXPATH - 6, "README");
    CHECK_EQ(stat(path, &st), -1);
    CHECK_EQ(open(path, O_CREATE), -1);
    CHECK_EQ(mkdir(path), -1);
    CHECK_EQ(unlink(path), -1);
    CHECK_EQ(chdir(path), -1);
    CHECK_EQ(link(path, "d_tmp.x"), -1);
    CHECK_EQ(link("README", path), -1);
    CHECK_EQ(mknod(path, 1, 1), -1);
    CHECK_EQ(exec(path, argv), -1);
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    CHECK_EQ(open(path, O_RDONLY), -1);
}

static void name_for(char *name, int i)
{
    strcpy(name, "d_tmp/n00");
    name[7] += (char)(i / 10);
    name[8] += (char)(i % 10);
}

/* Slots of removed names are used again, and the directory keeps every other name. */
static void many_names(void)
{
    char name[16];
    struct stat before;
    struct stat after;

    CHECK_EQ(mkdir("d_tmp"), 0);
    for (int i = 0; i < 80; i++) {
        name_for(name, i);
        CHECK_EQ(link("README", name), 0);
    }
    CHECK_EQ(stat("d_tmp", &before), 0);
    for (int i = 0; i < 80; i += 2) {
        name_for(name, i);
        CHECK_EQ(unlink(name), 0);
    }
    for (int i = 0; i < 80; i++) {
        name_for(name, i);
        CHECK_EQ(stat(name, &after), i % 2 == 0 ? -1 : 0);
    }
    for (int i = 0; i < 80; i += 2) {
        name_for(name, i);
        CHECK_EQ(link("README", name), 0);
    }
    CHECK_EQ(stat("d_tmp", &after), 0);
    CHECK_EQ(after.size, before.size);
    for (int i = 79; i >= 0; i--) {
        name_for(name, i);
        CHECK_EQ(unlink(name), 0);
    }
    CHECK_EQ(unlink("d_tmp"), 0);
}

/* Fifty directories, one in another, made and removed from inside. */
static void deep(void)
{
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(mkdir("d_tmp"), 0);
        CHECK_EQ(chdir("d_tmp"), 0);
        CHECK_EQ(mkdir(""), -1);
        CHECK_EQ(link("/README", ""), -1);
    }
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(chdir(".."), 0);
        CHECK_EQ(unlink("d_tmp"), 0);
    }
}

/* The current directory, and its parent, may go: then everything below it is missing. */
static void removed_from_under(void)
{
    struct stat st;

    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(mkdir("d_tmp/in"), 0);
    CHECK_EQ(chdir("d_tmp/in"), 0);
    CHECK_EQ(unlink("/d_tmp/in"), 0);
    CHECK_EQ(unlink("/d_tmp"), 0);
    CHECK_EQ(stat("../", &st), -1);
    CHECK_EQ(stat("../c", &st), -1);
    CHECK_EQ(open("../c", O_CREATE), -1);
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(stat("README", &st), 0);
}

/* The current directory is inherited, and each process has its own from there on. */
static void inherited(void)
{
    struct stat st;
    int pid;

    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(mkdir("d_tmp/in"), 0);
    CHECK_EQ(chdir("d_tmp"), 0);
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(chdir("in"), 0);
        CHECK_EQ(stat("../in", &st), 0);
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(unlink("in"), 0);
    CHECK_EQ(chdir(".."), 0);
    CHECK_EQ(unlink("d_tmp"), 0);
}

static void exit_inside_removed(void)
{
    int pid;

    CHECK_EQ(mkdir("d_tmp"), 0);
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(chdir("d_tmp"), 0);
        CHECK_EQ(unlink("../d_tmp"), 0);
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(mkdir("d_tmp"), 0);
    CHECK_EQ(unlink("d_tmp"), 0);
}

static const struct t_case cases[] = {
    {"make_and_remove", make_and_remove},
    {"dots", dots},
    {"directories_as_files", directories_as_files},
    {"long_names", long_names},
    {"long_paths", long_paths},
    {"many_names", many_names},
    {"deep", deep},
    {"removed_from_under", removed_from_under},
    {"inherited", inherited},
    {"exit_inside_removed", exit_inside_removed},
};

int main(int argc, char **argv)
{
    t_main("t_dir", cases, COUNT(cases), argc, argv);
}
