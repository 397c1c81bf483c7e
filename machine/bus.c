/*
 * The bus: what lies at a physical address. RAM, one of the three devices, or nothing.
 *
 * All RAM is one piece of the host's memory, bank after bank, and the disk's image lies behind it.
 * Read next: plic.c, uart.c, disk.c.
 */
#include "unkind.h"

/* ---- RAM ---- */

/* Where `size` bytes at `pa` lie in the host's memory; NULL: not all of them are RAM. */
uint8_t *bus_ram(const struct machine *m, uint64_t pa, uint64_t size)
{
    for (unsigned i = 0; i < m->nbanks; i++) {
        const struct bank *bank = &m->bank[i];

        if (pa - bank->base < bank->size && size <= bank->size - (pa - bank->base))
            return m->memory + bank->offset + (pa - bank->base);
    }
    return NULL;
}

void bus_dirty(struct machine *m, uint64_t pa, uint64_t size)
{
    uint8_t *at = bus_ram(m, pa, size);
    uint64_t first, last;

    if (!at || !size)
        return;
    first = (uint64_t)(at - m->memory) / PAGE_SIZE;
    last = ((uint64_t)(at - m->memory) + size - 1) / PAGE_SIZE;
    for (uint64_t page = first; page <= last; page++)
        m->dirty[page] = 1;
}

static void ram_get(const uint8_t *at, unsigned size, uint64_t *value)
{
    *value = 0;
    switch (size) {
    case 1:
        *value = *at;
        break;
    case 2:
        __builtin_memcpy(value, at, 2);
        break;
    case 4:
        __builtin_memcpy(value, at, 4);
        break;
    default:
        __builtin_memcpy(value, at, 8);
    }
}

static void ram_put(uint8_t *at, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2:
        __builtin_memcpy(at, &value, 2);
        break;
    case 4:
        __builtin_memcpy(at, &value, 4);
        break;
    default:
        __builtin_memcpy(at, &value, 8);
    }
}

/* ---- Who must know of a store ---- */

/* A store to what another hart has reserved takes its reservation away. */
static void break_reservations(struct hart *h, uint64_t pa, unsigned size)
{
    for (unsigned i = 0; i < h->machine->options.harts; i++) {
        struct hart *other = &h->machine->hart[i];

        if (other != h && other->reservation != NEVER && other->reservation + 8 > pa &&
            pa + size > other->reservation)
            other->reservation = NEVER;
    }
}

/* The kernel's own words say what is a page table. Its array of them lies in pages anywhere. */
static bool is_table(struct machine *m, uint64_t pa)
{
    uint64_t at = (pa - RAM_BASE) / PAGE_SIZE * m->kind_stride, page = at / PAGE_SIZE;

    return m->kind_stride && pa - RAM_BASE < m->bank[0].size && page < KIND_PAGES &&
           m->kind_page[page] &&
           m->memory[m->kind_page[page] + at % PAGE_SIZE + m->kind_offset] == m->kind_table;
}

static void watch_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value)
{
    struct machine *m = h->machine;

    if (size == 8 && m->watch & 1U << EVENT_TABLE && is_table(m, pa))
        machine_event(h, EVENT_TABLE, pa, value);
    if (m->watch & 1U << EVENT_STORE && pa < m->watch_end && pa + size > m->watch_start)
        machine_event(h, EVENT_STORE, pa, value);
}

/* ---- Devices ---- */

static bool device_load(struct machine *m, uint64_t pa, uint64_t *value)
{
    if (pa - UART_BASE < UART_SIZE)
        *value = uart_load(m, (uint32_t)(pa - UART_BASE) >> m->options.uart_shift);
    else if (pa - PLIC_BASE < PLIC_SIZE)
        *value = plic_load(m, (uint32_t)(pa - PLIC_BASE));
    else if (pa - DISK_BASE < DISK_SIZE)
        *value = disk_load(m, (uint32_t)(pa - DISK_BASE));
    else
        return false;
    return true;
}

static bool device_store(struct machine *m, uint64_t pa, uint64_t value)
{
    if (pa - UART_BASE < UART_SIZE)
        uart_store(m, (uint32_t)(pa - UART_BASE) >> m->options.uart_shift, (uint8_t)value);
    else if (pa - PLIC_BASE < PLIC_SIZE)
        plic_store(m, (uint32_t)(pa - PLIC_BASE), (uint32_t)value);
    else if (pa - DISK_BASE < DISK_SIZE)
        disk_store(m, (uint32_t)(pa - DISK_BASE), (uint32_t)value);
    else
        return false;
    return true;
}

/* ---- Loads and stores ---- */

bool bus_load(struct machine *m, uint64_t pa, unsigned size, uint64_t *value)
{
    const uint8_t *at;

    if (pa - RAM_BASE < m->bank[0].size - 7) {
        ram_get(m->memory + (pa - RAM_BASE), size, value);
        return true;
    }
    at = bus_ram(m, pa, size);
    if (!at)
        return device_load(m, pa, value);
    ram_get(at, size, value);
    return true;
}

bool bus_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value)
{
    struct machine *m = h->machine;
    uint8_t *at = m->memory + (pa - RAM_BASE);

    if (pa - RAM_BASE >= m->bank[0].size - 7) {
        at = bus_ram(m, pa, size);
        if (!at)
            return device_store(m, pa, value);
    }
    if (m->options.harts > 1)
        break_reservations(h, pa, size);
    if (m->watch & (1U << EVENT_TABLE | 1U << EVENT_STORE))
        watch_store(h, pa, size, value);
    if (unkind(m, UNKIND_ORDER))
        early_note(h, pa, size);
    m->dirty[(uint64_t)(at - m->memory) / PAGE_SIZE] = 1;
    if (m->written)
        m->written[store_hash(pa) / 8] |= (uint8_t)(1U << store_hash(pa) % 8);
    ram_put(at, size, value);
    return true;
}
