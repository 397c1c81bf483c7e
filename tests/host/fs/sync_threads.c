/*
 * sync_threads.c - locks and sleeping for real threads, and messages. Takes the place of port.c.
 */
#include "asm/cpu.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "sched/mutex.h"
#include "sched/task.h"
#include "sched/waitqueue.h"
#include "world.h"

#define sched_yield libc_sched_yield /* not ours */
#include <pthread.h>
#include <unistd.h>

uint64_t host_kernel_offset, host_page_array;
static struct task task;
static struct cpu cpu = {.current = &task, .irq_were_on = true};
struct cpu *this_cpu = &cpu;

static pthread_mutex_t world_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t sleep_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

void world_lock(void)
{
    pthread_mutex_lock(&world_mutex);
}

void world_unlock(void)
{
    pthread_mutex_unlock(&world_mutex);
}

void spin_lock(struct spinlock *l)
{
    while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
        usleep(1);
}

void spin_unlock(struct spinlock *l)
{
    __atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

/* All wait queues share one condition variable: more wake-ups than needed, none fewer. */
void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    pthread_mutex_lock(&sleep_mutex);
    spin_unlock(held);
    pthread_cond_wait(&woken, &sleep_mutex);
    pthread_mutex_unlock(&sleep_mutex);
    spin_lock(held);
}

void wake_all(struct waitqueue *wq)
{
    pthread_mutex_lock(&sleep_mutex);
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&sleep_mutex);
}

void mutex_init(struct mutex *m)
{
    *m = (struct mutex)MUTEX_INIT(*m);
}

void mutex_lock(struct mutex *m)
{
    spin_lock(&m->guard);
    while (m->nwaiting)
        wait_on(&m->wq, &m->guard);
    m->nwaiting = 1;
    spin_unlock(&m->guard);
}

void mutex_unlock(struct mutex *m)
{
    spin_lock(&m->guard);
    m->nwaiting = 0;
    wake_all(&m->wq);
    spin_unlock(&m->guard);
}

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}
