/*
 * A session: a machine with its past. Whatever was typed is kept with its instant, and every INTERVAL steps the state is
 * saved. So any instant can be reached again: the snapshot before it, and the steps from there.
 *
 * An instant is a count of steps: instant n is the state before step n. An event of step n lies between the instants n
 * and n + 1.
 * Owner: session.c; past.c searches. A host gives memory and takes what is printed.
 */
#ifndef MACHINE_SESSION_H
#define MACHINE_SESSION_H

#include "machine.h"

#define INTERVAL (1ULL << 21) /* steps between two snapshots */

/* A page of memory as it was at a snapshot, when it had changed since the snapshot before. */
struct version {
    struct version *older;
    uint32_t snapshot;
    uint8_t *bytes;
};

struct snapshot {
    uint64_t step;
    uint8_t *machine; /* struct machine, up to `unsaved` */
    uint8_t *written; /* bits by store_hash(): what was stored to since the snapshot before */
};

struct typed {
    uint64_t step;
    uint8_t byte;
};

/* An event as it is kept. */
struct record {
    uint64_t step, a, b, satp;
    uint32_t pc; /* its lower half */
    uint8_t hart, mode, kind, unused;
};

struct session {
    struct machine m;
    uint64_t end;            /* the latest instant that was reached */
    uint64_t pages;          /* of memory */
    struct version **newest; /* by page */
    struct version **now;    /* by page: what memory holds, where it is not dirty */
    struct snapshot *snapshot;
    uint32_t nsnapshots, max_snapshots;
    struct typed *typed;
    uint32_t ntyped, max_typed;
    struct record *record;
    uint64_t nrecords, max_records; /* a ring: the last max_records of nrecords are there */
    uint32_t recorded;              /* bit for each enum event_kind */
    uint32_t stop_on;               /* the same: session_run() stops after such an event */
    uint64_t stop_call; /* of calls, only those of this address; 0: all that are probed */
    bool (*wanted)(const struct event *event); /* of those, the ones that count; NULL: all */
    bool paced;        /* as of struct machine, for what has not been run before */
    bool full;         /* no memory for further snapshots: going back takes longer */
    uint64_t replayed; /* steps run again, ever */
    struct event last; /* the last event that matched */
    bool found, searching;
};

/*
 * Makes a session of a machine that is about to begin. The host has planned s->m by machine_plan(); `image` has as many
 * bytes as the disk that it planned.
 * => false: no memory, or the kernel does not fit
 */
bool session_begin(struct session *s, const uint8_t *kernel, size_t size, const uint8_t *image);

/* Runs on, from where it stands; in the past it repeats what was typed. => why it stopped */
enum stop session_run(struct session *s, uint64_t until);

/* machine_skip(), at an instant where the machine waits. */
bool session_skip(struct session *s);

/* Types a byte. What lies after this instant is forgotten: from here on the run is another one. */
bool session_type(struct session *s, uint8_t byte);

/* For session_parse(): a byte that is to be typed at an instant that may come yet. */
bool session_will_type(struct session *s, uint64_t step, uint8_t byte);

/* Goes to an instant that was reached before. => false: it was not */
bool session_seek(struct session *s, uint64_t step);

/* A number for all of the state at this instant. */
uint64_t session_hash(const struct session *s);

/* Forgets what lies after this instant. */
void session_forget(struct session *s);

/* For past.c: the last snapshot not after a step; and a run from a snapshot, in which host_event() only looks. */
uint32_t session_snapshot(const struct session *s, uint64_t step);
enum stop session_replay(struct session *s, uint32_t index, uint64_t until, uint32_t watch);

/* ---- past.c: both leave the session where their search ended; the caller goes where it wants to be ---- */

/* The last event of these kinds before an instant. => false: there is none */
bool session_before(struct session *s, uint32_t kinds, uint64_t instant, struct event *found);

/* The last store to [pa, pa + size) before an instant. => the same */
bool session_writer(struct session *s, uint64_t pa, uint64_t size, uint64_t instant,
                    struct event *found);

/*
 * A run's name: its options and what was typed, in letters that an address bar takes.
 * => characters written, without the 0; 0: `room` is too little
 */
size_t session_name(const struct session *s, char *name, size_t room);

/* Reads a name. The options go to *options, what was typed to *s, to be typed at its instants. => false: no name */
bool session_parse(struct session *s, const char *name, struct options *options);

/* Is what the machine prints now printed for the first time? */
static inline bool session_prints(const struct session *s)
{
    return !s->searching && s->m.steps >= s->end;
}

/* ---- What a host gives ---- */

/* Memory that is zero and never given back; NULL: none. */
void *host_memory(size_t size);

#endif
