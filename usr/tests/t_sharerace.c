/*
 * usr/tests/t_sharerace.c: map_shared_pages while the other side exits, execs, forks, grows,
 * shrinks, unmaps or is killed, on whatever hart it runs. Nothing here depends on who wins: each
 * race only has outcomes that are right, and the audit after it finds nothing.
 * Invariants attacked: I1, I2, I3, I6.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "t.h"

#define ROUNDS 40
#define TRIES  30

static char buffer[2 * PAGE] __attribute__((aligned(4096)));

/* Maps to and from pid over and over, until it refuses or `tries` are used up. */
static void map_both_ways(int pid, int tries)
{
    for (int i = 0; i < tries; i++) {
        uint64 out = map_to(pid, buffer, 2 * PAGE);
        uint64 in = map_from(pid, buffer, 2 * PAGE);

        if (in != NO_ADDRESS) {
            CHECK(t_is_pattern((char *)in, 2 * PAGE, 5));
            CHECK_EQ(unmap_shared_pages(in, 2 * PAGE), 0);
        }
        if (out == NO_ADDRESS)
            return;
    }
}

static void race_with_exit(void)
{
    t_fill(buffer, sizeof(buffer), 5);
    for (int i = 0; i < ROUNDS; i++) {
        int pid = t_fork();

        if (pid == 0) {
            t_spin((uint)i * 500);
            t_exit();
        }
        map_both_ways(pid, TRIES);
        CHECK_EQ(t_wait(pid), 0);
    }
    CHECK_EQ(audit(), 0);
}

static void race_with_exec(void)
{
    static char *argv[] = {"echo", 0};

    t_fill(buffer, sizeof(buffer), 5);
    for (int i = 0; i < ROUNDS; i++) {
        int pid = t_fork();

        if (pid == 0) {
            exec("no-such-program", argv);
            t_spin((uint)i * 200);
            exec("echo", argv);
            exit(2);
        }
        map_both_ways(pid, TRIES);
        CHECK_EQ(t_wait(pid), 0);
    }
    CHECK_EQ(audit(), 0);
}

static void race_with_kill(void)
{
    t_fill(buffer, sizeof(buffer), 5);
    for (int i = 0; i < ROUNDS; i++) {
        int pid = t_fork();

        if (pid == 0)
            for (;;)
                t_spin(1000);
        map_both_ways(pid, i % 3);
        CHECK_EQ(kill(pid), 0);
        map_both_ways(pid, TRIES);
        CHECK_EQ(t_wait(pid), -1);
    }
    CHECK_EQ(audit(), 0);
}

/* Grows and shrinks for a number of rounds. A mapping on top may refuse the shrinking. */
static void breathe(uint64 rounds)
{
    for (uint64 i = 0; i < rounds; i++) {
        char *p = sbrk(2 * PAGE);

        CHECK(p != SBRK_ERROR);
        t_fill(p, 2 * PAGE, (int)i);
        CHECK(t_is_pattern(p, 2 * PAGE, (int)i));
        sbrk(-2 * (int)PAGE);
    }
}

static void race_with_sbrk(void)
{
    t_fill(buffer, sizeof(buffer), 5);
    for (int i = 0; i < ROUNDS / 4; i++) {
        int pid = t_fork();

        if (pid == 0) {
            breathe(40);
            t_exit();
        }
        map_both_ways(pid, TRIES);
        CHECK_EQ(t_wait(pid), 0);
    }
    CHECK_EQ(audit(), 0);
}

static void breathe_peer(struct t_peer *parent, uint64 rounds)
{
    char *top = t_align_break();

    t_put(parent, (uint64)top);
    for (uint64 i = 0; i < rounds; i++) {
        CHECK_EQ((uint64)sbrk(2 * PAGE), (uint64)top);
        t_fill(top, 2 * PAGE, 5);
        CHECK(sbrk(-2 * (int)PAGE) != SBRK_ERROR);
    }
}

static int is_page_of_source(const char *p)
{
    return *p == 0 || *p == 5;
}

/* The source range comes and goes: the mapping is refused, or it is there and stays. */
static void race_with_vanishing_source(void)
{
    struct t_peer child;
    uint64 top;

    t_start(&child, breathe_peer, 200);
    top = t_get(&child);
    for (int i = 0; i < 400; i++) {
        uint64 at = map_from(child.pid, top, 2 * PAGE);

        if (at == NO_ADDRESS)
            continue;
        CHECK(is_page_of_source((char *)at));
        *(volatile char *)(at + 2 * PAGE - 1) = 1;
        CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    }
    CHECK_EQ(t_join(&child), 0);
    CHECK_EQ(audit(), 0);
}

/* Unmaps what it is told, as fast as it is mapped. */
static void unmapper(struct t_peer *parent, uint64 rounds)
{
    uint64 before = (uint64)sbrk(0);

    t_put(parent, 1);
    for (uint64 i = 0; i < rounds; i++) {
        uint64 at = t_get(parent);

        CHECK(at != NO_ADDRESS);
        CHECK(t_is_pattern((char *)at, 8, 5));
        CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    }
    CHECK_EQ((uint64)sbrk(0), before);
}

static void race_with_unmap(void)
{
    enum {
        MAPPINGS = 200
    };
    struct t_peer child;

    t_fill(buffer, sizeof(buffer), 5);
    t_start(&child, unmapper, MAPPINGS);
    t_get(&child);
    for (int i = 0; i < MAPPINGS; i++)
        t_put(&child, map_to(child.pid, buffer, 2 * PAGE));
    CHECK_EQ(t_join(&child), 0);
    CHECK_EQ(audit(), 0);
}

/* The child of a mapped-into process maps the same: fork against map. */
static void race_with_fork(void)
{
    t_fill(buffer, sizeof(buffer), 5);
    for (int i = 0; i < ROUNDS / 4; i++) {
        int pid = t_fork();

        if (pid == 0) {
            for (int k = 0; k < 10; k++)
                CHECK_EQ(t_status(breathe, 1), 0);
            t_exit();
        }
        map_both_ways(pid, TRIES);
        CHECK_EQ(t_wait(pid), 0);
    }
    CHECK_EQ(audit(), 0);
}

/* Each lends to the other at the same time: an order of two locks would be a deadlock here. */
static void lend_to_parent(struct t_peer *parent, uint64 rounds)
{
    t_put(parent, 1);
    for (uint64 i = 0; i < rounds; i++)
        CHECK(map_to(parent->pid, buffer, PAGE) != NO_ADDRESS);
    t_get(parent);
}

static void race_both_lend(void)
{
    enum {
        MAPPINGS = 100
    };
    struct t_peer child;

    t_fill(buffer, sizeof(buffer), 5);
    t_start(&child, lend_to_parent, MAPPINGS);
    t_get(&child);
    for (int i = 0; i < MAPPINGS; i++)
        CHECK(map_to(child.pid, buffer, PAGE) != NO_ADDRESS);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    CHECK_EQ(audit(), 0);
}

/*
 * One address, another frame each time, while other processes keep the harts busy so that this
 * one moves about: a hart that remembers an old translation shows the old frame.
 */
static void remap_and_look(void)
{
    static char frames[8][PAGE] __attribute__((aligned(4096)));
    int noise[2];

    for (int i = 0; i < 2; i++) {
        noise[i] = t_fork();
        if (noise[i] == 0)
            for (;;)
                t_spin(1000);
    }
    for (int i = 0; i < 8; i++)
        memset(frames[i], i, PAGE);
    for (int i = 0; i < 400; i++) {
        uint64 at = map_to(getpid(), frames[i % 8], PAGE);

        CHECK_EQ(*(volatile char *)at, i % 8);
        if (i % 100 == 0)
            pause(1);
        CHECK_EQ(*(volatile char *)(at + PAGE - 1), i % 8);
        CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(kill(noise[i]), 0);
        wait(0);
    }
}

static const struct t_case cases[] = {
    {"race_with_exit", race_with_exit},
    {"race_with_exec", race_with_exec},
    {"race_with_kill", race_with_kill},
    {"race_with_sbrk", race_with_sbrk},
    {"race_with_vanishing_source", race_with_vanishing_source},
    {"race_with_unmap", race_with_unmap},
    {"race_with_fork", race_with_fork},
    {"race_both_lend", race_both_lend},
    {"remap_and_look", remap_and_look},
};

int main(int argc, char **argv)
{
    t_main("t_sharerace", cases, COUNT(cases), argc, argv);
}
