#!/bin/sh
# Refuse a QEMU that is missing or too old, in one line with the remedy: an unfit one boots into silence.
qemu=${QEMU:-qemu-system-riscv64}
if ! command -v "$qemu" >/dev/null 2>&1; then
    echo "$qemu is not installed; $("$(dirname "$0")/setup.sh" --remedy)" >&2
    exit 1
fi
version=$("$qemu" --version | sed -n 's/^QEMU emulator version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
major=${version% *}
minor=${version#* }
if [ $((major * 100 + minor)) -lt 502 ]; then
    echo "$qemu is version $major.$minor, and 5.2 or later is needed; $("$(dirname "$0")/setup.sh" --remedy)" >&2
    exit 1
fi
