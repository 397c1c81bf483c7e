# The machine of our own (machine/), at a terminal and in a page. It runs the kernel that QEMU runs.

.PHONY: glass glass-gdb page picture machine-bench machine-test unkind

MACHINE_HOSTS := machine/native.c machine/gdbstub.c machine/gdbview.c machine/wasm.c
MACHINE_CORE  := $(filter-out $(MACHINE_HOSTS),$(wildcard machine/*.c))
MACHINE_H     := $(wildcard machine/*.h)
MACHINE_FLAGS  = -std=gnu11 -O2 -flto -Wall -Wextra $(if $(WERROR),-Werror)

GLASSEXTRA ?=          # GLASSEXTRA="-s 7 -u 0x7ff"   further options for make glass: build/glass prints them
GLASSOPTS   = -c $(CPUS) -m $(MEM) $(if $(filter ram,$(ROOT)),-r) $(if $(BOOTARGS),-a $(call quote,$(BOOTARGS))) \
              $(if $(FSWRITE),-w $(call quote,$(DISK))) $(GLASSEXTRA) $B/kernel $(call quote,$(DISK))

glass:  ## as make qemu, on the machine of our own; Ctrl-a x leaves, Ctrl-a n prints the run's name
	$(call build,$(RUN_FILES) build/glass)
	@exec build/glass $(GLASSOPTS)

glass-gdb:  ## the same, waiting for gdb, which can go backwards there
	$(call build,$(RUN_FILES) build/glass)
	@echo $B/kernel > $(RUNNING)
	@echo "*** Now run 'make gdb' in another window."
	@exec build/glass -g $(GDBPORT) $(GLASSOPTS)

# The page's own small image has the programs without the tests; TESTS=1 and FS=image put in all.
TESTS      ?=          # TESTS=1     the page's image has the test programs, too
SCENES     ?=          # SCENES="a.scene"   further scenes for make page
PAGE_PROGS  = $(if $(TESTS),$(UPROGS),$(filter-out $U/user/_t_%,$(UPROGS))) $(EXTRA_PROGS)

page:  ## build/lamina.html: kernel and machine in one page, with its memory in sight
	@tools/setup.sh page
	$(call build,$(RUN_FILES) build/lamina.html)

PROGRAM ?=             # PROGRAM=ls   the command of make picture
AT      ?=             # AT="mm_fault returns"   when: at a call of a function, or when it returns
VIEW    ?=             # VIEW=frames  what: processes, frames or walk:ADDRESS

picture:  ## one view as SVG: make picture PROGRAM=shmem_test AT='map_shared_pages returns'
	@tools/setup.sh page
	$(call build,$(RUN_FILES) build/lamina.html)
	@node page/picture.js $(call quote,$(PROGRAM)) $(call quote,$(AT)) $(call quote,$(or $(VIEW),processes))

machine-bench:  ## how fast the machine is here, natively and in the page
	@tools/setup.sh all
	$(call build,$(RUN_FILES) build/glass build/lamina.html)
	@node page/bench.js build/glass $B/kernel $(call quote,$(DISK)) $$PWD/build/lamina.html

machine-test:  ## the machine against QEMU, instruction by instruction, and alltests on it; some minutes
	@tools/setup.sh all
	$(call build,pristine build/glass)
	@$(PYTHON) tests/machine/hart_test.py --long
	@$(PYTHON) tests/machine/lockstep.py --long
	@$(PYTHON) tests/machine/planted.py
	@$(PYTHON) tests/machine/alltests.py

SEED ?= 1             # SEED=n      of make unkind

unkind:  ## the kernel's tests on a machine that takes every freedom: make unkind SEED=7; many minutes
	@tools/setup.sh all
	$(call build,pristine build/glass)
	@$(PYTHON) tests/unkind/unkind.py --long $(SEED)

ifdef BUILDING

build/glass: machine/native.c machine/gdbstub.c machine/gdbview.c $(MACHINE_CORE) $(MACHINE_H)
	$(say) '  HOSTCC  $@'
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(MACHINE_FLAGS) -o $@ $(filter %.c,$^)

# Clang makes WebAssembly, whichever compiler makes the kernel.
build/glass.wasm: machine/wasm.c $(MACHINE_CORE) $(MACHINE_H)
	$(say) '  WASM    $@'
	@mkdir -p $(@D)
	$(Q)clang --target=wasm32 $(MACHINE_FLAGS) -mbulk-memory -ffreestanding -nostdlib -fuse-ld=lld -Wl,--no-entry \
	    -Wl,--lto-O3 -Wl,--stack-first -Wl,-z,stack-size=1048576 -Wl,--max-memory=4294967296 -o $@ $(filter %.c,$^)

$(eval $(call track,build/page.options,$(CPUS) $(MEM) $(BOOTARGS) $(FS) $(TESTS) $(SCENES) $(DISK) $(PAGE_PROGS)))

# Its parts, unpacked, lie beside it: node reads them there.
build/lamina.html: build/glass.wasm tools/page.py $(wildcard tools/dwarf_*.py tools/layouts.py page/*.js page/*.css page/*.html page/scenes/*) \
                   build/tools/mkfs $B/kernel $(IMAGE) $(SCENES) build/page.options
	$(say) '  PAGE    $@'
	$(Q)OBJCOPY=$(OBJCOPY) $(PYTHON) tools/page.py --kernel $B/kernel --image $(call quote,$(DISK)) --wasm build/glass.wasm \
	    --harts $(CPUS) --ram $(MEM) --bootargs $(call quote,$(BOOTARGS)) $(if $(FS),--own) \
	    $(SCENES:%=--scenes %) -o $@ $(PAGE_PROGS)

endif
