/*
 * Names of the control and status registers' bits, and how C reaches the registers.
 *
 * Source: RISC-V privileged specification 1.12, chapter 4. Included from assembly, too.
 */
#ifndef ASM_CSR_H
#define ASM_CSR_H

#define SSTATUS_SIE  0x00000002 /* interrupts on in S-mode */
#define SSTATUS_SPIE 0x00000020 /* ... what SIE was before the trap */
#define SSTATUS_SPP  0x00000100 /* the trap came from S-mode */
#define SSTATUS_VS   0x00000600 /* vector unit */
#define SSTATUS_FS   0x00006000 /* floating-point unit */
#define SSTATUS_SUM  0x00040000 /* S-mode may touch user pages */
#define SSTATUS_MXR  0x00080000 /* loads may read execute-only pages */

#define CAUSE_INTERRUPT (1UL << 63)
#define IRQ_SOFTWARE    1
#define IRQ_TIMER       5
#define IRQ_EXTERNAL    9

#define CAUSE_ACCESS_FETCH     1
#define CAUSE_ILLEGAL          2
#define CAUSE_BREAKPOINT       3
#define CAUSE_MISALIGNED_LOAD  4
#define CAUSE_ACCESS_LOAD      5
#define CAUSE_MISALIGNED_STORE 6
#define CAUSE_ACCESS_STORE     7
#define CAUSE_ECALL_USER       8
#define CAUSE_PAGE_FETCH       12
#define CAUSE_PAGE_LOAD        13
#define CAUSE_PAGE_STORE       15

#define SIE_SSIE (1 << IRQ_SOFTWARE)
#define SIE_STIE (1 << IRQ_TIMER)
#define SIE_SEIE (1 << IRQ_EXTERNAL)

#define SATP_SV39 (8UL << 60)

#define CSR_STIMECMP 0x14d /* by number: assemblers older than Sstc lack the name */

#ifndef __ASSEMBLER__

#include <stdint.h>

#define CSR_STR_(x) #x
#define CSR_STR(x)  CSR_STR_(x)

#define csr_read(csr)                                                               \
    __extension__({                                                                 \
        uint64_t csr_value_;                                                        \
        __asm__ volatile("csrr %0, " CSR_STR(csr) : "=r"(csr_value_) : : "memory"); \
        csr_value_;                                                                 \
    })

#define csr_write(csr, value) \
    __asm__ volatile("csrw " CSR_STR(csr) ", %0" : : "rK"((uint64_t)(value)) : "memory")

#define csr_set(csr, bits) \
    __asm__ volatile("csrs " CSR_STR(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")

#define csr_clear(csr, bits) \
    __asm__ volatile("csrc " CSR_STR(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")

/* Clears bits and gives what the register held before, in one step. */
#define csr_read_clear(csr, bits)                         \
    __extension__({                                       \
        uint64_t csr_value_;                              \
        __asm__ volatile("csrrc %0, " CSR_STR(csr) ", %1" \
                         : "=r"(csr_value_)               \
                         : "rK"((uint64_t)(bits))         \
                         : "memory");                     \
        csr_value_;                                       \
    })

#endif
#endif
