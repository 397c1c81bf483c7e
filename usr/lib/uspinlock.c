/*
 * usr/lib/uspinlock.c: a spin lock between processes. Contracts: include/uapi/user/uspinlock.h.
 */
#include "kernel/types.h"
#include "user/uspinlock.h"

void uacquire(struct uspinlock *lock)
{
    while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) != 0)
        while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0)
            __asm__ volatile(".4byte 0x0100000f"); /* pause: the other hart gets on */
}

void urelease(struct uspinlock *lock)
{
    __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}
