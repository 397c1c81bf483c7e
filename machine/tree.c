/*
 * The device tree: what this machine has, for the kernel to read. Made from the machine's own options.
 *
 * Source: devicetree specification 0.4, chapters 3 (nodes) and 5 (the flattened form).
 */
#include "machine.h"

enum {
    BEGIN = 1,
    END = 2,
    PROP = 3,
    FINISH = 9
};
enum {
    HEADER = 40,
    RESERVATIONS = 16,
    STRINGS_MAX = 1024,
    PLIC_HANDLE = 100
};

/* The tree while it grows: the structure at `at`, the names of properties in `strings`. */
struct tree {
    uint8_t *blob;
    uint64_t at, room;
    char strings[STRINGS_MAX];
    uint32_t nstrings;
    bool full;
};

/* ---- Pieces ---- */

static void put32_at(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i)); /* numbers are big-endian */
}

static void put32(struct tree *t, uint32_t value)
{
    if (t->at + 4 > t->room) {
        t->full = true;
        return;
    }
    put32_at(t->blob + t->at, value);
    t->at += 4;
}

static void put_bytes(struct tree *t, const void *bytes, uint32_t n)
{
    if (t->at + n + 4 > t->room) {
        t->full = true;
        return;
    }
    __builtin_memcpy(t->blob + t->at, bytes, n);
    for (t->at += n; t->at % 4; t->at++)
        t->blob[t->at] = 0;
}

static uint32_t length(const char *s)
{
    uint32_t n = 0;

    while (s[n])
        n++;
    return n;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Where a property's name lies among the strings. */
static uint32_t name(struct tree *t, const char *s)
{
    uint32_t at = 0;

    while (at < t->nstrings && !same(t->strings + at, s))
        at += length(t->strings + at) + 1;
    if (at == t->nstrings && at + length(s) + 1 <= STRINGS_MAX) {
        __builtin_memcpy(t->strings + at, s, length(s) + 1);
        t->nstrings += length(s) + 1;
    }
    return at;
}

static void prop(struct tree *t, const char *key, const void *value, uint32_t n)
{
    put32(t, PROP);
    put32(t, n);
    put32(t, name(t, key));
    put_bytes(t, value, n);
}

static void prop_string(struct tree *t, const char *key, const char *value)
{
    prop(t, key, value, length(value) + 1);
}

static void prop_cells(struct tree *t, const char *key, const uint32_t *cells, uint32_t n)
{
    put32(t, PROP);
    put32(t, 4 * n);
    put32(t, name(t, key));
    for (uint32_t i = 0; i < n; i++)
        put32(t, cells[i]);
}

static void prop_cell(struct tree *t, const char *key, uint32_t cell)
{
    prop_cells(t, key, &cell, 1);
}

static void prop_address(struct tree *t, const char *key, uint64_t address)
{
    const uint32_t cells[2] = {(uint32_t)(address >> 32), (uint32_t)address};

    prop_cells(t, key, cells, 2);
}

static void prop_reg(struct tree *t, uint64_t start, uint64_t size)
{
    const uint32_t cells[4] = {(uint32_t)(start >> 32), (uint32_t)start, (uint32_t)(size >> 32),
                               (uint32_t)size};

    prop_cells(t, "reg", cells, 4);
}

static void begin(struct tree *t, const char *node)
{
    put32(t, BEGIN);
    put_bytes(t, node, length(node) + 1);
}

/* A node that is called by its address, as cpu@0. */
static void begin_at(struct tree *t, const char *node, uint64_t address)
{
    char text[48];
    uint32_t n = length(node);
    int shift = 60;

    __builtin_memcpy(text, node, n);
    text[n++] = '@';
    while (shift > 0 && !(address >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        text[n++] = "0123456789abcdef"[address >> shift & 15];
    text[n] = 0;
    begin(t, text);
}

static void end(struct tree *t)
{
    put32(t, END);
}

static void cells(struct tree *t, uint32_t address, uint32_t size)
{
    prop_cell(t, "#address-cells", address);
    prop_cell(t, "#size-cells", size);
}

/* ---- Nodes ---- */

static void chosen(struct tree *t, const struct machine *m, uint64_t initrd)
{
    if (m->options.no_chosen)
        return;
    begin(t, "chosen");
    prop_string(t, "bootargs", m->options.bootargs);
    prop_string(t, "stdout-path", "/soc/serial@10000000");
    if (initrd) {
        prop_address(t, "linux,initrd-start", initrd);
        prop_address(t, "linux,initrd-end", initrd + m->disk_size);
    }
    end(t);
}

static void memory(struct tree *t, const struct machine *m)
{
    for (unsigned i = 0; i < m->nbanks; i++) {
        begin_at(t, "memory", m->bank[i].base);
        prop_string(t, "device_type", "memory");
        prop_reg(t, m->bank[i].base, m->bank[i].size);
        end(t);
    }
}

static void cpus(struct tree *t, const struct machine *m)
{
    begin(t, "cpus");
    cells(t, 1, 0);
    prop_cell(t, "timebase-frequency", m->options.timebase);
    for (unsigned i = 0; i < m->options.harts; i++) {
        begin_at(t, "cpu", m->hart[i].id);
        prop_string(t, "device_type", "cpu");
        prop_cell(t, "reg", m->hart[i].id);
        prop_string(t, "status", "okay");
        prop_string(t, "compatible", "riscv");
        prop_string(t, "riscv,isa",
                    m->options.sstc ? "rv64imac_zicsr_zifencei_sstc" : "rv64imac_zicsr_zifencei");
        prop_string(t, "mmu-type", "riscv,sv39");
        begin(t, "interrupt-controller");
        prop_cell(t, "#interrupt-cells", 1);
        prop(t, "interrupt-controller", NULL, 0);
        prop_string(t, "compatible", "riscv,cpu-intc");
        prop_cell(t, "phandle", i + 1);
        end(t);
        end(t);
    }
    end(t);
}

static void interrupt(struct tree *t, uint32_t source)
{
    prop_cell(t, "interrupt-parent", PLIC_HANDLE);
    prop_cell(t, "interrupts", source);
}

static void plic(struct tree *t, const struct machine *m)
{
    uint32_t wires[2 * HARTS_MAX];

    for (unsigned i = 0; i < m->options.harts; i++) {
        wires[2 * i] = i + 1;
        wires[2 * i + 1] = IRQ_EXTERNAL;
    }
    begin_at(t, "plic", PLIC_BASE);
    prop_string(t, "compatible", "sifive,plic-1.0.0");
    prop_reg(t, PLIC_BASE, PLIC_SIZE);
    prop_cell(t, "#interrupt-cells", 1);
    prop(t, "interrupt-controller", NULL, 0);
    prop_cells(t, "interrupts-extended", wires, 2 * m->options.harts);
    prop_cell(t, "riscv,ndev", 31);
    prop_cell(t, "phandle", PLIC_HANDLE);
    end(t);
}

static void devices(struct tree *t, const struct machine *m)
{
    begin(t, "soc");
    cells(t, 2, 2);
    prop_string(t, "compatible", "simple-bus");
    prop(t, "ranges", NULL, 0);
    plic(t, m);
    begin_at(t, "serial", UART_BASE);
    prop_string(t, "compatible", "ns16550a");
    prop_reg(t, UART_BASE, UART_SIZE);
    prop_cell(t, "clock-frequency", 3686400);
    if (m->options.uart_shift) {
        prop_cell(t, "reg-shift", m->options.uart_shift);
        prop_cell(t, "reg-io-width", 4);
    }
    interrupt(t, SOURCE_UART);
    end(t);
    if (m->disk_size && !m->options.disk_is_ram) {
        begin_at(t, "virtio_mmio", DISK_BASE);
        prop_string(t, "compatible", "virtio,mmio");
        prop_reg(t, DISK_BASE, DISK_SIZE);
        interrupt(t, SOURCE_DISK);
        end(t);
    }
    end(t);
}

/* ---- The whole ---- */

static void header(struct tree *t, uint32_t structure, uint32_t strings)
{
    const uint32_t fields[HEADER / 4] = {
        0xd00dfeed, (uint32_t)t->at, structure,           strings, HEADER, 17, 16,
        0,          t->nstrings,     strings - structure,
    };

    for (int i = 0; i < HEADER / 4; i++)
        put32_at(t->blob + 4 * i, fields[i]);
}

/* Writes the tree at `at`. => its size in bytes; 0 when `room` is too little */
uint64_t tree_build(struct machine *m, uint8_t *at, uint64_t room, uint64_t initrd)
{
    struct tree t = {.blob = at, .at = HEADER + RESERVATIONS, .room = room};
    uint32_t strings;

    __builtin_memset(at, 0, HEADER + RESERVATIONS);
    begin(&t, "");
    cells(&t, 2, 2);
    prop_string(&t, "compatible", "lamina,glass");
    prop_string(&t, "model", "glass machine");
    chosen(&t, m, initrd);
    memory(&t, m);
    cpus(&t, m);
    devices(&t, m);
    end(&t);
    put32(&t, FINISH);
    strings = (uint32_t)t.at;
    put_bytes(&t, t.strings, t.nstrings);
    header(&t, HEADER + RESERVATIONS, strings);
    return t.full ? 0 : t.at;
}
