/*
 * Host test of the device-tree walk: trees of several shapes, and hostile ones.
 *
 *   build/host/devtree_test [FILE.dtb ...]      (each file is walked and damaged as well)
 */
#include "drivers/devtree.h"
#include "../../../drivers/dtnode.h"
#include "lib/assert.h"
#include "lib/errno.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint64_t host_kernel_offset; /* physical addresses are the host's */

void assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, cond);
    abort();
}

/* --- A small writer of blobs ------------------------------------------------------------------ */

#define HEADER_SIZE 40
#define BLOB_MAX    (1 << 20)

static struct {
    uint8_t structure[BLOB_MAX];
    uint32_t struct_len;
    char strings[4096];
    uint32_t strings_len;
    uint8_t reserve[256];
    uint32_t reserve_len;
} w;

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void word(uint32_t value)
{
    put32(w.structure + w.struct_len, value);
    w.struct_len += 4;
}

static void bytes(const void *data, uint32_t len)
{
    if (len > 0)
        memcpy(w.structure + w.struct_len, data, len);
    memset(w.structure + w.struct_len + len, 0, 4);
    w.struct_len += (len + 3) & ~3U;
}

static void tree_start(void)
{
    memset(&w, 0, sizeof(w));
}

static void begin(const char *name)
{
    word(1);
    bytes(name, (uint32_t)strlen(name) + 1);
}

static void end(void)
{
    word(2);
}

static void prop(const char *name, const void *data, uint32_t len)
{
    word(3);
    word(len);
    word(w.strings_len);
    strcpy(w.strings + w.strings_len, name);
    w.strings_len += (uint32_t)strlen(name) + 1;
    bytes(data, len);
}

static void text(const char *name, const char *value)
{
    prop(name, value, (uint32_t)strlen(value) + 1);
}

static void cells(const char *name, unsigned n, ...)
{
    uint8_t data[64 * 4];
    va_list ap;

    va_start(ap, n);
    for (unsigned i = 0; i < n; i++)
        put32(data + 4 * i, va_arg(ap, uint32_t));
    va_end(ap);
    prop(name, data, 4 * n);
}

static void reserve(uint64_t start, uint64_t size)
{
    uint8_t *at = w.reserve + w.reserve_len;

    put32(at, (uint32_t)(start >> 32));
    put32(at + 4, (uint32_t)start);
    put32(at + 8, (uint32_t)(size >> 32));
    put32(at + 12, (uint32_t)size);
    w.reserve_len += 16;
}

/* The finished blob, in memory of exactly its size; the caller frees it. */
static uint8_t *tree_finish(uint32_t *size)
{
    word(9);
    w.reserve_len += 16;
    uint32_t structure = HEADER_SIZE + w.reserve_len, strings = structure + w.struct_len;
    uint8_t *blob = calloc(1, *size = strings + w.strings_len);
    const uint32_t header[] = {0xd00dfeed, *size, structure, strings,       HEADER_SIZE,
                               17,         16,    0,         w.strings_len, w.struct_len};

    for (unsigned i = 0; i < 10; i++)
        put32(blob + 4 * i, header[i]);
    memcpy(blob + HEADER_SIZE, w.reserve, w.reserve_len);
    memcpy(blob + structure, w.structure, w.struct_len);
    memcpy(blob + strings, w.strings, w.strings_len);
    return blob;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

enum hart_kind {
    HART_FULL,
    HART_NO_MMU,
    HART_DISABLED,
    HART_SSTC
};

static void hart(uint32_t id, uint32_t intc, enum hart_kind kind)
{
    char name[32];

    snprintf(name, sizeof(name), "cpu@%x", id);
    begin(name);
    text("device_type", "cpu");
    cells("reg", 1, id);
    text("status", kind == HART_DISABLED ? "disabled" : "okay");
    text("riscv,isa", kind == HART_SSTC ? "rv64imafdc_zicsr_sstc" : "rv64imac_zicsr_sstcx");
    if (kind != HART_NO_MMU)
        text("mmu-type", "riscv,sv48");
    begin("interrupt-controller");
    cells("#interrupt-cells", 1, 1);
    text("compatible", "riscv,cpu-intc");
    cells("phandle", 1, intc);
    end();
    end();
}

static void root_cells(uint32_t address, uint32_t size)
{
    cells("#address-cells", 1, address);
    cells("#size-cells", 1, size);
}

static void memory(const char *name, uint32_t high, uint32_t start, uint32_t size)
{
    begin(name);
    text("device_type", "memory");
    cells("reg", 4, high, start, 0, size);
    end();
}

static void soc(void)
{
    begin("soc");
    root_cells(2, 2);
    prop("ranges", NULL, 0);
    begin("plic@c000000");
    cells("phandle", 1, 7);
    cells("#interrupt-cells", 1, 1);
    prop("compatible", "sifive,plic-1.0.0\0riscv,plic0", 30);
    cells("interrupts-extended", 6, 4, 0xffffffff, 5, 11, 5, 9);
    cells("reg", 4, 0, 0xc000000, 0, 0x600000);
    end();
    begin("serial@10000000");
    cells("interrupts", 1, 10);
    cells("interrupt-parent", 1, 7);
    cells("reg", 4, 0, 0x10000000, 0, 0x100);
    text("compatible", "ns16550a");
    end();
    end();
    begin("platform-bus@4000000");
    cells("interrupt-parent", 1, 7);
    cells("ranges", 4, 0, 0, 0x4000000, 0x2000000);
    root_cells(1, 1);
    begin("dev@1000");
    cells("reg", 2, 0x1000, 0x100);
    cells("interrupts", 2, 33, 34);
    end();
    begin("outside@3000000");
    cells("reg", 2, 0x3000000, 0x100);
    end();
    end();
}

static void reserved_memory(void)
{
    begin("reserved-memory");
    root_cells(2, 2);
    prop("ranges", NULL, 0);
    begin("mmode_resv0@80000000");
    cells("reg", 4, 0, 0x80000000, 0, 0x40000);
    prop("no-map", NULL, 0);
    end();
    begin("dynamic");
    cells("size", 2, 0, 0x1000);
    end();
    end();
}

static uint8_t *make_machine(uint32_t *size)
{
    tree_start();
    reserve(0x90000000, 0x1000);
    reserve(0x90001000, 0x1000);
    begin("");
    root_cells(2, 2);
    begin("chosen");
    text("bootargs", "selftest root=ram hang=mm last");
    text("stdout-path", "serial0:115200n8");
    cells("linux,initrd-start", 1, 0x84000000);
    cells("linux,initrd-end", 2, 0, 0x84200000);
    end();
    begin("aliases");
    text("serial0", "/soc/serial@10000000");
    end();
    memory("memory@88000000", 0, 0x88000000, 0x8000000);
    memory("memory@80000000", 0, 0x80000000, 0x8000000);
    memory("memory@4080000000", 0x40, 0x80000000, 0x10000000);
    begin("cpus");
    root_cells(1, 0);
    cells("timebase-frequency", 1, 10000000);
    hart(0, 4, HART_NO_MMU);
    hart(1, 5, HART_FULL);
    hart(2, 6, HART_DISABLED);
    hart(0x105, 8, HART_SSTC);
    end();
    reserved_memory();
    soc();
    end();
    return tree_finish(size);
}

static dtnode_t parent(dtnode_t node)
{
    dtnode_t path[DEVTREE_DEPTH_MAX];
    unsigned n = dt_ancestors(node, path);

    return n > 1 ? path[n - 2] : 0;
}

/* --- Tests of what is read -------------------------------------------------------------------- */

static void test_memory(void **state)
{
    struct phys_range range[8];
    uint32_t size;
    size_t n;
    uint8_t *blob = make_machine(&size);

    host_kernel_offset = (uint64_t)blob - 0xa0000000; /* pretend that is where it is */
    assert_int_equal(devtree_init(blob), 0);
    assert_int_equal(devtree_memory(range, 8, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(range[0].start, 0x80000000);
    assert_int_equal(range[0].end, 0x90000000);
    assert_int_equal(range[1].start, 0x4080000000);
    assert_int_equal(devtree_memory(range, 1, &n), -ENOSPC);
    assert_int_equal(n, 1);

    assert_int_equal(devtree_reserved(range, 8, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(range[0].start, 0x80000000);
    assert_int_equal(range[0].end, 0x80040000);
    assert_true(range[0].no_map);
    assert_int_equal(range[1].start, 0x84000000);
    assert_int_equal(range[1].end, 0x84200000);
    assert_int_equal(range[2].start, 0x90000000);
    assert_int_equal(range[2].end, 0x90002000);
    assert_int_equal(range[3].start, 0xa0000000);
    assert_int_equal(range[3].end, 0xa0000000 + size);
    assert_int_equal(devtree_reserved(range, 3, &n), -ENOSPC);
    host_kernel_offset = 0;
    free(blob);
}

static void test_harts(void **state)
{
    struct devtree_hart harts[8];
    uint32_t size;
    uint8_t *blob = make_machine(&size);

    assert_int_equal(devtree_init(blob), 0);
    assert_int_equal(devtree_harts(harts, 8), 2);
    assert_int_equal(harts[0].hartid, 1);
    assert_false(harts[0].has_sstc);
    assert_int_equal(harts[1].hartid, 0x105);
    assert_true(harts[1].has_sstc);
    assert_int_equal(devtree_harts(harts, 1), 1);
    assert_int_equal(dt_intc_of_hart(0x105), 8);
    assert_int_equal(dt_intc_of_hart(7), 0);
    assert_int_equal(devtree_timebase(), 10000000);
    free(blob);
}

static void test_chosen(void **state)
{
    struct phys_range range;
    uint32_t size;
    uint8_t *blob = make_machine(&size);

    assert_int_equal(devtree_init(blob), 0);
    assert_string_equal(devtree_bootargs(), "selftest root=ram hang=mm last");
    assert_true(devtree_bootarg("selftest"));
    assert_true(devtree_bootarg("root=ram"));
    assert_true(devtree_bootarg("last"));
    assert_false(devtree_bootarg("root=r"));
    assert_false(devtree_bootarg("root"));
    assert_false(devtree_bootarg("self"));
    assert_false(devtree_bootarg("ram"));
    assert_true(dt_initrd(&range));
    assert_int_equal(range.start, 0x84000000);
    assert_int_equal(range.end, 0x84200000);
    assert_string_equal(dt_name(dt_stdout()), "serial@10000000");
    free(blob);
}

static void test_devices(void **state)
{
    dtnode_t node;
    uint32_t controller, number, size;
    paddr_t start;
    uint64_t extent;
    uint8_t *blob = make_machine(&size);

    assert_int_equal(devtree_init(blob), 0);
    node = dt_find_compatible(0, "riscv,plic0");
    assert_string_equal(dt_name(node), "plic@c000000");
    assert_string_equal(dt_name(parent(node)), "soc");
    assert_true(dt_irq(node, &controller, &number));
    assert_int_equal(controller, 4);
    assert_int_equal(number, 0xffffffff);
    node = dt_find_compatible(0, "ns16550a");
    assert_true(node);
    assert_false(dt_find_compatible(node, "ns16550a"));
    assert_true(dt_reg(node, 0, &start, &extent));
    assert_int_equal(start, 0x10000000);
    assert_int_equal(extent, 0x100);
    assert_false(dt_reg(node, 1, &start, &extent));
    assert_true(dt_irq(node, &controller, &number));
    assert_int_equal(controller, 7);
    assert_int_equal(number, 10);
    node = dt_path("/platform-bus/dev");
    assert_true(dt_reg(node, 0, &start, &extent));
    assert_int_equal(start, 0x4001000);
    assert_true(dt_irq(node, &controller, &number));
    assert_int_equal(controller, 7); /* its bus says so */
    assert_int_equal(number, 33);
    node = dt_path("/platform-bus@4000000/outside");
    assert_true(node);
    assert_false(dt_reg(node, 0, &start, &extent));
    assert_false(dt_irq(node, &controller, &number));
    assert_false(dt_path("/platform-bus@5/dev"));
    free(blob);
}

static void test_walk(void **state)
{
    uint32_t size;
    uint8_t *blob = make_machine(&size);
    dtnode_t root, node, soc;
    int depth = 0;
    unsigned n = 0;

    assert_int_equal(devtree_init(blob), 0);
    root = dt_next(0, &depth);
    assert_int_equal(depth, 0);
    assert_string_equal(dt_name(root), "");
    assert_false(parent(root));
    soc = node = dt_path("/soc");
    while ((node = dt_next(node, &depth)) && depth > 0) {
        assert_int_equal(parent(node), soc);
        n++;
    }
    assert_int_equal(n, 2);
    assert_string_equal(dt_name(node), "platform-bus@4000000");
    assert_int_equal(parent(node), root);
    free(blob);
}

/* --- Hostile blobs ---------------------------------------------------------------------------- */

/* Ask everything there is to ask; only the sanitizers judge the answers. */
static void ask_nodes(void)
{
    dtnode_t node = 0;
    paddr_t start;
    uint64_t size;
    uint32_t len, value, controller;
    int depth = 0;

    while ((node = dt_next(node, &depth))) {
        assert_true(depth >= 0 && depth < DEVTREE_DEPTH_MAX);
        strlen(dt_name(node));
        assert_true(depth == 0 || parent(node));
        dt_prop(node, "reg", &len);
        dt_has_string(node, "compatible", "virtio,mmio");
        dt_u32(node, "phandle", &value);
        for (unsigned i = 0; i < 4; i++)
            if (dt_reg(node, i, &start, &size))
                assert_true(start + size >= start);
        dt_irq(node, &controller, &value);
    }
}

static void ask_machine(void)
{
    struct phys_range range[4];
    struct devtree_hart harts[4];
    size_t n;

    devtree_memory(range, 4, &n);
    assert_true(n <= 4);
    devtree_reserved(range, 4, &n);
    assert_true(n <= 4);
    for (size_t i = 1; i < n; i++)
        assert_true(range[i - 1].start <= range[i].start);
    assert_true(devtree_harts(harts, 4) <= 4);
    dt_intc_of_hart(1);
    devtree_timebase();
    devtree_bootarg("root=ram");
    dt_initrd(range);
    dt_stdout();
}

static int try_blob(const uint8_t *blob)
{
    int error = devtree_init(blob);

    assert_true(error == 0 || error == -EINVAL);
    ask_nodes();
    ask_machine();
    return error;
}

/* Cut the blob at every word, with a header that admits it. */
static void cut_everywhere(const uint8_t *blob, uint32_t size)
{
    for (uint32_t cut = HEADER_SIZE; cut < size; cut += 4) {
        uint8_t *part = malloc(cut);

        memcpy(part, blob, cut);
        put32(part + 4, cut);
        assert_int_equal(try_blob(part), -EINVAL);
        free(part);
    }
}

/* Set every word in turn to values that hurt. */
static void damage_everywhere(uint8_t *blob, uint32_t size)
{
    static const uint32_t hurts[] = {0, 1, 2, 3, 4, 9, 0x40, 0x7fffffff, 0xfffffffc, 0xffffffff};

    for (uint32_t at = 0; at + 4 <= size; at += 4) {
        uint32_t old = get32(blob + at);

        for (unsigned i = 0; i < sizeof(hurts) / sizeof(hurts[0]); i++) {
            put32(blob + at, hurts[i]);
            if (at != 4 || hurts[i] <= size)
                try_blob(blob);
        }
        put32(blob + at, old);
    }
}

static void test_hostile(void **state)
{
    uint32_t size;
    uint8_t *blob = make_machine(&size);

    assert_int_equal(try_blob(blob), 0);
    cut_everywhere(blob, size);
    damage_everywhere(blob, size);
    free(blob);
}

static void test_not_a_tree(void **state)
{
    uint8_t *nothing = calloc(1, 4);
    int depth = 0;

    assert_int_equal(devtree_init(NULL), -EINVAL);
    assert_int_equal(devtree_init(nothing), -EINVAL);
    assert_int_equal(devtree_init(nothing + 1), -EINVAL);
    assert_false(dt_next(0, &depth));
    assert_string_equal(devtree_bootargs(), "");
    free(nothing);
}

static int try_depth(unsigned depth)
{
    uint32_t size;

    tree_start();
    for (unsigned i = 0; i < depth; i++)
        begin(i == 0 ? "" : "n");
    for (unsigned i = 0; i < depth; i++)
        end();
    uint8_t *blob = tree_finish(&size);
    int error = try_blob(blob);

    free(blob);
    return error;
}

static void test_depth(void **state)
{
    assert_int_equal(try_depth(1), 0);
    assert_int_equal(try_depth(DEVTREE_DEPTH_MAX), 0);
    assert_int_equal(try_depth(DEVTREE_DEPTH_MAX + 1), -EINVAL);
    assert_int_equal(try_depth(50000), -EINVAL);
    assert_int_equal(try_depth(0), -EINVAL);
}

static int files_n;
static char **files;

static void test_files(void **state)
{
    for (int i = 0; i < files_n; i++) {
        FILE *f = fopen(files[i], "rb");

        assert_non_null(f);
        fseek(f, 0, SEEK_END);
        uint32_t size = (uint32_t)ftell(f);
        uint8_t *blob = malloc(size);

        rewind(f);
        assert_int_equal(fread(blob, 1, size, f), size);
        fclose(f);
        assert_int_equal(try_blob(blob), 0);
        struct phys_range used;

        assert_true(devtree_blob(&used));
        damage_everywhere(blob, (uint32_t)(used.end - used.start));
        free(blob);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_harts),
        cmocka_unit_test(test_chosen), cmocka_unit_test(test_devices),
        cmocka_unit_test(test_walk),   cmocka_unit_test(test_not_a_tree),
        cmocka_unit_test(test_depth),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_files),
    };

    files_n = argc - 1;
    files = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
