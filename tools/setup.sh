#!/bin/sh
# Install what the build needs, if anything is missing.
#
#   tools/setup.sh demo       compiler, QEMU with firmware, python3 with pexpect
#   tools/setup.sh page       the same, and what `make page` uses
#   tools/setup.sh all        all of that, and what the tests and `make lint` use
#   tools/setup.sh --remedy   print the one line that installs everything on this platform
#
# Nothing missing: silent, quick, nothing is fetched. On Debian and Ubuntu, as root or with sudo, the packages
# are installed after saying so; anywhere else the line to run is printed and the exit status is 1.

base_packages="gcc libc6-dev make gcc-riscv64-unknown-elf binutils-riscv64-unknown-elf qemu-system-misc
    opensbi python3 python3-pexpect"
page_packages="clang lld python3-pyelftools"
# A node from elsewhere brings npm along, and Debian's npm will not stand beside it.
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || page_packages="$page_packages nodejs npm"
test_packages="chromium python3-pytest libcmocka-dev gdb-multiarch clang-format llvm"

remedy()
{
    if command -v apt-get >/dev/null 2>&1; then
        sudo=$(command -v sudo >/dev/null 2>&1 && echo "sudo ")
        echo "run$([ -n "$sudo" ] || echo " as root"): ${sudo}apt-get update && ${sudo}apt-get install -y" $base_packages $page_packages $test_packages
    elif command -v brew >/dev/null 2>&1; then
        echo "run: brew install riscv64-elf-gcc riscv64-elf-gdb qemu python cmocka llvm lld clang-format node && pip3 install pytest pexpect pyelftools"
    elif command -v dnf >/dev/null 2>&1; then
        echo "run: sudo dnf install gcc-riscv64-linux-gnu binutils-riscv64-linux-gnu qemu-system-riscv gdb" \
            "python3-pytest python3-pexpect python3-pyelftools nodejs npm chromium libcmocka-devel clang clang-tools-extra lld llvm"
    elif command -v pacman >/dev/null 2>&1; then
        echo "run: sudo pacman -S riscv64-elf-gcc riscv64-elf-gdb qemu-system-riscv python-pytest" \
            "python-pexpect python-pyelftools nodejs npm chromium cmocka clang lld llvm"
    else
        echo "install a riscv64 ELF gcc, qemu-system-riscv64 with OpenSBI, gdb, cmocka, clang, node with npm, chromium, python3 with pytest, pexpect and pyelftools"
    fi
}

have()
{
    command -v "$1" >/dev/null 2>&1
}

have_python_module()
{
    for python in /usr/bin/python3 python3; do
        have "$python" && "$python" -c "
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(m) is None for m in '$1'.split()))" 2>/dev/null && return 0
    done
    return 1
}

have_firmware()
{
    for dir in /usr/share/qemu /usr/local/share/qemu /opt/homebrew/share/qemu /usr/lib/riscv64-linux-gnu/opensbi; do
        ls "$dir"/opensbi-riscv64-generic-fw_dynamic.bin >/dev/null 2>&1 && return 0
    done
    have brew
}

page=$(dirname "$0")/../page

# What the page is bundled with and tested by, as page/package-lock.json says.
install_modules()
{
    [ -x "$page/node_modules/.bin/esbuild" ] && return
    echo "set-up: npm ci in page/"
    (cd "$page" && npm ci --no-audit --no-fund --loglevel=error)
}

# Sets $missing to the names of what is not there.
look()
{
    missing=
    have cc || missing="$missing cc"
    [ -n "$("$(dirname "$0")/find-toolchain.sh")" ] || missing="$missing riscv64-unknown-elf-gcc"
    have qemu-system-riscv64 || missing="$missing qemu-system-riscv64"
    have_firmware || missing="$missing opensbi"
    have python3 || missing="$missing python3"
    have_python_module "pexpect" || missing="$missing python3-pexpect"
    [ "$1" = demo ] && return
    for tool in clang ld.lld node npm; do
        have "$tool" || missing="$missing $tool"
    done
    have_python_module "elftools" || missing="$missing python3-pyelftools"
    [ -x "$page/node_modules/.bin/esbuild" ] || missing="$missing page/node_modules"
    [ "$1" = page ] && return
    have_python_module "pytest pexpect" || missing="$missing python3-pytest"
    echo '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>' | cc -E -x c - >/dev/null 2>&1 || missing="$missing cmocka"
    for tool in gdb-multiarch clang-format llvm-nm chromium; do
        have "$tool" || missing="$missing $tool"
    done
}

case ${1:-all} in
--remedy)
    remedy
    exit 0 ;;
demo)
    packages=$base_packages ;;
page)
    packages="$base_packages $page_packages" ;;
all)
    packages="$base_packages $page_packages $test_packages" ;;
*)
    echo "usage: tools/setup.sh [demo | page | all | --remedy]" >&2
    exit 2 ;;
esac

look "$1"
[ -z "$missing" ] && exit 0
if [ "$missing" = " page/node_modules" ] && install_modules; then
    exit 0
fi

if ! have apt-get; then
    echo "missing:$missing; $(remedy)" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "missing:$missing; $(remedy)" >&2
    exit 1
fi

echo "set-up: missing:$missing"
echo "set-up: ${as_root:-as root,} apt-get installs:" $packages
export DEBIAN_FRONTEND=noninteractive
if ! { $as_root apt-get update -q && $as_root apt-get install -q -y --no-install-recommends $packages; }; then
    echo "set-up: apt-get failed; $(remedy)" >&2
    exit 1
fi
[ "$1" = demo ] || install_modules
look "$1"
if [ -n "$missing" ]; then
    echo "set-up: still missing:$missing" >&2
    exit 1
fi
