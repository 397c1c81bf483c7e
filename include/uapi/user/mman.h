/*
 * uapi/user/mman.h: memory mappings, in the two forms that courses use.
 *
 *   mmap(addr, length)                              zeroed memory exactly at addr, or MAP_FAILED;
 *                                                   addr 0: the kernel chooses
 *   mmap(addr, length, prot, flags, fd, offset)     POSIX's
 *
 * Told apart by the number of arguments. A declaration of the six-argument function, as MIT's mmap
 * lab has it, passes through the macro unharmed.
 */
#ifndef LAMINA_UAPI_USER_MMAN_H
#define LAMINA_UAPI_USER_MMAN_H

#include "kernel/mman.h"
#include "kernel/types.h"
#include "user/errno.h"

/* An object, not a macro: programs of the lab define a macro of this name themselves. */
#ifndef MAP_FAILED
static void *const MAP_FAILED __attribute__((unused)) = (void *)-1;
#endif

/*
 * Maps a file, or zeroed memory, apart from the break. prot as asked: nothing is writable and
 * executable at once but by PROT_RWX. A file's pages agree with read and write at every moment.
 * => The address; MAP_FAILED and errno: EINVAL, EACCES, EBADF, ENODEV, EEXIST, ENOMEM.
 */
void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

/* Private, zeroed, readable and writable memory at addr, if those pages are free. => As mmap. */
void *map_memory(void *addr, size_t length);

/* Unmaps mmap's mappings in the range; holes are no error. => 0; -1 and errno. */
int munmap(void *addr, size_t length);

/* Writes back what was stored to shared file pages. => 0; -1 and errno. */
int msync(void *addr, size_t length, int flags);

/* => 0; -1 and errno: ENOMEM where nothing is mapped, EACCES more than the file allows. */
int mprotect(void *addr, size_t length, int prot);

#define MMAN_SEVENTH(a, b, c, d, e, f, g, ...) g
#define mmap(...) \
    MMAN_SEVENTH(__VA_ARGS__, mmap, mmap, mmap, mmap, map_memory, map_memory, )(__VA_ARGS__)

#endif
