# Lamina's build. `make help` lists the targets, `make V=1` shows the commands.
#
# Everything that is made lies under build/: the default kernel and the user programs in build/ itself, every
# variant (LLVM=1, DEBUG=1, CHECK=1) in a directory of its own, so that no variant disturbs another.
# The parts: mk/tools.mk finds the tools and probes flags, mk/kernel.mk builds the kernel, mk/user.mk the programs and
# the disk image, mk/qemu.mk runs the machine, mk/check.mk holds set-up, tests and reports.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += -rR --no-print-directory
SHELL     := /bin/sh

# ---- Variables for the command line ---------------------------------------------------------------------

CPUS      ?= 3        # harts, 1 to 8
MEM       ?= 128M     # RAM, 32M to 64G
FS        ?=          # FS=file     boot from this image, on a scratch copy unless FSWRITE=1
FSWRITE   ?=          # FSWRITE=1   let the machine write to the image that FS= names
EXTRA     ?=          # EXTRA="a.c dir"  put programs from anywhere on the image
IMAGE     ?=          # IMAGE=file  the image to make and to boot from, in place of fs.img
ROOT      ?=          # ROOT=ram    no disk: the image is handed over as an initrd
LEGACY    ?=          # LEGACY=1    the older virtio transport
DEBUG     ?=          # DEBUG=1     -Og, for stepping line by line
CHECK     ?=          # CHECK=1     the checking build: lock order, poison, tests at boot
LLVM      ?=          # LLVM=1      clang and lld in place of gcc
WERROR    ?=          # WERROR=1    warnings are errors, as in CI
V         ?=          # V=1         show the commands
JOBS      ?=          # JOBS=n      commands at a time; as many as processors when not given
APPEND    ?=          # APPEND="words"    boot arguments for the kernel, which names those it does not know
QEMUEXTRA ?=          # QEMUEXTRA="..."   further options for QEMU
TESTFLAGS ?=          # TESTFLAGS="boot -k disk"  only some of the tests
PROG      ?=          # PROG=name   the program that `make where` looks into
SEPC      ?=          # SEPC=0x1b8  the address that it looks for
OP        ?=          # OP=name     the operation that `make flow` follows
MUTANTS   ?=          # MUTANTS="names"   only these mutants
QEMU      ?= qemu-system-riscv64  # the machine
HOSTCC    ?= cc       # the host's compiler, for mkfs, fsck and the host tests

# A switch is on when it is 1; 0 and nothing are off.
switch = $(eval override $(1) := $(filter-out 0,$($(1))))$(if $(filter-out 1,$($(1))),$(error \
         $(1)=$($(1)) is neither on nor off: $(1)=1 switches on, $(1)=0 or leaving it away switches off))
$(foreach v,FSWRITE LEGACY DEBUG CHECK LLVM WERROR V TESTS,$(call switch,$v))
$(foreach v,CPUS MEM FS ROOT JOBS APPEND QEMU HOSTCC,$(eval override $v := $(strip $($v))))

# $(call quote,TEXT): one word for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'
ifeq ($(MAKELEVEL),0)
wrong := $(shell $(foreach v,CPUS MEM FS FSWRITE ROOT JOBS,$v=$(call quote,$($v))) tools/check-values.sh)
$(if $(wrong),$(error $(wrong)))
MAKEFLAGS += -j$(or $(JOBS),$(shell nproc 2>/dev/null || echo 2))
endif

Q   := $(if $(V),,@)
say := @$(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),:,echo)

# ---- Where things go ------------------------------------------------------------------------------------

empty :=
space := $(empty) $(empty)
variant-dir = $(patsubst %/,%,build/$(subst $(space),-,$(strip $(1))))

U := $(call variant-dir,$(if $(LLVM),llvm) $(if $(DEBUG),debug))
B := $(call variant-dir,$(if $(LLVM),llvm) $(if $(DEBUG),debug) $(if $(CHECK),check))

override IMAGE := $(or $(strip $(IMAGE)),$U/$(if $(strip $(EXTRA)),extra.img,fs.img))

# ---- One make at a time ---------------------------------------------------------------------------------
#
# Two makes in one tree would write the same files. So whatever is built is built by a make of its own that holds a
# lock on this file, and has BUILDING set: the rules for building are read only there. The goals below are not builds:
# they may run for long, and let $(call build,GOALS) build what they need first.

NO_BUILD := help where setup clean demo do-demo test grade do-test bench do-bench flow do-flow mutants lint docs size fsck format \
            compile_commands.json glass glass-gdb page picture machine-bench machine-test unkind qemu qemu-nox qemu-gdb qemu-nox-gdb gdb print-gdbport print-qemu qemu-check
LOCK      = exec 9<Makefile; if command -v flock >/dev/null && ! flock -n 9; then \
            echo 'another make builds here: waiting for it'; flock 9; fi;
build     = +@$(LOCK) $(MAKE) BUILDING=1 $(1)

ifeq ($(MAKELEVEL),0)
override BUILDING :=
endif

.PHONY: all help clean FORCE
all:  ## build the kernel, the programs and fs.img
ifndef BUILDING
.NOTPARALLEL:
GOALS := $(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all))
BUILDS := all kernel-files image-files pristine fs.img kernel/% user/% build/% $(IMAGE)
$(foreach g,$(filter-out $(BUILDS),$(GOALS)),$(error there is no target $g; `make help` lists what there is))
.PHONY: build-goals $(GOALS)
$(GOALS): build-goals
build-goals:
	$(call build,$(GOALS))
endif

include mk/tools.mk

ifdef BUILDING

# $(call track,FILE,TEXT): a rule that rewrites FILE only when TEXT has changed, to depend on flags and lists.
define track
$(1): FORCE
	@mkdir -p $$(@D); [ "$$$$(cat $$@ 2>/dev/null)" = '$$(strip $(2))' ] || printf '%s\n' '$$(strip $(2))' > $$@
endef

include mk/kernel.mk
include mk/user.mk

all: kernel-files image-files

# The paths that hands, editors and graders trained by xv6 expect: links to where the files are.
kernel/kernel kernel/kernel.sym kernel/kernel.asm: kernel/%: $B/% FORCE  ## the kernel, its symbols, its listing
	@mkdir -p kernel; ln -sfn ../$< $@

user/_%: $U/user/_% FORCE  ## one program, as make user/_ls
	@mkdir -p user; ln -sfn ../$< $@

$(EXTRA_NAMES:%=user/_%): user/_%: $E/_% FORCE
	@mkdir -p user; ln -sfn ../$< $@

fs.img: image-files  ## the disk image; after `rm fs.img` it is a fresh one

endif # BUILDING

include mk/qemu.mk
include mk/glass.mk
include mk/check.mk

help:  ## list the targets and the variables
	@awk -f tools/help.awk mk/qemu.mk mk/glass.mk mk/check.mk Makefile mk/kernel.mk mk/user.mk mk/tools.mk

clean:  ## remove all that was made
	@$(LOCK) rm -rf build kernel/kernel kernel/kernel.sym kernel/kernel.asm user/_* user/*.asm user/*.sym fs.img compile_commands.json
	@rmdir kernel user 2>/dev/null || true
