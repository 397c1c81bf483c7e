/*
 * Ticks, and sleeping for some of them.
 *
 * Owns the time of boot. Nothing counts ticks: they are computed when asked for. Called by syscall/
 * and ipc/ext/service.c.
 */
#include "sched/ticks.h"

#include "asm/timer.h"
#include "lib/errno.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

static uint64_t boot_time;   /* [I] after ticks_start() */
static uint64_t tick_length; /* [I] in time units */

/* The tasks in sleep_ticks(): only the end of its time wakes one, or a kill. */
static struct {
    struct spinlock lock;
    struct waitqueue wq;
} sleepers = {
    .lock = SPINLOCK_INIT("sleepers", RANK_SLEEPERS),
    .wq = WAITQUEUE_INIT(sleepers.wq),
};

void ticks_start(void)
{
    boot_time = time_now();
    tick_length = timebase_hz / TICKS_PER_SECOND;
}

uint32_t ticks(void)
{
    return (uint32_t)((time_now() - boot_time) / tick_length);
}

int sleep_ticks(uint64_t n)
{
    uint64_t now = time_now(), past = (now - boot_time) % tick_length;
    uint64_t end = now - past + n * tick_length;
    int err = 0;

    assert_can_sleep();
    if (n == 0)
        return 0;
    spin_lock(&sleepers.lock);
    while (!err)
        err = wait_on_until(&sleepers.wq, &sleepers.lock, end);
    spin_unlock(&sleepers.lock);
    return err == -ETIMEDOUT ? 0 : err;
}
