# Lamina's build. `make help` lists the targets, `make V=1` shows the commands.
#
# Everything that is made lies under build/: the default kernel and the user programs in build/ itself, every
# variant (LLVM=1, DEBUG=1, CHECK=1) in a directory of its own, so that no variant disturbs another.
# The parts: mk/tools.mk finds the tools and probes flags, mk/user.mk builds programs and the disk image,
# mk/qemu.mk runs the machine, mk/check.mk holds set-up, tests and reports.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += -rR --no-print-directory
SHELL     := /bin/sh

# ---- Variables for the command line ---------------------------------------------------------------------

CPUS    ?= 3        # harts
MEM     ?= 128M     # RAM
LLVM    ?=          # LLVM=1    clang and lld in place of gcc
DEBUG   ?=          # DEBUG=1   -Og, for stepping line by line
CHECK   ?=          # CHECK=1   the checking build: lock order, poison, tests at boot
WERROR  ?=          # WERROR=1  warnings are errors, as in CI
FS      ?=          # FS=file   boot from this image, on a scratch copy unless FSWRITE=1
EXTRA   ?=          # EXTRA="a.c b.c"  put programs from anywhere on the image
ROOT    ?=          # ROOT=ram  no disk: the image is handed over as an initrd
APPEND  ?=          # boot arguments for the kernel
V       ?=

strip-all = $(foreach v,$(1),$(eval override $(v) := $(strip $(filter-out 0,$($(v))))))
$(call strip-all,CPUS MEM LLVM DEBUG CHECK WERROR FS ROOT V)
Q   := $(if $(V),,@)
say := @$(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),:,echo)

# ---- Where things go ------------------------------------------------------------------------------------

empty :=
space := $(empty) $(empty)
variant-dir = $(patsubst %/,%,build/$(subst $(space),-,$(strip $(1))))

U := $(call variant-dir,$(if $(LLVM),llvm) $(if $(DEBUG),debug))
B := $(call variant-dir,$(if $(LLVM),llvm) $(if $(DEBUG),debug) $(if $(CHECK),check))

# As many jobs as there are processors; `make JOBS=1` for one after the other.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

# $(call track,FILE,TEXT): a rule that rewrites FILE only when TEXT has changed, to depend on flags and lists.
define track
$(1): FORCE
	@mkdir -p $$(@D); [ "$$$$(cat $$@ 2>/dev/null)" = '$$(strip $(2))' ] || printf '%s\n' '$$(strip $(2))' > $$@
endef

.PHONY: all kernel-files help clean FORCE
all: kernel-files image-files

include mk/tools.mk

# ---- The kernel -----------------------------------------------------------------------------------------

LAYERS  := arch/riscv lib mm sched drivers fs proc ipc syscall init
KSRC    := $(wildcard $(LAYERS:%=%/*.c) $(LAYERS:%=%/*.S)) $(if $(CHECK),$(wildcard tests/kernel/*.c))
KOBJ    := $(addsuffix .o,$(basename $(KSRC:%=$B/kobj/%)))
KFLAGS   = $(KARCH) $(COMMON_FLAGS) -fno-omit-frame-pointer -Iinclude $(if $(CHECK),-DLAMINA_CHECK) $(KFLAGS_EXTRA)
KLDFLAGS = -nostdlib -z max-page-size=4096 -T linker.ld $(LD_QUIET)

$(eval $(call track,$B/kobj/flags,$$(CC) $$(KFLAGS) $$(KLDFLAGS)))
$(eval $(call track,$B/kobj/objects,$$(KOBJ)))

$B/kobj/%.o: %.c $B/kobj/flags
	@mkdir -p $(@D)
	$(say) "  CC    $<"
	$(Q)$(CC) $(KFLAGS) -MMD -MP -c -o $@ $<

$B/kobj/%.o: %.S $B/kobj/flags
	@mkdir -p $(@D)
	$(say) "  AS    $<"
	$(Q)$(CC) $(KFLAGS) -MMD -MP -D__ASSEMBLY__ -c -o $@ $<

$B/kernel: $(KOBJ) linker.ld $B/kobj/objects $B/kobj/flags
	$(say) "  LD    $@"
	$(Q)$(LD) $(KLDFLAGS) -o $@ $(KOBJ)

# Symbols as xv6's graders read them: 16 hex digits, a space, the name.
$B/kernel.sym: $B/kernel
	$(Q)$(NM) -n $< | awk 'NF == 3 { print $$1, $$3 }' > $@

$B/kernel.asm: $B/kernel
	$(Q)$(OBJDUMP) -dS $< > $@

# kernel/kernel, kernel/kernel.sym, kernel/kernel.asm: the paths that editors and graders made for xv6 expect.
kernel-files: $B/kernel $B/kernel.sym $B/kernel.asm
	@mkdir -p kernel; for f in kernel kernel.sym kernel.asm; do ln -sfn ../$B/$$f kernel/$$f; done

-include $(KOBJ:.o=.d)

include mk/user.mk
include mk/qemu.mk
include mk/check.mk

help:
	@echo 'make            build the kernel, the programs and fs.img'
	@echo 'make qemu       boot to the shell; Ctrl-a x leaves, Ctrl-p lists the processes'
	@echo 'make demo       boot, run the sharing demonstrations, power off'
	@echo 'make test       every test; the last line counts them'
	@echo 'make qemu-gdb   boot stopped, waiting for gdb;  make gdb  is that gdb'
	@echo 'make bench      instruction counts against the goals'
	@echo 'make lint size fsck compile_commands.json setup clean'
	@echo
	@sed -n 's/^\([A-Z]*\)  *?= *# \(.*\)/  \1: \2/p; s/^\([A-Z]*\)  *?= \([^ #]*\)  *# \(.*\)/  \1 (\2): \3/p' Makefile mk/*.mk

clean:
	rm -rf build kernel/kernel kernel/kernel.sym kernel/kernel.asm user/_* fs.img compile_commands.json
	@rmdir kernel user 2>/dev/null || true
