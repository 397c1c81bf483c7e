# The machine: QEMU virt under OpenSBI, and gdb beside it.

GDBPORT   ?= $(shell uid=$$(id -u); echo $$((25000 + ($$uid ? $$uid % 5000 : 1000))))# where gdb and QEMU meet
# One rule for the port: 25000 + uid % 5000, and root takes the port of uid 1000. So the commonest users, and
# a container's root, all have 26000, the port that an editor's fixed launch file can name.

DISK  := $(or $(FS),$(IMAGE))
comma := ,

# QEMU takes a comma in a name for the end of it, unless it is doubled.
DRIVE  = file=$(subst $(comma),$(comma)$(comma),$(DISK)),if=none,format=raw,id=x0$(if $(FS),$(if $(FSWRITE),,$(comma)snapshot=on))

ifeq ($(ROOT),ram)
QEMU_ROOT  = -initrd $(call quote,$(DISK))
BOOTARGS   = $(strip root=ram $(APPEND))
else
QEMU_ROOT  = -drive $(call quote,$(DRIVE)) -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0
BOOTARGS   = $(APPEND)
endif

QEMUOPTS = -machine virt -bios default -kernel $B/kernel -m $(MEM) -smp $(CPUS) -nographic \
           $(if $(LEGACY),,-global virtio-mmio.force-legacy=false) $(QEMU_ROOT) \
           $(if $(BOOTARGS),-append $(call quote,$(BOOTARGS))) $(QEMUEXTRA)

.PHONY: qemu qemu-nox qemu-gdb qemu-nox-gdb gdb where print-gdbport qemu-check print-qemu

# With FS= and a foreign image only the kernel is needed.
RUN_FILES := kernel-files $(if $(FS),,image-files)

qemu qemu-nox: qemu-check  ## boot to the shell; Ctrl-a x leaves, Ctrl-p lists the processes
	$(call build,$(RUN_FILES))
	@exec $(PYTHON) tools/run_qemu.py $(QEMU) $(QEMUOPTS)

# Which kernel runs there: `make gdb` reads that one, whatever variant it is.
RUNNING = build/gdb-$(GDBPORT)

qemu-gdb qemu-nox-gdb: qemu-check  ## boot stopped, waiting for gdb
	$(call build,$(RUN_FILES))
	@echo $B/kernel > $(RUNNING)
	@echo "*** Now run 'gdb' in another window."
	@exec $(PYTHON) tools/run_qemu.py $(QEMU) $(QEMUOPTS) -S -gdb tcp::$(GDBPORT)

gdb:  ## that gdb, in another window
	@command -v $(GDB) >/dev/null || { echo "$(GDB) is not installed; $$(tools/setup.sh --remedy)"; exit 1; }
	@kernel=$$(cat $(RUNNING) 2>/dev/null || echo $B/kernel); exec $(GDB) -q -x tools/gdb/lamina.gdb \
	    -ex "set \$$lamina_kernel = \"$$kernel\"" -ex 'lamina-connect $(GDBPORT)' $$kernel

where:  ## the source line where a program crashed: make where PROG=ls SEPC=0x1b8; of the kernel without PROG
	@tools/where.sh '$(ADDR2LINE)' '$(PROG)' '$(if $(PROG),user/_$(PROG),$B/kernel)' '$(SEPC)'

print-gdbport:  ## the port where gdb and QEMU meet: 25000 + uid % 5000, and root has 26000
	@echo $(GDBPORT)

print-qemu:  ## the command line that make qemu runs
	@printf '%s\n' $(call quote,$(QEMU) $(QEMUOPTS))

qemu-check:  ## is QEMU there, and new enough?
	@QEMU='$(QEMU)' tools/check-qemu.sh
