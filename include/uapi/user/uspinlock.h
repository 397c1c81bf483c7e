/*
 * uapi/user/uspinlock.h: a spin lock for shared memory. One that is all zero is free.
 * Contents: usr/lib/uspinlock.c.
 */
#ifndef LAMINA_UAPI_USPINLOCK_H
#define LAMINA_UAPI_USPINLOCK_H

#include "kernel/types.h"

struct uspinlock {
    uint locked; /* 1: held */
};

/* Spins until the lock is the caller's. What was stored under it before is visible then. */
void uacquire(struct uspinlock *lock);

/* Lets go of it, after everything the caller stored under it. */
void urelease(struct uspinlock *lock);

#endif
