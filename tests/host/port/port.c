/*
 * port.c - the machine for host tests: memory, harts, locks, messages.
 */
#include "port.h"

#include "asm/cpu.h"
#include "asm/mmu.h"
#include "asm/tlb.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "mm/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- memory ---- */

uint64_t host_kernel_offset, host_page_array;

static void *arena;
static size_t arena_bytes;

/* The array of struct page lies behind the arena. */
void port_make_ram(uint64_t pa, size_t bytes)
{
    size_t all = bytes + bytes / PAGE_SIZE * sizeof(struct page);

    if (arena)
        munmap(arena, arena_bytes);
    arena =
        mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED)
        abort();
    arena_bytes = all;
    host_kernel_offset = (uint64_t)arena - pa;
    host_page_array = (uint64_t)arena + bytes - pa / PAGE_SIZE * sizeof(struct page);
}

/* ---- harts and locks ---- */

#define HART(n)                      \
    {                                \
        .id = n, .irq_were_on = true \
    }
struct cpu cpus[NCPU_MAX] = {HART(0), HART(1), HART(2), HART(3),
                             HART(4), HART(5), HART(6), HART(7)};
uint32_t cpu_count = NCPU_MAX;
struct cpu *this_cpu = &cpus[0];

void (*port_on_lock)(const struct spinlock *l);
void (*port_on_wait)(void);

static unsigned locks_held;

void port_set_cpu(unsigned id)
{
    this_cpu = &cpus[id];
}

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
    *l = (struct spinlock){.rank = rank, .name = name};
}

static void check_order(const struct spinlock *l)
{
    if (this_cpu->nranks == 0 || l->rank == RANK_NONE)
        return;
    const struct spinlock *inner = this_cpu->held[this_cpu->nranks - 1];
    if (l->rank <= inner->rank)
        panic("lock order: %s taken while %s is held", l->name, inner->name);
}

static void note_held(struct spinlock *l)
{
    l->locked = 1;
    l->holder = this_cpu;
    locks_held++;
    this_cpu->irq_depth++;
    if (this_cpu->nranks < CPU_RANKS_MAX)
        this_cpu->held[this_cpu->nranks++] = l;
}

void spin_lock(struct spinlock *l)
{
    if (port_on_lock)
        port_on_lock(l);
    if (l->locked)
        panic("deadlock: %s is held already", l->name);
    check_order(l);
    note_held(l);
}

bool spin_trylock(struct spinlock *l)
{
    if (l->locked)
        return false;
    note_held(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    if (!spin_held(l))
        panic("%s is released but not held", l->name);
    for (unsigned i = this_cpu->nranks; i-- > 0;) {
        if (this_cpu->held[i] != l)
            continue;
        for (this_cpu->nranks--; i < this_cpu->nranks; i++)
            this_cpu->held[i] = this_cpu->held[i + 1];
        break;
    }
    l->locked = 0;
    l->holder = NULL;
    locks_held--;
    this_cpu->irq_depth--;
}

bool spin_held(const struct spinlock *l)
{
    return l->locked && l->holder == this_cpu;
}

unsigned port_locks_held(void)
{
    return locks_held;
}

/* ---- page tables and TLBs ---- */

struct port_tlb port_tlb;
void (*port_on_shootdown)(uint64_t mask, uint64_t va, size_t npages);

static paddr_t kernel_root;

void port_tlb_reset(void)
{
    port_tlb = (struct port_tlb){0};
}

void tlb_flush_local_page(vaddr_t va)
{
    port_tlb.local++;
}

void tlb_flush_local(void)
{
    port_tlb.local++;
}

void tlb_shootdown(uint64_t cpu_mask, vaddr_t va, size_t npages)
{
    port_tlb.shootdowns++;
    port_tlb.last_mask = cpu_mask;
    port_tlb.last_va = va;
    port_tlb.last_npages = npages;
    if (port_on_shootdown)
        port_on_shootdown(cpu_mask, va, npages);
}

void icache_sync(uint64_t cpu_mask)
{
    port_tlb.icache_syncs++;
    port_tlb.icache_mask = cpu_mask;
}

void mmu_load(paddr_t root)
{
}

void mmu_set_kernel_root(paddr_t root)
{
    kernel_root = root;
}

paddr_t mmu_kernel_root(void)
{
    return kernel_root;
}

/* ---- messages ---- */

int port_quiet;
char port_panic_text[512];
jmp_buf port_panic_jump;
int port_panic_expected;

void printk(const char *fmt, ...)
{
    va_list ap;

    if (port_quiet)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(port_panic_text, sizeof(port_panic_text), fmt, ap);
    va_end(ap);
    if (port_panic_expected) {
        port_panic_expected = 0;
        longjmp(port_panic_jump, 1);
    }
    fprintf(stderr, "panic: %s\n", port_panic_text);
    abort();
}

void assert_failed(const char *cond, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, cond);
}

size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(buf, size, fmt, ap);

    return (size_t)n < size ? (size_t)n : size - 1;
}

size_t snprintk(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    size_t n = vsnprintk(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
