/*
 * The native host's two files for each other: native.c has the terminal, gdbstub.c the port.
 */
#ifndef MACHINE_NATIVE_H
#define MACHINE_NATIVE_H

#include "session.h"

/* Types what the terminal has ready. => false: its user leaves */
bool native_keys(struct session *s);

/* While all harts wait: waits as long as the machine does, or until a key is typed. */
void native_wait(struct session *s);

/* Serves gdb at a port of this host until it leaves. => false: the port is taken */
bool gdbstub_serve(struct session *s, uint16_t port);

#endif
