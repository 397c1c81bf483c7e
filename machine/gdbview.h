/*
 * What gdb sees of a hart. Owner: gdbview.c; gdbstub.c talks to gdb.
 */
#ifndef MACHINE_GDBVIEW_H
#define MACHINE_GDBVIEW_H

#include "session.h"

struct gdb_view {
    struct session *session;
    unsigned thread; /* the hart */
    bool physical;   /* addresses are physical */
};

/* x0 to x31, pc, then the CSRs in the order in which gdb_describe() names them, then the mode. */
uint64_t gdb_register(const struct gdb_view *view, unsigned number);

/* A walk that changes nothing: neither A and D nor the TLB. => false: no page there */
bool gdb_find(const struct gdb_view *view, uint64_t va, uint64_t *pa);

/* Writes the description of the registers; 8 KiB are enough. => characters, without the 0 */
unsigned gdb_describe(char *xml);

/* => the length of the next packet; 0: gdb asks to stop; -1: gdb is gone */
int gdb_get_packet(int fd, char *packet, int room);

/* => false: gdb is gone */
bool gdb_put_packet(int fd, const char *text);

#endif
