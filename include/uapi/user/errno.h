/*
 * uapi/user/errno.h: why a call of the mmap family failed. Other calls leave errno alone: xv6's
 * have no reasons, only -1. The numbers are Linux's.
 */
#ifndef LAMINA_UAPI_ERRNO_H
#define LAMINA_UAPI_ERRNO_H

extern int errno;

#define EPERM  1
#define ENOENT 2
#define ESRCH  3
#define EINTR  4
#define EIO    5
#define EBADF  9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY  16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define ENOSPC 28
#define ENOSYS 38

#endif
