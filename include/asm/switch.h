/*
 * From one kernel stack to another.
 */
#ifndef ASM_SWITCH_H
#define ASM_SWITCH_H

#include <stdint.h>

/* What a function call does not save: the rest is on the stack already. */
struct context {
    uint64_t ra;
    uint64_t sp;
    uint64_t s[12];
};

/* Saves the running context in *from and resumes *to; returns when someone resumes *from.
 * => interrupts off. tp is not part of a context: it belongs to the hart. */
void context_switch(struct context *from, struct context *to);

#endif
