/*
 * grant_test.c - consent between families: who has what after exec and exit of either side, also when
 * they come between two steps of a call.
 */
#include "players.h"

#include "ipc/grant.h"

enum {
    OWNER = 1,
    BORROWER,
    OTHER
};

/* The owner lets the borrower have its heap. */
static int owner_grants(void)
{
    play_as(OWNER);
    return grant_add(BORROWER, HEAP, PAGES(2), RW);
}

static int owner_takes_back(void)
{
    play_as(OWNER);
    return grant_revoke(BORROWER, HEAP, PAGES(2));
}

/* A process maps the owner's heap, as a system call does. => 0 or where. */
static vaddr_t map_as(int pid)
{
    struct mm *src;
    vaddr_t va;

    play_as(pid);
    if (proc_mm_hold(OWNER, &src))
        return 0;
    va = grant_map(OWNER, src, HEAP, PAGES(2));
    mm_release(src);
    return va;
}

/* The borrower has the owner's frames at va: what either stores, the other sees. */
static void is_lent(vaddr_t va)
{
    static uint64_t value = 1000;

    assert_int_not_equal(va, 0);
    store(OWNER, HEAP, 1, ++value);
    assert_int_equal(load(BORROWER, va, 1), value);
    store(BORROWER, va, 0, ++value);
    assert_int_equal(load(OWNER, HEAP, 0), value);
}

static int two_come(void **state)
{
    world_begin(state);
    player_left = grants_left;
    player_comes(OWNER, 2);
    player_comes(BORROWER, 2);
    return 0;
}

static int all_go(void **state)
{
    meanwhile = NULL;
    for (int pid = OWNER; pid <= OTHER; pid++)
        if (mm_of(pid))
            player_exits(pid);
    player_comes(OWNER, 2); /* takes the frames that were freed: the checking build looks at them */
    player_exits(OWNER);
    return world_end(state);
}

/* ---- exec of the borrower ---- */

static void what_is_granted_during_an_exec_is_the_new_program_s(void **state)
{
    vaddr_t va;

    exec_begins(BORROWER);
    assert_int_equal(owner_grants(), 0);
    is_lent(map_as(BORROWER));
    exec_ends(BORROWER);
    va = map_as(BORROWER);
    is_lent(va);
    assert_int_equal(owner_takes_back(), 0);
    assert_false(can_load(BORROWER, va, 0));
}

static void what_was_granted_before_an_exec_ends_with_it(void **state)
{
    assert_int_equal(owner_grants(), 0);
    is_lent(map_as(BORROWER));
    exec_begins(BORROWER);
    assert_int_equal(map_as(BORROWER), 0);
    exec_ends(BORROWER);
    assert_int_equal(map_as(BORROWER), 0);
    assert_int_equal(owner_takes_back(), -ESRCH);
}

static void borrower_execs(void)
{
    player_execs(BORROWER);
}

/* The borrower becomes another program just when the grant is entered: the grant ends, and is not left behind. */
static void an_exec_while_a_grant_is_entered(void **state)
{
    meanwhile = borrower_execs;
    assert_int_equal(owner_grants(), 0);
    assert_null(meanwhile);
    assert_int_equal(map_as(BORROWER), 0);
    assert_int_equal(owner_takes_back(), -ESRCH);
}

/* The pages go from those that the borrower has left behind, too. */
static void a_child_keeps_nothing_after_the_borrower_s_exec(void **state)
{
    struct mm *child;
    uint64_t value;
    vaddr_t va;

    assert_int_equal(owner_grants(), 0);
    va = map_as(BORROWER);
    child = player_forks(BORROWER);
    assert_true(world_read(child, va, &value));
    player_execs(BORROWER);
    assert_false(world_read(child, va, &value));
    assert_int_equal(load(OWNER, HEAP, 1), 101);
    world_exit(child);
}

/* ---- exec of the owner ---- */

static void what_an_owner_granted_ends_with_its_exec(void **state)
{
    vaddr_t va;

    assert_int_equal(owner_grants(), 0);
    va = map_as(BORROWER);
    exec_begins(OWNER);
    assert_int_equal(map_as(BORROWER), 0); /* the new program has granted nothing */
    exec_ends(OWNER);
    assert_int_equal(map_as(BORROWER), 0);
    assert_int_equal(load(BORROWER, va, 1), 101); /* it keeps what it has */
    assert_int_equal(owner_takes_back(), -ESRCH);
    assert_int_equal(load(BORROWER, va, 1), 101);
}

static void owner_execs(void)
{
    player_execs(OWNER);
}

/* The borrower has looked up the owner's memory, and comes too late with it. */
static void an_exec_of_the_owner_before_the_grant_is_looked_up(void **state)
{
    assert_int_equal(owner_grants(), 0);
    meanwhile = owner_execs; /* once proc_mm_hold() has the old program's memory */
    assert_int_equal(map_as(BORROWER), 0);
    assert_null(meanwhile);
}

/* ---- exits ---- */

static void the_owner_exits_first(void **state)
{
    vaddr_t va;

    assert_int_equal(owner_grants(), 0);
    va = map_as(BORROWER);
    player_exits(OWNER);
    assert_int_equal(load(BORROWER, va, 1), 101);
    store(BORROWER, va, 1, 7);
    assert_int_equal(map_as(BORROWER), 0);
    player_exits(BORROWER);
}

static void the_borrower_exits_first(void **state)
{
    struct mm *child;
    uint64_t value;
    vaddr_t va;

    assert_int_equal(owner_grants(), 0);
    va = map_as(BORROWER);
    child = player_forks(BORROWER);
    player_exits(BORROWER);
    assert_false(world_read(child, va, &value));
    assert_int_equal(owner_takes_back(), -ESRCH);
    player_comes(BORROWER, 2); /* somebody else, with its pid */
    assert_int_equal(map_as(BORROWER), 0);
    assert_int_equal(load(OWNER, HEAP, 1), 101);
    world_exit(child);
    player_exits(OWNER);
}

/* Only the grants that have to do with a process end with it. */
static void grants_of_others_stay(void **state)
{
    vaddr_t va;

    player_comes(OTHER, 2);
    assert_int_equal(owner_grants(), 0);
    assert_int_equal(grant_add(OTHER, HEAP, PAGES(2), RW), 0);
    va = map_as(BORROWER);
    assert_int_not_equal(map_as(OTHER), 0);
    player_execs(OTHER);
    assert_int_equal(map_as(OTHER), 0);
    is_lent(va);
    is_lent(map_as(BORROWER));
    player_exits(OTHER);
    is_lent(map_as(BORROWER));
    assert_int_equal(owner_takes_back(), 0);
}

/* ---- in the middle of a mapping ---- */

static void owner_revokes(void)
{
    assert_int_equal(owner_takes_back(), 0);
}

static void owner_exits(void)
{
    player_exits(OWNER);
}

static void owner_grants_again(void)
{
    owner_revokes();
    assert_int_equal(owner_grants(), 0);
}

/* The list is let go of once when the owner's memory was looked up, and once when the grant was found. */
static void (*second)(void);

static void in_turn(void)
{
    meanwhile = second;
}

/* Between finding a grant and mapping by it the grant ends: nothing is mapped. */
static void a_grant_ends_while_it_is_used(void **state)
{
    void (*ends[])(void) = {owner_revokes, owner_execs, owner_exits};

    for (int i = 0; i < 3; i++) {
        uint64_t size = mm_of(BORROWER)->size;

        assert_int_equal(owner_grants(), 0);
        second = ends[i];
        meanwhile = in_turn;
        assert_int_equal(map_as(BORROWER), 0);
        assert_null(meanwhile);
        assert_int_equal(mm_of(BORROWER)->size, size);
        world_check();
        if (i == 1) {
            player_exits(OWNER);
            player_comes(OWNER, 2);
        }
    }
}

/* A grant that comes in its place counts. */
static void another_grant_takes_its_place(void **state)
{
    assert_int_equal(owner_grants(), 0);
    second = owner_grants_again;
    meanwhile = in_turn;
    map_as(BORROWER);
    is_lent(map_as(BORROWER));
}

#define T(name) cmocka_unit_test_setup_teardown(name, two_come, all_go)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_granted_during_an_exec_is_the_new_program_s),
        T(what_was_granted_before_an_exec_ends_with_it),
        T(an_exec_while_a_grant_is_entered),
        T(a_child_keeps_nothing_after_the_borrower_s_exec),
        T(what_an_owner_granted_ends_with_its_exec),
        T(an_exec_of_the_owner_before_the_grant_is_looked_up),
        T(the_owner_exits_first),
        T(the_borrower_exits_first),
        T(grants_of_others_stay),
        T(a_grant_ends_while_it_is_used),
        T(another_grant_takes_its_place),
    };

    world_start(4096);
    return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
