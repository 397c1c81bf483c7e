#!/bin/sh
# Layers, sizes, layout, shell syntax, and clang's thread-safety analysis of the lock annotations (lib/annotate.h).
cd "$(dirname "$0")/.." || exit 1
status=0

for script in tools/*.sh .ci/run; do
    sh -n "$script" || status=1
done
for check in check_layers check_size check_panics check_docs structures path; do
    /usr/bin/python3 -B "tools/$check.py" || status=1
done
tools/format.sh --check || status=1
for file in arch/riscv/*.c lib/*.c mm/*.c sched/*.c drivers/*.c fs/*.c proc/*.c ipc/*.c syscall/*.c init/*.c */ext/*.c; do
    [ -e "$file" ] || continue
    clang --target=riscv64-unknown-elf -march=rv64imac -mabi=lp64 -mcmodel=medany -std=gnu11 -ffreestanding \
        -fsyntax-only -Iinclude -DLAMINA_LINT -Wall -Wextra -Wno-unused-parameter -Wthread-safety "$file" || status=1
done
exit $status
