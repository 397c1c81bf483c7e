/*
 * uapi/user/user.h: the user library, for programs of every xv6 generation at once.
 *
 * The prototypes of the xv6 part keep xv6's parameter types, and carry no format attributes, because
 * programs of 2022 and of 2025 disagree about formats.
 */
#ifndef LAMINA_UAPI_USER_H
#define LAMINA_UAPI_USER_H

#include "kernel/types.h"

#ifndef SBRK_ERROR
#define SBRK_ERROR ((char *)-1)
#endif

struct stat;
struct meminfo;
struct procinfo;

/* ---- system calls of xv6: -1 is the error ---- */
int fork(void);
int exit(int status) __attribute__((noreturn));
int wait(int *status);
int pipe(int *fds);
int write(int fd, const void *buf, int n);
int read(int fd, void *buf, int n);
int close(int fd);
int kill(int pid);
int exec(const char *path, char **argv);
int open(const char *path, int flags);
int mknod(const char *path, short major, short minor);
int unlink(const char *path);
int fstat(int fd, struct stat *st);
int link(const char *old, const char *new);
int mkdir(const char *path);
int chdir(const char *path);
int dup(int fd);
int getpid(void);
int uptime(void);
int sleep(int ticks);
int pause(int ticks);
char *sys_sbrk(int n, int mode);

/* ---- heap ends ---- */
/* The break as it was before; SBRK_ERROR when n bytes are not to be had. */
char *sbrk(int n);
/* The same, but pages appear when they are first touched. */
char *sbrklazy(int n);

/* ---- strings ---- */
int stat(const char *path, struct stat *st);
char *strcpy(char *to, const char *from);
void *memmove(void *to, const void *from, int n);
char *strchr(const char *s, char c);
int strcmp(const char *a, const char *b);
char *gets(char *buf, int max);
uint strlen(const char *s);
void *memset(void *to, int c, uint n);
int atoi(const char *s);
int memcmp(const void *a, const void *b, uint n);
void *memcpy(void *to, const void *from, uint n);

/* ---- output ---- */
/*
 * %d %u %x %p %s %c %%, %l (unsigned, low 32 bits), %ld %lu %lx %lld %llu %llx. No widths.
 * => The text of one call goes out in as few write()s as it needs: a line stays whole.
 */
void printf(const char *format, ...);
void fprintf(int fd, const char *format, ...);

/* ---- heap ---- */
void *malloc(uint n);
void free(void *p);

/* ---- shared memory ---- */
/*
 * An address in this or another process. Programs pass a pointer of any type or a uint64: both
 * are taken as they are, without a cast and without a warning.
 */
typedef union {
    void *pointer;
    const volatile void *any_pointer;
    uint64 number;
    long signed_number;
    unsigned long long wide_number;
} user_address __attribute__((transparent_union));

/*
 * Maps [src_va, src_va + size) of process src_pid into process dst_pid. The caller must be one of
 * the two. Both must come from one exec; or src_pid has granted the pages to the caller (share_grant()
 * in user/shm.h), and the caller is dst_pid.
 * => The address in dst_pid, with src_va's offset in its page; (uint64)-1 and nothing changed.
 */
uint64 map_shared_pages(int src_pid, int dst_pid, user_address src_va, uint64 size);

/*
 * Unmaps what map_shared_pages put at addr in the caller; an inner part is allowed.
 * => 0; -1 and nothing changed when [addr, addr + size) is not wholly shared memory.
 */
int unmap_shared_pages(user_address addr, uint64 size);

/* map_shared_pages from process pid into the caller; from the caller into process pid. */
uint64 map_from(int pid, user_address va, uint64 size);
uint64 map_to(int pid, user_address va, uint64 size);

/* The caller's break: its size in bytes, as far as an int holds it. Courses use either name. */
int memsize(void);
int getprocsize(void);

/* The same calls with the argument lists of other courses. */
#include "user/share_forms.h"

/* ---- Lamina's own ---- */
/* The pid of the caller's parent; 1, which is init, once that has ended. */
int getppid(void);

/* Stops the machine; starts it anew. What calls have reported done is on the disk. => No return. */
int poweroff(void);
int reboot(void);

/*
 * Writes to the disk what calls have reported done and programs have stored to mapped files: all of
 * it; that of one file, and changes of names. => 0; -1 a write failed, or fd is no file on disk.
 */
int sync(void);
int fsync(int fd);

/* Process 1 only, for when it has no console: prints a line as the kernel does. => 0 or -1. */
int kernel_log(const char *line);

/* Memory figures (kernel/lamina.h). => 0; -1 when info is a bad pointer. */
int meminfo(struct meminfo *info);

/* Process slot `slot`, from 0 (kernel/lamina.h). => 0; -1 past the last slot or bad pointer. */
int procinfo(int slot, struct procinfo *info);

/* Checks the memory invariants of the whole machine. => The number of violations, each printed. */
int audit(void);

/*
 * Waits for a key typed at the console that fd is, and takes what is typed, up to n bytes and not
 * beyond an LF or ^D (0x04). Nothing is echoed, and no key means anything else. The caller is the
 * console's shell from then on: Ctrl-C ends the processes below it, and reaches it as 0x03 where
 * there are none. Calls of read() get lines as ever.
 * => Bytes; 0 when n is 0; -1: fd is no console open for reading, or a bad pointer.
 */
int console_keys(int fd, char *buf, int n);

/*
 * Has a timer interrupt come on this hart `every` time units after the last, from now on; 0: stop.
 * Less than 20 units count as 20. => How late the latest came since the last call, in time units.
 */
uint64 irq_latency(uint64 every);

/* Time since power-on, in ticks of the machine's timebase (10 MHz on QEMU virt). */
uint64 ktime(void);

/* ---- the other faces of sharing: ids, the crypto service, grants; mmap ---- */
#include "user/shm.h"
#include "user/mman.h"

#endif
