/*
 * usr/tests/t.h: what the test programs share.
 *
 * A test program is a table of cases. Each case runs in a child of its own, so that a case that is
 * killed, or leaves memory and files open, does not disturb the next. A failed check prints
 * FILE:LINE and what differed, and the case goes on. The last line is `NAME: OK` or `NAME: FAILED`.
 * Include kernel/types.h first. The stack is one page: large buffers are static.
 */
#ifndef LAMINA_T_H
#define LAMINA_T_H

#include "user/user.h"

#define PAGE         4096UL
#define NO_ADDRESS   ((uint64)-1)
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define CHECK(condition)    t_check(__FILE__, __LINE__, #condition, (condition) != 0)
#define CHECK_EQ(got, want) t_check_equal(__FILE__, __LINE__, #got, (long)(got), (long)(want))

struct t_case {
    const char *name;
    void (*run)(void);
};

/* A process at the other end of two pipes. In the child, pid is the parent's. */
struct t_peer {
    int pid;
    int in;
    int out;
};

/*
 * Runs the cases named in argv[1..], or all. Does not return: exit status 0 or 1. A name that is no
 * case runs nothing: a usage line, 1.
 * => With each case, free memory afterwards must not be less than before.
 */
void t_main(const char *name, const struct t_case *cases, int n, int argc, char **argv)
    __attribute__((noreturn));

/* Counts a failure of this process, and prints it, unless ok. */
void t_check(const char *file, int line, const char *what, int ok);
void t_check_equal(const char *file, int line, const char *what, long got, long want);

/* Ends this process: status 0 if no check failed in it, else 1. */
void t_exit(void) __attribute__((noreturn));

/* fork(), which must work. */
int t_fork(void);

/* Waits for the one child `pid`. => its status. */
int t_wait(int pid);

/* Runs fn(arg) in a child, which then leaves by t_exit(). => its status. */
int t_status(void (*fn)(uint64), uint64 arg);

/* Starts fn(peer, arg) in a child, connected to this process; it leaves by t_exit(). */
void t_start(struct t_peer *child, void (*fn)(struct t_peer *parent, uint64 arg), uint64 arg);

/* One 64-bit word to and from the peer. t_get fails a check and gives ~0 when the peer is gone. */
void t_put(struct t_peer *peer, uint64 word);
uint64 t_get(struct t_peer *peer);

/* Closes the pipes and waits. => the child's status. */
int t_join(struct t_peer *child);

/* Pages free now or at once when wanted. */
long t_free_pages(void);

/*
 * Presses the kernel's caches, and waits within bounds, until at least `want` pages are free.
 * => how many are. No child of the caller may end meanwhile.
 */
long t_settle(long want);

/* Makes a file of n bytes, byte i being (char)(seed + i); checks that it has just that. */
void t_make_file(const char *path, int n, int seed);
void t_check_file(const char *path, int n, int seed);

/* The same bytes in memory. t_is_pattern returns 1 or 0. */
void t_fill(void *p, uint64 n, int seed);
int t_is_pattern(const void *p, uint64 n, int seed);

/* A cheap pseudo-random sequence. */
uint t_random(uint *state);

/* Burns a little time, without a system call. */
void t_spin(uint n);

/* Page-aligned break: sbrk() to the next boundary. => the break. */
char *t_align_break(void);

#endif
