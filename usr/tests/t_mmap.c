/*
 * usr/tests/t_mmap.c: mmap, munmap and mprotect of memory; beside heap and others:
 * t_mmapmore.c; of files: t_mmapfile.c. Rules: docs/sharing.md. Invariants attacked: I1, I3, I5, I6.
 */
#include "t_mmap.h"

/* ---- the two-argument form ---- */

static void two_arguments(void)
{
    char *heap = t_align_break();
    char *p = mmap(PLACE, 3 * PAGE);

    CHECK(p == PLACE);
    CHECK(p[0] == 0 && p[3 * PAGE - 1] == 0);
    t_fill(p, 3 * PAGE, 2);
    CHECK_ERRNO(mmap(PLACE, PAGE), EEXIST);
    CHECK_ERRNO(mmap(PLACE + 2 * PAGE, PAGE), EEXIST);
    CHECK_ERRNO(mmap(PLACE - PAGE, 2 * PAGE), EEXIST);
    CHECK_ERRNO(mmap(PLACE - PAGE, 9 * PAGE), EEXIST);
    CHECK(mmap(PLACE - PAGE, PAGE) == PLACE - PAGE);
    CHECK(mmap(PLACE + 3 * PAGE, 1) == PLACE + 3 * PAGE);
    CHECK(t_is_pattern(p, 3 * PAGE, 2));
    CHECK_EQ(munmap(PLACE - PAGE, 5 * PAGE), 0);
    CHECK(sbrk(0) == heap);
    p = mmap(0, 2 * PAGE);
    CHECK(p != MAP_FAILED && p != 0);
    CHECK_EQ(munmap(p, 2 * PAGE), 0);
}

static void two_bad_arguments(void)
{
    char *top = t_align_break();

    CHECK_ERRNO(mmap(PLACE + 1, PAGE), EINVAL);
    CHECK_ERRNO(mmap(PLACE, 0), EINVAL);
    CHECK_ERRNO(mmap((void *)PAGE, PAGE), EEXIST); /* the program itself */
    CHECK_ERRNO(mmap(top - PAGE, PAGE), EEXIST);   /* its heap, or its stack */
    CHECK_ERRNO(mmap(top - PAGE, 2 * PAGE), EEXIST);
    CHECK((long)mmap((void *)TRAPFRAME, PAGE) == -1);
    CHECK((long)mmap((void *)(TRAPFRAME - PAGE), 2 * PAGE) == -1);
    CHECK((long)mmap((void *)MAXVA, PAGE) == -1);
    CHECK((long)mmap((void *)0xffffffc080200000UL, PAGE) == -1);
    CHECK((long)mmap(PLACE, ~0UL) == -1);
    CHECK((long)mmap(PLACE, 0UL - (uint64)PLACE) == -1);
    CHECK((long)mmap(PLACE, MAXVA) == -1);
    CHECK(mmap((void *)(TRAPFRAME - PAGE), PAGE) == (void *)(TRAPFRAME - PAGE));
    CHECK_EQ(munmap((void *)(TRAPFRAME - PAGE), PAGE), 0);
    CHECK(sbrk(0) == top);
}

static void bad_arguments(void)
{
    CHECK_ERRNO(mmap(0, 0, BOTH, PRIVATE, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(0, PAGE, BOTH, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(0, PAGE, BOTH, MAP_PRIVATE, -1, 0), EBADF);
    CHECK_ERRNO(mmap(0, PAGE, BOTH, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(mmap(0, PAGE, BOTH, MAP_PRIVATE, 15, 0), EBADF);
    CHECK_ERRNO(mmap(PLACE + 5, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(0, ~0UL, BOTH, PRIVATE, -1, 0), ENOMEM);
    CHECK_ERRNO(mmap(0, MAXVA - PAGE, PROT_READ, PRIVATE, -1, 0), ENOMEM);
    CHECK_ERRNO(mmap(0, PAGE, 8, PRIVATE, -1, 0), EINVAL);
    CHECK_ERRNO(munmap(PLACE + 1, PAGE), EINVAL);
    CHECK_ERRNO(munmap(PLACE, 0), EINVAL);
    CHECK_ERRNO(munmap((void *)MAXVA, PAGE), EINVAL);
    CHECK_ERRNO(munmap(PLACE, ~0UL), EINVAL);
    CHECK_ERRNO(mprotect(PLACE, PAGE, BOTH), ENOMEM);
    CHECK_ERRNO(mprotect(PLACE + 1, PAGE, BOTH), EINVAL);
    CHECK_ERRNO(msync(PLACE + 1, PAGE, MS_SYNC), EINVAL);
    CHECK_EQ(munmap(PLACE, PAGE), 0); /* a hole is no error */
    CHECK_EQ(audit(), 0);
}

/* An address that is only a wish is taken where it can be. */
static void wishes(void)
{
    char *p = mmap(PLACE, PAGE, BOTH, PRIVATE, -1, 0);
    char *q = mmap(PLACE, PAGE, BOTH, PRIVATE, -1, 0);

    CHECK(p == PLACE);
    CHECK(q != MAP_FAILED && q != p);
    *p = 1;
    CHECK_EQ(*q, 0);
}

/* ---- private and shared ---- */

static void fork_tree(uint64 depth)
{
    volatile char *shared = (char *)PLACE;
    volatile char *own = (char *)PLACE + PAGE;

    CHECK_EQ(shared[depth], 0);
    CHECK_EQ(own[depth], 0);
    shared[depth] = own[depth] = 1;
    if (depth < 4)
        CHECK_EQ(t_status(fork_tree, depth + 1), 0);
    for (int i = 0; i <= 4; i++)
        CHECK_EQ(shared[i], 1);
    CHECK_EQ(own[depth + 1], 0);
}

static void over_fork(void)
{
    CHECK(mmap(PLACE, PAGE, BOTH, SHARED | MAP_FIXED, -1, 0) == PLACE);
    CHECK(mmap(PLACE + PAGE, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0) == PLACE + PAGE);
    fork_tree(0);
    CHECK_EQ(munmap(PLACE, 2 * PAGE), 0);
}

static void count_up(uint64 address)
{
    for (int i = 0; i < 20000; i++)
        __sync_fetch_and_add((volatile uint64 *)address, 1);
}

static void shared_at_once(void)
{
    volatile uint64 *p = (volatile uint64 *)get(1, BOTH, SHARED);

    for (int i = 0; i < 4; i++)
        if (t_fork() == 0) {
            count_up((uint64)p);
            t_exit();
        }
    for (int i = 0; i < 4; i++)
        wait(0);
    CHECK_EQ(*p, 80000);
}

/* Untouched shared pages, first touched by a child, are the parent's too. */
static void touched_later(void)
{
    char *p = get(3, BOTH, SHARED);

    CHECK_EQ(t_status(only_store_at, (uint64)p + PAGE), 0);
    CHECK_EQ(p[PAGE], 1);
    CHECK_EQ(p[0], 0);
    CHECK_EQ(p[2 * PAGE], 0);
}

/* ---- unmapping in part ---- */

static void in_part(void)
{
    char *p = get(7, BOTH, PRIVATE);

    t_fill(p, 7 * PAGE, 1);
    CHECK_EQ(munmap(p + 3 * PAGE, PAGE), 0);
    CHECK_EQ(t_status(load_at, (uint64)p + 3 * PAGE), -1);
    CHECK_EQ(t_status(load_at, (uint64)p + 4 * PAGE - 1), -1);
    CHECK(t_is_pattern(p, 3 * PAGE, 1));
    CHECK(t_is_pattern(p + 4 * PAGE, 3 * PAGE, 1));
    CHECK_EQ(munmap(p, PAGE), 0);
    CHECK_EQ(munmap(p + 6 * PAGE, PAGE), 0);
    CHECK(t_is_pattern(p + PAGE, 2 * PAGE, 1 + (int)PAGE));
    CHECK_EQ(munmap(p, 7 * PAGE), 0); /* over holes */
    CHECK_EQ(munmap(p, 7 * PAGE), 0);
    for (int i = 0; i < 7; i++)
        CHECK_EQ(t_status(load_at, (uint64)p + (uint64)i * PAGE), -1);
    CHECK_EQ(audit(), 0);
}

static void only_what_was_mapped(void)
{
    char *top = t_align_break();
    char *heap = sbrk(2 * PAGE);
    uint64 alias = map_to(getpid(), heap, PAGE);

    t_fill(heap, 2 * PAGE, 4);
    CHECK_ERRNO(munmap(heap, PAGE), EINVAL);
    CHECK_ERRNO(munmap(0, PAGE), EINVAL);
    CHECK_ERRNO(munmap((void *)alias, PAGE), EINVAL);
    CHECK_ERRNO(munmap(0, MAXVA), EINVAL);
    CHECK_ERRNO(mprotect(heap, PAGE, PROT_READ), EINVAL);
    CHECK_ERRNO(mmap(heap, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(mmap((void *)PAGE, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(mmap((void *)alias, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0), EINVAL);
    CHECK(t_is_pattern(heap, 2 * PAGE, 4));
    CHECK(t_is_pattern((char *)alias, PAGE, 4));
    CHECK_EQ(unmap_shared_pages(alias, PAGE), 0);
    CHECK(sbrk(-2 * (int)PAGE) != SBRK_ERROR);
    CHECK(sbrk(0) == top);
}

static void fixed_replaces(void)
{
    char *p = mmap(PLACE, 5 * PAGE);

    t_fill(p, 5 * PAGE, 1);
    CHECK(mmap(p + PAGE, 2 * PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0) == p + PAGE);
    CHECK(t_is_pattern(p, PAGE, 1));
    CHECK_EQ(p[PAGE], 0);
    CHECK_EQ(p[3 * PAGE - 1], 0);
    CHECK(t_is_pattern(p + 3 * PAGE, 2 * PAGE, 1));
    CHECK(mmap(p - PAGE, 7 * PAGE, PROT_READ, SHARED | MAP_FIXED, -1, 0) == p - PAGE);
    CHECK_EQ(p[0], 0);
    CHECK_EQ(t_status(only_store_at, (uint64)p), -1);
    CHECK_EQ(munmap(p - PAGE, 7 * PAGE), 0);
}

/* ---- protection ---- */

/* Each protection against each kind of access: the hardware's, and the kernel's. */
static void every_protection(void)
{
    for (int prot = 0; prot <= PROT_RWX; prot++) {
        char *p = get(1, BOTH, PRIVATE);
        uint64 at = (uint64)p;
        int reads = (prot & PROT_READ) || (prot & PROT_WRITE); /* the format knows no W alone */

        memcpy(p, seven, sizeof(seven));
        CHECK_EQ(mprotect(p, PAGE, prot), 0);
        CHECK_EQ(t_status(load_at, at), reads ? 0 : -1);
        CHECK_EQ(t_status(only_store_at, at), prot & PROT_WRITE ? 0 : -1);
        CHECK_EQ(t_status(call_at, at), prot & PROT_EXEC ? 0 : -1);
        CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
        CHECK(memcmp(p, seven, sizeof(seven)) == 0);
        CHECK_EQ(munmap(p, PAGE), 0);
    }
}

/* The kernel stores and loads for a program only what the program may. */
static void kernel_obeys(void)
{
    char *p = get(1, BOTH, PRIVATE);
    int fds[2];

    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(write(fds[1], "12345678", 8), 8);
    CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
    CHECK(read(fds[0], p, 4) <= 0);
    CHECK_EQ(write(fds[1], p, 4), 4);
    CHECK_EQ(wait((int *)p), -1);
    CHECK_EQ(mprotect(p, PAGE, PROT_NONE), 0);
    CHECK(write(fds[1], p, 4) <= 0);
    CHECK(read(fds[0], p, 4) <= 0);
    CHECK_EQ(open(p, 0), -1);
    CHECK_EQ(mprotect(p, PAGE, PROT_EXEC), 0);
    CHECK(write(fds[1], p, 4) <= 0);
    CHECK_EQ(mprotect(p, PAGE, BOTH), 0);
    CHECK_EQ(read(fds[0], p, 4), 4);
}

static void protect_in_part(void)
{
    char *p = get(5, BOTH, PRIVATE);

    t_fill(p, 5 * PAGE, 6);
    CHECK_EQ(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
    CHECK_EQ(t_status(store_at, (uint64)p + 2 * PAGE - 1), 0);
    CHECK_EQ(t_status(store_at, (uint64)p + 2 * PAGE), -1);
    CHECK_EQ(t_status(store_at, (uint64)p + 3 * PAGE), 0);
    CHECK_EQ(munmap(p + 4 * PAGE, PAGE), 0);
    CHECK_ERRNO(mprotect(p, 5 * PAGE, PROT_NONE), ENOMEM);
    CHECK(t_is_pattern(p, 4 * PAGE, 6)); /* nothing has changed */
    CHECK_EQ(mprotect(p, 4 * PAGE, BOTH), 0);
    t_fill(p, 4 * PAGE, 7);
    CHECK(t_is_pattern(p, 4 * PAGE, 7));
}

/* Memory that is read-only, and then becomes writable: its pages are zero until then. */
static void writable_later(void)
{
    char *p = get(3, PROT_READ, PRIVATE);
    char *none = get(3, PROT_NONE, PRIVATE);
    char *shared = get(2, PROT_READ, SHARED);

    CHECK_EQ(p[0], 0);
    CHECK_EQ(mprotect(p, 3 * PAGE, BOTH), 0);
    t_fill(p, 3 * PAGE, 1);
    CHECK_EQ(t_status(load_at, (uint64)none), -1);
    CHECK_EQ(mprotect(none, 3 * PAGE, BOTH), 0);
    t_fill(none, 3 * PAGE, 2);
    CHECK_EQ(shared[0], 0);
    CHECK_EQ(mprotect(shared, 2 * PAGE, BOTH), 0);
    CHECK_EQ(t_status(only_store_at, (uint64)shared), 0);
    CHECK_EQ(shared[0], 1);
    CHECK(t_is_pattern(p, 3 * PAGE, 1));
    CHECK(t_is_pattern(none, 3 * PAGE, 2));
}

/* After a fork, protection is each one's own, and copies stay copies. */
static void protect_after_fork(void)
{
    char *p = get(2, BOTH, PRIVATE);
    int pid;

    t_fill(p, 2 * PAGE, 3);
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
        CHECK_EQ(mprotect(p, PAGE, BOTH), 0);
        t_fill(p, 2 * PAGE, 4);
        CHECK(t_is_pattern(p, 2 * PAGE, 4));
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK(t_is_pattern(p, 2 * PAGE, 3));
}

/* Splits and merges, over and over: nothing is lost. */
static void many_splits(void)
{
    char *p = get(64, BOTH, PRIVATE);

    for (int i = 0; i < 2000; i++) {
        char *at = p + (uint64)(i * 7 % 64) * PAGE;

        CHECK_EQ(mprotect(at, PAGE, i % 3 ? PROT_READ : BOTH), 0);
    }
    CHECK_EQ(mprotect(p, 64 * PAGE, BOTH), 0);
    CHECK_EQ(audit(), 0);
    for (int i = 0; i < 64; i += 2)
        CHECK_EQ(munmap(p + (uint64)i * PAGE, PAGE), 0);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"two_arguments", two_arguments},
    {"two_bad_arguments", two_bad_arguments},
    {"bad_arguments", bad_arguments},
    {"wishes", wishes},
    {"over_fork", over_fork},
    {"shared_at_once", shared_at_once},
    {"touched_later", touched_later},
    {"in_part", in_part},
    {"only_what_was_mapped", only_what_was_mapped},
    {"fixed_replaces", fixed_replaces},
    {"every_protection", every_protection},
    {"kernel_obeys", kernel_obeys},
    {"protect_in_part", protect_in_part},
    {"writable_later", writable_later},
    {"protect_after_fork", protect_after_fork},
    {"many_splits", many_splits},
};

int main(int argc, char **argv)
{
    t_main("t_mmap", cases, COUNT(cases), argc, argv);
}
