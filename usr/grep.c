/*
 * usr/grep.c: prints the lines that match a pattern of ^ . * $ and plain characters.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

#define LINE_BYTES 1024 /* what is longer is matched in pieces */

static char line[LINE_BYTES + 1];

static int same(char pattern, char c)
{
    return c != 0 && (pattern == '.' || pattern == c);
}

/* Whether the pattern matches at the very start of text. Recursion only at a star. */
static int match_here(const char *pattern, const char *text)
{
    for (; *pattern != 0; pattern++, text++) {
        if (pattern[1] == '*') {
            do {
                if (match_here(pattern + 2, text))
                    return 1;
            } while (same(*pattern, *text++));
            return 0;
        }
        if (pattern[0] == '$' && pattern[1] == 0)
            return *text == 0;
        if (!same(*pattern, *text))
            return 0;
    }
    return 1;
}

static int matches(const char *pattern, const char *text)
{
    if (*pattern == '^')
        return match_here(pattern + 1, text);
    do {
        if (match_here(pattern, text))
            return 1;
    } while (*text++ != 0);
    return 0;
}

/* Prints the line of `length` bytes at text, and its newline if it has one, when it matches. */
static void take_line(const char *pattern, char *text, int length, int newline)
{
    text[length] = 0;
    if (matches(pattern, text)) {
        if (newline)
            text[length] = '\n';
        write(1, text, length + newline);
    }
}

static void search(const char *pattern, int fd)
{
    int held = 0; /* bytes of an unfinished line at the front of the buffer */
    int n;

    while ((n = read(fd, line + held, LINE_BYTES - held)) > 0) {
        int start = 0;

        held += n;
        for (int i = held - n; i < held; i++) {
            if (line[i] != '\n')
                continue;
            take_line(pattern, line + start, i - start, 1);
            start = i + 1;
        }
        held -= start;
        memmove(line, line + start, held);
        if (held == LINE_BYTES) {
            take_line(pattern, line, held, 0);
            held = 0;
        }
    }
    if (held > 0)
        take_line(pattern, line, held, 0);
}

int main(int argc, char **argv)
{
    if (argc <= 1) {
        fprintf(2, "usage: grep pattern [file ...]\n");
        exit(1);
    }
    if (argc == 2)
        search(argv[1], 0);
    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);

        if (fd < 0) {
            printf("grep: cannot open %s\n", argv[i]);
            exit(1);
        }
        search(argv[1], fd);
        close(fd);
    }
    exit(0);
}
