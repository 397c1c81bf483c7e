/*
 * usr/tests/t_sh.c: the shell: scripts go in through a file, and what comes out, prompts and
 * messages included, is compared with what xv6's shell prints.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "t.h"

#define SCRIPT     "t_sh.in"
#define OUTPUT     "t_sh.out"
#define FILE_BYTES 600

static char output[FILE_BYTES];

struct dialogue {
    const char *script;
    const char *want;
};

static void write_script(const char *text)
{
    int fd = open(SCRIPT, O_CREATE | O_TRUNC | O_WRONLY);

    CHECK_EQ(write(fd, text, (int)strlen(text)), strlen(text));
    close(fd);
}

static void read_output(const char *path)
{
    int fd = open(path, O_RDONLY);
    int n = read(fd, output, sizeof(output) - 1);

    CHECK(fd >= 0 && n >= 0);
    output[n < 0 ? 0 : n] = 0;
    close(fd);
}

/* Runs the shell on the script; its output and its messages go to one file. => exit status. */
static int run_shell(void)
{
    static char *argv[] = {"sh", 0};
    int pid = t_fork();

    if (pid == 0) {
        close(0);
        CHECK_EQ(open(SCRIPT, O_RDONLY), 0);
        close(1);
        CHECK_EQ(open(OUTPUT, O_CREATE | O_TRUNC | O_RDWR), 1);
        close(2);
        CHECK_EQ(dup(1), 2);
        exec("sh", argv);
        exit(77);
    }
    return t_wait(pid);
}

static void play(const struct dialogue *dialogues, int n)
{
    for (int i = 0; i < n; i++) {
        write_script(dialogues[i].script);
        CHECK_EQ(run_shell(), 0);
        read_output(OUTPUT);
        if (strcmp(output, dialogues[i].want) == 0)
            continue;
        CHECK(!"the shell answers as it should");
        printf("--- script\n%s--- got\n%s\n--- expected\n%s\n---\n", dialogues[i].script, output,
               dialogues[i].want);
    }
    unlink(SCRIPT);
    unlink(OUTPUT);
}

static void commands(void)
{
    static const struct dialogue dialogues[] = {
        {"", "$ "},
        {"echo a b  c\n", "$ a b c\n$ "},
        {"\n  \n\t echo x\n", "$ $ $ x\n$ "},
        {"echo one; echo two;echo three\n", "$ one\ntwo\nthree\n$ "},
        {"echo 2 3 4 5 6 7 8 9\n", "$ 2 3 4 5 6 7 8 9\n$ "},
        {"((echo x); (echo y))\n", "$ x\ny\n$ "},
        {"echo no newline", "$ no newline\n$ "},
        {"/echo by path\n", "$ by path\n$ "},
    };

    play(dialogues, COUNT(dialogues));
}

static void redirections(void)
{
    static const struct dialogue dialogues[] = {
        {"echo hello > t_sh.f\ncat < t_sh.f\n", "$ $ hello\n$ "},
        {"echo XY>>t_sh.f\ncat t_sh.f\n", "$ $ XY\nlo\n$ "}, /* from the start, not truncated */
        {"echo z >t_sh.f\ncat t_sh.f\n", "$ $ z\n$ "},
        {"cat < t_sh.f > t_sh.g; cat t_sh.g\n", "$ z\n$ "},
        {"(echo a; echo b) > t_sh.f\ncat t_sh.f\n", "$ $ a\nb\n$ "},
        {"rm t_sh.f t_sh.g\n", "$ $ "},
        {"cat < t_sh.f\n", "$ open t_sh.f failed\n$ "},
    };

    play(dialogues, COUNT(dialogues));
}

static void pipes(void)
{
    static const struct dialogue dialogues[] = {
        {"echo x | cat\n", "$ x\n$ "},
        {"echo x|cat|cat|cat|cat\n", "$ x\n$ "},
        {"(echo a b; echo c) | wc\n", "$ 2 3 6 \n$ "},
        {"echo a | grep b\necho ab | grep b\n", "$ $ ab\n$ "},
        {"echo a | cat > t_sh.f; cat < t_sh.f | cat\nrm t_sh.f\n", "$ a\n$ $ "},
    };

    play(dialogues, COUNT(dialogues));
}

static void directories(void)
{
    static const struct dialogue dialogues[] = {
        {"mkdir t_sh.d\ncd t_sh.d\n/echo in > f\ncd ..\ncat t_sh.d/f\n", "$ $ $ $ $ in\n$ "},
        {"cd t_sh.d\n../cat f\n/rm f\n", "$ $ in\n$ $ "},
        {"rm t_sh.d\ncd t_sh.d\n", "$ $ cannot cd t_sh.d\n$ "},
    };

    play(dialogues, COUNT(dialogues));
}

static void mistakes(void)
{
    static const struct dialogue dialogues[] = {
        {"nothing here\necho on\n", "$ exec nothing failed\n$ on\n$ "},
        {"echo 2 3 4 5 6 7 8 9 10\n", "$ too many args\n$ "},
        {"(echo a\n", "$ syntax - missing )\n$ "},
        {"echo a )\n", "$ leftovers: )\n\nsyntax\n$ "},
        {"echo a >\n", "$ missing file for redirection\n$ "},
        {"echo a (b)\n", "$ syntax\n$ "},
    };

    play(dialogues, COUNT(dialogues));
}

/* Runs a line of `length` characters that begins and ends with a command, then `echo c`. */
static void run_long_line(int length)
{
    static char script[FILE_BYTES];

    memset(script, ' ', (uint)length);
    memcpy(script, "echo a;", 7);
    memcpy(script + length - 7, ";echo b", 7);
    strcpy(script + length, "\necho c\n");
    write_script(script);
    CHECK_EQ(run_shell(), 0);
    read_output(OUTPUT);
}

/* 98 characters are a line. Of one with more nothing is run, neither its beginning nor its end. */
static void long_lines(void)
{
    static const char refused[] =
        "$ sh: a line has at most 98 characters; this one is not run\n$ c\n$ ";

    run_long_line(98);
    CHECK_EQ(strcmp(output, "$ a\nb\n$ c\n$ "), 0);
    run_long_line(99);
    CHECK_EQ(strcmp(output, refused), 0);
    run_long_line(500);
    CHECK_EQ(strcmp(output, refused), 0);
    unlink(SCRIPT);
    unlink(OUTPUT);
}

/* Keys come from a console that is open for reading, and from nothing else. */
static void keys(void)
{
    int ends[2];
    int console;
    char c;

    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(console_keys(ends[0], &c, 0), -1);
    CHECK_EQ(console_keys(open("README", O_RDONLY), &c, 0), -1);
    CHECK_EQ(console_keys(open("/", O_RDONLY), &c, 1), -1);
    CHECK_EQ(console_keys(open("console", O_WRONLY), &c, 0), -1);
    CHECK_EQ(console_keys(-1, &c, 0), -1);
    CHECK_EQ(console_keys(NOFILE, &c, 1), -1);
    console = open("console", O_RDONLY);
    CHECK_EQ(console_keys(console, &c, 0), 0);
    CHECK_EQ(console_keys(console, &c, -1), 0);
}

/* A command in the background: the shell goes on, and the command is run. */
static void background(void)
{
    static const struct dialogue dialogues[] = {
        {"echo done > t_sh.f &\necho on\n", "$ $ on\n$ "},
    };
    int tries;

    t_make_file("t_sh.f", 0, 0);
    play(dialogues, COUNT(dialogues));
    for (tries = 0; tries < 300; tries++) {
        read_output("t_sh.f");
        if (strcmp(output, "done\n") == 0)
            break;
        pause(1);
    }
    CHECK(tries < 300);
    unlink("t_sh.f");
}

static const struct t_case cases[] = {
    {"commands", commands},     {"redirections", redirections},
    {"pipes", pipes},           {"directories", directories},
    {"mistakes", mistakes},     {"background", background},
    {"long_lines", long_lines}, {"keys", keys},
};

int main(int argc, char **argv)
{
    t_main("t_sh", cases, COUNT(cases), argc, argv);
}
