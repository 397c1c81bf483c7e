/*
 * usr/ls.c: lists files and directories: name, type, inode number, size.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "user/user.h"

/* One line; the name is padded to the length of a directory entry's. */
static void print_entry(const char *name, const struct stat *st)
{
    char padded[DIRSIZ + 1];
    uint n = strlen(name);

    if (n < DIRSIZ) {
        memset(padded, ' ', DIRSIZ);
        padded[DIRSIZ] = 0;
        memmove(padded, name, (int)n);
        name = padded;
    }
    printf("%s %d %d %ld\n", name, st->type, st->ino, st->size);
}

static const char *last_component(const char *path)
{
    const char *last = path;

    for (; *path != 0; path++)
        if (*path == '/')
            last = path + 1;
    return last;
}

static void list_directory(int fd, const char *path)
{
    char full[MAXPATH];
    uint n = strlen(path);
    struct dirent entry;
    struct stat st;

    if (n + 1 + DIRSIZ + 1 > sizeof(full)) {
        printf("ls: path too long\n");
        return;
    }
    strcpy(full, path);
    full[n++] = '/';
    while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
        if (entry.inum == 0)
            continue;
        memmove(full + n, entry.name, DIRSIZ);
        full[n + DIRSIZ] = 0;
        if (stat(full, &st) < 0)
            printf("ls: cannot stat %s\n", full);
        else
            print_entry(full + n, &st);
    }
}

static void list(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        fprintf(2, "ls: cannot open %s\n", path);
        return;
    }
    if (fstat(fd, &st) < 0)
        fprintf(2, "ls: cannot stat %s\n", path);
    else if (st.type == T_DIR)
        list_directory(fd, path);
    else
        print_entry(last_component(path), &st);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        list(".");
    for (int i = 1; i < argc; i++)
        list(argv[i]);
    exit(0);
}
