/*
 * file_test.c - the table of open files while other harts open and close.
 *
 * One thread plays all harts: others_step() comes just before a lock is taken.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "../../../fs/file.c"

#include "port.h"

static unsigned depth; /* how many harts are in the middle of something */
static struct file *early,
    *theirs; /* one that is open from the start; one that another hart opens */

static void release_nothing(struct file *f)
{
}

static const struct file_ops ops = {.release = release_nothing};

/* The first hart is about to take a file: once, a second opens one, and while it is at that, a third closes one. */
static void others_step(void)
{
    if (depth == 2)
        return;
    depth++;
    if (depth == 1 && !theirs) {
        theirs = file_alloc(&ops, NULL);
    } else if (depth == 2 && early) {
        struct file *f = early;

        early = NULL;
        file_close(f);
    }
    depth--;
}

static void lock_step(const struct spinlock *l)
{
    others_step();
}

/* 99 are open, two harts open one more each, and one of the 99 is closed: there are never more than 100. */
static void fight(void *arg)
{
    struct file *mine;

    depth = 2; /* the others do not run yet */
    for (int i = 0; i < FILES_MAX - 1; i++) {
        struct file *f = file_alloc(&ops, NULL);

        CHECK(f != NULL);
        if (i == 5)
            early = f;
    }
    depth = 0;
    port_on_lock = lock_step;
    mine = file_alloc(&ops, NULL);
    port_on_lock = NULL;
    depth = 2;
    CHECK(early == NULL); /* it was closed before either of the two was told anything */
    CHECK(mine != NULL && theirs != NULL && mine != theirs);
    CHECK(file_alloc(&ops, NULL) == NULL);
}

static void opening_while_others_open_and_close(void **state)
{
    assert_true(world_run(fight, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opening_while_others_open_and_close)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
