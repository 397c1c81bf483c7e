/*
 * usr/tests/t_exec.c: exec: arguments and their limits, segments, and failures that change nothing.
 * Runs itself as `t_exec --child N ...`, which exits with a status that says what it found.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/elf.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "kernel/lamina.h"
#include "t.h"

#define IMAGE    "t_exec.tmp"
#define RETURNED 77 /* exec came back */

static char zeroed[3 * PAGE];
static char text[5000];
static char *arguments[MAXARG + 2];

/* Exit status of a child that execs path with argv. */
static int run(const char *path, char **argv)
{
    int pid = t_fork();

    if (pid == 0) {
        exec(path, argv);
        exit(RETURNED);
    }
    return t_wait(pid);
}

/* ---- arguments ---- */

/* Whether the kernel calls this process so. */
static int is_named(const char *name)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid == getpid())
            return strcmp(info.name, name) == 0;
    return 0;
}

static int child_main(int argc, char **argv)
{
    int fds = atoi(argv[2]);

    for (uint i = 0; i < sizeof(zeroed); i++)
        if (zeroed[i] != 0)
            return 101;
    if (argv[argc] != 0)
        return 102;
    if ((uint64)argv % 16 != 0 || (uint64)argv[0] % 16 != 0)
        return 103;
    if ((uint64)argv[0] <= (uint64)argv[argc - 1])
        return 104;
    if ((uint64)argv[0] != (((uint64)sbrk(0) - strlen(argv[0]) - 1) & ~15UL))
        return 106; /* the first string is at the top of the stack, the break is its end */
    if ((uint64)argv != (((uint64)argv[argc - 1] - 8 * (uint64)(argc + 1)) & ~15UL))
        return 107;
    if (!is_named("t_exec"))
        return 108;
    for (int fd = 0; fd < NOFILE; fd++) {
        int copy = dup(fd);

        if ((copy >= 0) != (fd < fds))
            return 105;
        close(copy);
    }
    return argc;
}

static void counted_arguments(void)
{
    for (int n = 3; n < MAXARG; n++) {
        arguments[0] = "t_exec";
        arguments[1] = "--child";
        arguments[2] = "3";
        for (int i = 3; i < n; i++)
            arguments[i] = "x";
        arguments[n] = 0;
        CHECK_EQ(run("t_exec", arguments), n);
    }
    arguments[MAXARG - 1] = "x"; /* the 32nd pointer must be 0 */
    arguments[MAXARG] = 0;
    CHECK_EQ(run("t_exec", arguments), RETURNED);
}

static void long_arguments(void)
{
    char *argv[] = {"t_exec", "--child", "3", text, 0};

    /* Strings take a multiple of 16 each, five pointers 48: text may take 4096 - 48 - 48. */
    memset(text, 'a', sizeof(text) - 1);
    CHECK_EQ(run("t_exec", argv), RETURNED);
    text[4096] = 0;
    CHECK_EQ(run("t_exec", argv), RETURNED);
    text[4000] = 0;
    CHECK_EQ(run("t_exec", argv), RETURNED);
    text[3999] = 0;
    CHECK(run("t_exec", argv) != RETURNED); /* it runs, though with no stack to speak of */
    text[2000] = 0;
    CHECK_EQ(run("t_exec", argv), 4);
}

static void bad_arguments(void)
{
    char *argv[] = {"again", (char *)0x80000000, 0};
    char **end;

    CHECK_EQ(exec("t_exec", argv), -1);
    argv[1] = (char *)~0UL;
    CHECK_EQ(exec("t_exec", argv), -1);
    CHECK_EQ(exec("t_exec", (char **)0x80000000), -1);
    CHECK_EQ(exec("t_exec", (char **)~7UL), -1);
    CHECK_EQ(exec("t_exec", (char **)sbrk(0)), -1);
    t_align_break();
    sbrk(PAGE);
    end = (char **)(sbrk(0) - 8);
    *end = "again";
    CHECK_EQ(exec("t_exec", end), -1); /* runs off the end of memory */
    CHECK_EQ(exec((char *)0x80000000, argv), -1);
    argv[1] = 0;
    for (int i = 0; i < 500; i++) /* and leaks nothing */
        CHECK_EQ(exec("t_exec.none", argv), -1);
}

static void bad_files(void)
{
    char *argv[] = {"x", 0};
    long before = t_free_pages();

    CHECK_EQ(exec("", argv), -1);
    CHECK_EQ(exec("/", argv), -1);
    CHECK_EQ(exec("README", argv), -1);
    CHECK_EQ(exec("console", argv), -1);
    t_make_file(IMAGE, 0, 0);
    CHECK_EQ(exec(IMAGE, argv), -1);
    t_make_file(IMAGE, 63, 0x7f);
    CHECK_EQ(exec(IMAGE, argv), -1);
    CHECK_EQ(unlink(IMAGE), 0);
    CHECK(t_settle(before) >= before - 4); /* blocks of the new file may be cached dirty */
}

static void kept_things(void)
{
    char *argv[] = {"t_exec", "--child", "5", 0};
    char *here[] = {"../t_exec", "--child", "3", 0};

    CHECK_EQ(dup(0), 3);
    CHECK_EQ(dup(0), 4);
    CHECK_EQ(run("t_exec", argv), 3);
    close(3);
    close(4);
    CHECK_EQ(mkdir("t_exec.d"), 0);
    CHECK_EQ(chdir("t_exec.d"), 0);
    CHECK_EQ(run("t_exec", here), RETURNED);
    CHECK_EQ(run("../t_exec", here), 3);
    CHECK_EQ(chdir(".."), 0);
    CHECK_EQ(unlink("t_exec.d"), 0);
}

/* ---- segments ---- */

/* exit(42) */
static const uint code[] = {0x02a00513, 0x00200893, 0x00000073};

static struct {
    struct elfhdr elf;
    struct proghdr segment[2];
    uint code[3];
} image;

static void plain_image(void)
{
    memset(&image, 0, sizeof(image));
    image.elf.magic = ELF_MAGIC;
    image.elf.phoff = (uint64)((char *)image.segment - (char *)&image);
    image.elf.phentsize = sizeof(struct proghdr);
    image.elf.phnum = 1;
    memcpy(image.code, code, sizeof(code));
    image.segment[0].type = ELF_PROG_LOAD;
    image.segment[0].flags = ELF_PROG_FLAG_READ | ELF_PROG_FLAG_WRITE | ELF_PROG_FLAG_EXEC;
    image.segment[0].off = (uint64)((char *)image.code - (char *)&image);
    image.segment[0].filesz = sizeof(code);
    image.segment[0].memsz = sizeof(code);
    image.segment[0].align = 8;
}

static int run_image(void)
{
    char *argv[] = {IMAGE, 0};
    int fd = open(IMAGE, O_CREATE | O_TRUNC | O_WRONLY);

    CHECK_EQ(write(fd, &image, sizeof(image)), sizeof(image));
    close(fd);
    return run(IMAGE, argv);
}

static void good_segments(void)
{
    plain_image();
    CHECK_EQ(run_image(), 42); /* not page aligned in the file */
    image.segment[0].memsz = 5 * PAGE + 3;
    CHECK_EQ(run_image(), 42);
    image.segment[1] = image.segment[0];
    image.segment[1].vaddr = 8 * PAGE; /* behind a hole, which belongs to it */
    image.elf.phnum = 2;
    image.elf.entry = 8 * PAGE;
    CHECK_EQ(run_image(), 42);
    image.elf.entry = 7 * PAGE; /* zeros: an illegal instruction */
    CHECK_EQ(run_image(), -1);
    image.elf.entry = 0;
    image.segment[1].type = 0x70000003; /* not loaded, whatever it says */
    image.segment[1].vaddr = 1;
    CHECK_EQ(run_image(), 42);
    plain_image();
    image.elf.machine = 62; /* not looked at */
    CHECK_EQ(run_image(), 42);
    CHECK_EQ(unlink(IMAGE), 0);
}

/* At the entry, a0 is argc, and a1 and sp are argv. */
static void first_registers(void)
{
    static const uint first[] = {0x00200893, 0x00000073};              /* exit(a0) */
    static const uint second[] = {0x40b10533, 0x00200893, 0x00000073}; /* exit(sp - a1) */

    plain_image();
    memcpy(image.code, first, sizeof(first));
    CHECK_EQ(run_image(), 1);
    memcpy(image.code, second, sizeof(second));
    CHECK_EQ(run_image(), 0);
    CHECK_EQ(unlink(IMAGE), 0);
}

static void not_executable(void)
{
    plain_image();
    image.segment[0].flags = ELF_PROG_FLAG_READ | ELF_PROG_FLAG_WRITE;
    CHECK_EQ(run_image(), -1);                   /* loaded, and killed by its first fetch */
    image.segment[0].flags = ELF_PROG_FLAG_EXEC; /* can always be read, too */
    CHECK_EQ(run_image(), 42);
    CHECK_EQ(unlink(IMAGE), 0);
}

static void bad_segments(void)
{
    plain_image();
    image.segment[0].memsz = 1;
    CHECK_EQ(run_image(), RETURNED); /* less memory than file */
    plain_image();
    image.segment[0].memsz = 0UL - PAGE;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].vaddr = 8;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].vaddr = 0UL - PAGE;
    image.segment[0].memsz = 2 * PAGE;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].vaddr = MAXVA;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].vaddr = 0xffffffc080200000UL;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].filesz = 2 * PAGE; /* the file is shorter */
    image.segment[0].memsz = 2 * PAGE;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].off = ~0UL;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.elf.phoff = 1UL << 40;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.elf.magic++;
    CHECK_EQ(run_image(), RETURNED);
    plain_image();
    image.segment[0].memsz = MAXVA - 4 * PAGE; /* more than there is, whatever there is */
    CHECK_EQ(run_image(), RETURNED);
    CHECK_EQ(unlink(IMAGE), 0);
}

/* Headers at random, from values at the edges: any outcome but a panic or a loss will do. */
static void any_segments(void)
{
    static const uint64 edges[] = {
        0,
        1,
        64,
        PAGE - 1,
        PAGE,
        2 * PAGE,
        1UL << 31,
        1UL << 32,
        TRAPFRAME - PAGE,
        TRAPFRAME,
        MAXVA,
        1UL << 63,
        0xffffffc080200000UL,
        0UL - PAGE,
        ~0UL,
    };
    uint state = 3;

    for (int i = 0; i < 120; i++) {
        plain_image();
        image.segment[1] = image.segment[0];
        image.segment[1].vaddr = PAGE;
        image.elf.phnum = 2;
        for (int k = 0; k < 1 + i % 3; k++) {
            struct proghdr *segment = &image.segment[t_random(&state) % 2];
            uint64 *fields[] = {&segment->off, &segment->vaddr, &segment->filesz, &segment->memsz};

            *fields[t_random(&state) % COUNT(fields)] = edges[t_random(&state) % COUNT(edges)];
        }
        run_image();
    }
    CHECK_EQ(audit(), 0);
    CHECK_EQ(unlink(IMAGE), 0);
}

/* No segment, empty ones, the same one twice, the higher one first, more headers than file. */
static void odd_images(void)
{
    plain_image();
    image.elf.phnum = 0;
    CHECK_EQ(run_image(), -1); /* runs, and there is nothing at its entry */
    plain_image();
    image.segment[1].type = ELF_PROG_LOAD;
    image.segment[1].vaddr = PAGE;
    image.elf.phnum = 2;
    CHECK_EQ(run_image(), 42);
    image.segment[1] = image.segment[0];
    run_image();
    image.segment[0].vaddr = 3 * PAGE;
    run_image();
    image.elf.phnum = 0xffff;
    CHECK_EQ(run_image(), RETURNED);
    CHECK_EQ(audit(), 0);
    CHECK_EQ(unlink(IMAGE), 0);
}

/* A call of address 0, where no code is in this image; tests/boot/test_crash.py reads what is said. */
static void null_call(void)
{
    static const uint call[] = {0x000000e7}; /* jalr ra, 0(zero) */

    plain_image();
    memcpy(image.code, call, sizeof(call));
    image.segment[1] = image.segment[0];
    image.segment[1].vaddr = PAGE;
    image.segment[0].flags = ELF_PROG_FLAG_READ;
    image.elf.phnum = 2;
    image.elf.entry = PAGE;
    CHECK_EQ(run_image(), -1);
    CHECK_EQ(unlink(IMAGE), 0);
}

/* A failed exec leaves memory and descriptors as they were. */
static void failure_changes_nothing(void)
{
    char *argv[] = {"t_exec", 0};
    char *heap = sbrk(4 * PAGE);
    uint64 size = (uint64)sbrk(0);

    t_fill(heap, 4 * PAGE, 1);
    t_fill(zeroed, sizeof(zeroed), 2);
    CHECK_EQ(exec("t_exec.none", argv), -1);
    CHECK_EQ(exec("README", argv), -1);
    argv[0] = (char *)0x80000000;
    CHECK_EQ(exec("t_exec", argv), -1);
    CHECK_EQ((uint64)sbrk(0), size);
    CHECK(t_is_pattern(heap, 4 * PAGE, 1));
    CHECK(t_is_pattern(zeroed, sizeof(zeroed), 2));
}

static const struct t_case cases[] = {
    {"counted_arguments", counted_arguments},
    {"long_arguments", long_arguments},
    {"bad_arguments", bad_arguments},
    {"bad_files", bad_files},
    {"kept_things", kept_things},
    {"good_segments", good_segments},
    {"first_registers", first_registers},
    {"not_executable", not_executable},
    {"bad_segments", bad_segments},
    {"any_segments", any_segments},
    {"odd_images", odd_images},
    {"null_call", null_call},
    {"failure_changes_nothing", failure_changes_nothing},
};

int main(int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "again") == 0)
        return 99; /* an exec that should have failed */
    if (argc > 2 && strcmp(argv[1], "--child") == 0)
        return child_main(argc, argv);
    t_main("t_exec", cases, COUNT(cases), argc, argv);
}
