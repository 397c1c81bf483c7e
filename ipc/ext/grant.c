/*
 * Consent between families: who may map what of whom, until it is revoked.
 *
 * Owns the list of grants, under grants_lock, which is held for a look at the list only. What was mapped
 * by a grant is in its loans (mm/loans.h), and so is the answer to the race of mapping and revoking:
 * a revocation comes first, and then nothing more is lent, or it finds all regions that the grant made.
 *
 * Processes are named by pid and family: one that has exec'ed, or has got the pid of another, is
 * somebody else. Source: docs/sharing.md. Called by syscall/ext/sysipc.c, and through hooks that
 * init/main.c sets. Read next: loans_revoke().
 */
#include "ipc/grant.h"

#include "lib/errno.h"
#include "mm/loans.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "proc/proc.h"
#include "sched/mutex.h"

#define GRANTS_MAX 64 /* of one owner */

struct party {
    int pid;
    uint64_t family;
};

struct grant {
    struct list link;             /* [grants_lock] */
    uint32_t holders;             /* [grants_lock] the list, and calls in progress */
    struct party owner, borrower; /* [I] */
    vaddr_t start, end;           /* [I] pages of the owner */
    unsigned prot;                /* [I] */
    struct loans loans;
};

static struct mutex grants_lock = MUTEX_INIT(grants_lock);
static struct list grants = LIST_INIT(grants);
static uint32_t ngrants; /* [a] on the list, or about to be: changed under grants_lock */
static struct slab_cache grant_cache = SLAB_CACHE_INIT(grant_cache, "grant", sizeof(struct grant));

static struct grant *grant_of(struct list *node)
{
    return list_entry(node, struct grant, link);
}

static bool is_party(const struct party *p, int pid, uint64_t family)
{
    return p->pid == pid && p->family == family;
}

/* One holder fewer, which is not the list. */
static void grant_put(struct grant *g)
{
    bool last;

    mutex_lock(&grants_lock);
    last = --g->holders == 0;
    mutex_unlock(&grants_lock);
    if (last)
        slab_free(&grant_cache, g);
}

static void count_grants(int change)
{
    __atomic_store_n(&ngrants, ngrants + (uint32_t)change, __ATOMIC_RELAXED);
}

/*
 * Enters a grant that has all but its parties. => grants_lock held; *mm, the borrower's, is held, and let
 * go of by the caller without the lock: by then it may be the last holder, and take it all down.
 */
static int enter_grant(struct grant *g, int pid, struct mm **mm)
{
    unsigned count = 0;
    struct list *pos;
    int err;

    list_for_each(pos, &grants)
        count += grant_of(pos)->owner.pid == current()->pid;
    if (count >= GRANTS_MAX)
        return -ENOMEM;
    /* Before the look at the borrower: its exec, if it comes later, sees the count. */
    count_grants(+1);
    err = proc_mm_hold(pid, mm);
    if (err) {
        count_grants(-1);
        return err;
    }
    g->owner = (struct party){current()->pid, current()->mm->family};
    g->borrower = (struct party){pid, (*mm)->family};
    list_push_back(&grants, &g->link);
    return 0;
}

int grant_add(int pid, vaddr_t va, uint64_t size, unsigned prot)
{
    struct grant *g;
    struct mm *mm;
    int err = mm_check(current()->mm, va, size, ACCESS_READ);

    if (err)
        return err;
    g = slab_alloc(&grant_cache);
    if (!g)
        return -ENOMEM;
    g->holders = 1;
    g->start = page_down(va);
    g->end = page_up(va + size);
    g->prot = prot;
    g->loans = (struct loans)LOANS_INIT(g->loans, false);
    mutex_lock(&grants_lock);
    err = enter_grant(g, pid, &mm);
    mutex_unlock(&grants_lock);
    if (err)
        slab_free(&grant_cache, g);
    else
        mm_release(mm);
    return err;
}

/* The n-th grant by which the running process may map [va, va + size) of the owner: held; or NULL. */
static struct grant *hold_usable(const struct party *owner, vaddr_t va, uint64_t size, unsigned n)
{
    struct grant *found = NULL;
    struct list *pos;

    mutex_lock(&grants_lock);
    list_for_each(pos, &grants) {
        struct grant *g = grant_of(pos);

        if (is_party(&g->owner, owner->pid, owner->family) &&
            is_party(&g->borrower, current()->pid, current()->mm->family) && va >= g->start &&
            range_fits(va, size, g->end) && n-- == 0) {
            found = g;
            g->holders++;
            break;
        }
    }
    mutex_unlock(&grants_lock);
    return found;
}

uint64_t grant_map(int owner, struct mm *src, vaddr_t va, uint64_t size)
{
    const struct party lender = {owner, src->family};
    uint64_t address = 0;
    struct grant *g;

    for (unsigned n = 0; !address && (g = hold_usable(&lender, va, size, n)); n++) {
        const struct lend lend = {.prot = g->prot, .consent = &g->loans.consent};

        address = map_shared_pages(src, current()->mm, va, size, lend);
        grant_put(g);
    }
    return address;
}

/*
 * The first grant of the running process, as it was in `family`, to `pid` that touches [va, end); with pid
 * 0 that to anyone, or to itself. => off the list; or NULL.
 */
static struct grant *take_grant(uint64_t family, int pid, vaddr_t va, vaddr_t end)
{
    struct grant *found = NULL;
    struct list *pos;

    mutex_lock(&grants_lock);
    list_for_each(pos, &grants) {
        struct grant *g = grant_of(pos);
        bool given = is_party(&g->owner, current()->pid, family) &&
                     (!pid || g->borrower.pid == pid) && g->start < end && va < g->end;

        if (given || (!pid && is_party(&g->borrower, current()->pid, family))) {
            found = g;
            list_remove(pos);
            count_grants(-1);
            break;
        }
    }
    mutex_unlock(&grants_lock);
    return found;
}

int grant_revoke(int pid, vaddr_t va, uint64_t size)
{
    struct grant *g;
    int err = -ESRCH;

    if (!size || !range_fits(va, size, USER_TOP))
        return -EINVAL;
    while (pid && (g = take_grant(current()->mm->family, pid, va, va + size))) {
        loans_revoke(&g->loans);
        grant_put(g);
        err = 0;
    }
    return err;
}

void grants_left(uint64_t family)
{
    struct grant *g;

    if (!__atomic_load_n(&ngrants, __ATOMIC_RELAXED))
        return;
    while ((g = take_grant(family, 0, 0, USER_TOP))) {
        if (g->borrower.pid == current()->pid)
            loans_revoke(&g->loans);
        else
            loans_keep(&g->loans);
        grant_put(g);
    }
}
