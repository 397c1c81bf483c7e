/*
 * world.h - what lies around fs on the host: a disk in memory, frames, slabs, user memory.
 *
 * fs keeps its state in static variables, so each mount happens in a process of its own:
 * world_run() forks, runs a function, and gives its verdict.
 */
#ifndef FS_WORLD_H
#define FS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drivers/blockdev.h"

/* Ends the process with a message when a condition does not hold. */
#define CHECK(cond)                                                    \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            _exit(1);                                                  \
        }                                                              \
    } while (0)

/* Runs fn(arg) in a child with a time limit. => true when it returned */
bool world_run(void (*fn)(void *arg), void *arg);

/* The exit status of the child world_run() ran last. */
int world_last_status(void);

/* ---- images ---- */

/* A fresh image made by tools/mkfs.c with a few files in it; exact arguments of mkfs, or NULL. */
void image_make(const char *blocks, const char *inodes);

/* Checks the disk with tools/fsck.c. => problems found (lines on stdout unless quiet) */
enum fsck_mode {
    FSCK_STRICT = 0,
    FSCK_REPLAY = 1,
    FSCK_ORPHANS = 2
};
unsigned image_fsck(int mode);

/* ---- the disk ---- */

extern struct block_device world_dev;
extern uint8_t *world_disk;
extern size_t world_disk_bytes;

/* Every sector written, in order; a flush is a record with sector UINT64_MAX. */
struct world_write {
    uint64_t sector;
    uint8_t data[512];
};
extern struct world_write *world_writes;
extern size_t world_nwrites;
extern bool world_record; /* whether to keep them */

/* The next requests of a kind fail from the n-th on, `count` of them; -1 never. */
struct world_fault {
    long after;
    long count;
};
extern struct world_fault world_read_fault, world_write_fault;
extern long world_reads_seen, world_writes_seen;

/* Ends requests at once in block_submit() unless set; then while a thread waits, in any order. */
extern bool world_async;

/* Lets one queued request finish; for a device thread. => false when there is none */
bool world_complete_one(void);

/* ---- memory ---- */

extern size_t world_frames_max; /* frames in the machine */
extern size_t world_frames_used;
extern long world_slab_objects; /* handed out */
extern struct world_fault world_memory_fault;

/* ---- user memory: [USER_BASE, USER_BASE + USER_BYTES) ---- */

#define USER_BASE  0x10000UL
#define USER_BYTES (512 * 1024UL)
extern uint8_t world_user[USER_BYTES];

/* A small random number generator. */
uint32_t world_random(void);
extern uint64_t world_seed;

void world_lock(void); /* guards the world's own state when there are threads */
void world_unlock(void);

#endif
