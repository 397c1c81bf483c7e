/*
 * The orderly end of the machine.
 *
 * Owns `down`. machine_shutdown() reads from top to bottom: no process comes back to user mode, so
 * no call begins; calls that are under way end, and each process ends after its own, which closes
 * its files and writes what it has stored to mapped ones; what is still in memory is written; the
 * power goes. Nothing is taken back: where a step fails, a line says so, and the next one follows.
 *
 * Called by syscall/ext/syslamina.c; proc/exit.c comes by way of a hook. Read next: fs_sync() in fs/mount.c.
 */
#include "proc/shutdown.h"

#include "asm/sbi.h"
#include "asm/timer.h"
#include "fs/fs.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "proc/proc.h"
#include "sched/ktimer.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

enum {
    CALLS_SECONDS = 10, /* for calls under way to end */
    WRITE_SECONDS = 60, /* a disk that is silent is given up before that */
};

static struct {
    struct spinlock lock;
    struct waitqueue wq; /* further callers; nobody wakes them */
    uint32_t callers;    /* [a] processes in machine_shutdown() */
    enum shutdown how;   /* [I] as the first caller has it */
} down = {
    .lock = SPINLOCK_INIT("shutdown", RANK_WAIT),
    .wq = WAITQUEUE_INIT(down.wq),
};

static struct ktimer watchdog;

static __noreturn void sleep_for_good(void)
{
    spin_lock(&down.lock);
    for (;;)
        wait_on(&down.wq, &down.lock);
}

/* Yields until no process lives but those that have called machine_shutdown(). */
static void wait_for_calls(void)
{
    uint64_t end = time_now() + CALLS_SECONDS * timebase_hz;
    size_t left;

    while ((left = proc_kill_all() + 1 - __atomic_load_n(&down.callers, __ATOMIC_RELAXED)) > 0) {
        if (time_now() > end) {
            printk("shutdown: %zu calls do not end, what they write may be lost\n", left);
            return;
        }
        sched_yield();
    }
}

static __noreturn void let_power_go(void)
{
    if (down.how == SHUTDOWN_REBOOT)
        sbi_reboot();
    sbi_shutdown();
}

/* In an interrupt. */
static void writing_hangs(struct ktimer *t)
{
    printk("shutdown: writing to the disk does not end, the rest may be lost\n");
    let_power_go();
}

void machine_shutdown(enum shutdown how)
{
    if (__atomic_fetch_add(&down.callers, 1, __ATOMIC_RELAXED) > 0)
        sleep_for_good();
    down.how = how;
    wait_for_calls();
    ktimer_add(&watchdog, time_now() + WRITE_SECONDS * timebase_hz, writing_hangs);
    if (fs_sync() != 0)
        printk("shutdown: not everything could be written to the disk\n");
    let_power_go();
}

void shutdown_after_init(int status)
{
    if (!__atomic_load_n(&down.callers, __ATOMIC_RELAXED))
        printk("%s: process 1 has ended with status %d, nothing is left to run: power off\n",
               current()->name, status);
    machine_shutdown(SHUTDOWN_POWER_OFF);
}
