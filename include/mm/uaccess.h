/*
 * Copies between the kernel and the running task's user memory.
 *
 * Addresses come from programs and are checked here, by range_fits(). A page
 * that is not there yet appears on the way (mm/fault.c); what the program itself may
 * not read or write, the kernel may not on its behalf. A mapped file's page is read
 * from the disk, which sleeps: with a lock held the copy fails there, unless the page was brought
 * before (mm_prefault() in mm/mmap.h).
 * => no lock of rank RANK_MM or deeper may be held.
 */
#ifndef MM_UACCESS_H
#define MM_UACCESS_H

#include <stddef.h>

#include "asm/page.h"

/* => 0, or -EFAULT: then a prefix may have been copied. n is in bytes. */
int copy_to_user(vaddr_t to, const void *from, size_t n);
int copy_from_user(void *to, vaddr_t from, size_t n);

/* => how many bytes were copied before the first that could not be. */
size_t copy_to_user_partial(vaddr_t to, const void *from, size_t n);
size_t copy_from_user_partial(void *to, vaddr_t from, size_t n);

/*
 * Copies a string with its NUL into dst, which has `size` bytes.
 * => its length without the NUL; -EFAULT; -ENAMETOOLONG when no NUL is among `size` bytes.
 */
long strncpy_from_user(char *dst, vaddr_t src, size_t size);

#endif
