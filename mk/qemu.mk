# The machine: QEMU virt under OpenSBI, and gdb beside it.

QEMU      ?= qemu-system-riscv64
QEMUEXTRA ?=          # QEMUEXTRA=  further options for QEMU
FSWRITE   ?=          # FSWRITE=1  let the machine write to the image that FS= names
LEGACY    ?=          # LEGACY=1   the older virtio transport
GDBPORT   ?= $(shell uid=$$(id -u); echo $$((25000 + ($$uid ? $$uid % 5000 : 1000))))

# One rule for the port: 25000 + uid % 5000, and root takes the port of uid 1000. So the commonest users, and
# a container's root, all have 26000, the port that an editor's fixed launch file can name.

DISK        := $(or $(FS),$(IMAGE))
DISK_SCRATCH = $(if $(FS),$(if $(strip $(FSWRITE)),,snapshot=on))
comma       := ,

ifeq ($(ROOT),ram)
QEMU_ROOT  = -initrd $(DISK)
BOOTARGS   = $(strip root=ram $(APPEND))
else
QEMU_ROOT  = -drive file=$(DISK),if=none,format=raw,id=x0$(addprefix $(comma),$(DISK_SCRATCH)) \
             -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0
BOOTARGS   = $(strip $(APPEND))
endif

QEMUOPTS = -machine virt -bios default -kernel $B/kernel -m $(MEM) -smp $(CPUS) -nographic \
           $(if $(strip $(LEGACY)),,-global virtio-mmio.force-legacy=false) $(QEMU_ROOT) \
           $(if $(BOOTARGS),-append "$(BOOTARGS)") $(QEMUEXTRA)

.PHONY: qemu qemu-gdb gdb print-gdbport qemu-check print-qemu

# With FS= and a foreign image only the kernel is needed.
RUN_FILES := kernel-files $(if $(FS),,image-files) qemu-check

qemu: $(RUN_FILES)
	@exec $(QEMU) $(QEMUOPTS)

qemu-gdb: $(RUN_FILES)
	@echo "*** Now run 'gdb' in another window."
	@exec $(QEMU) $(QEMUOPTS) -S -gdb tcp::$(GDBPORT)

gdb:
	@exec $(GDB) -q -x tools/gdb/lamina.gdb -ex 'lamina-connect $(GDBPORT)' $B/kernel

print-gdbport:
	@echo $(GDBPORT)

print-qemu:
	@echo '$(QEMU) $(QEMUOPTS)'

qemu-check:
	@QEMU='$(QEMU)' tools/check-qemu.sh
