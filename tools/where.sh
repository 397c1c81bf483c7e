#!/bin/sh
# Print the function and the source line of an address: tools/where.sh ADDR2LINE PROGRAM FILE ADDRESS.
# PROGRAM is empty for the kernel. What cannot be found is one line.
addr2line=$1 program=$2 file=$3 address=$4

fail()
{
    echo "where: $*" >&2
    exit 1
}

case $address in
0x*) ;;
*) fail "which address? as make where PROG=ls SEPC=0x1b8; the kernel prints it" ;;
esac
[ -e "$file" ] || fail "${program:-the kernel} was not made here: there is no $file"
line=$($addr2line -f -i -p -e "$file" "$address") || fail "$addr2line does not understand $file"
case $line in
*'?'*) fail "$address is not in the code of ${program:-the kernel}" ;;
esac
printf '%s\n' "$line" | sed "s|$PWD/||"
