/*
 * The system calls as functions. Each takes the argument registers as they are and returns its
 * result, or -errno, of which dispatch makes -1: but for the mmap family programs know no errno.
 *
 * An argument that is an int to programs is the low half of its register: (int)a. An address is
 * all of it, and is never followed but through mm/uaccess.h.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include <stdint.h>

typedef long (*syscall_fn)(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

#define SYSCALL(name) long name(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)

/* syscall/sysproc.c: processes and time */
SYSCALL(sys_fork);
SYSCALL(sys_exit);
SYSCALL(sys_wait);
SYSCALL(sys_kill);
SYSCALL(sys_exec);
SYSCALL(sys_getpid);
SYSCALL(sys_getppid);
SYSCALL(sys_sleep);
SYSCALL(sys_pause);
SYSCALL(sys_uptime);

/* syscall/sysfile.c: descriptors and names */
SYSCALL(sys_pipe);
SYSCALL(sys_read);
SYSCALL(sys_write);
SYSCALL(sys_fsync);
SYSCALL(sys_console_keys);
SYSCALL(sys_fstat);
SYSCALL(sys_dup);
SYSCALL(sys_close);
SYSCALL(sys_open);
SYSCALL(sys_chdir);
SYSCALL(sys_mknod);
SYSCALL(sys_unlink);
SYSCALL(sys_link);
SYSCALL(sys_mkdir);

/* syscall/sysmm.c: memory */
SYSCALL(sys_sbrk);
SYSCALL(sys_map_shared_pages);
SYSCALL(sys_unmap_shared_pages);

/* syscall/sysmmap.c: memory apart from the break, and files in it */
SYSCALL(sys_mmap);
SYSCALL(sys_munmap);
SYSCALL(sys_msync);
SYSCALL(sys_mprotect);

/* syscall/sysipc.c: ids, the crypto service, grants */
SYSCALL(sys_crypto_op);
SYSCALL(sys_crypto_wait);
SYSCALL(sys_take_shared_memory_request);
SYSCALL(sys_remove_shared_memory_request);
SYSCALL(sys_shm_attach);
SYSCALL(sys_shm_detach);
SYSCALL(sys_share_grant);
SYSCALL(sys_share_revoke);
SYSCALL(sys_service_start);
SYSCALL(sys_service_wait);

/* syscall/syslamina.c: Lamina's own */
SYSCALL(sys_poweroff);
SYSCALL(sys_reboot);
SYSCALL(sys_sync);
SYSCALL(sys_meminfo);
SYSCALL(sys_procinfo);
SYSCALL(sys_audit);
SYSCALL(sys_ktime);
SYSCALL(sys_kernel_log);
SYSCALL(sys_irq_latency);

#endif
