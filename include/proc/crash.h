/*
 * A program that did what it must not.
 */
#ifndef PROC_CRASH_H
#define PROC_CRASH_H

#include <stdint.h>

#include "asm/trap.h"

/*
 * Prints three lines about the running process: two in the form that xv6's users know, and one in
 * words, with the command that finds the source line.
 * => takes mm->lock; no lock held, interrupts on.
 */
void crash_report(const struct trapframe *tf, uint64_t cause, vaddr_t va);

#endif
