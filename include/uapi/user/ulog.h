/*
 * uapi/user/ulog.h: a log ring in shared memory, many writers and one reader, without locks.
 *
 * The ring is zeroed memory, aligned to 4 bytes and shared by all. From its start, record follows
 * record; a record is a 32-bit header { uint16 child index, uint16 length } and then `length`
 * bytes; the next header is at (address + 4 + length + 3) & ~3. A zero header is free space, and
 * all beyond it is free as well. This is the protocol of the course, and programs that speak no
 * more than that can read and skip the records made here. Four things make it safe:
 *
 *   claim     A writer swaps the first zero header for its own with ULOG_OPEN set in the index
 *             half. The length half is true from the start, so everybody else can step over it.
 *   publish   When the text is in place, it stores the header without ULOG_OPEN, with release
 *             order. The reader loads headers with acquire order and takes only those without
 *             the bit: if it sees the header it sees the text.
 *   death     A writer killed in between leaves an open record for ever. Others step over it, and
 *             so does the reader: it sets it aside, looks again at each call, and goes on.
 *   bounds    A record is claimed only if its end, rounded up to 4, is inside the ring. An empty
 *             message is refused: the header of an empty one from child 0 would mean free space.
 *
 * No writer waits for another: a swap that fails means that somebody else's record is there, and
 * the next try is one record further on, so ulog_write ends after at most size / 8 steps.
 * No writer is starved by faster ones: half of the ring is promised in equal shares, and a record
 * beyond its writer's share is claimed only if what others have left of theirs still fits. The
 * test is exact, not a guess: the swap succeeds only at the end of the chain that was counted.
 */
#ifndef LAMINA_UAPI_ULOG_H
#define LAMINA_UAPI_ULOG_H

#include "kernel/types.h"

#define ULOG_OPEN          0x8000U /* in the index half: claimed, text not complete */
#define ULOG_WRITERS_MAX   64      /* writers with a share; more may write without one */
#define ULOG_SET_ASIDE_MAX 64      /* open records that a reader can step over */

enum {
    ULOG_OK = 0,
    ULOG_FULL = -1,    /* no room, or what is left is promised to others */
    ULOG_INVALID = -2, /* empty or overlong message, bad index, misaligned ring */
};

/* A writer's own state: private memory, one for each writer. */
struct ulog_writer {
    char *start;
    char *end;
    char *cursor; /* every header before it has been counted in `used` */
    uint index;
    uint writers;
    uint share;                    /* bytes promised to each writer */
    ushort used[ULOG_WRITERS_MAX]; /* bytes each writer has claimed, headers included */
};

/* The reader's own state: private memory. */
struct ulog_reader {
    char *start;
    char *end;
    char *cursor; /* next header not looked at */
    uint aside_count;
    char *aside[ULOG_SET_ASIDE_MAX]; /* open records before the cursor */
};

struct ulog_record {
    uint index;       /* of the writer */
    uint length;      /* of the text, which has no NUL */
    const char *text; /* in the ring */
};

/*
 * Makes w a writer into `size` bytes at `ring`, with this index below 0x8000.
 * => `writers` writers, indices 0 .. writers-1, have equal shares in half of the ring; 0 turns
 *    shares off. All writers of a ring must say the same.
 * => ULOG_OK; ULOG_INVALID: ring not aligned to 4, over 64 KiB, too many writers, index too large.
 */
int ulog_writer_init(struct ulog_writer *w, void *ring, uint size, uint index, uint writers);

/*
 * Appends one message of `length` bytes, at least 1.
 * => ULOG_OK: claimed and published.
 * => ULOG_FULL: nothing written. A shorter message, or one of another writer, may still fit.
 * => ULOG_INVALID: nothing written.
 */
int ulog_write(struct ulog_writer *w, const char *text, uint length);

/* Makes r a reader of the ring. => ULOG_OK; ULOG_INVALID: ring not aligned to 4. */
int ulog_reader_init(struct ulog_reader *r, void *ring, uint size);

/*
 * Takes one published record that was not taken before: in ring order, but for those that were
 * still open when the reader came by, which follow once they are published. The messages of one
 * writer always come in the order it wrote them.
 * => 1 and *record; 0 when there is none now. Never waits.
 */
int ulog_read(struct ulog_reader *r, struct ulog_record *record);

/*
 * How many claimed records the reader has met and not seen published. When every writer has ended
 * and ulog_read returns 0, this many were lost with their writers.
 */
uint ulog_unfinished(const struct ulog_reader *r);

/* Whether the reader came to the end of the ring: nothing can be claimed behind its cursor. */
int ulog_at_end(const struct ulog_reader *r);

#endif
