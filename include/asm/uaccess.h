/*
 * The only instructions of the kernel that touch user memory.
 *
 * They set SUM for themselves only. A fault on the way goes to trap_fault(), which may bring the
 * page; if it does not, the fault table leads to the end of the copy. Callers are mm/uaccess.c.
 * => all: the caller has checked that the range is below USER_TOP; a kernel address would be used.
 */
#ifndef ASM_UACCESS_H
#define ASM_UACCESS_H

#include "asm/page.h"

#include <stddef.h>

/* Copies n bytes into user memory; => the number of bytes NOT copied; those before are. */
size_t arch_copy_to_user(vaddr_t to, const void *from, size_t n);

/* Copies n bytes from user memory; => the number of bytes NOT copied; those before are. */
size_t arch_copy_from_user(void *to, vaddr_t from, size_t n);

/* Copies a string up to its NUL or max bytes.
 * => its length without the NUL; max when there was no NUL; -1 on a fault. */
long arch_strncpy_from_user(char *dst, vaddr_t src, size_t max);

#endif
