/*
 * A plugin for QEMU 7.2: counts the instructions that are begun outside the firmware, in a file that Python maps.
 *
 * QEMU's own clock of instructions (-icount) also moves while the machine stands at a breakpoint. This count does not.
 * Debian ships no header for plugins: the few declarations that are needed stand here.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRMWARE     0x80000000ULL
#define FIRMWARE_END 0x80080000ULL
#define OP_ADD       0 /* QEMU_PLUGIN_INLINE_ADD_U64 */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*cb)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *at,
                                                uint64_t value);

int qemu_plugin_version = 1;
static uint64_t *count;

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);

        if (at < FIRMWARE || at >= FIRMWARE_END)
            qemu_plugin_register_vcpu_insn_exec_inline(insn, OP_ADD, count, 1);
    }
}

/* Its one argument is count=NAME, where the count goes. */
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    int file = argc == 1 && strncmp(argv[0], "count=", 6) == 0 ? open(argv[0] + 6, O_RDWR) : -1;

    (void)info;
    if (file < 0)
        return 1;
    count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (count == MAP_FAILED)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
