/*
 * usr/tests/t_lib.c: the user library: formats, strings, malloc.
 */
#include "kernel/types.h"
#include "kernel/vm.h"
#include "t.h"

static char got[600];
static char block_text[300];

/* What fprintf puts into a pipe is in got[] afterwards. */
static int ends[2];

static void take_output(void)
{
    int n;

    close(ends[1]);
    n = read(ends[0], got, sizeof(got) - 1);
    CHECK(n >= 0);
    got[n < 0 ? 0 : n] = 0;
    close(ends[0]);
}

#define CHECK_FORMAT(want, ...)                        \
    do {                                               \
        CHECK_EQ(pipe(ends), 0);                       \
        fprintf(ends[1], __VA_ARGS__);                 \
        take_output();                                 \
        if (strcmp(got, want) != 0)                    \
            printf("got \"%s\" for " #want "\n", got); \
        CHECK_EQ(strcmp(got, want), 0);                \
    } while (0)

static void formats_of_both(void)
{
    CHECK_FORMAT("0 -1 2147483647 -2147483648", "%d %d %d %d", 0, -1, 0x7fffffff, (int)0x80000000);
    CHECK_FORMAT("FF 80000000 FFFFFFFF", "%x %x %x", 255, 0x80000000, -1);
    CHECK_FORMAT("0x0000000000000000 0x0000003FFFFFE000", "%p %p", (void *)0, (void *)0x3fffffe000);
    CHECK_FORMAT("a (null)  b", "%s %s %s b", "a", (char *)0, "");
    CHECK_FORMAT("x%y", "%c%%%c", 'x', 'y');
    CHECK_FORMAT("%z %q", "%z %q");
    CHECK_FORMAT("", "");
}

static void formats_of_one(void)
{
    CHECK_FORMAT("705032704!", "%l!", 5000000000UL); /* the low half, as in 2022 */
    CHECK_FORMAT("7 4294967295", "%u %u", 7, -1);
    CHECK_FORMAT("5000000000 -5000000000", "%ld %lld", 5000000000L, -5000000000LL);
    CHECK_FORMAT("18446744073709551615 1", "%lu %llu", ~0UL, 1ULL);
    CHECK_FORMAT("FFFFFFFFFFFFFFFF 12A05F200", "%lx %llx", ~0UL, 5000000000ULL);
    CHECK_FORMAT("-9223372036854775808", "%ld", (long)(1UL << 63));
    CHECK_FORMAT("12 x", "%l %c", 12UL, 'x');
    CHECK_FORMAT("1l", "%ll", 1UL);
}

/* A line of usual length is one write; a long one loses nothing. */
static void long_output(void)
{
    memset(block_text, 'q', sizeof(block_text) - 1);
    CHECK_EQ(pipe(ends), 0);
    fprintf(ends[1], "%s|%d", block_text, 42);
    take_output();
    CHECK_EQ(strlen(got), sizeof(block_text) - 1 + 3);
    CHECK_EQ(strcmp(got + sizeof(block_text) - 1, "|42"), 0);
}

static void strings(void)
{
    char buf[16];

    CHECK_EQ(strlen(""), 0);
    CHECK_EQ(strlen("abc"), 3);
    CHECK(strcmp("a", "a") == 0 && strcmp("a", "b") < 0 && strcmp("b", "a") > 0);
    CHECK(strcmp("", "a") < 0 && strcmp("ab", "a") > 0 && strcmp("\xff", "a") > 0);
    CHECK(strcpy(buf, "hello") == buf && strcmp(buf, "hello") == 0);
    CHECK(strchr(buf, 'l') == buf + 2 && strchr(buf, 'z') == 0);
    CHECK_EQ(atoi("12x"), 12);
    CHECK_EQ(atoi("x"), 0);
    memmove(buf + 1, buf, 6);
    CHECK_EQ(strcmp(buf, "hhello"), 0);
    memmove(buf, buf + 1, 6);
    CHECK_EQ(strcmp(buf, "hello"), 0);
    CHECK(memcmp("abc", "abd", 2) == 0 && memcmp("abc", "abd", 3) < 0);
}

/* Every alignment and length around a word: the fast paths touch what they should and no more. */
static void memory_edges(void)
{
    static char a[64];
    static char b[64];

    for (uint from = 0; from < 9; from++) {
        for (uint to = 0; to < 9; to++) {
            for (uint n = 0; n < 25; n++) {
                t_fill(a, sizeof(a), 1);
                memset(b, '#', sizeof(b));
                memcpy(b + to, a + from, n);
                CHECK(t_is_pattern(b + to, n, (int)from + 1));
                CHECK(b[to + n] == '#' && (to == 0 || b[to - 1] == '#'));
                memmove(a + to, a + from, (int)n);
                CHECK(t_is_pattern(a + to, n, (int)from + 1));
                memset(b, '#', sizeof(b));
                memset(b + to, 'z', n);
                CHECK(b[to + n] == '#' && (to == 0 || b[to - 1] == '#'));
                CHECK(n == 0 || (b[to] == 'z' && b[to + n - 1] == 'z'));
            }
        }
    }
}

static void malloc_mix(void)
{
    enum {
        BLOCKS = 64
    };
    static char *block[BLOCKS];
    static uint length[BLOCKS];
    uint state = 1;

    for (int i = 0; i < 3000; i++) {
        uint k = t_random(&state) % BLOCKS;

        if (block[k] != 0) {
            CHECK(t_is_pattern(block[k], length[k], (int)k));
            free(block[k]);
            block[k] = 0;
            continue;
        }
        length[k] = t_random(&state) % 5000;
        block[k] = malloc(length[k]);
        CHECK(block[k] != 0 && (uint64)block[k] % 16 == 0);
        t_fill(block[k], length[k], (int)k);
    }
}

static void malloc_until_failure(void)
{
    char *list = 0;
    char *p;
    int n = 0;

    while (n < 20000 && (p = malloc(100001)) != 0) {
        *(char **)p = list;
        list = p;
        n++;
    }
    CHECK(n > 10);
    while (list != 0) {
        p = *(char **)list;
        free(list);
        list = p;
    }
    p = malloc(1000000);
    CHECK(p != 0);
    free(p);
    CHECK(malloc(0xffffffff) == 0);
    free(0);
}

/* The frame's own promise: a name that selects nothing is no success, but a usage line and 1. */
static void unknown_names(void)
{
    static char *const lines[][4] = {
        {"alltests", "nosuch", 0},         {"alltests", "-x", "nosuch", 0},
        {"t_lib", "strings", "nosuch", 0}, {"shm_cnt", "nosuch", 0},
        {"shmem_test", "nosuch", 0},       {"grind", "nosuch", 0},
    };

    for (int i = 0; i < COUNT(lines); i++) {
        int status = -1;

        CHECK_EQ(pipe(ends), 0);
        if (t_fork() == 0) {
            close(1);
            close(2);
            CHECK_EQ(dup(ends[1]), 1);
            CHECK_EQ(dup(ends[1]), 2);
            close(ends[0]);
            close(ends[1]);
            exec(lines[i][0], (char **)lines[i]);
            exit(7);
        }
        take_output();
        wait(&status);
        CHECK_EQ(status, 1);
        CHECK_EQ(memcmp(got, "usage: ", 7), 0);
    }
}

static const struct t_case cases[] = {
    {"formats_of_both", formats_of_both},
    {"formats_of_one", formats_of_one},
    {"long_output", long_output},
    {"strings", strings},
    {"memory_edges", memory_edges},
    {"malloc_mix", malloc_mix},
    {"malloc_until_failure", malloc_until_failure},
    {"unknown_names", unknown_names},
};

int main(int argc, char **argv)
{
    t_main("t_lib", cases, COUNT(cases), argc, argv);
}
