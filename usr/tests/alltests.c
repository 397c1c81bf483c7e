/*
 * usr/tests/alltests.c: runs every test program, then looks at the machine as a whole.
 *
 *   alltests [-x NAME]... [NAME...]     only these programs; -x leaves one out
 *
 * Each program prints its own last line, `NAME: OK` or `NAME: FAILED`; what fails is named once
 * more, with its status. A program counts as failed, too, if free memory did not come back after
 * it, and the audit and the memory of the whole run count as one test each. The last line is
 * `alltests: N passed, M failed`. Exit status 0 if nothing failed; 1, too, and a usage line, for a
 * name that is none of them.
 * Invariant attacked: I7.
 */
#include "kernel/types.h"
#include "t.h"

static char *const programs[] = {
    "t_lib",        "t_sh",
    "t_file",       "t_dir",
    "t_link",       "t_pipe",
    "t_proc",       "t_exec",
    "t_sbrk",       "t_copy",
    "t_fault",      "t_fdlimit",
    "t_ulog",       "t_shared",
    "t_forms",      "t_sharewho",
    "t_sharelife",  "t_sharerace",
    "t_sharemix",   "t_fuzz",
    "t_oom",        "t_diskfull",
    "grind",        "forktest",
    "shmem_test",   "shmem_test --no-unmap",
    "log_test",     "log_test 12",
    "t_crypto",     "t_cryptoend",
    "t_ids",        "t_mmap",
    "t_mmapmore",   "t_mmapfile",
    "t_mmapcut",    "t_sync",
    "t_grant",      "t_long",
    "t_sidebyside", "shmem_test1",
    "shmem_test2",  "crypto_cli",
    "shmem_count",  "shm_cnt",
    "shm_cnt -u",   "mmap_test",
    "share_demo",
};

static int passed;
static int failed;

static void count(int ok)
{
    passed += ok;
    failed += !ok;
}

static void count_and_print(const char *what, int ok)
{
    printf("%s: %s\n", what, ok ? "OK" : "FAILED");
    count(ok);
}

/* Cuts `line` at its blanks into argv; line is changed. */
static void split(char *line, char **argv, int max)
{
    int n = 0;

    while (*line != 0 && n < max - 1) {
        argv[n++] = line;
        while (*line != 0 && *line != ' ')
            line++;
        if (*line == ' ')
            *line++ = 0;
    }
    argv[n] = 0;
}

/* The exit status of a command line. */
static int run(const char *command)
{
    int status = -1;
    int pid = fork();

    if (pid == 0) {
        static char line[64];
        char *argv[4];

        strcpy(line, command);
        split(line, argv, COUNT(argv));
        exec(argv[0], argv);
        printf("alltests: exec %s failed\n", argv[0]);
        exit(1);
    }
    return pid > 0 && wait(&status) == pid ? status : -1;
}

static void run_and_count(const char *command)
{
    long before = t_free_pages();
    int status = run(command);
    long after = t_settle(before);

    if (status != 0)
        printf("alltests: %s: FAILED (status %d)\n", command, status);
    if (after < before)
        printf("alltests: %s: FAILED (%ld pages were free, now %ld)\n", command, before, after);
    count(status == 0 && after >= before);
}

/* Ends with a usage line where the command line names what is not there. */
static void check_names(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        int known = 0;

        if (strcmp(name, "-x") == 0)
            name = i + 1 < argc ? argv[++i] : "after -x";
        for (int k = 0; k < COUNT(programs); k++)
            known |= strcmp(programs[k], name) == 0;
        if (!known) {
            fprintf(2, "usage: alltests [-x NAME]... [NAME]...    (no test %s)\n", name);
            exit(1);
        }
    }
}

/* Whether the command line was asked for. */
static int is_wanted(const char *command, int argc, char **argv)
{
    int named = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-x") == 0) {
            if (i + 1 < argc && strcmp(argv[++i], command) == 0)
                return 0;
            continue;
        }
        if (strcmp(argv[i], command) == 0)
            return 1;
        named = 1;
    }
    return !named;
}

int main(int argc, char **argv)
{
    long before;

    check_names(argc, argv);
    printf("alltests: expected: many programs are ended by the kernel, three lines each\n");
    run("echo"); /* what the first program costs once (caches, slabs) is not a leak */
    run("forktest");
    before = t_free_pages();
    for (int i = 0; i < COUNT(programs); i++)
        if (is_wanted(programs[i], argc, argv))
            run_and_count(programs[i]);
    count_and_print("memory came back", t_settle(before) >= before);
    count_and_print("audit", audit() == 0);
    printf("alltests: %d passed, %d failed\n", passed, failed);
    exit(failed == 0 ? 0 : 1);
}
