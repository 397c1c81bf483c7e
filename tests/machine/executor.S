/*
 * Runs a list of cases, each from a state to its first trap, and keeps the state that the trap found.
 *
 * A case is some instructions, the registers that they begin with, satp, sstatus and the address
 * to begin at. Behind the instructions stands an ebreak. hart_test.py makes the cases and lays them
 * behind this code; it is the same image for QEMU and for the machine. All RAM is mapped in every
 * table, at its physical address: this code never leaves the tables of the last case. What a TLB has
 * kept of one case serves the next ones, in another mode, with another sstatus.
 *
 * Layout of a case, in bytes: 0 pc, 8 registers x1..x31, 16 satp, 24 sstatus, 32 where the
 * instructions go (physical), 64 the instructions. A pc of 1: keep a copy of the data page instead.
 * A pc of 3: that was all.
 */
#define CASE_SIZE   128
#define RESULT_SIZE 320
#define SPP_FS_SUM_MXR_SIE 0xc6122      /* what a case chooses in sstatus; SIE stays 0 */

    .option norvc
    .globl _start
_start:
    la s0, parameters
    ld s1, 0(s0)                        /* cases */
    ld s2, 8(s0)                        /* results */
    la t0, handler
    csrw stvec, t0

next:                                   /* s0 parameters, s1 case, s2 result */
    csrw sie, zero
    csrw senvcfg, zero
    csrci sip, 2
    csrwi scounteren, 5
    li t0, -1
    csrw 0x14d, t0                      /* stimecmp */
    ld t0, 0(s1)
    li t1, 1
    beq t0, t1, copy
    li t1, 3
    beq t0, t1, end
    csrw sepc, t0

    ld t1, 32(s1)
    beqz t1, 2f
    addi t2, s1, 64
    addi t3, s1, CASE_SIZE
1:  ld t4, 0(t2)
    ld t5, 0(t1)
    beq t4, t5, 3f                      /* QEMU translates anew what is stored to */
    sd t4, 0(t1)
3:  addi t1, t1, 8
    addi t2, t2, 8
    bne t2, t3, 1b
    fence.i
2:  sc.d zero, zero, (s2)               /* no reservation is left from the case before */
    ld t1, 24(s1)
    li t2, SPP_FS_SUM_MXR_SIE
    csrc sstatus, t2
    csrs sstatus, t1
    ld t1, 16(s1)
    csrr t2, satp
    beq t1, t2, 4f
    csrw satp, t1
    sfence.vma
4:  sd s1, 16(s0)
    sd s2, 24(s0)
    csrw sscratch, s0
    ld x31, 8(s1)
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, 8 * (\n - 1)(x31)
    .endr
    ld x31, 8 * 30(x31)
    sret

    .balign 4
handler:
    csrrw x31, sscratch, x31
    sd x1, 32(x31)
    ld x1, 24(x31)                      /* the result */
    .irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    sd x\n, 8 * (\n - 1)(x1)
    .endr
    mv s0, x31
    mv s2, x1
    ld t0, 32(s0)
    sd t0, 0(s2)
    csrr t0, sscratch
    sd t0, 8 * 30(s2)
    csrr t0, sepc
    sd t0, 8 * 31(s2)
    csrr t0, scause
    sd t0, 8 * 32(s2)
    csrr t0, stval
    sd t0, 8 * 33(s2)
    csrr t0, sstatus
    sd t0, 8 * 34(s2)
    csrr t0, sie
    sd t0, 8 * 35(s2)
    csrr t0, sip
    sd t0, 8 * 36(s2)
    csrr t0, satp
    sd t0, 8 * 37(s2)
    csrr t0, scounteren
    sd t0, 8 * 38(s2)
    csrr t0, senvcfg
    sd t0, 8 * 39(s2)
    la t0, handler
    csrw stvec, t0
    ld s1, 16(s0)
    addi s1, s1, CASE_SIZE
    addi s2, s2, RESULT_SIZE
    j next

copy:                                   /* the data page, into the results */
    ld t0, 40(s0)
    li t1, 4096
    add t1, t0, t1
1:  ld t2, 0(t0)
    sd t2, 0(s2)
    addi t0, t0, 8
    addi s2, s2, 8
    bne t0, t1, 1b
    addi s1, s1, CASE_SIZE
    j next

    .globl end
end:
    sd s2, 48(s0)                       /* says that all is done, and where the results end */
1:  j 1b

    .balign 64
    .globl parameters
parameters:                             /* cases, results, case, result, x1, data page, end of results */
    .zero 64
