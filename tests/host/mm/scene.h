/*
 * scene.h - long calls, looked at and disturbed at each of their rests.
 *
 * A scene is one long call. It is played once with an audit at each rest; then once for each rest, with
 * the caller killed there; then with others that fault, fork and sweep at each rest.
 */
#ifndef SCENE_H
#define SCENE_H

#include "world.h"

#include "lib/errno.h"
#include "../../../mm/space.h"

#define MIB(n)   ((uint64_t)(n) << 20)
#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)
#define RW       (PROT_READ | PROT_WRITE)
#define ALL      (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Who plays: `a` makes the call or is its source, `b` is its destination, `c` a relative of a. */
extern struct mm *a, *b, *c;
extern struct region *file;
extern struct loans loans, onward;
extern vaddr_t at, second; /* where a scene has its memory, and `len` bytes of it */
extern uint64_t len;

struct scene {
    const char *name;
    void (*set)(void);
    int (*call)(void);
    bool brings_up;   /* a call that fails may leave pages that it brought up */
    bool always_ends; /* it has no error */
    bool remembers;   /* the caller's hart is told at the end, since the caller cannot run before */
    bool ends_a;      /* `a` is gone afterwards */
    void (*check)(void);  /* after success */
    void (*others)(void); /* what others do at a rest */
};

void play_scene(const struct scene *s);

/* The whole of a test program: n scenes, all of mm/ back and in order after them. => its exit status. */
int play_scenes(const char *name, const struct scene *scenes, size_t n);

/* => where, or -errno. */
vaddr_t map(struct mm *mm, vaddr_t addr, uint64_t n, unsigned prot, struct region *r, bool copies);

/* A program stores `first` and the numbers after it, one in each page; loads them. */
void fill(struct mm *mm, vaddr_t va, size_t npages, uint64_t first);
void holds(struct mm *mm, vaddr_t va, size_t npages, uint64_t first);

/* ---- scenery ---- */

void nothing_set(void);
void set_touched_heap(void);     /* 2000 pages that hold 100 and so on */
void set_many(void);             /* 600 vmas of two permissions, with pages in them, and gaps */
void set_file_of(size_t npages); /* a file whose pages hold 7000 and so on */
void set_file(void);

#endif
