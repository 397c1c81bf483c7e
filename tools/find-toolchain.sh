#!/bin/sh
# Print the prefix of the first RISC-V cross compiler found; print nothing when there is none.
for prefix in riscv64-unknown-elf- riscv64-elf- riscv64-none-elf- riscv64-linux-gnu- riscv64-unknown-linux-gnu-; do
    if command -v "${prefix}gcc" >/dev/null 2>&1 && command -v "${prefix}ld" >/dev/null 2>&1; then
        echo "$prefix"
        exit 0
    fi
done
