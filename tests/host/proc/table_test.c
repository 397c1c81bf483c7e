/*
 * table_test.c - fork when the process table is full.
 *
 * One thread plays all harts. init runs in two places: where fork sleeps (wait_on_killable() below), and, through
 * port_on_lock, just before the process tree is locked for the Nth time, for every N that there is.
 */
#include "../port/port.h"

#include "asm/kstack.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "../../../proc/exec.h"
#include "../../../proc/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char __stacks_start[KSTACK_SLOTS * KSTACK_SLOT] __attribute__((aligned(KSTACK_SLOT)));

static struct proc *init, *parent;
static unsigned locks;   /* how often the process tree was locked */
static unsigned reap_at; /* init runs before it is locked for this time; 0: it does not */
static unsigned waits;   /* how often fork slept */
static bool killed_while_waiting;

/* ---- what proc/ calls ---- */

void task_init(struct task *task, unsigned kstack_slot)
{
    memset(task, 0, sizeof(*task));
    task->kstack_slot = kstack_slot;
    task->frame = (struct trapframe *)kstack_top(kstack_slot) - 1;
}

void task_start(struct task *task)
{
}

void task_kill(struct task *task)
{
}

void task_set_mm(struct mm *mm)
{
}

void waitqueue_init(struct waitqueue *wq)
{
    spin_init(&wq->lock, "waitqueue", RANK_WAITQ);
    list_init(&wq->waiters);
}

void wake_all(struct waitqueue *wq)
{
}

static struct mm any_mm;

int mm_fork(struct mm *mm, struct mm **child)
{
    *child = &any_mm;
    return 0;
}

void page_keep_spare(size_t n)
{
}

void mm_hold(struct mm *mm)
{
}

void mm_release(struct mm *mm)
{
}

struct file *file_dup(struct file *f)
{
    return f;
}

struct inode *inode_dup(struct inode *ip)
{
    return ip;
}

struct inode *inode_root(void)
{
    return NULL;
}

int exec_load(struct inode *cwd, const char *path, const vaddr_t *argv, struct exec_image *image)
{
    *image = (struct exec_image){.mm = &any_mm};
    return 0;
}

const char *exec_name(const char *path)
{
    return path;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    strncpy(to, from, size - 1);
    to[size - 1] = 0;
    return strlen(from);
}

/* ---- init ---- */

/* Ask for the status of one orphan that has ended, as init's wait() does. */
static void reap(void)
{
    if (!list_empty(&init->zombies))
        proc_forget(list_entry(list_first(&init->zombies), struct proc, sibling));
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    waits++;
    assert_true(spin_held(held));
    assert_true(parent != init);
    if (killed_while_waiting) {
        parent->task.pending |= TASK_PENDING_KILL;
        return -EINTR;
    }
    reap();
    return 0;
}

static void count_locks(const struct spinlock *l)
{
    if (l != &proc_tree_lock || ++locks != reap_at)
        return;
    port_on_lock = NULL;
    spin_lock(&proc_tree_lock);
    reap();
    spin_unlock(&proc_tree_lock);
    port_on_lock = count_locks;
}

/* ---- the table ---- */

/* A child of init ends. */
static void end_child(struct proc *p)
{
    list_remove(&p->sibling);
    list_push_back(&init->zombies, &p->sibling);
    p->state = PROC_ZOMBIE;
}

static unsigned free_slots_left(void)
{
    unsigned n = 0;

    for (int i = 0; i < NPROC; i++)
        n += proc_slot(i)->state == PROC_FREE;
    return n;
}

static void run_as(struct proc *p)
{
    parent = p;
    this_cpu->current = &p->task;
}

/* A table in which every slot is taken: init, one that forks, and children of init. */
static int fill_table(void **state)
{
    static struct task boot = {.idle = true};
    static bool begun;

    if (begun)
        return 0;
    begun = true;
    this_cpu->current = &boot;
    proc_init();
    assert_int_equal(proc_start_init("/init"), 0);
    spin_lock(&proc_tree_lock);
    init = proc_find(1);
    spin_unlock(&proc_tree_lock);
    run_as(init);
    while (free_slots_left() > 0)
        assert_true(proc_fork(PID_FRESH) > 1);
    return 0;
}

/* Before each test: the table is full, nobody has ended, the first child of init forks. */
static int setup(void **state)
{
    fill_table(state);
    while (!list_empty(&init->zombies)) {
        struct list *node = list_pop_front(&init->zombies);

        list_push_back(&init->children, node);
        list_entry(node, struct proc, sibling)->state = PROC_LIVE;
    }
    assert_int_equal(free_slots_left(), 0);
    run_as(list_entry(list_first(&init->children), struct proc, sibling));
    parent->task.pending = 0;
    locks = waits = reap_at = 0;
    killed_while_waiting = false;
    port_on_lock = count_locks;
    return 0;
}

static int teardown(void **state)
{
    port_on_lock = NULL;
    run_as(init);
    while (free_slots_left() > 0)
        if (proc_fork(PID_FRESH) < 0)
            return -1;
    return port_locks_held() != 0;
}

static struct proc *another_child(void)
{
    return list_entry(init->children.prev, struct proc, sibling);
}

static void full_of_the_living(void **state)
{
    assert_int_equal(proc_fork(PID_FRESH), -EAGAIN);
    assert_int_equal(waits, 0);
}

static void waits_for_an_orphan_that_has_ended(void **state)
{
    end_child(another_child());
    assert_true(proc_fork(PID_FRESH) > 1);
    assert_int_equal(waits, 1);
    assert_int_equal(free_slots_left(), 0);
}

/* The slot comes free at any moment: before the first look, or between two looks if there are two. */
static void init_runs_at_any_moment(void **state)
{
    for (unsigned at = 1; at <= 6; at++) {
        setup(state);
        end_child(another_child());
        reap_at = at;
        if (proc_fork(PID_FRESH) < 0)
            fail_msg("no slot was seen, and init had freed one at lock %u", at);
    }
}

/* One server after the other has it, and nobody in between; only init makes servers. */
static void servers_have_one_pid(void **state)
{
    struct proc *server;
    int pid;

    assert_int_equal(proc_fork_server(), -EPERM);
    assert_int_equal(proc_server_state(), PROC_FREE);
    for (int i = 0; i < 3; i++)
        end_child(another_child());
    reap();
    run_as(init);
    pid = proc_fork_server();
    assert_true(pid > 1);
    server = another_child();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(proc_fork_server(), -EBUSY);
        end_child(server);
        assert_int_equal(proc_server_state(), PROC_ZOMBIE);
        assert_int_equal(proc_fork_server(), -EBUSY);
        while (proc_server_state() != PROC_FREE)
            reap();
        assert_true(proc_fork(PID_FRESH) != pid);
        end_child(another_child());
        reap();
        assert_int_equal(proc_fork_server(), pid);
        server = another_child();
        assert_int_equal(server->task.pid, pid);
    }
}

/* With three slots free, only init and its own children get one; those of its children do not. */
static void the_last_slots_are_spare(void **state)
{
    struct proc *first = parent, *ordinary;

    for (int i = 0; i < 3; i++) {
        end_child(another_child());
        reap();
    }
    assert_true(proc_fork(PID_FRESH) > 1);
    ordinary = list_entry(first->children.prev, struct proc, sibling);
    assert_true(proc_takes_spare(first) && !proc_takes_spare(ordinary));
    run_as(ordinary);
    assert_int_equal(proc_fork(PID_FRESH), -EAGAIN);
    run_as(first);
    assert_true(proc_fork(PID_FRESH) > 1);
    run_as(init);
    assert_true(proc_fork(PID_FRESH) > 1);
    assert_int_equal(proc_fork(PID_FRESH), -EAGAIN);
    while (!list_empty(&first->children))
        end_child(list_entry(list_first(&first->children), struct proc, sibling));
}

static void init_does_not_wait_for_itself(void **state)
{
    end_child(another_child());
    run_as(init);
    assert_int_equal(proc_fork(PID_FRESH), -EAGAIN);
    assert_int_equal(waits, 0);
}

static void a_kill_ends_the_wait(void **state)
{
    end_child(another_child());
    killed_while_waiting = true;
    assert_int_equal(proc_fork(PID_FRESH), -EAGAIN);
    assert_int_equal(waits, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_of_the_living, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_an_orphan_that_has_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(init_runs_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(servers_have_one_pid, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_slots_are_spare, setup, teardown),
        cmocka_unit_test_setup_teardown(init_does_not_wait_for_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_ends_the_wait, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
