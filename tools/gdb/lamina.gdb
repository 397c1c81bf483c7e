# Loaded by `make gdb` with gdb -x, so nothing depends on auto-load settings. docs/debugging.md shows each at work.
#
#   lamina-connect PORT     connect to the machine that `make qemu-gdb` started, and see whether it runs this kernel
#   lamina-flow             one breakpoint for each layer of map_shared_pages: continue, and they fire in order; pt_map
#                           has its own only from mm_borrow on, since exec and fork use it, too
#   lamina-enter            from user code, stop at the kernel's first instruction of the next ecall (stepi does not get there)
#   lamina-leave            from the kernel, stop at the program's next instruction (stepi on sret does not get there)
#   lamina-early            symbols for the code that runs before the MMU is on
#   lamina-user FILE        symbols of a user program, e.g. lamina-user build/user/_shmem_test
#   lamina-break FUNCTION   a breakpoint in the program of lamina-user, and in no other
#   lamina-walk MM VA       the page-table entries for an address, in any address space: lamina-walk dst 0x7000
#   lamina-audit            call mm_audit(), where that is possible

set confirm off
set pagination off
set width 0
set architecture riscv:rv64
set disassemble-next-line auto
set breakpoint pending on
set $lamina_offset = 0xffffffc000000000

define lamina-connect
    echo Connecting to the machine: make qemu-gdb must be running.\n
    # Before there is a machine gdb reads from the kernel's file. The id follows a note's head of 16 bytes.
    set $lamina_at = (unsigned long)&__build_id + 16
    set $lamina_file = *(unsigned long *)$lamina_at
    target remote 127.0.0.1:$arg0
    if $priv == 3 || $satp == 0
        set $lamina_at = $lamina_at - $lamina_offset
    end
    # A hart in user mode does not see the kernel's memory, and neither does gdb.
    if $priv != 0
        if *(unsigned long *)$lamina_at != $lamina_file
            echo The machine runs another kernel than this file: start it again, or name its DEBUG=, LLVM=, CHECK= here, too.\n
        end
    end
end
document lamina-connect
lamina-connect PORT: connect to the machine that `make qemu-gdb` started; a line if it runs another kernel.
end

define lamina-flow
    break *trap_entry if $scause == 8 && $a7 == 22
    break trap_syscall if tf->a7 == 22
    break share_pages
    # By file: a program has a function of that name, too.
    break mm/shared.c:map_shared_pages
    break mm_lend
    break mm_borrow
    commands
        tbreak pt_map
    end
    echo Type `continue` here, then `shmem_test` at the machine's prompt; docs/flows/map-shared.md says what to look at.\n
end
document lamina-flow
lamina-flow: breakpoints on each layer between the system call and the page-table entry.
end

define lamina-enter
    tbreak *$stvec if $scause == 8
    continue
end
document lamina-enter
lamina-enter: from user code, run into the kernel's trap entry of the next system call.
end

# The program's registers lie at the top of the kernel stack's slot, but before sret they are loaded already.
define lamina-leave
    if (long)$sp < 0
        tbreak *((struct trapframe *)(((unsigned long)$sp | 0x3fff) + 1 - sizeof(struct trapframe)))->epc
    else
        tbreak *$sepc
    end
    continue
end
document lamina-leave
lamina-leave: from a system call, run to where it goes back to.
end

# `make gdb` says which file it is.
set $lamina_kernel = "build/kernel"
define lamina-early
    eval "add-symbol-file %s -o -%#lx", $lamina_kernel, $lamina_offset
    tbreak *0x80200000
end
document lamina-early
lamina-early: symbols at physical addresses, and a stop at the kernel's first instruction.
end

set $lamina_user = 0
define lamina-user
    if $lamina_user
        remove-symbol-file -a $lamina_user
    end
    set $lamina_user = 0
    add-symbol-file $arg0
    set $lamina_user = (unsigned long)&start
    echo All programs lie at the same addresses: `break main` fires in others, too. `lamina-break main` does not.\n
end
document lamina-user
lamina-user FILE: the symbols of a user program, in place of those of the one before.
end

# gdb can be told to read what is read-only from the file: so it gets the program's own code, whatever runs now.
define lamina-break
    set trust-readonly-sections on
    set $lamina_code = *(unsigned long *)$arg0
    set $lamina_more = *((unsigned long *)$arg0 + 1)
    set trust-readonly-sections off
    eval "break $arg0 if *(unsigned long *)%#lx == %#lx && *(unsigned long *)%#lx == %#lx", (unsigned long)$arg0, $lamina_code, (unsigned long)$arg0 + 8, $lamina_more
end
document lamina-break
lamina-break FUNCTION: a breakpoint that fires only where the code in memory is that of the program of lamina-user.
end

define lamina-walk
    if $priv != 1
        echo This hart is not in the kernel, and sees no page tables: lamina-enter gets there.\n
    else
        set $lamina_table = (unsigned long *)($arg0)->root
        set $lamina_level = 2
        while $lamina_level >= 0
            set $lamina_index = ((unsigned long)($arg1) >> (12 + 9 * $lamina_level)) & 511
            set $lamina_pte = $lamina_table[$lamina_index]
            set $lamina_phys = ($lamina_pte >> 10) << 12
            printf "level %d, entry %3d: 0x%016lx", $lamina_level, $lamina_index, $lamina_pte
            set $lamina_level = $lamina_level - 1
            if !($lamina_pte & 1)
                printf "  nothing\n"
                set $lamina_level = -1
            else
                if $lamina_pte & 0xe
                    printf "  frame %#lx ", $lamina_phys
                    lamina-flags $lamina_pte
                    set $lamina_level = -1
                else
                    printf "  table %#lx\n", $lamina_phys
                    set $lamina_table = (unsigned long *)($lamina_phys + $lamina_offset)
                end
            end
        end
    end
end
document lamina-walk
lamina-walk MM VA: the entry of each level for an address of an address space, which need not be the one that is loaded.
end

define lamina-flags
    printf "%c%c%c%c", ($arg0 & 2 ? 'R' : '-'), ($arg0 & 4 ? 'W' : '-'), ($arg0 & 8 ? 'X' : '-'), ($arg0 & 16 ? 'U' : '-')
    printf "%c%c%c%c\n", ($arg0 & 32 ? 'G' : '-'), ($arg0 & 64 ? 'A' : '-'), ($arg0 & 128 ? 'D' : '-'), ($arg0 & 256 ? 'S' : '-')
end
document lamina-flags
lamina-flags PTE: the flags of a leaf, RWXUGAD as in the specification and S for PTE_S.
end

# gdb calls a function in the mode and on the stack it has stopped with: a program's would be killed by it.
define lamina-audit
    if $priv != 1 || (long)$sp >= 0 || (long)$tp >= 0
        echo This hart is in a program, or between one and the kernel: press Ctrl-o in the machine's window, or stop elsewhere.\n
    else
        if printk_lock.locked
            echo The kernel is about to print: type `finish` some times first.\n
        else
            printf "audit: %lu violations\n", mm_audit()
        end
    end
end
document lamina-audit
lamina-audit: check the invariants of all memory, where this hart is in the kernel.
end
