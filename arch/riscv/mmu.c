/*
 * Which page table a hart walks: the one place that writes satp from C.
 *
 * Owns mmu_kernel_satp, which head.S sets to the boot table and starting harts load.
 * Called by mm; read next: head.S:enable_paging, tlb.c.
 */
#include "asm/mmu.h"

#include "asm/csr.h"

/* For head.S, which reads it at its physical address. */
uint64_t mmu_kernel_satp; /* [I] after boot */

#define SATP_OF(root) (SATP_SV39 | (root) >> PAGE_SHIFT)

/*
 * The fence names address space 0 (by a register that holds 0, not by register zero), the only one
 * in use: that spares the translations marked global, which is what the kernel half is. fence.i is
 * for code that another hart has stored: exec and fork fill pages here and the program may run
 * there, and a task that moves brings code that this hart has never fetched.
 */
void mmu_load(paddr_t root)
{
    csr_write(satp, SATP_OF(root));
    __asm__ volatile("li t0, 0\n sfence.vma zero, t0\n fence.i" : : : "t0", "memory");
}

void mmu_set_kernel_root(paddr_t root)
{
    mmu_kernel_satp = SATP_OF(root);
}

paddr_t mmu_kernel_root(void)
{
    return (mmu_kernel_satp & ((1UL << 44) - 1)) << PAGE_SHIFT;
}
