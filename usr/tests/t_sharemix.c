/*
 * usr/tests/t_sharemix.c: sharing and everything else at once: random orders of map, grow and
 * unmap, permissions from one process to another, a borrower that stores while the owner changes
 * its memory, a source that is unmapped while it is lent on, and what other processes see.
 * Invariants attacked: I1, I2, I3, I7.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/lamina.h"
#include "kernel/riscv.h"
#include "t.h"

#define HELD_MAX 12
#define SWEEPS   3000 /* a few milliseconds of stores */

static char buffer[4 * PAGE] __attribute__((aligned(4096)));

/* ---- any order ---- */

static struct {
    char *at;
    uint n;
    int seed; /* of the pattern, if it is heap */
    int shared;
} held[HELD_MAX];

static void acquire(int i, uint *state)
{
    uint offset = t_random(state) % PAGE;
    uint64 brk = (uint64)sbrk(0);

    held[i].n = t_random(state) % (3 * PAGE) + 1;
    held[i].shared = t_random(state) % 3 != 0;
    if (held[i].shared) {
        held[i].at = (char *)map_to(getpid(), buffer + offset, held[i].n);
        CHECK_EQ((uint64)held[i].at, PGROUNDUP(brk) + offset);
        CHECK_EQ((uint64)sbrk(0), PGROUNDUP((uint64)held[i].at + held[i].n));
        held[i].seed = (int)offset;
    } else {
        held[i].at = sbrk((int)held[i].n);
        CHECK_EQ((uint64)held[i].at, brk);
        held[i].seed = i * 50;
        t_fill(held[i].at, held[i].n, held[i].seed);
    }
}

/* Heap stays until the end: only its top can be given back. */
static void let_go(int i)
{
    if (!held[i].shared)
        return;
    CHECK_EQ(unmap_shared_pages(held[i].at, held[i].n), 0);
    CHECK_EQ(unmap_shared_pages(held[i].at, held[i].n), -1);
    held[i].at = 0;
}

static void any_order(void)
{
    uint state = 11;

    t_fill(buffer, sizeof(buffer), 0);
    for (int step = 0; step < 600; step++) {
        int i = (int)(t_random(&state) % HELD_MAX);

        if (held[i].at == 0)
            acquire(i, &state);
        else
            let_go(i);
        for (int k = 0; k < HELD_MAX; k++)
            if (held[k].at != 0 && !t_is_pattern(held[k].at, held[k].n, held[k].seed)) {
                CHECK(!"what is held is intact");
                return;
            }
    }
    for (int i = 0; i < HELD_MAX; i++)
        if (held[i].at != 0)
            let_go(i);
    for (int i = 0; i < HELD_MAX; i++)
        CHECK(held[i].at == 0 || t_is_pattern(held[i].at, held[i].n, held[i].seed));
    CHECK_EQ(audit(), 0);
}

/* Out and back a thousand times: memory and size are the same, to the byte, each time. */
static void thousand_times(void)
{
    uint64 size;
    long pages;

    CHECK(sbrk(77) != SBRK_ERROR);
    size = (uint64)sbrk(0);
    CHECK_EQ(unmap_shared_pages(map_to(getpid(), buffer, PAGE), PAGE), 0);
    pages = t_free_pages();
    for (uint i = 0; i < 1000; i++) {
        uint n = i * 37 % (3 * PAGE) + 1;
        uint64 at = map_to(getpid(), buffer + i % PAGE, n);

        CHECK(at != NO_ADDRESS);
        CHECK_EQ(unmap_shared_pages(at, n), 0);
        CHECK_EQ((uint64)sbrk(0), size);
    }
    CHECK(t_settle(pages) >= pages);
}

/* ---- permissions ---- */

static const char constant[] = "constants are read-only";

/* Reads what it borrows; neither the kernel nor it can write there, and trying is its end. */
static void writing_borrower(struct t_peer *parent, uint64 n)
{
    char *at = (char *)t_get(parent);
    int fd = open("README", O_RDONLY);

    CHECK(fd >= 0);
    CHECK_EQ(memcmp(at, constant, (uint)n), 0);
    CHECK_EQ(read(fd, at, 4), -1);
    CHECK_EQ(read(parent->in, at, 8), -1); /* and the word stays in the pipe */
    t_put(parent, t_get(parent));
    *(volatile char *)at = 'X';
}

static void read_only_borrower(void)
{
    struct t_peer child;

    t_start(&child, writing_borrower, sizeof(constant));
    t_put(&child, map_to(child.pid, constant, sizeof(constant)));
    t_put(&child, 5);
    CHECK_EQ(t_get(&child), 5);
    CHECK_EQ(t_join(&child), -1);
    CHECK_EQ(strcmp(constant, "constants are read-only"), 0);
}

static void store_byte(uint64 address)
{
    *(volatile char *)address = 1;
}

/* One range over code, constants and data: each page keeps the permissions it has. */
static void mixed_permissions(void)
{
    uint64 n = (uint64)buffer + sizeof(buffer);
    uint64 at = map_to(getpid(), (void *)0, n);

    CHECK(at != NO_ADDRESS);
    CHECK_EQ(strcmp((char *)at + (uint64)constant, constant), 0);
    CHECK_EQ(t_status(store_byte, at), -1);
    CHECK_EQ(t_status(store_byte, at + (uint64)constant), -1);
    CHECK_EQ(t_status(store_byte, at + (uint64)buffer), 0);
    CHECK_EQ(buffer[0], 1);
    CHECK_EQ(audit(), 0);
    CHECK_EQ(unmap_shared_pages(at, n), 0);
}

/* ---- a borrower that stores and stores ---- */

static void storing_borrower(struct t_peer *parent, uint64 rounds)
{
    for (uint64 i = 0; i < rounds; i++) {
        uint64 at = t_get(parent);

        t_put(parent, 1);
        for (int sweep = 0; sweep < SWEEPS; sweep++)
            for (uint64 k = 0; k < 3 * PAGE; k += 512)
                *(volatile uint64 *)(at + k) = ~0UL;
        CHECK_EQ(unmap_shared_pages(at, 3 * PAGE), 0);
        t_put(parent, 1);
    }
}

/* Whether n bytes are zero, and stay so for a while. */
static int stays_zero(const char *p, uint64 n)
{
    for (int look = 0; look < 5; look++) {
        for (uint64 i = 0; i < n; i += 64)
            if (*(const volatile uint64 *)(p + i) != 0)
                return 0;
        t_spin(500);
    }
    return 1;
}

/* The owner gives its memory back and takes new: no store of the borrower may appear in it. */
static void owner_starts_afresh(void)
{
    enum {
        ROUNDS = 60
    };
    struct t_peer child;
    char *p = t_align_break();

    t_start(&child, storing_borrower, ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ((uint64)sbrk(3 * PAGE), (uint64)p);
        t_put(&child, map_to(child.pid, p, 3 * PAGE));
        t_get(&child);
        t_spin((uint)i * 50);
        CHECK_EQ((uint64)sbrk(-3 * (int)PAGE), (uint64)p + 3 * PAGE);
        CHECK_EQ((uint64)sbrk(3 * PAGE), (uint64)p);
        CHECK(stays_zero(p, 3 * PAGE));
        CHECK_EQ((uint64)sbrk(-3 * (int)PAGE), (uint64)p + 3 * PAGE);
        t_get(&child);
    }
    CHECK_EQ(t_join(&child), 0);
    CHECK_EQ(audit(), 0);
}

/* ---- lending on what is being unmapped ---- */

static void come_and_go(struct t_peer *parent, uint64 rounds)
{
    t_fill(buffer, sizeof(buffer), 5);
    for (uint64 i = 0; i < rounds; i++) {
        uint64 at = map_to(getpid(), buffer, 2 * PAGE);

        if (i == 0)
            t_put(parent, at);
        CHECK(at != NO_ADDRESS);
        CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    }
}

static void source_unmaps(void)
{
    struct t_peer child;
    uint64 size = (uint64)sbrk(0);
    uint64 from;

    t_start(&child, come_and_go, 300);
    from = t_get(&child);
    for (int i = 0; i < 300; i++) {
        uint64 at = map_from(child.pid, from, 2 * PAGE);

        if (at == NO_ADDRESS)
            continue;
        CHECK(t_is_pattern((char *)at, 2 * PAGE, 5));
        CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    }
    CHECK_EQ(t_join(&child), 0);
    CHECK_EQ((uint64)sbrk(0), size);
    CHECK_EQ(audit(), 0);
}

/* ---- what others see ---- */

static uint64 size_of(int pid)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid == pid)
            return info.size;
    return NO_ADDRESS;
}

static void unmap_when_told(struct t_peer *parent, uint64 n)
{
    uint64 at = t_get(parent);

    CHECK_EQ(memsize(), PGROUNDUP(at + n));
    CHECK_EQ(unmap_shared_pages(at, n), 0);
    t_put(parent, (uint64)memsize());
    t_get(parent);
}

static void size_seen_by_others(void)
{
    struct t_peer child;
    uint64 before;
    uint64 at;

    CHECK(sbrk(333) != SBRK_ERROR);
    t_start(&child, unmap_when_told, PAGE + 1);
    before = size_of(child.pid);
    CHECK_EQ(before, (uint64)sbrk(0));
    at = map_to(child.pid, buffer, PAGE + 1);
    CHECK_EQ(size_of(child.pid), PGROUNDUP(before) + 2 * PAGE);
    CHECK_EQ(size_of(getpid()), before); /* lending costs the owner nothing */
    t_put(&child, at);
    CHECK_EQ(t_get(&child), before);
    CHECK_EQ(size_of(child.pid), before);
    t_put(&child, 0);
    CHECK_EQ(t_join(&child), 0);
}

static const struct t_case cases[] = {
    {"any_order", any_order},
    {"thousand_times", thousand_times},
    {"read_only_borrower", read_only_borrower},
    {"mixed_permissions", mixed_permissions},
    {"owner_starts_afresh", owner_starts_afresh},
    {"source_unmaps", source_unmaps},
    {"size_seen_by_others", size_seen_by_others},
};

int main(int argc, char **argv)
{
    t_main("t_sharemix", cases, COUNT(cases), argc, argv);
}
