/*
 * usr/tests/t_link.c: link and unlink: counts, lifetimes, and both at the same time as create.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "t.h"

static void counts(void)
{
    struct stat a;
    struct stat b;

    t_make_file("t_link.a", 700, 1);
    CHECK_EQ(link("t_link.a", "t_link.b"), 0);
    CHECK_EQ(stat("t_link.a", &a), 0);
    CHECK_EQ(stat("t_link.b", &b), 0);
    CHECK_EQ(a.ino, b.ino);
    CHECK_EQ(a.nlink, 2);
    CHECK_EQ(unlink("t_link.a"), 0);
    CHECK_EQ(open("t_link.a", O_RDONLY), -1);
    t_check_file("t_link.b", 700, 1);
    CHECK_EQ(stat("t_link.b", &b), 0);
    CHECK_EQ(b.nlink, 1);
    CHECK_EQ(unlink("t_link.b"), 0);
    CHECK_EQ(unlink("t_link.b"), -1);
}

static void refused(void)
{
    struct stat before;
    struct stat after;

    t_make_file("t_link.a", 1, 1);
    CHECK_EQ(mkdir("t_link.d"), 0);
    CHECK_EQ(stat("t_link.a", &before), 0);
    CHECK_EQ(link("t_link.none", "t_link.b"), -1);
    CHECK_EQ(link("t_link.d", "t_link.b"), -1);
    CHECK_EQ(link(".", "t_link.b"), -1);
    CHECK_EQ(link("t_link.a", "t_link.a"), -1);
    CHECK_EQ(link("t_link.a", "t_link.d"), -1);
    CHECK_EQ(link("t_link.a", "missing/b"), -1);
    CHECK_EQ(link("t_link.a", ""), -1);
    CHECK_EQ(link("t_link.a", "/"), -1);
    CHECK_EQ(stat("t_link.a", &after), 0);
    CHECK_EQ(after.nlink, before.nlink);
    CHECK_EQ(unlink("t_link.d"), 0);
    CHECK_EQ(unlink("t_link.a"), 0);
}

static void open_after_unlink(void)
{
    char text[8];
    int fd;

    t_make_file("t_link.a", 5, 1);
    fd = open("t_link.a", O_RDWR);
    CHECK_EQ(unlink("t_link.a"), 0);
    t_make_file("t_link.a", 3, 9); /* another file of the same name */
    CHECK_EQ(read(fd, text, sizeof(text)), 5);
    CHECK(t_is_pattern(text, 5, 1));
    CHECK_EQ(write(fd, "more", 4), 4);
    close(fd);
    t_check_file("t_link.a", 3, 9);
    CHECK_EQ(unlink("t_link.a"), 0);
}

/* Two processes make, link and remove the same few names: any call may fail, nothing may break. */
static void at_once(void)
{
    static char *names[] = {"t_link.0", "t_link.1", "t_link.2"};
    struct stat st;
    int pid = t_fork();
    uint state = pid == 0 ? 1 : 97;

    for (int i = 0; i < 200; i++) {
        char *name = names[t_random(&state) % 3];
        int fd;

        switch (t_random(&state) % 3) {
        case 0:
            fd = open(name, O_CREATE | O_RDWR);
            close(fd);
            break;
        case 1:
            link("README", name);
            break;
        default:
            unlink(name);
        }
    }
    if (pid == 0)
        t_exit();
    CHECK_EQ(t_wait(pid), 0);
    for (int i = 0; i < COUNT(names); i++)
        unlink(names[i]);
    CHECK_EQ(stat("README", &st), 0);
    CHECK_EQ(st.nlink, 1);
}

/* One removes what the other opens to write: the inode must not be lost in between. */
static void create_and_unlink(void)
{
    int pid = t_fork();

    for (int i = 0; i < 100; i++) {
        if (pid == 0) {
            unlink("t_link.x");
        } else {
            int fd = open("t_link.x", O_CREATE | O_RDWR);

            CHECK(fd >= 0);
            CHECK_EQ(write(fd, "abc", 3), 3);
            close(fd);
        }
    }
    if (pid == 0)
        t_exit();
    CHECK_EQ(t_wait(pid), 0);
    unlink("t_link.x");
}

static const struct t_case cases[] = {
    {"counts", counts},
    {"refused", refused},
    {"at_once", at_once},
    {"open_after_unlink", open_after_unlink},
    {"create_and_unlink", create_and_unlink},
};

int main(int argc, char **argv)
{
    t_main("t_link", cases, COUNT(cases), argc, argv);
}
