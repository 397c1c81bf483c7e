/*
 * What gdb sees of a hart: its registers, their description, and memory as its tables say; and packets.
 *
 * Source: the gdb manual, section E.1 (packets), appendix G (target descriptions), section G.5.13 (RISC-V features).
 */
#include "gdbview.h"

#include <stdio.h>
#include <unistd.h>

static const char *const csr_names[] = {"sstatus", "sie",   "stvec", "sscratch", "sepc",
                                        "scause",  "stval", "sip",   "satp",     "priv"};
static const uint16_t csr_numbers[] = {0x100, 0x104, 0x105, 0x140, 0x141,
                                       0x142, 0x143, 0x144, 0x180};

static struct hart *hart(const struct gdb_view *view)
{
    return &view->session->m.hart[view->thread];
}

uint64_t gdb_register(const struct gdb_view *view, unsigned number)
{
    struct hart *h = hart(view), copy = *h;
    uint64_t value = 0;

    if (number < 32)
        return h->x[number];
    if (number == 32)
        return h->pc;
    if (number - 33 == sizeof(csr_numbers) / sizeof(*csr_numbers))
        return h->mode;
    copy.mode = MODE_SUPERVISOR;
    if (number - 33 < sizeof(csr_numbers) / sizeof(*csr_numbers))
        csr_read(h->mode == MODE_SUPERVISOR ? h : &copy, csr_numbers[number - 33], &value);
    return value;
}

bool gdb_find(const struct gdb_view *view, uint64_t va, uint64_t *pa)
{
    uint64_t table = (hart(view)->satp & ((1ULL << 44) - 1)) << 12, pte = 0;

    if (view->physical || hart(view)->satp == 0) {
        *pa = va;
        return true;
    }
    for (int level = 2; level >= 0; level--) {
        uint64_t span = 1ULL << (12 + 9 * level);

        if (!bus_ram(&view->session->m, table + (va >> (12 + 9 * level) & 511) * 8, 8) ||
            !bus_load(&view->session->m, table + (va >> (12 + 9 * level) & 511) * 8, 8, &pte) ||
            !(pte & PTE_V))
            return false;
        table = (pte >> 10 & ((1ULL << 44) - 1)) << 12;
        if (pte & (PTE_R | PTE_X)) {
            *pa = table + (va & (span - 1));
            return true;
        }
    }
    return false;
}

unsigned gdb_describe(char *xml)
{
    static const char *const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "fp",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    unsigned n = 0;

    n += (unsigned)sprintf(xml + n,
                           "<?xml version=\"1.0\"?><target><architecture>riscv:rv64</architecture>"
                           "<feature name=\"org.gnu.gdb.riscv.cpu\">");
    for (unsigned i = 0; i < 33; i++)
        n += (unsigned)sprintf(xml + n, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"%s/>",
                               i < 32 ? names[i] : "pc", i, i == 32 ? " type=\"code_ptr\"" : "");
    n += (unsigned)sprintf(xml + n, "</feature><feature name=\"org.gnu.gdb.riscv.csr\">");
    for (unsigned i = 0; i < 9; i++)
        n += (unsigned)sprintf(xml + n, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"/>",
                               csr_names[i], 33 + i);
    n += (unsigned)sprintf(
        xml + n, "</feature><feature name=\"org.gnu.gdb.riscv.virtual\"><reg name=\"priv\" "
                 "bitsize=\"64\" regnum=\"42\"/></feature></target>");
    return n;
}

/* ---- Packets ---- */

static int get_char(int fd)
{
    uint8_t c;

    return read(fd, &c, 1) == 1 ? c : -1;
}

int gdb_get_packet(int fd, char *packet, int room)
{
    int n = 0, c;

    while ((c = get_char(fd)) != '$')
        if (c < 0 || c == 3)
            return c < 0 ? -1 : 0;
    while ((c = get_char(fd)) != '#' && c >= 0 && n < room - 1)
        packet[n++] = (char)c;
    packet[n] = 0;
    get_char(fd);
    get_char(fd);
    return write(fd, "+", 1) == 1 ? n : -1;
}

bool gdb_put_packet(int fd, const char *text)
{
    static char framed[16384];
    uint8_t sum = 0;
    int n;

    for (const char *c = text; *c; c++)
        sum += (uint8_t)*c;
    n = snprintf(framed, sizeof(framed), "$%s#%02x", text, sum);
    return write(fd, framed, (size_t)n) == n;
}
