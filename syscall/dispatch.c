/*
 * From a system call's number to its function.
 *
 * Owns the table and the upcall trap_syscall() (asm/trap.h). No lock. The functions get the
 * argument registers as they are; what they return goes to a0, any error as -1, but for the mmap
 * family, whose library wants to know which.
 *
 * Called by arch/riscv/entry.S with interrupts on. Read next: syscall/sysmm.c.
 */
#include "asm/trap.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "sched/task.h"
#include "syscall/syscall.h"
#include "uapi/kernel/syscall.h"

static const syscall_fn table[] = {
    [SYS_fork] = sys_fork,
    [SYS_exit] = sys_exit,
    [SYS_wait] = sys_wait,
    [SYS_pipe] = sys_pipe,
    [SYS_read] = sys_read,
    [SYS_kill] = sys_kill,
    [SYS_exec] = sys_exec,
    [SYS_fstat] = sys_fstat,
    [SYS_chdir] = sys_chdir,
    [SYS_dup] = sys_dup,
    [SYS_getpid] = sys_getpid,
    [SYS_sbrk] = sys_sbrk,
    [SYS_sleep] = sys_sleep,
    [SYS_uptime] = sys_uptime,
    [SYS_open] = sys_open,
    [SYS_write] = sys_write,
    [SYS_mknod] = sys_mknod,
    [SYS_unlink] = sys_unlink,
    [SYS_link] = sys_link,
    [SYS_mkdir] = sys_mkdir,
    [SYS_close] = sys_close,
    [SYS_map_shared_pages] = sys_map_shared_pages,
    [SYS_unmap_shared_pages] = sys_unmap_shared_pages,
    [SYS_poweroff] = sys_poweroff,
    [SYS_reboot] = sys_reboot,
    [SYS_meminfo] = sys_meminfo,
    [SYS_procinfo] = sys_procinfo,
    [SYS_audit] = sys_audit,
    [SYS_ktime] = sys_ktime,
    [SYS_crypto_op] = sys_crypto_op,
    [SYS_take_shared_memory_request] = sys_take_shared_memory_request,
    [SYS_remove_shared_memory_request] = sys_remove_shared_memory_request,
    [SYS_crypto_wait] = sys_crypto_wait,
    [SYS_shm_attach] = sys_shm_attach,
    [SYS_shm_detach] = sys_shm_detach,
    [SYS_mmap] = sys_mmap,
    [SYS_munmap] = sys_munmap,
    [SYS_msync] = sys_msync,
    [SYS_mprotect] = sys_mprotect,
    [SYS_share_grant] = sys_share_grant,
    [SYS_share_revoke] = sys_share_revoke,
    [SYS_sync] = sys_sync,
    [SYS_fsync] = sys_fsync,
    [SYS_service_start] = sys_service_start,
    [SYS_service_wait] = sys_service_wait,
    [SYS_getppid] = sys_getppid,
    [SYS_console_keys] = sys_console_keys,
    [SYS_kernel_log] = sys_kernel_log,
    [SYS_irq_latency] = sys_irq_latency,
};

static __noinline long unknown_call(int number)
{
    printk("%d %s: unknown sys call %d\n", current()->pid, current()->name, number);
    return -ENOSYS;
}

static bool gives_errno(uint32_t number)
{
    return number >= SYS_mmap && number <= SYS_mprotect;
}

void trap_syscall(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, struct trapframe *tf)
{
    /* Programs see an int: docs/xv6-abi.md 1 has the number cut to 32 bits. */
    uint32_t number = (uint32_t)tf->a7;
    syscall_fn fn = number < ARRAY_LEN(table) ? table[number] : NULL;
    long result;

    if (likely(fn))
        result = fn(a0, a1, a2, a3);
    else
        result = unknown_call((int)number);
    tf->a0 = result < 0 && !gives_errno(number) ? -1UL : (uint64_t)result;
    irq_off();
    if (unlikely(current()->pending))
        task_pending_work();
}
