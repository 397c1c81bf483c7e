/*
 * From a system call's number to its function.
 *
 * Owns the table and the upcall trap_syscall() (asm/trap.h). No lock. What a function returns goes
 * to a0, any error as -1, but for the mmap family, whose library wants to know which.
 *
 * Called by arch/riscv/entry.S with interrupts on. Read next: syscall/sysmm.c.
 */
#include "asm/trap.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "sched/task.h"
#include "syscall.h"
#include "uapi/kernel/syscall.h"

#define TABLE_ENTRY(name) [SYS_##name] = sys_##name,
static const syscall_fn table[] = {SYSCALLS(TABLE_ENTRY)};

static_assert(offsetof(struct trapframe, a5) ==
                  offsetof(struct trapframe, a0) + 5 * sizeof(uint64_t),
              "the argument registers are an array");

static __noinline long unknown_call(int number)
{
    printk("%d %s: unknown sys call %d\n", current()->pid, current()->name, number);
    return -ENOSYS;
}

void trap_syscall(struct trapframe *tf)
{
    /* Programs see an int: docs/xv6-abi.md 1 has the number cut to 32 bits. */
    uint32_t number = (uint32_t)tf->a7;
    syscall_fn fn = number < ARRAY_LEN(table) ? table[number] : NULL;
    long result = likely(fn) ? fn(&tf->a0) : unknown_call((int)number);

    bool gives_errno = number >= SYS_mmap && number <= SYS_mprotect;

    tf->a0 = result < 0 && !gives_errno ? -1UL : (uint64_t)result;
    irq_off();
    if (unlikely(current()->pending))
        task_pending_work();
}
