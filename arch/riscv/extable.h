/*
 * The fault table: instructions of the kernel that may fault, and where to go on then.
 *
 * An entry covers the instructions in [start, end). For a fault anywhere else in the kernel there
 * is no remedy but panic. Section .extable is read-only and collected by linker.ld.
 */
#ifndef ASM_EXTABLE_H
#define ASM_EXTABLE_H

#ifdef __ASSEMBLER__

/* clang-format off */
.macro extable start, end, fixup
    .pushsection .extable, "a"
    .balign 8
    .dword \start, \end, \fixup
    .popsection
.endm
/* clang-format on */

#else

#include <stdint.h>

#define EXTABLE(start, end, fixup)           \
    ".pushsection .extable, \"a\"\n"         \
    ".balign 8\n"                            \
    ".dword " start ", " end ", " fixup "\n" \
    ".popsection\n"

struct extable_entry {
    uint64_t start, end;
    uint64_t fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];

#endif
#endif
