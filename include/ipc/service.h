/*
 * Services: a server process takes requests out of other processes' memory.
 *
 * The queue knows nothing of what is in a request; crypto.c is its first user and shows all that
 * another takes: one struct service, the functions that see and write an answer in a request,
 * system calls that name it, and a line in init/main.c for a server's end.
 *
 * A request is an address space of its own, into which its memory is mapped when it is submitted.
 * So it keeps the frames whatever becomes of the client, failing comes before queueing, and the
 * server borrows from the request, not from the client. Who serves: the first process to take that
 * init itself has forked, until it ends or execs; then another such may. Programs that run under a
 * shell are not init's, and orphans that it adopts are not either.
 */
#ifndef IPC_SERVICE_H
#define IPC_SERVICE_H

#include "asm/page.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "sched/waitqueue.h"

#define SERVICE_QUEUE 16 /* requests that nobody has taken; more clients wait */

struct service {
    struct spinlock lock;
    int server;                /* [lock] pid; 0 = none */
    uint32_t nwaiting;         /* [lock] requests that are not taken yet */
    struct list requests;      /* [lock] all of them, in order */
    uint64_t news;             /* [lock] how often a server has come, taken, removed or gone */
    struct waitqueue arrivals; /* the server waits for a request */
    struct waitqueue room;     /* clients wait for room in the queue, or the server's end */
    struct waitqueue awaiting; /* clients wait for news, which may be their answer */
    /* What a request says, at va of the address space that is loaded. => no lock held. */
    void (*fail)(vaddr_t va);     /* [I] answer it with an error */
    bool (*answered)(vaddr_t va); /* [I] whether it has an answer */
};

#define SERVICE_INIT(s, fail_fn, answered_fn)                                                   \
    {                                                                                           \
        .lock = SPINLOCK_INIT("service", RANK_SERVICE), .requests = LIST_INIT((s).requests),    \
        .arrivals = WAITQUEUE_INIT((s).arrivals), .room = WAITQUEUE_INIT((s).room),             \
        .awaiting = WAITQUEUE_INIT((s).awaiting), .fail = (fail_fn), .answered = (answered_fn), \
    }

/*
 * Queues [va, va + size) of the running process; sleeps while the queue is full.
 * => 0; -EFAULT not all mapped and writable; -EINVAL; -ENOMEM; -ESRCH no server; -EINTR killed.
 */
int service_submit(struct service *s, vaddr_t va, uint64_t size);

/*
 * Sleeps until the running process' request at va has an answer. A server may answer and never
 * remove: the request is looked at whenever the server has done something, and once a tick. One
 * that had an answer in it when it was submitted tells nothing by that: its removal is waited for.
 * => 0; -EINVAL: none was submitted there; -EINTR killed.
 */
int service_wait(struct service *s, vaddr_t va);

/*
 * Sleeps until a server takes requests.
 * => 0; -ESRCH the server that process 1 has started has ended, or there is none; -ETIMEDOUT none
 *    takes any after that many ticks; -EINTR killed.
 */
int service_await_server(struct service *s, uint32_t nticks);

/*
 * For the server: waits for a request, maps it, and stores its address and size at user addresses. One that
 * cannot be mapped is answered with an error, and the next one comes.
 * => 0; -EPERM not the server; -EFAULT, and the request is still the first; -EINTR killed.
 */
int service_take(struct service *s, vaddr_t to_addr, vaddr_t to_size);

/* For the server: unmaps a request that was taken. => may sleep. 0; -EINVAL: none is there with that size. */
int service_remove(struct service *s, vaddr_t addr, uint64_t size);

/* The running process lost its address space. If it was the server, all requests fail. May sleep. */
void service_left(struct service *s);

#endif
