/*
 * usr/lib/usys.S: the system call stubs. Arguments are where the C ABI left them, a0 to a5; the
 * number goes into a7 and the result comes back in a0. Read next: include/uapi/kernel/syscall.h.
 */
#include "kernel/syscall.h"

    .cfi_sections .debug_frame
    .text

.macro stub name, number
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    li a7, \number
    ecall
    ret
    .cfi_endproc
    .size \name, . - \name
.endm

    stub fork, SYS_fork
    stub exit, SYS_exit
    stub wait, SYS_wait
    stub pipe, SYS_pipe
    stub read, SYS_read
    stub kill, SYS_kill
    stub exec, SYS_exec
    stub fstat, SYS_fstat
    stub chdir, SYS_chdir
    stub dup, SYS_dup
    stub getpid, SYS_getpid
    stub getppid, SYS_getppid
    stub sys_sbrk, SYS_sbrk
    stub sleep, SYS_sleep
    stub pause, SYS_pause
    stub uptime, SYS_uptime
    stub open, SYS_open
    stub write, SYS_write
    stub mknod, SYS_mknod
    stub unlink, SYS_unlink
    stub link, SYS_link
    stub mkdir, SYS_mkdir
    stub close, SYS_close
    stub map_shared_pages, SYS_map_shared_pages
    stub unmap_shared_pages, SYS_unmap_shared_pages
    stub poweroff, SYS_poweroff
    stub reboot, SYS_reboot
    stub meminfo, SYS_meminfo
    stub procinfo, SYS_procinfo
    stub audit, SYS_audit
    stub ktime, SYS_ktime
    stub crypto_op, SYS_crypto_op
    stub take_shared_memory_request, SYS_take_shared_memory_request
    stub remove_shared_memory_request, SYS_remove_shared_memory_request
    stub crypto_wait, SYS_crypto_wait
    stub shm_attach, SYS_shm_attach
    stub shm_detach, SYS_shm_detach
    stub sys_mmap, SYS_mmap
    stub sys_munmap, SYS_munmap
    stub sys_msync, SYS_msync
    stub sys_mprotect, SYS_mprotect
    stub share_grant, SYS_share_grant
    stub share_revoke, SYS_share_revoke
    stub sync, SYS_sync
    stub fsync, SYS_fsync
    stub console_keys, SYS_console_keys
    stub service_start, SYS_service_start
    stub service_wait, SYS_service_wait
    stub kernel_log, SYS_kernel_log
    stub irq_latency, SYS_irq_latency
