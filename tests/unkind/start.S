# The firmware enters here, on one hart; that one starts the others, which enter at `other` with their index in a1.
    .section .text.start
    .globl _start
_start:
    la      sp, stacks + 4096
    mv      s0, a0              # this hart's number
    li      s1, 1               # the index of the next one
1:  lla     t0, harts
    lw      t0, (t0)
    bgeu    s1, t0, 2f
    add     a0, s0, s1          # harts are numbered without holes
    lla     a1, other
    mv      a2, s1
    li      a6, 0
    li      a7, 0x48534d        # hart state management: start
    ecall
    addi    s1, s1, 1
    j       1b
2:  li      a0, 0
    call    run
3:  wfi
    j       3b

other:
    addi    t0, a1, 1
    slli    t0, t0, 12
    la      sp, stacks
    add     sp, sp, t0
    mv      a0, a1
    call    run
4:  wfi
    j       4b

    .bss
    .balign 4096
stacks:
    .space  4 * 4096
