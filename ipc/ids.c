/*
 * Pages known by a number.
 *
 * Owns the table of ids and each process' list of openings (proc.shared_ids), under ids_lock. The
 * page is a region; where it is mapped, a vma: mm_attach() and mm_detach() do all of that.
 * Source: docs/sharing.md. Called by syscall/sysipc.c and ipc.c. Read next: mm/space.c.
 */
#include "ipc/ids.h"

#include "ipc/ipc.h"
#include "lib/errno.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "proc/proc.h"

enum { RANK_IDS = RANK_PIPE + 1, IDS_MAX = 64 };

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

static struct spinlock ids_lock = SPINLOCK_INIT("shared ids", RANK_IDS);
static struct shared_id table[IDS_MAX];
static struct slab_cache openings = SLAB_CACHE_INIT(openings, "opening", sizeof(struct opening));

static struct opening *find_opening(int id) __must_hold(&ids_lock)
{
    struct list *pos;

    list_for_each(pos, &proc_current()->shared_ids)
        if (list_entry(pos, struct opening, link)->shared->id == id)
            return list_entry(pos, struct opening, link);
    return NULL;
}

/* The entry of id, or a free one. => NULL: all are in use. */
static struct shared_id *find_id(int id) __must_hold(&ids_lock)
{
    struct shared_id *unused = NULL;

    for (struct shared_id *s = table; s < table + IDS_MAX; s++) {
        if (s->users && s->id == id)
            return s;
        if (!s->users)
            unused = s;
    }
    return unused;
}

static void add(struct list *to, struct opening *o, struct shared_id *s) __must_hold(&ids_lock)
{
    o->shared = s;
    s->users++;
    list_push_back(to, &o->link);
}

static void drop(struct opening *o) __must_hold(&ids_lock)
{
    list_remove(&o->link);
    if (--o->shared->users == 0)
        region_put(o->shared->region); /* it has no pager: this does not sleep */
    slab_free(&openings, o);
}

static void drop_all(struct list *list) __must_hold(&ids_lock)
{
    while (!list_empty(list))
        drop(list_entry(list_first(list), struct opening, link));
}

/* Map the page of s, which is made if it is free, for an opening. => 0 or -errno: as it was. */
static int attach(struct shared_id *s, struct opening *o) __must_hold(&ids_lock)
{
    struct region *r = s->users ? s->region : region_create(1, NULL, NULL);
    int err = r ? mm_attach(current()->mm, r, PROT_READ | PROT_WRITE, &o->va) : -ENOMEM;

    if (!err)
        s->region = r;
    else if (!s->users)
        region_put(r);
    return err;
}

static int open_first(int id, struct opening **out) __must_hold(&ids_lock)
{
    struct shared_id *s = find_id(id);
    struct opening *o = slab_alloc(&openings);
    int err = s && o ? attach(s, o) : -ENOMEM;

    if (err) {
        if (o)
            slab_free(&openings, o);
        return err;
    }
    s->id = id;
    add(&proc_current()->shared_ids, o, s);
    *out = o;
    return 0;
}

int ids_open(int id, vaddr_t *va)
{
    struct opening *o;
    int err = 0;

    if (id < 1)
        return -EINVAL;
    ipc_start();
    spin_lock(&ids_lock);
    o = find_opening(id);
    if (!o)
        err = open_first(id, &o);
    if (!err) {
        o->count++;
        *va = o->va;
    }
    spin_unlock(&ids_lock);
    return err;
}

int ids_close(int id)
{
    struct opening *o;

    spin_lock(&ids_lock);
    o = find_opening(id);
    if (o && --o->count == 0) {
        mm_detach(current()->mm, o->shared->region, o->va);
        drop(o);
    }
    spin_unlock(&ids_lock);
    return o ? 0 : -EINVAL;
}

int ids_forked(struct proc *child)
{
    struct list *pos;
    int err = 0;

    spin_lock(&ids_lock);
    list_for_each(pos, &proc_current()->shared_ids) {
        const struct opening *o = list_entry(pos, struct opening, link);
        struct opening *copy = slab_alloc(&openings);

        if (!copy) {
            drop_all(&child->shared_ids);
            err = -ENOMEM;
            break;
        }
        copy->va = o->va;
        copy->count = o->count;
        add(&child->shared_ids, copy, o->shared);
    }
    spin_unlock(&ids_lock);
    return err;
}

void ids_left(void)
{
    spin_lock(&ids_lock);
    drop_all(&proc_current()->shared_ids);
    spin_unlock(&ids_lock);
}
