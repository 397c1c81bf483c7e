/*
 * usr/lib/start.c: where a program begins. The kernel jumps here with argc in a0 and argv in a1.
 *
 * `start` is the entry of usr/user.ld and of xv6's 2025 tree, `_main` that of the 2022 tree.
 * Read next: usr/lib/usys.S.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(int argc, char **argv);

void start(int argc, char **argv) __attribute__((noreturn));

__attribute__((section(".text.start"), noreturn)) void start(int argc, char **argv)
{
    exit(main(argc, argv));
}

__attribute__((noreturn, alias("start"))) void _main(int argc, char **argv);
