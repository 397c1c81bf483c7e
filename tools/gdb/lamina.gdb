# Loaded by `make gdb` with gdb -x, so nothing depends on auto-load settings.
#
#   lamina-connect PORT     connect to the machine that `make qemu-gdb` started, and stop before the first instruction
#   lamina-flow             one breakpoint for each layer of map_shared_pages: continue, and they fire in order; pt_map
#                           has its own only from mm_map_region on, since exec and fork use it, too
#   lamina-enter            from an ecall in user code, stop at the kernel's first instruction (stepi does not get there)
#   lamina-early            symbols for the code that runs before the MMU is on
#   lamina-user FILE        symbols of a user program, e.g. lamina-user build/user/_shmem_test

set confirm off
set pagination off
set architecture riscv:rv64
set disassemble-next-line auto
set breakpoint pending on

define lamina-connect
    echo Connecting to the machine: make qemu-gdb must be running.\n
    target remote 127.0.0.1:$arg0
end
document lamina-connect
lamina-connect PORT: connect to the machine that `make qemu-gdb` started.
end

define lamina-flow
    break sys_map_shared_pages
    break map_shared_pages
    break region_pin
    break mm_map_region
    commands
        tbreak pt_map
    end
    echo Type `continue` here, then `shmem_test` at the machine's prompt; docs/flows/map-shared.md says what to look at.\n
end
document lamina-flow
lamina-flow: breakpoints on each layer between the system call and the page-table entry.
end

define lamina-enter
    tbreak *$stvec
    continue
end
document lamina-enter
lamina-enter: from user code, run into the kernel's trap entry.
end

define lamina-early
    add-symbol-file build/kernel -o -0xffffffc000000000
    tbreak *0x80200000
end
document lamina-early
lamina-early: symbols at physical addresses, and a stop at the kernel's first instruction.
end

define lamina-user
    add-symbol-file $arg0
end
document lamina-user
lamina-user FILE: add the symbols of a user program.
end
