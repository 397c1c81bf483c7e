#!/bin/sh
# Name the first of make's variables whose value cannot work, in one line with the remedy; print nothing when all can.
# The values are in the environment.

refuse()
{
    echo "$1"
    exit 0
}

is_number()
{
    case $1 in '' | 0* | *[!0-9]* | ???????*) return 1 ;; esac
}

# RAM in MiB, which is also QEMU's unit when none is given; 0 for what is no size.
mebibytes()
{
    case $1 in
    *[Gg]) is_number "${1%?}" && echo $((${1%?} * 1024)) || echo 0 ;;
    *[Mm]) is_number "${1%?}" && echo "${1%?}" || echo 0 ;;
    *) is_number "$1" && echo "$1" || echo 0 ;;
    esac
}

case $CPUS in
[1-8]) ;;
*) refuse "CPUS=$CPUS: there can be 1 to 8 harts, as CPUS=3" ;;
esac

size=$(mebibytes "$MEM")
if [ "$size" -lt 32 ] || [ "$size" -gt 65536 ]; then
    refuse "MEM=$MEM: RAM can be 32M to 64G, as MEM=128M"
fi

case $ROOT in
'' | disk | ram) ;;
*) refuse "ROOT=$ROOT: the root is on the disk (leave ROOT away) or in RAM (ROOT=ram)" ;;
esac

if [ -n "$JOBS" ] && ! is_number "$JOBS"; then
    refuse "JOBS=$JOBS: give the number of commands to run at a time, as JOBS=2, or leave it away"
fi

if [ -n "$FS" ]; then
    [ -e "$FS" ] || refuse "FS=$FS: there is no such file; FS names a disk image, as FS=../xv6-riscv/fs.img"
    [ -f "$FS" ] || [ -b "$FS" ] || refuse "FS=$FS: this is no disk image; FS names a file, as FS=../xv6-riscv/fs.img"
    [ -r "$FS" ] || refuse "FS=$FS: you may not read it; chmod +r, or copy it"
    [ -z "$FSWRITE" ] || [ -w "$FS" ] || refuse "FS=$FS: you may not write to it; chmod +w, copy it, or leave FSWRITE=1 away"
fi
