#!/bin/sh
# Lay out all C files as .clang-format says; with --check, only name those that are laid out otherwise.
# Left alone: programs of courses (tests/boot/programs/course), which stand for what students bring.
cd "$(dirname "$0")/.." || exit 1

# Other versions break lines otherwise, so only one counts.
for tool in clang-format-14 clang-format; do
    "$tool" --version 2>/dev/null | grep -q 'version 14\.' && break
    tool=
done
if [ -z "$tool" ]; then
    echo "clang-format 14 is not installed; $(tools/setup.sh --remedy)" >&2
    exit 1
fi

files=$(find arch lib mm sched drivers fs proc ipc syscall init include usr tests tools -name '*.[ch]' |
    grep -v '^tests/boot/programs/course/')
if [ "$1" != --check ]; then
    exec $tool -i $files
fi
status=0
for file in $($tool --dry-run $files 2>&1 | sed -n 's/^\([^:]*\):.*\[-Wclang-format-violations\]$/\1/p' | uniq); do
    echo "$file: not laid out as \`make format\` does it"
    status=1
done
exit $status
