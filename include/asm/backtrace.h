/*
 * Who called whom, by frame pointers, for panic().
 */
#ifndef ASM_BACKTRACE_H
#define ASM_BACKTRACE_H

#include <stdint.h>

struct trapframe;

/* Prints the return addresses from the caller's frame on, or from where backtrace_from() said.
 * => reads nothing outside the stack it starts in; panic()'s hook. */
void backtrace_print(void);

/* Makes the panic to come show the code at pc with frame pointer fp, not the code that reports. */
void backtrace_from(uint64_t pc, uint64_t fp);

/* As backtrace_from(), with all registers printed, too; tf must stay until the panic. */
void backtrace_from_frame(const struct trapframe *tf);

#endif
