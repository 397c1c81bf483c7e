/*
 * Grants.
 *
 * Owns the list of them, under `lock`. It is held from looking a grant up until the memory is
 * mapped, so that a revocation comes before that or finds all regions that the grant made. It is a
 * mutex, since letting go of a file's pages may sleep. Order: `lock`, then all of fs and mm.
 *
 * Processes are named by pid and family: one that has exec'ed, or has got the pid of another, is
 * somebody else. Source: docs/sharing.md. Called by syscall/. Read next: region_revoke().
 */
#include "ipc/grant.h"

#include "ipc/ipc.h"
#include "lib/errno.h"
#include "mm/shared.h"
#include "mm/slab.h"
#include "proc/proc.h"
#include "sched/mutex.h"

#define GRANTS_MAX 64 /* of one owner */

struct party {
    int pid;
    uint64_t family;
};

/* All [lock]. */
struct grant {
    struct list link;
    struct party owner, borrower;
    vaddr_t start, end; /* pages of the owner */
    struct lend lend;
};

static struct mutex lock = MUTEX_INIT(lock);
static struct list grants = LIST_INIT(grants);
static struct slab_cache cache = SLAB_CACHE_INIT(cache, "grant", sizeof(struct grant));

static struct grant *grant_of(struct list *node)
{
    return list_entry(node, struct grant, link);
}

static bool is_party(const struct party *p, int pid, const struct mm *mm)
{
    return p->pid == pid && p->family == mm->family;
}

static void end_grant(struct grant *g)
{
    list_remove(&g->link);
    slab_free(&cache, g);
}

/* Enter a grant that has all but its parties. => lock held. */
static int add_grant(struct grant *g, int pid)
{
    static uint64_t last = GRANT_SERVICE; /* [lock] */
    unsigned count = 0;
    struct list *pos;
    struct mm *mm;
    int err;

    list_for_each(pos, &grants)
        count += grant_of(pos)->owner.pid == current()->pid;
    if (count >= GRANTS_MAX)
        return -ENOMEM;
    err = proc_mm_hold(pid, &mm);
    if (err)
        return err;
    g->owner = (struct party){ current()->pid, current()->mm->family };
    g->lend.grant = ++last;
    g->borrower = (struct party){ pid, mm->family };
    mm_release(mm);
    list_push_back(&grants, &g->link);
    return 0;
}

int grant_add(int pid, vaddr_t va, uint64_t size, unsigned prot)
{
    struct grant *g;
    int err = ipc_touch(va, size, ACCESS_READ);

    if (err)
        return err;
    g = slab_alloc(&cache);
    if (!g)
        return -ENOMEM;
    list_init(&g->link);
    g->start = page_down(va);
    g->end = page_up(va + size);
    g->lend.prot = prot;
    ipc_start();
    mutex_lock(&lock);
    err = add_grant(g, pid);
    if (err)
        end_grant(g);
    mutex_unlock(&lock);
    return err;
}

int grant_revoke(int pid, vaddr_t va, uint64_t size)
{
    struct list *pos, *after;
    int err = -ESRCH;

    if (!size || !range_fits(va, size, USER_TOP))
        return -EINVAL;
    mutex_lock(&lock);
    list_for_each_safe(pos, after, &grants) {
        struct grant *g = grant_of(pos);

        if (g->owner.pid != current()->pid || g->borrower.pid != pid || g->start >= va + size ||
            g->end <= va)
            continue;
        region_revoke(g->lend.grant);
        end_grant(g);
        err = 0;
    }
    mutex_unlock(&lock);
    return err;
}

uint64_t grant_map(int owner, struct mm *src, vaddr_t va, uint64_t size)
{
    struct mm *mine = current()->mm;
    uint64_t address = 0;
    struct list *pos;

    mutex_lock(&lock);
    list_for_each(pos, &grants) {
        const struct grant *g = grant_of(pos);

        if (!is_party(&g->owner, owner, src) || !is_party(&g->borrower, current()->pid, mine) ||
            va < g->start || !range_fits(va, size, g->end))
            continue;
        address = map_shared_pages(src, mine, va, size, g->lend);
        if (address)
            break;
    }
    mutex_unlock(&lock);
    return address;
}

void grants_left(void)
{
    struct list *pos, *after;

    mutex_lock(&lock);
    list_for_each_safe(pos, after, &grants) {
        struct grant *g = grant_of(pos);

        if (g->borrower.pid == current()->pid)
            region_revoke(g->lend.grant);
        else if (g->owner.pid != current()->pid)
            continue;
        end_grant(g);
    }
    mutex_unlock(&lock);
}
