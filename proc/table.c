/*
 * The process table: slots, pids, and holding on to another process' memory.
 *
 * Owns the slots, the list of free ones, the table from pid to process, and proc_tree_lock
 * (RANK_WAIT), which guards them. A slot goes FREE -> EMBRYO (one maker knows it) -> LIVE (in the
 * tree) -> ZOMBIE -> FREE; slot and pid are reused only after the parent has asked for the status.
 *
 * Called by fork.c, exit.c, exec.c, and by ipc/ for the memory of others. Read next: fork.c.
 */
#include "table.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/page.h"

#define PID_BUCKETS 64u /* a power of two */

/*
 * Kept for init, so that a machine on which programs have taken all else can be put right from the
 * console: a server, a shell and a command fit into these.
 */
#define SPARE_SLOTS  3
#define SPARE_FRAMES 128

static_assert(NPROC + KSTACK_SLOT_TASKS <= KSTACK_SLOTS, "a kernel stack for each process");
static_assert(offsetof(struct proc, task) == 0, "proc_current() relies on it");

struct proc_hooks proc_hooks;

struct spinlock proc_tree_lock = SPINLOCK_INIT("process tree", RANK_WAIT);

static struct proc slots[NPROC];
static struct list free_slots = LIST_INIT(free_slots); /* [t] by proc.sibling */
static unsigned nfree;                                 /* [t] how many those are */
static struct proc *by_pid[PID_BUCKETS];               /* [t] chains by proc.pid_next */
static int last_pid;                                   /* [t] */
static int server_pid;                                 /* [t] 0: there was no server yet */
static bool all_killed;                                /* [t] by proc_kill_all() */

/* A fork that finds all slots taken waits here for one that init is about to free. */
static struct waitqueue slot_freed = WAITQUEUE_INIT(slot_freed);

void proc_init(void)
{
    for (unsigned i = 0; i < NPROC; i++) {
        task_init(&slots[i].task, KSTACK_SLOT_TASKS + i);
        spin_init(&slots[i].lock, "process", RANK_PROC);
        waitqueue_init(&slots[i].child_ended);
        list_push_back(&free_slots, &slots[i].sibling);
    }
    nfree = NPROC;
    page_keep_spare(SPARE_FRAMES);
}

struct proc *proc_slot(int slot)
{
    return (unsigned)slot < NPROC ? &slots[slot] : NULL;
}

/* ---- slots ---- */

/*
 * Whether a slot will be free as soon as init runs: that of an orphan that has ended. Init itself
 * cannot wait for that.
 */
static bool slot_is_coming(void) __must_hold(&proc_tree_lock)
{
    struct proc *init = proc_find(1);

    return init && &init->task != current() && !list_empty(&init->zombies);
}

struct proc *proc_alloc(void)
{
    /* The boot makes init. */
    unsigned kept = current()->idle || proc_takes_spare(proc_current()) ? 0 : SPARE_SLOTS;
    struct proc *p = NULL;

    /* The free slots and init's children are looked at in one hold of the lock. */
    spin_lock(&proc_tree_lock);
    while (nfree <= kept && slot_is_coming())
        if (wait_on_killable(&slot_freed, &proc_tree_lock))
            break;
    if (nfree > kept) {
        p = list_entry(list_pop_front(&free_slots), struct proc, sibling);
        p->state = PROC_EMBRYO;
        nfree--;
    }
    spin_unlock(&proc_tree_lock);
    if (!p)
        return NULL;
    task_init(&p->task, p->task.kstack_slot);
    list_init(&p->children);
    list_init(&p->zombies);
    list_init(&p->shared_ids);
    return p;
}

/* Puts a slot back. Last in, first out: its stack is likely to be in the cache. */
static void release_slot(struct proc *p) __must_hold(&proc_tree_lock)
{
    p->state = PROC_FREE;
    p->task.pid = 0;
    list_push_front(&free_slots, &p->sibling);
    nfree++;
    wake_all(&slot_freed);
}

void proc_free(struct proc *p)
{
    spin_lock(&proc_tree_lock);
    ASSERT(p->state == PROC_EMBRYO);
    release_slot(p);
    spin_unlock(&proc_tree_lock);
}

/* ---- pids ---- */

struct proc *proc_find(int pid)
{
    struct proc *p = by_pid[(unsigned)pid % PID_BUCKETS];

    CHECK_ASSERT(spin_held(&proc_tree_lock));
    while (p && p->task.pid != pid)
        p = p->pid_next;
    return p;
}

/* Pids only grow, until they have used up the positive ints. A server has the same one every time. */
int proc_publish(struct proc *p, struct proc *parent, enum pid_kind kind)
{
    struct proc **bucket;
    int pid;

    spin_lock(&proc_tree_lock);
    pid = kind == PID_SERVER ? server_pid : 0;
    if (!pid) {
        do
            last_pid = last_pid == INT32_MAX ? 1 : last_pid + 1;
        while (proc_find(last_pid) || last_pid == server_pid);
        pid = last_pid;
        if (kind == PID_SERVER)
            server_pid = pid;
    }
    ASSERT(p->state == PROC_EMBRYO && !proc_find(pid));
    p->task.pid = pid;
    bucket = &by_pid[(unsigned)pid % PID_BUCKETS];
    p->pid_next = *bucket;
    *bucket = p;
    p->parent = parent;
    p->of_init = parent && parent->task.pid == 1;
    if (parent)
        list_push_back(&parent->children, &p->sibling);
    p->state = PROC_LIVE;
    /* A family that is killed together does not grow meanwhile. */
    if (all_killed || (parent && task_killed(&parent->task)))
        task_kill(&p->task);
    spin_unlock(&proc_tree_lock);
    return pid;
}

void proc_forget(struct proc *p)
{
    struct proc **at = &by_pid[(unsigned)p->task.pid % PID_BUCKETS];

    ASSERT(p->state == PROC_ZOMBIE);
    while (*at != p)
        at = &(*at)->pid_next;
    *at = p->pid_next;
    list_remove(&p->sibling);
    release_slot(p);
}

enum proc_state proc_server_state(void)
{
    const struct proc *server;
    enum proc_state state;

    spin_lock(&proc_tree_lock);
    server = proc_find(server_pid);
    state = server ? server->state : PROC_FREE;
    spin_unlock(&proc_tree_lock);
    return state;
}

size_t proc_kill_all(void)
{
    size_t n = 0;

    spin_lock(&proc_tree_lock);
    all_killed = true;
    for (struct proc *p = slots; p < slots + NPROC; p++)
        if (p->state == PROC_LIVE && p != proc_current()) {
            task_kill(&p->task);
            n++;
        }
    spin_unlock(&proc_tree_lock);
    return n;
}

int proc_mm_hold(int pid, struct mm **out)
{
    struct mm *mm = NULL;
    struct proc *p;

    spin_lock(&proc_tree_lock);
    p = proc_find(pid);
    if (p) {
        spin_lock(&p->lock);
        mm = p->task.mm;
        if (mm)
            mm_hold(mm);
        spin_unlock(&p->lock);
    }
    spin_unlock(&proc_tree_lock);
    if (!mm)
        return -ESRCH;
    *out = mm;
    return 0;
}

struct mm *proc_replace_mm(struct mm *mm, const char *name)
{
    struct proc *p = proc_current();
    struct mm *old;

    spin_lock(&p->lock);
    old = p->task.mm;
    task_set_mm(mm);
    if (name)
        strlcpy(p->task.name, name, sizeof(p->task.name));
    spin_unlock(&p->lock);
    return old;
}
