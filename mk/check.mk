# Set-up, tests, reports.

.PHONY: setup demo test grade do-demo do-test lint bench do-bench flow do-flow size fsck docs format mutants

setup:  ## install what is missing
	@tools/setup.sh all

# demo and test begin on a machine with only git and make: set-up first, then a fresh make finds what came.
demo:  ## boot, run the sharing demonstrations, power off
	@tools/setup.sh demo
	@$(MAKE) do-demo

test grade:  ## every test; the last line counts them
	@tools/setup.sh all
	@$(MAKE) do-test

bench:  ## instruction counts beside the goals
	@tools/setup.sh demo
	@$(MAKE) do-bench

flow:  ## the functions that an operation enters, as make flow OP=touch; without OP a table of all
	@tools/setup.sh demo
	@$(MAKE) do-flow

do-demo: qemu-check
	$(call build,pristine)
	@$(PYTHON) tools/demo.py $(if $(CPUS),--cpus $(CPUS)) $(if $(MEM),--mem $(MEM))

do-test: qemu-check
	@$(PYTHON) tests/run.py $(TESTFLAGS)

do-bench: qemu-check
	$(call build,pristine)
	@$(PYTHON) tools/bench.py

do-flow: qemu-check
	$(call build,pristine)
	@$(PYTHON) tools/flow.py $(OP)

size:  ## lines of functions, files and the kernel; files that call each other in a circle
	$(call build,kernel-files)
	@$(PYTHON) tools/check_size.py

docs:  ## renew the parts of the documents that are made from the sources
	$(call build,all)
	@$(PYTHON) tools/check_layers.py --update
	@$(PYTHON) tools/structures.py --update
	@$(PYTHON) tools/path.py --update
	@$(PYTHON) tools/check_docs.py --update

# Breaks the kernel on purpose, one thing at a time: a test must notice. Some minutes.
mutants:  ## break the kernel on purpose, see which test notices
	@$(PYTHON) tests/mutants/mutants.py $(MUTANTS)

# Status 3: sound after the next start, so no error of make's.
fsck:  ## check the image as it is
	$(call build,build/tools/fsck)
	@build/tools/fsck $(call quote,$(DISK)) || [ $$? -eq 3 ]

lint:  ## layers, sizes, lock annotations
	@tools/setup.sh all
	@tools/lint.sh

format:  ## lay out all C files as .clang-format says
	@tools/format.sh

compile_commands.json: FORCE  ## where editors find the headers
	@$(MAKE) -nB all | $(PYTHON) tools/compile_commands.py > $@
	@echo "wrote $@"
