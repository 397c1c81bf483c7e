/*
 * usr/lib/errno.c: errno, in a file of its own: a program that has one itself keeps that.
 * Contract: include/uapi/user/errno.h.
 */
#include "user/errno.h"

int errno;
