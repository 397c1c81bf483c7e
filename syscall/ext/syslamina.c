/*
 * Lamina's own system calls: the machine and a look into it. Decoding only.
 *
 * Called by syscall/dispatch.c. Described in docs/syscalls.md; structs in
 * uapi/kernel/lamina.h. Read next: mm/audit.c.
 */
#include "../syscall.h"

#include "asm/timer.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/audit.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "proc/console.h"
#include "proc/files.h"
#include "proc/list.h"
#include "proc/shutdown.h"
#include "sched/latency.h"
#include "sched/stop.h"
#include "uapi/kernel/lamina.h"

/* int poweroff(void) */
long sys_poweroff(const uint64_t a[6])
{
    machine_shutdown(SHUTDOWN_POWER_OFF);
}

/* int reboot(void) */
long sys_reboot(const uint64_t a[6])
{
    machine_shutdown(SHUTDOWN_REBOOT);
}

/* int sync(void) */
long sys_sync(const uint64_t a[6])
{
    return fs_sync();
}

/* int meminfo(struct meminfo *info) */
long sys_meminfo(const uint64_t a[6])
{
    struct page_stats stats;
    struct meminfo info = {0};

    page_get_stats(&stats);
    info.total = stats.total;
    info.free = stats.free;
    info.promised = stats.promised;
    info.cached = fs_cached_pages();
    info.kernel = stats.outside;
    return copy_to_user(a[0], &info, sizeof(info));
}

/* int procinfo(int slot, struct procinfo *info) */
long sys_procinfo(const uint64_t a[6])
{
    struct procinfo info;
    int err = proc_info((int)a[0], &info);

    return err ? err : copy_to_user(a[1], &info, sizeof(info));
}

/* int audit(void) */
long sys_audit(const uint64_t a[6])
{
    size_t violations;

    while (stop_machine(mm_audit, &violations))
        sched_yield();
    return (long)violations;
}

/* int kernel_log(const char *line): for process 1 when it has no console; others write to theirs. */
long sys_kernel_log(const uint64_t a[6])
{
    char text[128];
    long n = strncpy_from_user(text, a[0], sizeof(text));

    if (n < 0 || current()->pid != 1)
        return n < 0 ? n : -EPERM;
    printk("%s: %s\n", current()->name, text);
    return 0;
}

#define LATENCY_EVERY_MIN 20 /* time units: the handler itself must not fill the time */

/* uint64 irq_latency(uint64 every) */
long sys_irq_latency(const uint64_t a[6])
{
    uint64_t every = a[0] && a[0] < LATENCY_EVERY_MIN ? LATENCY_EVERY_MIN : a[0];

    return (long)latency_sample(every);
}

/* uint64 ktime(void), in units of the machine's timebase */
long sys_ktime(const uint64_t a[6])
{
    return (long)time_now();
}

/* int getppid(void) */
long sys_getppid(const uint64_t a[6])
{
    return proc_parent_pid();
}

/*
 * int console_keys(int fd, char *buf, int n). The reader of keys is the console's shell, already
 * before it waits, since Ctrl-C may come meanwhile.
 */
long sys_console_keys(const uint64_t a[6])
{
    struct file *f = fd_file((int)a[0]);
    int n = (int)a[2];
    long err = f ? file_read_keys(f, a[1], 0) : -EBADF;

    if (err || n <= 0)
        return err;
    proc_take_console();
    mm_prefault(current()->mm, a[1], (uint64_t)n, ACCESS_WRITE);
    return file_read_keys(f, a[1], n);
}
