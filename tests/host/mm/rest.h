/*
 * rest.h - a test's hand in the rests of a long call.
 */
#ifndef REST_H
#define REST_H

#include <setjmp.h>

/* Called at each rest, when set: a test can look at the machine, fault, or sweep just then. */
extern void (*rest_play)(void);

/* Where a call that would wait for an mm goes instead, without locks; NULL: that is a failure. */
extern jmp_buf *rest_wait;

/* The caller is killed now, and stays so until rest_begin(). */
void rest_kill(void);

/* How often calls have rested since rest_begin(). */
extern unsigned rest_count;

/* Counts rests from 0; the caller is killed at the kill_at-th (0: never), and stays so until the next. */
void rest_begin(unsigned kill_at);

#endif
