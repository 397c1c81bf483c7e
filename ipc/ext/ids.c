/*
 * Pages known by a number.
 *
 * Owns the table of ids, under ids_lock, a mutex; and each process' list of openings
 * (proc.shared_ids), which only that process touches. The page is a region; where it is mapped, a
 * vma: mm_attach() and mm_detach() do all of that, without the lock, since they may wait.
 * Source: docs/sharing.md. Called by syscall/ext/sysipc.c, and through hooks. Read next: mm/shared.c.
 */
#include "ipc/ids.h"

#include "lib/errno.h"
#include "mm/demand.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "proc/proc.h"
#include "sched/mutex.h"

enum {
    IDS_MAX = 64
};

struct shared_id {
    int id;                /* [ids_lock] */
    uint32_t users;        /* [ids_lock] openings; 0 = free */
    struct region *region; /* [ids_lock] held */
};

/* What one process has open. */
struct opening {
    struct list link;
    struct shared_id *shared;
    vaddr_t va;
    uint64_t count; /* closes that it wants */
};

static struct mutex ids_lock = MUTEX_INIT(ids_lock);
static struct shared_id id_table[IDS_MAX];
static struct slab_cache openings = SLAB_CACHE_INIT(openings, "opening", sizeof(struct opening));

static struct opening *find_opening(int id)
{
    struct list *pos;

    list_for_each(pos, &proc_current()->shared_ids)
        if (list_entry(pos, struct opening, link)->shared->id == id)
            return list_entry(pos, struct opening, link);
    return NULL;
}

/* The entry of id, or a free one. => NULL: all are in use. ids_lock held. */
static struct shared_id *find_id(int id)
{
    struct shared_id *unused = NULL;

    for (struct shared_id *s = id_table; s < id_table + IDS_MAX; s++) {
        if (s->users && s->id == id)
            return s;
        if (!s->users)
            unused = s;
    }
    return unused;
}

/* One more opening of id, whose page is made if it has none. => its entry, or NULL without memory. */
static struct shared_id *use_id(int id)
{
    struct shared_id *s;

    mutex_lock(&ids_lock);
    s = find_id(id);
    if (s && !s->users && !(s->region = region_create_zero(1)))
        s = NULL;
    if (s) {
        s->id = id;
        s->users++;
    }
    mutex_unlock(&ids_lock);
    return s;
}

/* => on no list, mapped nowhere; NULL without memory. */
static struct opening *new_opening(int id)
{
    struct opening *o = slab_alloc(&openings);

    if (o && !(o->shared = use_id(id))) {
        slab_free(&openings, o);
        return NULL;
    }
    return o;
}

static void free_opening(struct opening *o)
{
    mutex_lock(&ids_lock);
    if (--o->shared->users == 0)
        region_put(o->shared->region);
    mutex_unlock(&ids_lock);
    slab_free(&openings, o);
}

static void free_all(struct list *list)
{
    struct list *node;

    while ((node = list_pop_front(list)))
        free_opening(list_entry(node, struct opening, link));
}

int ids_open(int id, vaddr_t *va)
{
    struct opening *o;
    int err;

    if (id < 1)
        return -EINVAL;
    o = find_opening(id);
    if (!o) {
        o = new_opening(id);
        if (!o)
            return -ENOMEM;
        err = mm_attach(current()->mm, o->shared->region, PROT_READ | PROT_WRITE, &o->va);
        if (err) {
            free_opening(o);
            return err;
        }
        list_push_back(&proc_current()->shared_ids, &o->link);
    }
    o->count++;
    *va = o->va;
    return 0;
}

int ids_close(int id)
{
    struct opening *o = find_opening(id);

    if (!o)
        return -EINVAL;
    if (--o->count == 0) {
        mm_detach(current()->mm, o->shared->region, o->va);
        list_remove(&o->link);
        free_opening(o);
    }
    return 0;
}

int ids_forked(struct proc *child)
{
    struct list *pos;

    list_for_each(pos, &proc_current()->shared_ids) {
        const struct opening *o = list_entry(pos, struct opening, link);
        struct opening *copy =
            new_opening(o->shared->id); /* in use by the parent: no page is made */

        if (!copy) {
            free_all(&child->shared_ids);
            return -ENOMEM;
        }
        copy->va = o->va;
        copy->count = o->count;
        list_push_back(&child->shared_ids, &copy->link);
    }
    return 0;
}

void ids_left(void)
{
    free_all(&proc_current()->shared_ids);
}
