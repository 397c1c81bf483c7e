# Which tools, which flags. A missing tool is named in one line together with its remedy.

# Goals that need no compiler of ours: they set up first, or only clean, print or connect.
TOOLLESS := help setup clean print-gdbport print-qemu qemu-check gdb demo test grade lint bench flow mutants format
PYTHON   ?= $(firstword $(wildcard /usr/bin/python3) python3)# the python3 that runs checks and tests
GDB      ?= $(shell command -v gdb-multiarch || command -v riscv64-unknown-elf-gdb || command -v riscv64-elf-gdb || echo gdb-multiarch)# the gdb of `make gdb`

ifneq ($(LLVM),)

CC      := clang --target=riscv64-unknown-elf
LD      := ld.lld
NM      := llvm-nm
AR      := llvm-ar
OBJDUMP := llvm-objdump
OBJCOPY := llvm-objcopy
ADDR2LINE := llvm-addr2line
TOOLS   := clang $(LD) $(NM) $(AR) $(OBJDUMP) $(HOSTCC)
# lld 14 cannot relax; the other linker makes each short call one instruction of two.
RELAX   := -mno-relax

else

ifneq ($(filter-out $(TOOLLESS),$(or $(MAKECMDGOALS),all)),)
TOOLPREFIX ?= $(shell tools/find-toolchain.sh)# the cross tools' prefix, as riscv64-unknown-elf-
export TOOLPREFIX
ifeq ($(TOOLPREFIX),)
$(error no RISC-V compiler found; $(shell tools/setup.sh --remedy))
endif
endif
CC      := $(TOOLPREFIX)gcc
LD      := $(TOOLPREFIX)ld
NM      := $(TOOLPREFIX)nm
AR      := $(TOOLPREFIX)ar
OBJDUMP := $(TOOLPREFIX)objdump
OBJCOPY := $(TOOLPREFIX)objcopy
ADDR2LINE := $(TOOLPREFIX)addr2line
TOOLS   := $(CC) $(LD) $(NM) $(AR) $(OBJDUMP) $(HOSTCC)

endif

ifneq ($(filter-out $(TOOLLESS),$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell for t in $(TOOLS); do command -v $$t >/dev/null || echo $$t; done)
ifneq ($(MISSING),)
$(error $(firstword $(MISSING)) is not installed; $(shell tools/setup.sh --remedy))
endif
endif

ifdef BUILDING

# $(call try,FLAG,ELSE): FLAG if the compiler takes it, else ELSE.
try = $(shell echo 'int x;' | $(CC) -Werror $(1) -x c -c -o /dev/null - 2>/dev/null && echo '$(1)' || echo '$(2)')

# The kernel leaves floating point alone; programs have xv6's ABI, which passes it in registers.
KARCH      := $(call try,-march=rv64imac_zicsr_zifencei -mabi=lp64,-march=rv64imac -mabi=lp64)
UARCH      := -march=rv64gc -mabi=lp64d
QUIET      := $(call try,-Wno-unused-parameter) $(if $(WERROR),-Werror)
MAYBE      := $(call try,-fno-pie) $(call try,-fno-stack-protector) $(call try,-fno-ipa-sra) \
              $(call try,-fno-ipa-cp-clone) $(call try,-fno-partial-inlining) $(call try,-fno-ipa-icf)
LD_QUIET   := $(shell $(LD) --help 2>/dev/null | grep -q no-warn-rwx-segments && echo --no-warn-rwx-segments)
endif

# The kernel's macros go into its debug information: gdb's `print PTE_S`.
MACROS       := -g3 $(if $(LLVM),-fdebug-macro)
OPT          := $(if $(DEBUG),-Og,-O2)
COMMON_FLAGS  = $(OPT) -g -std=gnu11 -mcmodel=medany $(RELAX) -ffreestanding -fno-common -nostdlib -Wall -Wextra $(QUIET) $(MAYBE)
