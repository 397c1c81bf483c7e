/*
 * A disk that is late, makes errors, and loses what was not flushed when the power goes.
 *
 * Behind the image lies a second one: what would be there if the power went now. A write reaches it when it has ended, or,
 * with a volatile cache, when a flush after it has ended (virtio 1.1, 5.2.6.2). When the power goes, each sector that
 * differs keeps the old contents or the new ones, whichever, and may be torn: the first bytes of it are new.
 */
#include "unkind.h"

enum {
    SECTOR = 512,
    ERROR_ONE_IN = 40,
    VERY_LATE_ONE_IN = 16
};

uint64_t disk_late(struct machine *m)
{
    uint32_t most = 8 * m->options.disk_delay;

    if (machine_random(m, VERY_LATE_ONE_IN) == 0)
        most *= 16;
    return 1 + machine_random(m, most);
}

bool disk_fails(struct machine *m)
{
    return machine_random(m, ERROR_ONE_IN) == 0;
}

uint64_t disk_kept(const struct machine *m)
{
    return (m->disk_offset + m->disk_size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

static void change(struct machine *m, uint64_t at, const uint8_t *from, uint64_t size)
{
    __builtin_memcpy(m->memory + at, from, size);
    for (uint64_t page = at / PAGE_SIZE; size && page <= (at + size - 1) / PAGE_SIZE; page++)
        m->dirty[page] = 1;
}

static bool differ(const uint8_t *a, const uint8_t *b, uint64_t size)
{
    uint64_t x, y, at = 0;

    for (; at + 8 <= size; at += 8) {
        __builtin_memcpy(&x, a + at, 8);
        __builtin_memcpy(&y, b + at, 8);
        if (x != y)
            return true;
    }
    while (at < size && a[at] == b[at])
        at++;
    return at < size;
}

void disk_settle(struct machine *m, uint64_t at, uint64_t size)
{
    for (uint64_t end = at + size; at < end; at += SECTOR) {
        const uint8_t *now = m->memory + m->disk_offset + at;
        uint64_t n = end - at < SECTOR ? end - at : SECTOR;

        if (differ(m->memory + disk_kept(m) + at, now, n))
            change(m, disk_kept(m) + at, now, n);
    }
}

static void lose_sector(struct machine *m, uint64_t at, uint64_t size)
{
    const uint8_t *now = m->memory + m->disk_offset + at, *kept = m->memory + disk_kept(m) + at;
    uint64_t new_bytes = machine_random(m, 2) ? size : 0;

    if (!differ(now, kept, size))
        return;
    if (unkind(m, UNKIND_DISK_TEARS) && machine_random(m, 4) == 0)
        new_bytes = machine_random(m, (uint32_t)size);
    change(m, m->disk_offset + at + new_bytes, kept + new_bytes, size - new_bytes);
}

void disk_lose_power(struct machine *m)
{
    m->stop = STOP_OFF;
    if (!unkind(m, UNKIND_DISK_CACHE | UNKIND_DISK_TEARS))
        return;
    disk_begin_all(m);
    for (uint64_t at = 0; at < m->disk_size; at += SECTOR)
        lose_sector(m, at, m->disk_size - at < SECTOR ? m->disk_size - at : SECTOR);
}
