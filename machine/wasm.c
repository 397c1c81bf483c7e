/*
 * The machine in a web page: what page/machine.js calls. Numbers go in and out; bytes go through buffers whose addresses
 * these functions give.
 *
 * Memory comes from the end of WebAssembly's own, which grows, and is never given back: a page that begins anew makes a
 * new instance.
 */
#include "session.h"

#define WASM_PAGE    65536
#define EXPORT(name) __attribute__((export_name(#name)))

extern uint8_t __heap_base;

static struct session session;
static struct options options;
static uint8_t *kernel, *image;
static size_t kernel_size, image_size;
static uint8_t output[1 << 16];
static uint32_t noutput;
static struct event found;
static char name[1 << 16];

/* ---- What the machine asks of its host ---- */

/* Fresh pages of WebAssembly are zero. */
void *host_memory(size_t size)
{
    static uintptr_t next;
    uintptr_t at, end = (uintptr_t)__builtin_wasm_memory_size(0) * WASM_PAGE;

    if (!next)
        next = ((uintptr_t)&__heap_base + 4095) & ~(uintptr_t)4095;
    at = (next + 15) & ~(uintptr_t)15;
    if (size > UINT32_MAX - at - WASM_PAGE)
        return NULL;
    if (at + size > end &&
        __builtin_wasm_memory_grow(0, (at + size - end + WASM_PAGE - 1) / WASM_PAGE) == SIZE_MAX)
        return NULL;
    next = at + size;
    return (void *)at;
}

/* The compiler calls it, and there is no library. */
int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

void host_output(struct machine *m, uint8_t byte)
{
    (void)m;
    if (session_prints(&session) && noutput < sizeof(output))
        output[noutput++] = byte;
}

/* ---- Making the machine ---- */

EXPORT(option) void option(uint32_t which, uint64_t value)
{
    uint32_t *words[] = {&options.harts,    &options.slice,  &options.steps_per_time,
                         &options.timebase, &options.unkind, &options.disk_delay};

    if (which < 6)
        *words[which] = (uint32_t)value;
    else if (which == 6)
        options.ram = value;
    else if (which == 7)
        options.seed = value;
    else if (which == 8)
        options.disk_is_ram = value;
}

EXPORT(kernel_room) uint8_t *kernel_room(uint32_t size)
{
    kernel_size = size;
    return kernel = host_memory(size);
}

EXPORT(image_room) uint8_t *image_room(uint32_t size)
{
    image_size = size;
    return image = host_memory(size);
}

EXPORT(bootargs_room) char *bootargs_room(void)
{
    return options.bootargs;
}

EXPORT(name_room) char *name_room(void)
{
    return name;
}

/* Takes the options and what will be typed from the name in name_room(). */
EXPORT(parse) bool parse(void)
{
    return session_parse(&session, name, &options);
}

EXPORT(begin) bool begin(uint64_t records)
{
    if (!machine_plan(&session.m, &options, image_size))
        return false;
    session.record = host_memory((size_t)records * sizeof(*session.record));
    session.max_records = session.record ? records : 0;
    return session_begin(&session, kernel, kernel_size, image);
}

/* ---- Running ---- */

EXPORT(run) uint32_t run(uint64_t steps)
{
    return session_run(&session, session.m.steps + steps);
}

EXPORT(skip) bool skip(void)
{
    return session_skip(&session);
}

/* Units of time until the machine goes on by itself; -1: never. */
EXPORT(wait_time) double wait_time(void)
{
    uint64_t next = machine_next_time(&session.m), now = machine_time(&session.m);

    return next == NEVER ? -1 : next <= now ? 0 : (double)(next - now);
}

EXPORT(type) bool type(uint32_t byte)
{
    return session_type(&session, (uint8_t)byte);
}

EXPORT(output_at) uint8_t *output_at(void)
{
    return output;
}

EXPORT(take_output) uint32_t take_output(void)
{
    uint32_t n = noutput;

    noutput = 0;
    return n;
}

EXPORT(set_paced) void set_paced(bool on)
{
    session.paced = on;
}

EXPORT(set_recorded) void set_recorded(uint32_t kinds)
{
    session.recorded = kinds;
}

EXPORT(set_stop) void set_stop(uint32_t kinds, uint64_t call)
{
    session.stop_on = kinds;
    session.stop_call = call;
}

EXPORT(probe) void probe(uint64_t address)
{
    machine_mark(&session.m, address);
}

/* How the kernel describes its frames: the bytes for each, where among them its kind is, and a page table's kind. */
EXPORT(frame_kind) void frame_kind(uint32_t stride, uint32_t offset, uint32_t table)
{
    session.m.kind_stride = stride;
    session.m.kind_offset = offset;
    session.m.kind_table = table;
}

/* Where page n of these descriptions lies: a physical address. */
EXPORT(frame_page) void frame_page(uint32_t n, uint64_t pa)
{
    if (n < KIND_PAGES)
        session.m.kind_page[n] = pa - RAM_BASE;
}

/* ---- The past ---- */

EXPORT(step) uint64_t step(void)
{
    return session.m.steps;
}

EXPORT(end) uint64_t end(void)
{
    return session.end;
}

EXPORT(seek) bool seek(uint64_t to)
{
    return session_seek(&session, to);
}

EXPORT(before) bool before(uint32_t kinds, uint64_t instant, uint64_t call)
{
    bool there;

    session.stop_call = call;
    there = session_before(&session, kinds, instant, &found);
    session.stop_call = 0;
    return there;
}

EXPORT(writer) bool writer(uint64_t pa, uint64_t size, uint64_t instant)
{
    return session_writer(&session, pa, size, instant, &found);
}

EXPORT(found_at) struct event *found_at(void)
{
    return &found;
}

EXPORT(last_at) struct event *last_at(void)
{
    return &session.last;
}

EXPORT(run_name) uint32_t run_name(void)
{
    return (uint32_t)session_name(&session, name, sizeof(name));
}

EXPORT(records_at) struct record *records_at(void)
{
    return session.record;
}

EXPORT(records_max) uint64_t records_max(void)
{
    return session.max_records;
}

EXPORT(records) uint64_t records(void)
{
    return session.nrecords;
}

EXPORT(replayed) uint64_t replayed(void)
{
    return session.replayed;
}

EXPORT(snapshots) uint32_t snapshots(void)
{
    return session.nsnapshots;
}

/* ---- The state ---- */

EXPORT(memory_at) uint8_t *memory_at(void)
{
    return session.m.memory;
}

EXPORT(memory_size) uint64_t memory_size(void)
{
    return session.m.memory_size;
}

EXPORT(hart_at) struct hart *hart_at(uint32_t i)
{
    return &session.m.hart[i];
}

/* Where a hart's fields lie, in the order of FIELDS in page/machine.js. */
EXPORT(hart_layout) const uint32_t *hart_layout(void)
{
    static const uint32_t layout[] = {
        offsetof(struct hart, x),
        offsetof(struct hart, pc),
        offsetof(struct hart, mode),
        offsetof(struct hart, sstatus),
        offsetof(struct hart, sie),
        offsetof(struct hart, stvec),
        offsetof(struct hart, sepc),
        offsetof(struct hart, scause),
        offsetof(struct hart, stval),
        offsetof(struct hart, satp),
        offsetof(struct hart, instret),
        offsetof(struct hart, id),
        offsetof(struct hart, state),
        offsetof(struct hart, waiting),
        offsetof(struct hart, tlb),
        sizeof(struct tlb_entry),
        offsetof(struct tlb_entry, vpn),
        offsetof(struct tlb_entry, pa),
        offsetof(struct tlb_entry, flags),
        offsetof(struct tlb_entry, level),
        TLB_ENTRIES,
    };

    return layout;
}

EXPORT(harts) uint32_t harts(void)
{
    return session.m.options.harts;
}

EXPORT(turn) uint32_t turn(void)
{
    return session.m.turn;
}

EXPORT(time) uint64_t time(void)
{
    return machine_time(&session.m);
}

/* A number for the whole state: two instants that agree in it are the same. */
EXPORT(hash) uint64_t hash(void)
{
    return session_hash(&session);
}
