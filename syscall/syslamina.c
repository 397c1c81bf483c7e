/*
 * Lamina's own system calls: the machine and a look into it. Decoding only.
 *
 * Owns nothing. Called by syscall/dispatch.c. Described in docs/syscalls.md; structs in
 * uapi/kernel/lamina.h. Read next: mm/audit.c.
 */
#include "asm/timer.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/audit.h"
#include "mm/page.h"
#include "mm/uaccess.h"
#include "proc/proc.h"
#include "proc/shutdown.h"
#include "sched/latency.h"
#include "sched/stop.h"
#include "syscall/syscall.h"
#include "uapi/kernel/lamina.h"

long sys_poweroff(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    machine_shutdown(SHUTDOWN_POWER_OFF);
}

long sys_reboot(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    machine_shutdown(SHUTDOWN_REBOOT);
}

long sys_sync(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return fs_sync();
}

long sys_meminfo(uint64_t to, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct page_stats stats;
    struct meminfo info = { 0 };

    page_get_stats(&stats);
    info.total = stats.total;
    info.free = stats.free;
    info.promised = stats.promised;
    info.cached = fs_cached_pages();
    info.kernel = stats.outside;
    return copy_to_user(to, &info, sizeof(info));
}

long sys_procinfo(uint64_t slot, uint64_t to, uint64_t a2, uint64_t a3)
{
    struct procinfo info;
    int err = proc_info((int)slot, &info);

    return err ? err : copy_to_user(to, &info, sizeof(info));
}

long sys_audit(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    size_t violations;

    while (stop_machine(mm_audit, &violations))
        sched_yield();
    return (long)violations;
}

/* For process 1 when it has no console: others write to theirs. */
long sys_kernel_log(uint64_t line, uint64_t a1, uint64_t a2, uint64_t a3)
{
    char text[128];
    long n = strncpy_from_user(text, line, sizeof(text));

    if (n < 0 || current()->pid != 1)
        return n < 0 ? n : -EPERM;
    printk("%s: %s\n", current()->name, text);
    return 0;
}

#define LATENCY_EVERY_MIN 20 /* time units: the handler itself must not fill the time */

long sys_irq_latency(uint64_t every, uint64_t a1, uint64_t a2, uint64_t a3)
{
    if (every && every < LATENCY_EVERY_MIN)
        every = LATENCY_EVERY_MIN;
    return (long)latency_sample(every);
}

/* In units of the machine's timebase. */
long sys_ktime(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (long)time_now();
}
