/*
 * uapi/kernel/syscall.h: system call numbers. The assembler reads it too: preprocessor lines only.
 *
 *  1 .. 21  xv6's, in all its generations (13 is `sleep` in 2022 and `pause` in 2025)
 * 22 .. 26  shared memory and the service calls of the courses
 * 27 ..     Lamina's own
 */
#ifndef LAMINA_UAPI_SYSCALL_H
#define LAMINA_UAPI_SYSCALL_H

#define SYS_fork   1
#define SYS_exit   2
#define SYS_wait   3
#define SYS_pipe   4
#define SYS_read   5
#define SYS_kill   6
#define SYS_exec   7
#define SYS_fstat  8
#define SYS_chdir  9
#define SYS_dup    10
#define SYS_getpid 11
#define SYS_sbrk   12
#define SYS_sleep  13
#define SYS_pause  13
#define SYS_uptime 14
#define SYS_open   15
#define SYS_write  16
#define SYS_mknod  17
#define SYS_unlink 18
#define SYS_link   19
#define SYS_mkdir  20
#define SYS_close  21

#define SYS_map_shared_pages             22
#define SYS_unmap_shared_pages           23
#define SYS_crypto_op                    24
#define SYS_take_shared_memory_request   25
#define SYS_remove_shared_memory_request 26

#define SYS_poweroff 27
#define SYS_reboot   28
#define SYS_meminfo  29
#define SYS_procinfo 30
#define SYS_audit    31
#define SYS_ktime    32

#define SYS_crypto_wait   33
#define SYS_shm_attach    34
#define SYS_shm_detach    35
#define SYS_mmap          36
#define SYS_munmap        37
#define SYS_msync         38
#define SYS_mprotect      39
#define SYS_share_grant   40
#define SYS_share_revoke  41
#define SYS_sync          42
#define SYS_fsync         43
#define SYS_service_start 44
#define SYS_service_wait  45
#define SYS_getppid       46
#define SYS_console_keys  47
#define SYS_kernel_log    48
#define SYS_irq_latency   49

#endif
