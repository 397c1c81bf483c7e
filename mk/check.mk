# Set-up, tests, reports.

.PHONY: setup demo test grade do-demo do-test lint bench do-bench size fsck docs mutants

setup:
	@tools/setup.sh all

# demo and test begin on a machine with only git and make: set-up first, then a fresh make finds what came.
demo:
	@tools/setup.sh demo
	@$(MAKE) do-demo

test grade:
	@tools/setup.sh all
	@$(MAKE) do-test

bench:
	@tools/setup.sh demo
	@$(MAKE) do-bench

do-demo: pristine qemu-check
	@$(PYTHON) tools/demo.py $(if $(CPUS),--cpus $(CPUS)) $(if $(MEM),--mem $(MEM))

do-test: qemu-check
	@$(PYTHON) tests/run.py $(TESTFLAGS)

do-bench: pristine qemu-check
	@$(PYTHON) tools/bench.py

size:
	@$(PYTHON) tools/check_size.py

docs: all
	@$(PYTHON) tools/check_layers.py --update
	@$(PYTHON) tools/check_docs.py --update

# Breaks the kernel on purpose, one thing at a time: a test must notice. Some minutes.
mutants:
	@$(PYTHON) tests/mutants/mutants.py $(MUTANTS)

# Status 3: sound after the next start, so no error of make's.
fsck: build/tools/fsck
	@build/tools/fsck $(DISK) || [ $$? -eq 3 ]

lint:
	@tools/setup.sh all
	@tools/lint.sh

compile_commands.json: FORCE
	@$(MAKE) -nB all | $(PYTHON) tools/compile_commands.py > $@
	@echo "wrote $@"
