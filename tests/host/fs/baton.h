/*
 * baton.h - threads that take turns, by a schedule drawn from world_random().
 */
#ifndef FS_BATON_H
#define FS_BATON_H

/* Runs fn(0) .. fn(n - 1) as threads on harts 0 .. n - 1, until all have returned. */
void baton_run(int n, void (*fn)(int me));

/* Lets others run, perhaps. */
void baton_yield(void);

/* How many mutexes the running thread holds. */
unsigned baton_mutexes(void);

#endif
