/*
 * usr/wc.c: counts lines, words and bytes.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

static char buffer[4096];

static void count(int fd, const char *name)
{
    int lines = 0;
    int words = 0;
    int bytes = 0;
    int in_word = 0;
    int n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
        bytes += n;
        for (int i = 0; i < n; i++) {
            int blank = buffer[i] == 0 || strchr(" \r\t\n\v", buffer[i]) != 0;

            lines += buffer[i] == '\n';
            words += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (n < 0) {
        printf("wc: read error\n");
        exit(1);
    }
    printf("%d %d %d %s\n", lines, words, bytes, name);
}

int main(int argc, char **argv)
{
    if (argc <= 1)
        count(0, "");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);

        if (fd < 0) {
            printf("wc: cannot open %s\n", argv[i]);
            exit(1);
        }
        count(fd, argv[i]);
        close(fd);
    }
    exit(0);
}
