/*
 * usr/tests/t_sharelife.c: who goes first. Owner and borrower fork, exec, exit, shrink and are
 * killed while memory is shared; frames live as long as somebody maps them, and no longer.
 * Invariants attacked: I1, I2, I4, I7.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "t.h"

static char buffer[3 * PAGE] __attribute__((aligned(4096)));
static char second[PAGE] __attribute__((aligned(4096)));

static void load(uint64 address)
{
    (void)*(volatile char *)address;
}

static void store(uint64 address)
{
    *(volatile char *)address = 1;
}

/* ---- the owner goes first ---- */

enum owner_end {
    OWNER_EXITS,
    OWNER_EXECS,
    OWNER_WAITS,
    OWNER_SHRINKS
};

/* Child: fills memory, lends it to the parent, and ends as told. */
static void owner(struct t_peer *parent, uint64 how)
{
    static char *argv[] = {"echo", 0};
    char *p = buffer;

    if (how == OWNER_SHRINKS)
        p = t_align_break() == SBRK_ERROR ? 0 : sbrk(3 * PAGE);
    t_fill(p, 3 * PAGE, 21);
    t_put(parent, map_to(parent->pid, p, 3 * PAGE));
    t_get(parent);
    if (how == OWNER_EXECS)
        exec("echo", argv);
    if (how == OWNER_SHRINKS) {
        CHECK(sbrk(-3 * (int)PAGE) != SBRK_ERROR);
        CHECK_EQ(t_status(load, (uint64)p), -1);
        CHECK_EQ((uint64)sbrk(3 * PAGE), (uint64)p);
        CHECK_EQ(*(volatile char *)p, 0); /* fresh, not the lent one */
        t_fill(p, 3 * PAGE, 55);
    }
    if (how != OWNER_EXITS && how != OWNER_EXECS) {
        t_put(parent, 1);
        t_get(parent);
    }
}

static void owner_first(uint64 how)
{
    struct t_peer child;
    uint64 before = (uint64)sbrk(0);
    uint64 at;

    t_start(&child, owner, how);
    at = t_get(&child);
    CHECK(at != NO_ADDRESS);
    t_put(&child, 1);
    if (how == OWNER_WAITS || how == OWNER_SHRINKS)
        t_get(&child);
    if (how == OWNER_WAITS)
        CHECK_EQ(kill(child.pid), 0);
    if (how == OWNER_SHRINKS) {
        CHECK(t_is_pattern((char *)at, 3 * PAGE, 21));
        t_put(&child, 1);
    }
    CHECK_EQ(t_join(&child), how == OWNER_WAITS ? -1 : 0);
    CHECK(t_is_pattern((char *)at, 3 * PAGE, 21));
    t_fill((char *)at, 3 * PAGE, 22);
    CHECK(t_is_pattern((char *)at, 3 * PAGE, 22));
    CHECK_EQ(unmap_shared_pages(at, 3 * PAGE), 0);
    CHECK_EQ((uint64)sbrk(0), before);
    CHECK_EQ(t_status(load, at), -1);
}

static void owner_exits(void)
{
    owner_first(OWNER_EXITS);
}

static void owner_execs(void)
{
    owner_first(OWNER_EXECS);
}

static void owner_killed(void)
{
    owner_first(OWNER_WAITS);
}

static void owner_shrinks(void)
{
    owner_first(OWNER_SHRINKS);
}

/* ---- the borrower goes first ---- */

enum borrower_end {
    BORROWER_EXITS,
    BORROWER_EXECS,
    BORROWER_WAITS,
    BORROWER_FAULTS
};

static void borrower(struct t_peer *parent, uint64 how)
{
    static char *argv[] = {"echo", 0};
    uint64 at = t_get(parent);

    CHECK(t_is_pattern((char *)at, 3 * PAGE, 31));
    t_fill((char *)at, 3 * PAGE, 32);
    t_put(parent, 1);
    if (how == BORROWER_EXECS)
        exec("echo", argv);
    if (how == BORROWER_FAULTS)
        store(at + 3 * PAGE);
    if (how == BORROWER_WAITS)
        t_get(parent);
}

static void borrower_first(uint64 how)
{
    struct t_peer child;
    int killed = how == BORROWER_WAITS || how == BORROWER_FAULTS;

    t_fill(buffer, 3 * PAGE, 31);
    t_start(&child, borrower, how);
    t_put(&child, map_to(child.pid, buffer, 3 * PAGE));
    t_get(&child);
    if (how == BORROWER_WAITS)
        CHECK_EQ(kill(child.pid), 0);
    CHECK_EQ(t_join(&child), killed ? -1 : 0);
    CHECK(t_is_pattern(buffer, 3 * PAGE, 32));
    t_fill(buffer, 3 * PAGE, 33);
    CHECK(t_is_pattern(buffer, 3 * PAGE, 33));
}

static void borrower_exits(void)
{
    borrower_first(BORROWER_EXITS);
}

static void borrower_execs(void)
{
    borrower_first(BORROWER_EXECS);
}

static void borrower_killed(void)
{
    borrower_first(BORROWER_WAITS);
}

static void borrower_faults(void)
{
    borrower_first(BORROWER_FAULTS);
}

/* ---- forks ---- */

static void expect_and_write(uint64 at)
{
    CHECK(t_is_pattern((char *)at, PAGE, 41));
    t_fill((char *)at, PAGE, 42);
}

/* The child of a borrower borrows the same frames, and may outlive the borrower. */
static void fork_in_borrower(void)
{
    uint64 at = map_to(getpid(), second, PAGE);

    t_fill(second, PAGE, 41);
    CHECK_EQ(t_status(expect_and_write, at), 0);
    CHECK(t_is_pattern((char *)at, PAGE, 42));
    CHECK(t_is_pattern(second, PAGE, 42));
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    CHECK(t_is_pattern(second, PAGE, 42));
}

static void grandchild_borrows(struct t_peer *parent, uint64 unused)
{
    uint64 at = t_get(parent);

    (void)unused;
    if (t_fork() == 0) {
        /* The borrower has gone when its parent says so; its child still has the memory. */
        t_get(parent);
        CHECK(t_is_pattern((char *)at, PAGE, 43));
        CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
        t_put(parent, 7);
        t_exit();
    }
}

static void borrower_leaves_child(void)
{
    struct t_peer child;

    t_start(&child, grandchild_borrows, 0);
    t_put(&child, map_to(child.pid, second, PAGE));
    CHECK_EQ(t_wait(child.pid), 0);
    t_fill(second, PAGE, 43);
    t_put(&child, 1);
    CHECK_EQ(t_get(&child), 7);
    close(child.in);
    close(child.out);
}

static void private_copy(uint64 unused)
{
    (void)unused;
    CHECK(t_is_pattern(buffer, PAGE, 51));
    t_fill(buffer, PAGE, 52); /* the child's own: neither owner nor borrower sees it */
    CHECK(t_is_pattern(buffer, PAGE, 52));
}

static void watch(struct t_peer *parent, uint64 unused)
{
    uint64 at = t_get(parent);

    (void)unused;
    CHECK(t_is_pattern((char *)at, PAGE, 51));
    t_put(parent, 1);
    t_get(parent);
    CHECK(t_is_pattern((char *)at, PAGE, 53));
    t_fill((char *)at, PAGE, 54);
}

/* The child of an owner gets a copy, and the owner goes on sharing with its borrower. */
static void fork_in_owner(void)
{
    struct t_peer child;

    t_start(&child, watch, 0);
    t_fill(buffer, PAGE, 51);
    t_put(&child, map_to(child.pid, buffer, PAGE));
    t_get(&child);
    CHECK_EQ(t_status(private_copy, 0), 0);
    CHECK(t_is_pattern(buffer, PAGE, 51));
    t_fill(buffer, PAGE, 53);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    CHECK(t_is_pattern(buffer, PAGE, 54));
}

static void read_later(struct t_peer *parent, uint64 unused)
{
    (void)unused;
    t_put(parent, 1);
    t_get(parent);
    CHECK(t_is_pattern(buffer, PAGE, 61));
}

/* Pages that fork left copy-on-write: sharing must not show them to a third process. */
static void shared_after_fork(void)
{
    struct t_peer bystander;
    struct t_peer child;
    uint64 at;

    t_fill(buffer, PAGE, 61);
    t_start(&bystander, read_later, 0);
    t_get(&bystander);
    t_start(&child, watch, 0);
    t_fill(buffer, 1, 61); /* a read and a write of the same value */
    at = map_to(child.pid, buffer, PAGE);
    t_fill(buffer, PAGE, 51);
    t_put(&child, at);
    t_get(&child);
    t_fill(buffer, PAGE, 53);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    CHECK(t_is_pattern(buffer, PAGE, 54));
    t_put(&bystander, 1);
    CHECK_EQ(t_join(&bystander), 0);
}

/* In the child of a process with an alias: its own page is a copy, the alias is the parent's. */
static void alias_child(uint64 at)
{
    t_fill(second, PAGE, 72);
    CHECK(t_is_pattern((char *)at, PAGE, 71));
    t_fill((char *)at, PAGE, 73);
    CHECK(t_is_pattern(second, PAGE, 72));
}

static void fork_with_alias(void)
{
    uint64 at = map_to(getpid(), second, PAGE);

    t_fill(second, PAGE, 71);
    CHECK_EQ(t_status(alias_child, at), 0);
    CHECK(t_is_pattern(second, PAGE, 73));
}

/* ---- chains ---- */

static void last_in_chain(struct t_peer *parent, uint64 unused)
{
    uint64 at = t_get(parent);

    (void)unused;
    CHECK(t_is_pattern((char *)at, PAGE, 81));
    t_put(parent, 1);
    t_get(parent);
    CHECK(t_is_pattern((char *)at, PAGE, 81)); /* all others have let go */
    t_fill((char *)at, PAGE, 82);
    t_put(parent, 1);
}

static void first_in_chain(struct t_peer *parent, uint64 unused)
{
    (void)unused;
    t_fill(buffer, PAGE, 81);
    t_put(parent, map_to(parent->pid, buffer, PAGE));
    t_get(parent);
}

static void lend_on(void)
{
    struct t_peer source;
    struct t_peer sink;
    uint64 at;

    t_start(&source, first_in_chain, 0);
    t_start(&sink, last_in_chain, 0);
    at = t_get(&source);
    t_put(&sink, map_to(sink.pid, at, PAGE));
    t_get(&sink);
    t_put(&source, 1);
    CHECK_EQ(t_join(&source), 0);
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    t_put(&sink, 1);
    t_get(&sink);
    CHECK_EQ(t_join(&sink), 0);
}

static void mutual_child(struct t_peer *parent, uint64 unused)
{
    uint64 at = t_get(parent);

    (void)unused;
    t_put(parent, map_to(parent->pid, buffer, PAGE));
    t_get(parent);
    CHECK(t_is_pattern(buffer, PAGE, 91));
    CHECK(t_is_pattern((char *)at, PAGE, 92));
    t_fill((char *)at, PAGE, 93);
    t_fill(buffer, PAGE, 94);
}

static void mutual(void)
{
    struct t_peer child;
    uint64 at;

    t_start(&child, mutual_child, 0);
    t_put(&child, map_to(child.pid, buffer, PAGE));
    at = t_get(&child);
    t_fill((char *)at, PAGE, 91);
    t_fill(buffer, PAGE, 92);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    CHECK(t_is_pattern(buffer, PAGE, 93));
    CHECK(t_is_pattern((char *)at, PAGE, 94));
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"owner_exits", owner_exits},
    {"owner_execs", owner_execs},
    {"owner_killed", owner_killed},
    {"owner_shrinks", owner_shrinks},
    {"borrower_exits", borrower_exits},
    {"borrower_execs", borrower_execs},
    {"borrower_killed", borrower_killed},
    {"borrower_faults", borrower_faults},
    {"fork_in_borrower", fork_in_borrower},
    {"borrower_leaves_child", borrower_leaves_child},
    {"fork_in_owner", fork_in_owner},
    {"shared_after_fork", shared_after_fork},
    {"fork_with_alias", fork_with_alias},
    {"lend_on", lend_on},
    {"mutual", mutual},
};

int main(int argc, char **argv)
{
    t_main("t_sharelife", cases, COUNT(cases), argc, argv);
}
