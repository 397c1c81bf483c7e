/*
 * A program that did what it must not.
 */
#ifndef PROC_CRASH_H
#define PROC_CRASH_H

#include <stdint.h>

#include "asm/trap.h"

/*
 * Prints a line in words about the running process' trap, with the command that finds the source line.
 * => takes mm->lock; no lock held, interrupts on.
 */
void crash_explain(const struct trapframe *tf, uint64_t cause, vaddr_t va);

#endif
