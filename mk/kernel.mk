# The kernel: its layers' sources, one object each, one link, and what graders and gdb read beside it.

LAYERS  := arch/riscv lib mm sched drivers fs proc ipc syscall init
ROOMS   := $(LAYERS) $(LAYERS:%=%/ext)
KSRC    := $(wildcard $(ROOMS:%=%/*.c) $(ROOMS:%=%/*.S)) $(if $(CHECK),$(wildcard tests/kernel/*.c))
KOBJ    := $(addsuffix .o,$(basename $(KSRC:%=$B/kobj/%)))
KFLAGS   = $(KARCH) $(COMMON_FLAGS) $(MACROS) -fno-omit-frame-pointer -Iinclude $(if $(CHECK),-DLAMINA_CHECK) $(KFLAGS_EXTRA)
KLDFLAGS = -nostdlib --build-id -z max-page-size=4096 -T linker.ld $(LD_QUIET)

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

.PHONY: kernel-files
kernel-files: kernel/kernel kernel/kernel.sym kernel/kernel.asm  ## only the kernel and what graders read of it

-include $(KOBJ:.o=.d)
