/*
 * Making harts forget translations and instructions: here it is decided, local or remote.
 *
 * Owns nothing, takes no lock. Called by mm after it has taken PTEs away and before it lets the
 * frames go (invariant I2). Read next: sbi.c:sbi_rfence().
 */
#include "asm/tlb.h"

#include "asm/cpu.h"
#include "asm/sbi.h"

/* Beyond this many pages it is cheaper to forget everything than to fence page by page. */
enum {
    TLB_PAGES_MAX = 64
};

/*
 * A hart may hold a translation in its TLB for as long as it likes after the PTE has changed;
 * only SFENCE.VMA, executed on that very hart, orders its walks after our store (privileged
 * specification, "Supervisor Memory-Management Fence Instruction"). Hence the firmware: it
 * interrupts the other harts in M-mode, whatever they hold off in S-mode, and waits for them.
 */
void tlb_shootdown(uint64_t cpu_mask, vaddr_t va, size_t npages)
{
    uint64_t self = 1UL << this_cpu->id;

    if (cpu_mask & self) {
        if (npages > TLB_PAGES_MAX)
            tlb_flush_local();
        else
            for (size_t i = 0; i < npages; i++)
                tlb_flush_local_page(va + i * PAGE_SIZE);
    }
    if (cpu_mask & ~self) {
        /* The changed PTEs must be visible to the others before they are told to look. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (npages > TLB_PAGES_MAX)
            sbi_rfence(cpu_mask & ~self, 0, SBI_RFENCE_ALL);
        else
            sbi_rfence(cpu_mask & ~self, va, npages * PAGE_SIZE);
    }
}

/*
 * FENCE.I orders the fetches of the hart that executes it after the stores that are visible to it,
 * and no other hart's (unprivileged specification, "Zifencei"). So the others are asked as above.
 */
void icache_sync(uint64_t cpu_mask)
{
    uint64_t others = cpu_mask & ~(1UL << this_cpu->id);

    if (others != cpu_mask)
        __asm__ volatile("fence.i" : : : "memory");
    if (others) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        sbi_fence_i(others);
    }
}
