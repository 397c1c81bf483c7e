#!/bin/sh
# Compile the sources of a program that EXTRA names.
#
#   tools/extra_cc.sh DIR SOURCES COMPILER FLAG...
#
# SOURCES is a file with one path a line; the objects are DIR/1.o, DIR/2.o, ... The compiler looks for
# #include "x.h" in the folder of the file that says so, before any -I. A program that lies in its own xv6 tree
# would so get that tree's user.h, whose calls are not ours. So it is compiled as DIR/tree/PATH: of each file that
# it includes there is a link under DIR/tree, at the same path, and in place of xv6's own headers, at any depth,
# a line that includes ours. Messages and debugging information name the files where they are.
set -u

dir=$1 sources=$2; shift 2
uapi=$PWD/include/uapi
tree=$dir/tree
rm -rf "$dir"
mkdir -p "$tree"

# Ours for an xv6 header at this path, as a name under include/uapi; fails for any other file. The RISC-V edition
# has them in kernel/ and user/, the x86 edition, which alone has an x86.h, all in one folder of any name.
ours_for() {
    folder=${1%/*}; base=${1##*/}; ours=${folder##*/}/$base
    [ -e "$folder/x86.h" ] && ours=$base
    case $ours in
    kernel/crypto.h | kernel/lamina.h | kernel/mman.h) return 1 ;;
    kernel/*.h | user/user.h | user/uspinlock.h) [ -e "$uapi/$ours" ] && return 0 ;;
    esac
    ours=$base
    case $base in
    types.h | stat.h | user.h | fcntl.h | fs.h | param.h | memlayout.h | mmu.h | uspinlock.h) return 0 ;;
    syscall.h | spinlock.h | sleeplock.h | elf.h) ours=kernel/$base ;;
    *) return 1 ;;
    esac
}

# A program's own declarations of the calls that user.h makes macros of: out, but the lines stay.
without_declarations() {
    sed -E -e '/^[[:space:]]*(return|else)[^A-Za-z0-9_]/b' \
        -e '/^[[:space:]]*[A-Za-z_][A-Za-z0-9_[:space:]]*[[:space:]*]+(un)?map_shared_pages[[:space:]]*\(/!b' \
        -e ':more' -e '/[;{]/!{' -e 'N' -e 'bmore' -e '}' -e '/\{/!s/[^\n]//g' "$1"
}

# Put the file at this path into the tree.
plant() {
    [ ! -e "$tree$1" ] || return 0
    mkdir -p "$tree${1%/*}"
    if ours_for "$1"; then
        printf '#include "%s/%s"\n' "$uapi" "$ours" > "$tree$1"
    elif grep -q 'map_shared_pages' "$1"; then
        without_declarations "$1" > "$tree$1"
    else
        ln -s "$1" "$tree$1"
    fi
}

# The files that this source includes, one absolute path a line: -H prints them, behind dots for the depth. What is
# missing or wrong in a tree that is not ours does not matter here.
files_of() {
    source=$1; shift
    "$@" -MM -MG -H "$source" 2>&1 >/dev/null | sed -n 's/^\.\.* //p' | grep '^/' | grep -vF "$uapi/"
}

# A header that is neither ours nor beside its reader is looked for in the program's folder and the one above it,
# where a tree has kernel/ and user/.
compile() {
    source=$1 object=$2 folder=${1%/*}; shift 2
    set -- "$@" -iquote "$uapi" -iquote "$tree$folder" -iquote "$tree$folder/.." -iquote "$folder" -iquote "$folder/.."
    plant "$source"
    files_of "$source" "$@" > "$dir/files"
    while IFS= read -r file; do plant "$file"; done < "$dir/files"
    "$@" "-ffile-prefix-map=$tree=" -c -o "$object" "$tree$source" 2> "$dir/messages"
    status=$?
    sed "s|$tree/|/|g" "$dir/messages" >&2
    return $status
}

n=0
while IFS= read -r source; do
    n=$((n + 1))
    case $source in
    *.S) compile "$source" "$dir/$n.o" "$@" -D__ASSEMBLY__ || exit 1 ;;
    *) compile "$source" "$dir/$n.o" "$@" || exit 1 ;;
    esac
done < "$sources"
