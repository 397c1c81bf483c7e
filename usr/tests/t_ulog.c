/*
 * usr/tests/t_ulog.c: the log ring of user/ulog.h: bounds, shares, and writers that die half way.
 * usr/log_test.c has the writers that race.
 */
#include "kernel/types.h"
#include "user/ulog.h"
#include "t.h"

static char ring[PAGE + 64] __attribute__((aligned(4096)));
static char text[PAGE];
static struct ulog_writer writer;
static struct ulog_reader reader;
static struct ulog_record record;

static uint32 *header_word(uint at)
{
    return (uint32 *)(ring + at);
}

static void start(uint size, uint index, uint writers)
{
    memset(ring, 0, sizeof(ring));
    memset(ring + size, '#', sizeof(ring) - size);
    t_fill(text, sizeof(text), 1);
    CHECK_EQ(ulog_writer_init(&writer, ring, size, index, writers), ULOG_OK);
    CHECK_EQ(ulog_reader_init(&reader, ring, size), ULOG_OK);
}

static void refused(void)
{
    CHECK_EQ(ulog_writer_init(&writer, ring + 2, 100, 0, 0), ULOG_INVALID);
    CHECK_EQ(ulog_writer_init(&writer, ring, 1 << 20, 0, 0), ULOG_INVALID);
    CHECK_EQ(ulog_writer_init(&writer, ring, 100, 0x8000, 0), ULOG_INVALID);
    CHECK_EQ(ulog_writer_init(&writer, ring, 100, 0, 65), ULOG_INVALID);
    CHECK_EQ(ulog_reader_init(&reader, ring + 1, 100), ULOG_INVALID);
    start(100, 0, 0);
    CHECK_EQ(ulog_write(&writer, text, 0), ULOG_INVALID);
    CHECK_EQ(ulog_write(&writer, text, 0x10000), ULOG_INVALID);
    CHECK_EQ(ulog_write(&writer, text, 97), ULOG_FULL);
    CHECK_EQ(*header_word(0), 0);
    CHECK_EQ(ulog_read(&reader, &record), 0);
}

static void format(void)
{
    start(PAGE, 3, 0);
    CHECK_EQ(ulog_write(&writer, text, 5), ULOG_OK);
    CHECK_EQ(*header_word(0), 3 | 5 << 16);
    CHECK_EQ(memcmp(ring + 4, text, 5), 0);
    CHECK_EQ(ulog_write(&writer, text, 8), ULOG_OK);
    CHECK_EQ(*header_word(12), 3 | 8 << 16);
    CHECK_EQ(ulog_read(&reader, &record), 1);
    CHECK_EQ(record.index, 3);
    CHECK_EQ(record.length, 5);
    CHECK(record.text == ring + 4);
    CHECK_EQ(ulog_read(&reader, &record), 1);
    CHECK_EQ(record.length, 8);
    CHECK_EQ(ulog_read(&reader, &record), 0);
    CHECK_EQ(ulog_at_end(&reader), 0);
}

/* Every ring size and length around the end: nothing is written behind it, all that fits fits. */
static void bounds(void)
{
    for (uint size = 0; size < 40; size++) {
        for (uint length = 1; length < 40; length++) {
            uint rounded = (4 + length + 3) & ~3U;
            uint room = (size & ~3U) / rounded;
            uint n = 0;

            start(size, 1, 0);
            while (ulog_write(&writer, text, length) == ULOG_OK)
                n++;
            CHECK_EQ(n, room);
            CHECK_EQ(ring[size], '#');
            while (ulog_read(&reader, &record) == 1)
                n--;
            CHECK_EQ(n, 0);
        }
    }
}

/* A writer that died after its claim: others and the reader go past it. */
static void dead_writer(void)
{
    start(PAGE, 1, 0);
    *header_word(0) = 2 | ULOG_OPEN | 9 << 16;
    CHECK_EQ(ulog_write(&writer, text, 4), ULOG_OK);
    CHECK_EQ(*header_word(16), 1 | 4 << 16);
    CHECK_EQ(ulog_read(&reader, &record), 1);
    CHECK_EQ(record.index, 1);
    CHECK_EQ(ulog_read(&reader, &record), 0);
    CHECK_EQ(ulog_unfinished(&reader), 1);
    *header_word(0) = 2 | 9 << 16; /* it was slow, not dead */
    CHECK_EQ(ulog_read(&reader, &record), 1);
    CHECK_EQ(record.index, 2);
    CHECK_EQ(record.length, 9);
    CHECK_EQ(ulog_unfinished(&reader), 0);
    CHECK_EQ(ulog_read(&reader, &record), 0);
}

/* Lengths that point out of the ring stop writer and reader. */
static void nonsense(void)
{
    start(PAGE, 1, 0);
    *header_word(0) = 0xffff7fff;
    CHECK_EQ(ulog_write(&writer, text, 4), ULOG_FULL);
    CHECK_EQ(ulog_read(&reader, &record), 0);
    CHECK_EQ(ulog_at_end(&reader), 1);
}

/* The fastest writer leaves every other its share. */
static void shares(void)
{
    enum {
        WRITERS = 8
    };
    struct ulog_writer slow;
    uint share = PAGE / 2 / WRITERS;

    start(PAGE, 0, WRITERS);
    while (ulog_write(&writer, text, 12) == ULOG_OK)
        ;
    for (uint i = 1; i < WRITERS; i++) {
        uint n = 0;

        CHECK_EQ(ulog_writer_init(&slow, ring, PAGE, i, WRITERS), ULOG_OK);
        while (ulog_write(&slow, text, 12) == ULOG_OK)
            n++;
        CHECK(n >= share / 16);
    }
    while (ulog_read(&reader, &record) == 1)
        CHECK_EQ(memcmp(record.text, text, 12), 0);
    CHECK_EQ(ulog_at_end(&reader), 1);
}

/* A child writes for real and is killed at any moment: what is read is whole. */
static void killed_writers(void)
{
    uint64 at = map_to(getpid(), ring, PAGE); /* a child of a borrower borrows the same frame */

    CHECK(at != NO_ADDRESS);
    for (int round = 0; round < 20; round++) {
        int pid;

        start(PAGE, 7, 0);
        CHECK_EQ(ulog_writer_init(&writer, (void *)at, PAGE, 7, 0), ULOG_OK);
        pid = t_fork();
        if (pid == 0)
            for (;;)
                ulog_write(&writer, text, 900);
        t_spin((uint)round * 1000);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
        while (ulog_read(&reader, &record) == 1)
            CHECK(t_is_pattern(record.text, record.length, 1));
        CHECK(ulog_unfinished(&reader) <= 1);
    }
}

static const struct t_case cases[] = {
    {"refused", refused},
    {"format", format},
    {"bounds", bounds},
    {"dead_writer", dead_writer},
    {"nonsense", nonsense},
    {"shares", shares},
    {"killed_writers", killed_writers},
};

int main(int argc, char **argv)
{
    t_main("t_ulog", cases, COUNT(cases), argc, argv);
}
