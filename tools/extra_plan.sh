#!/bin/sh
# What is to be made of EXTRA, for mk/user.mk.
#
#   tools/extra_plan.sh DIR WORD...
#
# For each program, DIR/NAME.src gets the paths of its sources, one a line; for each other file, DIR/files/NAME is
# a link to it. Prints `program:NAME` and `file:LINK`, or `error:` and what is wrong. Nothing printed has a blank
# in a name, so that make can handle it; paths may have them.
set -u

dir=$1; shift
rm -rf "$dir/files" "$dir"/*.src
mkdir -p "$dir/files"

fail() { echo "error: EXTRA: $*"; exit; }
name_of() { name=${1##*/}; printf '%s' "${name%.[cS]}" | tr ' \t' '__'; }
defines_main() {
    grep -E '^(main|[[:space:]]*[A-Za-z_][A-Za-z0-9_ ]*[[:space:]*]+main)[[:space:]]*\(' "$1" |
        grep -Ev '^[[:space:]]*return|;[[:space:]]*$' | grep -q .
}

# program FILE: FILE.c with FILE.S and FILE_*.S beside it, but for those that belong to a .c of their own.
program() {
    name=$(name_of "$1")
    list=$dir/$name.src
    [ ! -e "$list" ] || fail "two programs are called $name"
    printf '%s\n' "$1" > "$list"
    for assembly in "${1%.c}.S" "${1%.c}"_*.S; do
        [ ! -e "$assembly" ] || { [ "$assembly" != "${1%.c}.S" ] && [ -e "${assembly%.S}.c" ]; } ||
            printf '%s\n' "$assembly" >> "$list"
    done
    echo "program:$name"
}

# folder DIR: each .c that defines main is a program; the other sources go into every one. xv6's own library is
# ours; a .S goes with the program that it is named after.
folder() {
    mains=0
    others=$dir/others
    : > "$others"
    for source in "$1"/*.c "$1"/*.S; do
        case ${source##*/} in
        '*.c' | '*.S' | ulib.c | printf.c | umalloc.c | uspinlock.c | usys.S | initcode.S) continue ;;
        *.c) defines_main "$source" && continue ;;
        *.S) stem=${source##*/}; stem=${stem%.S}
             [ -e "$1/$stem.c" ] || [ -e "$1/${stem%_*}.c" ] && continue ;;
        esac
        printf '%s\n' "$source" >> "$others"
    done
    for source in "$1"/*.c; do
        case ${source##*/} in '*.c' | ulib.c | printf.c | umalloc.c | uspinlock.c) continue ;; esac
        defines_main "$source" || continue
        program "$source"
        cat "$others" >> "$dir/$(name_of "$source").src"
        mains=1
    done
    rm -f "$others"
    [ $mains = 1 ] || fail "no .c in $1 defines main"
}

# take PATH: what it stands for. Make hands over some signs with a backslash that quotes may have kept.
take() {
    path=$1
    [ -e "$path" ] || path=$(printf '%s' "$1" | tr -d '\\')
    if [ -d "$path" ]; then
        folder "$(cd "$path" && pwd)"
    else
        case $path in */*) ;; *) path=./$path ;; esac
        path=$(cd "${path%/*}/" && pwd)/${path##*/}
        case $path in
        *.c) program "$path" ;;
        *.h | *.S) ;; # belongs to a program
        *) link=$dir/files/$(printf '%s' "${path##*/}" | tr ' \t' '__')
           ln -s "$path" "$link"; echo "file:$link" ;;
        esac
    fi
}

exists() { [ -e "$1" ] || [ -e "$(printf '%s' "$1" | tr -d '\\')" ]; }

# A path with blanks may come in several words: the longest run of words that names something is one path.
while [ $# -gt 0 ]; do
    n=$#
    while [ "$n" -gt 0 ]; do
        path=$1; i=1
        for word in "$@"; do
            [ $i -eq 1 ] || path="$path $word"
            [ $i -lt "$n" ] || break
            i=$((i + 1))
        done
        exists "$path" && break
        n=$((n - 1))
    done
    [ "$n" -gt 0 ] || fail "there is no $1"
    take "$path"
    shift "$n"
done
