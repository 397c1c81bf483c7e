/*
 * sync_baton.c - sleeping for threads of which one runs at a time. Who runs next, and which disk
 * request ends next, is drawn from world_random(): a seed is a schedule that can be run again.
 * The baton changes hands where the kernel may sleep, where a hart lets go of its last spin lock
 * (for other harts may do anything there), and at baton_yield().
 */
#include "baton.h"

#include "asm/cpu.h"
#include "lib/spinlock.h"
#include "port.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"
#include "world.h"

#define sched_yield libc_sched_yield /* not ours */
#include <pthread.h>

static struct actor {
    pthread_t thread;
    struct task task;
    void (*fn)(int me);
    const void *waits_for; /* a wait queue, or the actor itself when it is done; NULL: may run */
    unsigned mutexes;
    unsigned slow; /* turns it lets pass, if others can run: a hart may be slow anywhere */
} actors[NCPU_MAX];

static int nactors; /* 0: the test's main thread alone, on hart 0 */
static int running;
static bool passing;
static pthread_mutex_t big = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;

void world_lock(void)
{
}

void world_unlock(void)
{
}

static int pick(void)
{
    int can[NCPU_MAX], n = 0, slow = -1;

    for (int i = 0; i < nactors; i++) {
        if (actors[i].waits_for)
            continue;
        if (actors[i].slow > 0) {
            actors[i].slow--;
            slow = i;
        } else {
            can[n++] = i;
        }
    }
    return n ? can[world_random() % (unsigned)n] : slow;
}

static bool all_done(void)
{
    for (int i = 0; i < nactors; i++)
        if (actors[i].waits_for != &actors[i])
            return false;
    return true;
}

/* Gives the baton to somebody who can run: perhaps to the same one again. */
static void pass_on(int me)
{
    int next;

    CHECK(port_locks_held() == 0);
    passing = true;
    if (world_random() % 32 == 0)
        actors[me].slow = world_random() % 128;
    for (;;) {
        if (world_random() % 2 && world_complete_one())
            continue;
        next = pick();
        if (next >= 0 || all_done())
            break;
        if (!world_complete_one()) {
            fprintf(stderr, "deadlock: all wait\n");
            _exit(1);
        }
    }
    passing = false;
    running = next;
    if (next == me)
        return;
    if (next >= 0)
        port_set_cpu((unsigned)next);
    pthread_cond_broadcast(&passed);
    while (running != me && actors[me].waits_for != &actors[me])
        pthread_cond_wait(&passed, &big);
}

void baton_yield(void)
{
    if (nactors)
        pass_on(running);
}

static void *actor_main(void *arg)
{
    struct actor *a = arg;
    int me = (int)(a - actors);

    pthread_mutex_lock(&big);
    while (running != me)
        pthread_cond_wait(&passed, &big);
    a->fn(me);
    a->waits_for = a;
    pass_on(me);
    pthread_mutex_unlock(&big);
    return NULL;
}

void baton_run(int n, void (*fn)(int me))
{
    nactors = n;
    running = 0;
    world_async = true;
    pthread_mutex_lock(&big);
    port_set_cpu(0);
    for (int i = 0; i < n; i++) {
        actors[i] = (struct actor){.fn = fn};
        cpus[i].current = &actors[i].task;
        cpus[i].irq_were_on = true; /* who faults may sleep, but for mutexes */
        CHECK(pthread_create(&actors[i].thread, NULL, actor_main, &actors[i]) == 0);
    }
    pthread_mutex_unlock(&big);
    for (int i = 0; i < n; i++)
        pthread_join(actors[i].thread, NULL);
    nactors = 0;
    world_async = false;
    port_set_cpu(0);
}

unsigned baton_mutexes(void)
{
    return actors[this_cpu->id].mutexes;
}

/* ---- what the kernel calls ---- */

void __real_spin_unlock(struct spinlock *l);

/* In place of spin_unlock(), by the linker's --wrap. */
void __wrap_spin_unlock(struct spinlock *l)
{
    __real_spin_unlock(l);
    if (nactors && !passing && port_locks_held() == 0 && !irqs_kept_out() &&
        world_random() % 4 == 0)
        pass_on(running);
}

static void sleep_on(struct waitqueue *wq)
{
    if (!nactors) {
        fprintf(stderr, "deadlock: the only thread waits\n");
        _exit(1);
    }
    CHECK(!irqs_kept_out());
    actors[running].waits_for = wq;
    pass_on(running);
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    __real_spin_unlock(held);
    sleep_on(wq);
    spin_lock(held);
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    wait_on(wq, held);
    return 0;
}

void waitqueue_init(struct waitqueue *wq)
{
    *wq = (struct waitqueue)WAITQUEUE_INIT(*wq);
}

/* A call of mm/ rests: somebody else may come. */
void task_yield_if_due(void)
{
    baton_yield();
}

void wake_all(struct waitqueue *wq)
{
    for (int i = 0; i < nactors; i++)
        if (actors[i].waits_for == wq)
            actors[i].waits_for = NULL;
}

void mutex_init(struct mutex *m)
{
    *m = (struct mutex)MUTEX_INIT(*m);
}

void mutex_lock(struct mutex *m)
{
    CHECK(port_locks_held() == 0 && !irqs_kept_out());
    baton_yield();
    while (m->nwaiting)
        sleep_on(&m->wq);
    m->nwaiting = 1;
    actors[this_cpu->id].mutexes++;
}

void mutex_unlock(struct mutex *m)
{
    CHECK(m->nwaiting == 1);
    m->nwaiting = 0;
    actors[this_cpu->id].mutexes--;
    wake_all(&m->wq);
    baton_yield();
}
