/*
 * port.h - the machine as host tests see it: some memory, some harts, no devices.
 *
 * A test includes this beside the kernel's headers. Everything is deterministic: one thread plays all harts,
 * and port_set_cpu() says which hart runs now.
 */
#ifndef PORT_H
#define PORT_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

struct spinlock;

/*
 * Makes an arena of `bytes` of page-aligned host memory and lets it be the physical memory at `pa`.
 * => an earlier arena is given back. Sets host_kernel_offset and host_page_array, so that phys_to_virt() and
 *    page_array work.
 */
void port_make_ram(uint64_t pa, size_t bytes);

/* Which hart runs from here on: what this_cpu gives. */
void port_set_cpu(unsigned id);

/* What the code under test asked of the TLBs since the last port_tlb_reset(). */
struct port_tlb {
    unsigned local;      /* flushes on the running hart */
    unsigned shootdowns; /* calls of tlb_shootdown() */
    uint64_t last_mask;
    uint64_t last_va;
    size_t last_npages;
    unsigned icache_syncs; /* calls of icache_sync() */
    uint64_t icache_mask;  /* of the last one */
};
extern struct port_tlb port_tlb;
void port_tlb_reset(void);

/* Called at every tlb_shootdown(), when set: a test can look at the state between unhook and let go. */
extern void (*port_on_shootdown)(uint64_t mask, uint64_t va, size_t npages);

/* Called before every spin_lock(), when set: a test can play what another hart does just then. */
extern void (*port_on_lock)(const struct spinlock *l);

/* Called in cpu_wait(), when set: the running hart has nothing to do. */
extern void (*port_on_wait)(void);

/* Messages of printk() go to stderr unless this is set. */
extern int port_quiet;

/*
 * A panic ends the program, unless it is expected:
 *     if (port_expect_panic() == 0) must_panic(); else ... port_panic_text says what it was
 */
extern char port_panic_text[512];
extern jmp_buf port_panic_jump;
extern int port_panic_expected;
#define port_expect_panic() (port_panic_expected = 1, setjmp(port_panic_jump))

/* How many spin locks are held; 0 at the end of a good test. */
unsigned port_locks_held(void);

#endif
