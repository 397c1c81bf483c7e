/*
 * players.c - see players.h. Beside the processes: what ipc/ and mm/ call of sched/ and proc/.
 */
#include "players.h"

#include "asm/cpu.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#include <string.h>

#define NPLAYERS 8

void (*player_left)(uint64_t family);
void (*meanwhile)(void);
int (*while_asleep)(void);

static struct proc players[NPLAYERS]; /* by pid */
static struct mm *leaving[NPLAYERS];  /* between the halves of an exec or exit */
static unsigned nmutexes;             /* that are held */

__attribute__((constructor)) static void somebody_runs(void)
{
    play_as(0);
}

static void others_go_on(void)
{
    void (*play)(void) = meanwhile;
    int pid = current()->pid;

    if (!play || nmutexes)
        return;
    meanwhile = NULL;
    play();
    play_as(pid);
}

/* ---- what ipc/ and mm/ call ---- */

void task_yield_if_due(void)
{
}

void waitqueue_init(struct waitqueue *wq)
{
    list_init(&wq->waiters);
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    fail_msg("one thread waits with %s", held->name);
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    int pid = current()->pid, result;

    if (!while_asleep)
        wait_on(wq, held);
    spin_unlock(held);
    result = while_asleep();
    play_as(pid);
    spin_lock(held);
    return result;
}

int wait_on_until(struct waitqueue *wq, struct spinlock *held, uint64_t deadline)
{
    return wait_on_killable(wq, held);
}

void wake_all(struct waitqueue *wq)
{
}

void wake_one(struct waitqueue *wq)
{
}

void mutex_lock(struct mutex *m)
{
    assert_int_equal(port_locks_held(), 0);
    assert_null(m->owner);
    m->owner = current();
    nmutexes++;
}

void mutex_unlock(struct mutex *m)
{
    assert_ptr_equal(m->owner, current());
    m->owner = NULL;
    nmutexes--;
    others_go_on();
}

int proc_mm_hold(int pid, struct mm **out)
{
    if (pid <= 0 || pid >= NPLAYERS || !mm_of(pid))
        return -ESRCH;
    *out = mm_of(pid);
    mm_hold(*out);
    others_go_on();
    return 0;
}

struct mm *proc_replace_mm(struct mm *mm, const char *name)
{
    struct mm *old = current()->mm;

    world_load(mm, current()->pid);
    current()->mm = mm;
    return old;
}

/* ---- processes ---- */

void play_as(int pid)
{
    for (unsigned i = 0; i < NCPU_MAX; i++)
        cpus[i].current = &players[pid].task;
}

struct mm *mm_of(int pid)
{
    return players[pid].task.mm;
}

/* A program on the hart that has the number of its pid. */
static struct mm *make_program(int pid, size_t npages)
{
    struct mm *mm = world_program(pid);

    assert_non_null(mm);
    if (npages)
        assert_int_equal(world_sbrk(mm, (long)PAGES(npages), BRK_EAGER), HEAP);
    for (size_t i = 0; i < npages; i++)
        assert_true(world_write(mm, HEAP + PAGES(i), 100 * (uint64_t)pid + i));
    return mm;
}

void player_comes(int pid, size_t npages)
{
    assert_null(mm_of(pid));
    players[pid] = (struct proc){.state = PROC_LIVE, .task = {.pid = pid}};
    players[pid].task.mm = make_program(pid, npages);
}

struct mm *player_forks(int pid)
{
    struct mm *child;

    assert_int_equal(mm_fork(mm_of(pid), &child), 0);
    return child;
}

static void replace_mm(int pid, struct mm *mm)
{
    leaving[pid] = mm_of(pid);
    players[pid].task.mm = mm;
    world_load(mm, pid);
}

static void tell_ipc(int pid)
{
    play_as(pid);
    if (player_left)
        player_left(leaving[pid]->family);
    mm_release(leaving[pid]);
    leaving[pid] = NULL;
}

void exec_begins(int pid)
{
    struct mm *old = mm_of(pid), *new;

    world_load(NULL, pid);
    new = make_program(pid, 1);
    world_load(old, pid);
    replace_mm(pid, new);
}

void exec_ends(int pid)
{
    tell_ipc(pid);
}

void player_execs(int pid)
{
    exec_begins(pid);
    exec_ends(pid);
}

void player_exits(int pid)
{
    replace_mm(pid, NULL);
    tell_ipc(pid);
    players[pid].state = PROC_FREE;
}

void store(int pid, vaddr_t va, size_t i, uint64_t value)
{
    assert_true(world_write(mm_of(pid), va + PAGES(i), value));
}

uint64_t load(int pid, vaddr_t va, size_t i)
{
    return world_peek(mm_of(pid), va + PAGES(i));
}

bool can_load(int pid, vaddr_t va, size_t i)
{
    uint64_t value;

    return world_read(mm_of(pid), va + PAGES(i), &value);
}
