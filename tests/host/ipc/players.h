/*
 * players.h - processes for the host tests of ipc/, over mm/: one thread plays all of them.
 */
#ifndef PLAYERS_H
#define PLAYERS_H

#include "../mm/world.h"

#include "lib/errno.h"
#include "proc/proc.h"

#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)
#define RW       (PROT_READ | PROT_WRITE)
#define HEAP     0x4000UL /* where a program's break begins */

/* What ipc/ does when a player leaves an address space, as struct proc_hooks has it. */
extern void (*player_left)(uint64_t family);

/*
 * What another does in the middle of a call of ipc/: once, as soon as a process has been looked up or
 * a mutex let go of, and no mutex is held.
 */
extern void (*meanwhile)(void);

/* What others do while a player sleeps. => what its wait returns. NULL: nobody may sleep. */
extern int (*while_asleep)(void);

/* A process that nobody knew, which runs a program with `npages` of heap that hold 100*pid and so on. */
void player_comes(int pid, size_t npages);

/* Who makes the calls from here on. */
void play_as(int pid);

struct mm *mm_of(int pid);

/* fork(), as far as memory goes: the child has a family's memory and no place among the players. */
struct mm *player_forks(int pid);

/* Both halves of exec and of exit: the old address space is left; then ipc/ hears of it. */
void exec_begins(int pid);
void exec_ends(int pid);
void player_execs(int pid);
void player_exits(int pid);

/* Stores a value to the first word of page i from va on; loads it, which must work; whether it can. */
void store(int pid, vaddr_t va, size_t i, uint64_t value);
uint64_t load(int pid, vaddr_t va, size_t i);
bool can_load(int pid, vaddr_t va, size_t i);

#endif
