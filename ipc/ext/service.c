/*
 * The request queue of a service.
 *
 * Owns the requests, in service->requests under service->lock. Only the server takes requests and
 * ends them, so one that it found needs no lock while it is mapped or failed.
 * Source: docs/sharing.md. Called by crypto.c, syscall/ext/sysipc.c. Read next: mm/shared.c.
 */
#include "ipc/service.h"

#include "asm/timer.h"
#include "lib/errno.h"
#include "mm/loans.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "proc/proc.h"
#include "sched/ticks.h"

#define SERVER_LEAVING (-1) /* service->server: requests are failed; neither clients nor servers */

struct request {
    struct list link;
    struct mm *mm; /* [I] borrows the client's memory; nobody runs it */
    vaddr_t at;    /* [I] the request in that */
    uint64_t size; /* [I] */
    int client;    /* [I] pid, and the address there: for service_wait() only */
    vaddr_t asked; /* [I] */
    bool tells;    /* [I] it had no answer when it was submitted: one in it now is new */
    vaddr_t there; /* [lock] in the server; 0 = not taken yet */
    /* of the pages; never revoked. One for each: its limit is no other client's */
    struct loans loans;
};

static struct slab_cache requests = SLAB_CACHE_INIT(requests, "request", sizeof(struct request));

/* ---- requests ---- */

/* => may sleep. */
static void request_free(struct request *r)
{
    if (r->mm)
        mm_release(r->mm);
    loans_keep(&r->loans); /* the server may still have them */
    slab_free(&requests, r);
}

/* By a consent, so that the frames themselves are pinned: a file's pages might go otherwise. */
static int request_map(struct request *r)
{
    const struct lend lend = {PROT_READ | PROT_WRITE, &r->loans.consent, .lasting = true};
    vaddr_t old;
    int err = mm_check(current()->mm, r->asked, r->size, ACCESS_WRITE);

    if (err)
        return err;
    r->mm = mm_create();
    if (!r->mm || mm_sbrk(r->mm, 1, BRK_LAZY, &old)) /* 0 is no address */
        return -ENOMEM;
    r->at = map_shared_pages(current()->mm, r->mm, r->asked, r->size, lend);
    return r->at ? 0 : -ENOMEM;
}

static void tell_news(struct service *s) __must_hold(&s->lock)
{
    s->news++;
    wake_all(&s->awaiting);
    wake_all(&s->room);
}

/* Off the queue. */
static void request_end(struct service *s, struct request *r)
{
    spin_lock(&s->lock);
    list_remove(&r->link);
    s->nwaiting -= !r->there;
    tell_news(s);
    spin_unlock(&s->lock);
    request_free(r);
}

/* Answers it with an error: the server, or what is left of it, goes there for a moment. */
static void request_fail(struct service *s, struct request *r)
{
    struct mm *mine = proc_replace_mm(r->mm, NULL);

    s->fail(r->at);
    proc_replace_mm(mine, NULL);
    request_end(s, r);
}

/* ---- clients ---- */

static int enqueue_request(struct service *s, struct request *r)
{
    int err = 0;

    spin_lock(&s->lock);
    while (!err && s->server > 0 && s->nwaiting == SERVICE_QUEUE)
        err = wait_on_killable(&s->room, &s->lock);
    if (!err && s->server <= 0)
        err = -ESRCH;
    if (!err) {
        s->nwaiting++;
        list_push_back(&s->requests, &r->link);
        wake_one(&s->arrivals);
    }
    spin_unlock(&s->lock);
    return err;
}

int service_submit(struct service *s, vaddr_t va, uint64_t size)
{
    struct request *r;
    int err;

    assert_can_sleep();
    r = slab_alloc(&requests);
    if (!r)
        return -ENOMEM;
    r->client = current()->pid;
    r->asked = va;
    r->size = size;
    r->loans = (struct loans)LOANS_INIT(r->loans, true);
    err = request_map(r);
    r->tells = !err && !s->answered(va);
    if (!err)
        err = enqueue_request(s, r);
    if (err)
        request_free(r);
    return err;
}

/* Sleeps for a tick, or until there is other news. => 0; -EINTR killed. */
static int await_news(struct service *s, uint64_t news)
{
    uint64_t deadline = time_now() + timer_ms(1000 / TICKS_PER_SECOND);
    int err = 0;

    spin_lock(&s->lock);
    if (s->news == news)
        err = wait_on_until(&s->awaiting, &s->lock, deadline);
    spin_unlock(&s->lock);
    return err == -EINTR ? err : 0;
}

/* Whether the running process' request at va is queued, if its answer would be new, and as of which news. */
static bool request_is_queued(struct service *s, vaddr_t va, bool *tells, uint64_t *news)
{
    bool queued = false;
    struct list *pos;

    spin_lock(&s->lock);
    list_for_each(pos, &s->requests) {
        const struct request *r = list_entry(pos, struct request, link);

        if (r->client == current()->pid && r->asked == va) {
            queued = true;
            *tells = r->tells;
        }
    }
    *news = s->news;
    spin_unlock(&s->lock);
    return queued;
}

int service_wait(struct service *s, vaddr_t va)
{
    int err = 0;

    assert_can_sleep();
    while (!err) {
        uint64_t news;
        bool tells = true, queued = request_is_queued(s, va, &tells, &news);
        bool answered = s->answered(va); /* after that: an end in between leaves its answer */

        if (answered && tells)
            return 0;
        err = queued ? await_news(s, news) : -EINVAL;
    }
    return err;
}

int service_await_server(struct service *s, uint32_t nticks)
{
    uint32_t start = ticks();
    int err = 0;

    while (!err) {
        uint64_t news = __atomic_load_n(&s->news, __ATOMIC_ACQUIRE);

        if (__atomic_load_n(&s->server, __ATOMIC_RELAXED) > 0)
            return 0;
        if (proc_server_state() != PROC_LIVE)
            return -ESRCH;
        err = ticks() - start < nticks ? await_news(s, news) : -ETIMEDOUT;
    }
    return err;
}

/* ---- the server ---- */

/* Whether the running process serves: the first to ask that init itself has forked does, from then on. */
static bool is_server(struct service *s) __must_hold(&s->lock)
{
    if (s->server == 0 && proc_current()->of_init) {
        s->server = current()->pid;
        tell_news(s);
    }
    return s->server == current()->pid;
}

/* The request that the server has at `addr`; with 0, the first that it does not have. */
static struct request *find_request(struct service *s, vaddr_t addr) __must_hold(&s->lock)
{
    struct list *pos;

    list_for_each(pos, &s->requests)
        if (list_entry(pos, struct request, link)->there == addr)
            return list_entry(pos, struct request, link);
    return NULL;
}

/* Waits for a request. => 0 and *out. */
static int next_request(struct service *s, struct request **out)
{
    int err = 0;

    spin_lock(&s->lock);
    if (!is_server(s))
        err = -EPERM;
    while (!err && !(*out = find_request(s, 0)))
        err = wait_on_killable(&s->arrivals, &s->lock);
    spin_unlock(&s->lock);
    return err;
}

/* Tells the server where it is: then it is taken. Else it stays the next. */
static int hand_over(struct service *s, struct request *r, vaddr_t va, vaddr_t to_addr,
                     vaddr_t to_size)
{
    if (copy_to_user(to_addr, &va, sizeof(va)) ||
        copy_to_user(to_size, &r->size, sizeof(r->size))) {
        unmap_shared_pages(current()->mm, va, r->size);
        return -EFAULT;
    }
    spin_lock(&s->lock);
    r->there = va;
    s->nwaiting--;
    tell_news(s);
    spin_unlock(&s->lock);
    return 0;
}

int service_take(struct service *s, vaddr_t to_addr, vaddr_t to_size)
{
    struct request *r;
    vaddr_t va;
    int err;

    while (!(err = next_request(s, &r))) {
        va = map_shared_pages(r->mm, current()->mm, r->at, r->size, LEND_FAMILY);
        if (va)
            return hand_over(s, r, va, to_addr, to_size);
        request_fail(s, r);
    }
    return err;
}

int service_remove(struct service *s, vaddr_t addr, uint64_t size)
{
    struct request *r;

    spin_lock(&s->lock);
    r = addr && s->server == current()->pid ? find_request(s, addr) : NULL;
    spin_unlock(&s->lock);
    if (!r || r->size != size)
        return -EINVAL;
    unmap_shared_pages(current()->mm, addr, size);
    request_end(s, r);
    return 0;
}

void service_left(struct service *s)
{
    if (__atomic_load_n(&s->server, __ATOMIC_RELAXED) != current()->pid)
        return; /* only the process itself makes it so */
    spin_lock(&s->lock);
    s->server = SERVER_LEAVING;
    tell_news(s);
    spin_unlock(&s->lock);
    while (!list_empty(&s->requests))
        request_fail(s, list_entry(list_first(&s->requests), struct request, link));
    __atomic_store_n(&s->server, 0, __ATOMIC_RELEASE);
}
