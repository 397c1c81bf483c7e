/*
 * The disk: a virtio block device of one queue, whose image lies in the machine's memory behind the RAM.
 *
 * The driver writes descriptors into RAM and rings; some time later the request is done and the device interrupts.
 *
 * Source: virtio 1.1, sections 2.6 (split rings), 4.2 (memory-mapped transport), 5.2 (block device).
 */
#include "unkind.h"

enum reg {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_WORD = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_WORD = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_ADDRESS = 0x080, /* three addresses, 0x10 apart: low word, high word */
    CONFIG = 0x100,
    CONFIG_SEG_MAX = 0x10c,
    CONFIG_BLOCK_SIZE = 0x114,
};

#define FEATURE_SEG_MAX    (1ULL << 2)
#define FEATURE_BLOCK_SIZE (1ULL << 6)
#define FEATURE_FLUSH      (1ULL << 9)
#define FEATURE_VERSION_1  (1ULL << 32)
#define FEATURES           (FEATURE_SEG_MAX | FEATURE_BLOCK_SIZE | FEATURE_FLUSH | FEATURE_VERSION_1)

enum {
    QUEUE_MAX = 128,
    SEGS_MAX = 126,
    SECTOR = 512,
    REQUESTS_MAX = 16
};
enum {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    USED_BUFFER = 1
};
enum {
    TYPE_READ = 0,
    TYPE_WRITE = 1,
    TYPE_FLUSH = 4
};
enum {
    RESULT_OK = 0,
    RESULT_ERROR = 1,
    RESULT_UNSUPPORTED = 2
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

/* ---- Registers ---- */

static uint32_t word(uint64_t value, unsigned which)
{
    return (uint32_t)(value >> 32 * (which & 1));
}

uint32_t disk_load(struct machine *m, uint32_t reg)
{
    const struct disk *disk = &m->disk;
    uint64_t capacity = m->disk_size / SECTOR;

    switch (reg) {
    case MAGIC:
        return 0x74726976; /* "virt" */
    case VERSION:
        return 2;
    case DEVICE_ID:
        return m->disk_size ? 2 : 0; /* a block device, or an empty slot */
    case DEVICE_FEATURES:
        return word(FEATURES, disk->features_word);
    case QUEUE_SIZE_MAX:
        return QUEUE_MAX;
    case QUEUE_READY:
        return disk->ready;
    case INTERRUPT_STATUS:
        return disk->interrupt;
    case STATUS:
        return disk->status;
    case CONFIG:
        return word(capacity, 0);
    case CONFIG + 4:
        return word(capacity, 1);
    case CONFIG_SEG_MAX:
        return SEGS_MAX;
    case CONFIG_BLOCK_SIZE:
        return SECTOR;
    default:
        return 0;
    }
}

static void set_word(uint64_t *value, unsigned which, uint32_t to)
{
    unsigned shift = 32 * (which & 1);

    *value = (*value & ~(0xffffffffULL << shift)) | (uint64_t)to << shift;
}

static void take_requests(struct machine *m);

void disk_store(struct machine *m, uint32_t reg, uint32_t value)
{
    struct disk *disk = &m->disk;

    if (reg >= QUEUE_ADDRESS && reg < QUEUE_ADDRESS + 0x30 && reg % 16 < 8) {
        set_word(&disk->queue[(reg - QUEUE_ADDRESS) / 16], reg / 4, value);
        return;
    }
    switch (reg) {
    case DEVICE_FEATURES_WORD:
        disk->features_word = value;
        break;
    case DRIVER_FEATURES:
        set_word(&disk->features, disk->driver_word, value);
        break;
    case DRIVER_FEATURES_WORD:
        disk->driver_word = value;
        break;
    case QUEUE_SIZE:
        disk->queue_size = value <= QUEUE_MAX ? value : 0;
        break;
    case QUEUE_READY:
        disk->ready = value & 1;
        break;
    case QUEUE_NOTIFY:
        take_requests(m);
        break;
    case INTERRUPT_ACK:
        disk->interrupt &= ~value;
        plic_line(m, SOURCE_DISK, disk->interrupt);
        break;
    case STATUS:
        disk->status = value;
        if (value == 0)
            *disk = (struct disk){0};
        break;
    }
}

/* ---- Requests ---- */

static bool descriptor(struct machine *m, uint16_t index, struct descriptor *out)
{
    void *at = bus_ram(m, m->disk.queue[0] + 16ULL * index, 16);

    if (!at || index >= m->disk.queue_size)
        return false;
    __builtin_memcpy(out, at, sizeof(*out));
    return true;
}

static uint16_t ram16(struct machine *m, uint64_t pa)
{
    uint64_t value = 0;

    bus_load(m, pa, 2, &value);
    return (uint16_t)value;
}

static struct disk_request *free_request(struct disk *disk)
{
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        if (!disk->request[i].flying)
            return &disk->request[i];
    return NULL;
}

/* Takes what the driver has made available; each request is due some time later. */
static void take_requests(struct machine *m)
{
    struct disk *disk = &m->disk;
    struct disk_request *request;
    uint64_t delay = m->options.disk_delay;

    while (disk->ready && disk->queue_size && disk->seen != ram16(m, disk->queue[1] + 2) &&
           (request = free_request(disk))) {
        request->head = ram16(m, disk->queue[1] + 4 + 2ULL * (disk->seen++ % disk->queue_size));
        if (unkind(m, UNKIND_DISK))
            delay = disk_late(m);
        request->due = machine_time(m) + delay;
        request->flying = true;
        machine_due(m, request->due);
    }
}

/* Moves one piece between RAM and the image. => false: it is outside either of them */
static bool move(struct machine *m, uint64_t at, const struct descriptor *piece)
{
    uint8_t *buffer = bus_ram(m, piece->address, piece->length);
    uint8_t *image = m->memory + m->disk_offset + at;

    if (!buffer || at > m->disk_size || piece->length > m->disk_size - at)
        return false;
    if (piece->flags & DESC_WRITE) {
        __builtin_memcpy(buffer, image, piece->length);
        bus_dirty(m, piece->address, piece->length);
        return true;
    }
    __builtin_memcpy(image, buffer, piece->length);
    for (uint64_t page = at / PAGE_SIZE; page <= (at + piece->length - 1) / PAGE_SIZE; page++)
        m->dirty[m->disk_offset / PAGE_SIZE + page] = 1;
    return true;
}

/* A flush, or a write of a disk without a cache, has ended: what it wrote stays when the power goes. */
static void settle(struct machine *m, uint32_t type, uint64_t begin, uint64_t end)
{
    bool cached = unkind(m, UNKIND_DISK_CACHE) && m->disk.features & FEATURE_FLUSH;

    if (type == TYPE_FLUSH)
        disk_settle(m, 0, m->disk_size);
    else if (type == TYPE_WRITE && !cached)
        disk_settle(m, begin, end - begin);
}

/* Does a request: its header, its pieces, its status byte. `ends`: not cut short. => bytes written into RAM */
static uint32_t perform(struct machine *m, uint16_t head, bool ends)
{
    struct descriptor d;
    struct header header;
    uint64_t begin;
    uint32_t written = 0;
    uint8_t result = RESULT_OK;
    void *at;

    if (!descriptor(m, head, &d) || d.length < sizeof(header) ||
        !(at = bus_ram(m, d.address, sizeof(header))))
        return 0;
    __builtin_memcpy(&header, at, sizeof(header));
    begin = header.sector *= SECTOR;
    if (header.type != TYPE_READ && header.type != TYPE_WRITE && header.type != TYPE_FLUSH)
        result = RESULT_UNSUPPORTED;
    else if (unkind(m, UNKIND_DISK_ERRORS) && disk_fails(m))
        result = RESULT_ERROR;
    for (unsigned n = 0; n < QUEUE_MAX && d.flags & DESC_NEXT && descriptor(m, d.next, &d); n++) {
        if (!(d.flags & DESC_NEXT))
            break; /* the status byte */
        if (result == RESULT_OK && !move(m, header.sector, &d))
            result = RESULT_ERROR;
        header.sector += d.length;
        written += d.flags & DESC_WRITE ? d.length : 0;
    }
    if (ends && result == RESULT_OK && unkind(m, UNKIND_DISK_CACHE | UNKIND_DISK_TEARS))
        settle(m, header.type, begin, header.sector);
    if ((at = bus_ram(m, d.address, 1))) {
        *(uint8_t *)at = result;
        bus_dirty(m, d.address, 1);
    }
    return written + 1;
}

/* Tells the driver that a request is done. */
static void put_used(struct machine *m, uint16_t head, uint32_t written)
{
    struct disk *disk = &m->disk;
    uint64_t used = disk->queue[2];
    uint16_t index = ram16(m, used + 2);
    uint32_t element[2] = {head, written};
    void *at = bus_ram(m, used + 4 + 8ULL * (index % disk->queue_size), 8);

    if (!at)
        return;
    __builtin_memcpy(at, element, 8);
    bus_dirty(m, used + 4 + 8ULL * (index % disk->queue_size), 8);
    index++;
    __builtin_memcpy(bus_ram(m, used + 2, 2), &index, 2);
    bus_dirty(m, used + 2, 2);
    disk->interrupt |= USED_BUFFER;
    plic_line(m, SOURCE_DISK, true);
}

/* Ends the requests that are due, earliest first. */
void disk_run(struct machine *m)
{
    struct disk *disk = &m->disk;

    for (;;) {
        struct disk_request *first = NULL;

        for (unsigned i = 0; i < REQUESTS_MAX; i++)
            if (disk->request[i].flying && (!first || disk->request[i].due < first->due))
                first = &disk->request[i];
        if (first && first->due > machine_time(m))
            machine_due(m, first->due);
        if (!first || first->due > machine_time(m))
            return;
        first->flying = false;
        put_used(m, first->head, perform(m, first->head, true));
        take_requests(m);
    }
}

void disk_begin_all(struct machine *m)
{
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        struct disk_request *request = &m->disk.request[i];

        if (request->flying)
            perform(m, request->head, false);
        request->flying = false;
    }
}
