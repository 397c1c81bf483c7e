/*
 * usr/lib/ulog.c: the log ring of user/ulog.h, where the protocol and its contract are told.
 *
 * Shared: the ring only, through the two atomic accesses claim() and publish() and the acquire
 * load in header_at(). Whatever the ring holds, no access leaves it: every length read from it is
 * checked against the end. Tested by usr/tests/t_ulog.c, usr/log_test.c.
 */
#include "kernel/types.h"
#include "user/user.h"
#include "user/ulog.h"

#define HEADER_BYTES 4
#define RING_MAX     65535U /* so that a count of its bytes fits an unsigned short */
#define LENGTH_MAX   0xffffU

static uint32 make_header(uint index, uint length)
{
    return (uint32)(index | length << 16);
}

static uint header_index(uint32 header)
{
    return header & 0xffff;
}

static uint header_length(uint32 header)
{
    return header >> 16;
}

static uint32 header_at(const char *at)
{
    return __atomic_load_n((const uint32 *)at, __ATOMIC_ACQUIRE);
}

/* 0 when the header was free and is now the caller's; else what is there. */
static uint32 claim(char *at, uint32 header)
{
    return __sync_val_compare_and_swap((uint32 *)at, 0, header);
}

static void publish(char *at, uint32 header)
{
    __atomic_store_n((uint32 *)at, header, __ATOMIC_RELEASE);
}

/* Bytes from one header to the next. */
static uint record_bytes(uint length)
{
    return (HEADER_BYTES + length + 3) & ~3U;
}

static int fits(const char *at, const char *end, uint bytes)
{
    return bytes <= (uint)(end - at);
}

static int ring_is_valid(const void *ring, uint size)
{
    return (uint64)ring % HEADER_BYTES == 0 && size <= RING_MAX;
}

int ulog_writer_init(struct ulog_writer *w, void *ring, uint size, uint index, uint writers)
{
    if (!ring_is_valid(ring, size) || index >= ULOG_OPEN || writers > ULOG_WRITERS_MAX)
        return ULOG_INVALID;
    memset(w, 0, sizeof(*w));
    w->start = ring;
    w->end = w->start + (size & ~3U);
    w->cursor = w->start;
    w->index = index;
    w->writers = writers;
    if (writers > 0)
        w->share = (size / (2 * writers)) & ~3U;
    return ULOG_OK;
}

/* Counts the record with this header, at the cursor, and steps over it. -1: it does not fit. */
static int step_over(struct ulog_writer *w, uint32 header)
{
    uint writer = header_index(header) & ~ULOG_OPEN;
    uint bytes = record_bytes(header_length(header));

    if (!fits(w->cursor, w->end, bytes))
        return -1;
    if (writer < w->writers)
        w->used[writer] += (ushort)bytes;
    w->cursor += bytes;
    return 0;
}

/* What the writers other than w have left of their shares. */
static uint promised_to_others(const struct ulog_writer *w)
{
    uint sum = 0;

    for (uint i = 0; i < w->writers; i++)
        if (i != w->index && w->used[i] < w->share)
            sum += w->share - w->used[i];
    return sum;
}

/*
 * Whether w may claim `bytes` at its cursor. What is free is never less than the sum of all that
 * is promised: a record inside its share takes the same from both, and any other is let in only
 * if it leaves enough.
 */
static int may_claim(const struct ulog_writer *w, uint bytes)
{
    if (!fits(w->cursor, w->end, bytes))
        return 0;
    if (w->index < w->writers && w->used[w->index] + bytes <= w->share)
        return 1;
    return fits(w->cursor, w->end, bytes + promised_to_others(w));
}

int ulog_write(struct ulog_writer *w, const char *text, uint length)
{
    uint bytes = record_bytes(length);
    uint32 header;

    if (length == 0 || length > LENGTH_MAX)
        return ULOG_INVALID;
    for (;;) {
        if (!fits(w->cursor, w->end, HEADER_BYTES))
            return ULOG_FULL;
        header = header_at(w->cursor);
        if (header == 0) {
            if (!may_claim(w, bytes))
                return ULOG_FULL;
            header = claim(w->cursor, make_header(w->index | ULOG_OPEN, length));
            if (header == 0)
                break;
        }
        if (step_over(w, header) < 0)
            return ULOG_FULL;
    }
    memcpy(w->cursor + HEADER_BYTES, text, length);
    publish(w->cursor, make_header(w->index, length));
    return step_over(w, make_header(w->index, length));
}

int ulog_reader_init(struct ulog_reader *r, void *ring, uint size)
{
    if (!ring_is_valid(ring, size))
        return ULOG_INVALID;
    r->start = ring;
    r->end = r->start + (size & ~3U);
    r->cursor = r->start;
    r->aside_count = 0;
    return ULOG_OK;
}

/* The record at `at`, if it is published. */
static int take_record(const char *at, uint32 header, struct ulog_record *record)
{
    if (header_index(header) & ULOG_OPEN)
        return 0;
    record->index = header_index(header);
    record->length = header_length(header);
    record->text = at + HEADER_BYTES;
    return 1;
}

/* The place of the first published record among the first `limit` set aside; `limit` if none. */
static uint first_published(const struct ulog_reader *r, uint limit)
{
    uint i = 0;

    while (i < limit && (header_index(header_at(r->aside[i])) & ULOG_OPEN))
        i++;
    return i;
}

/*
 * Takes the first of the records set aside that has been published since. One that was open when
 * the search passed it may have been published, and the next of the same writer as well, before
 * the search came there: so search again before each one found, or its messages change places.
 */
static int take_set_aside(struct ulog_reader *r, struct ulog_record *record)
{
    uint found = r->aside_count;
    uint earlier = first_published(r, found);

    if (earlier == found)
        return 0;
    while (earlier < found) {
        found = earlier;
        earlier = first_published(r, found);
    }
    take_record(r->aside[found], header_at(r->aside[found]), record);
    r->aside_count--;
    for (uint i = found; i < r->aside_count; i++)
        r->aside[i] = r->aside[i + 1];
    return 1;
}

int ulog_read(struct ulog_reader *r, struct ulog_record *record)
{
    if (take_set_aside(r, record))
        return 1;
    while (fits(r->cursor, r->end, HEADER_BYTES)) {
        char *at = r->cursor;
        uint32 header = header_at(at);
        uint bytes = record_bytes(header_length(header));

        if (header == 0)
            return 0;
        if (!fits(at, r->end, bytes)) {
            r->cursor = r->end; /* no writer of ours made this: nothing behind it can be trusted */
            return 0;
        }
        if (take_record(at, header, record)) {
            /* An older one of the same writer may have been published since the call began. */
            if (!take_set_aside(r, record))
                r->cursor += bytes;
            return 1;
        }
        if (r->aside_count == ULOG_SET_ASIDE_MAX)
            return 0;
        r->aside[r->aside_count++] = at;
        r->cursor += bytes;
    }
    return 0;
}

uint ulog_unfinished(const struct ulog_reader *r)
{
    return r->aside_count;
}

int ulog_at_end(const struct ulog_reader *r)
{
    return !fits(r->cursor, r->end, HEADER_BYTES);
}
