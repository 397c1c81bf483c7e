/*
 * map_odds.c - mapped files where much comes together: address spaces on their way out, no memory
 * at the wrong time, other operations under way.
 */
#include "map_test.h"

#include "fs/format.h"
#include "../../../fs/log.h"

/* Frames that are on their way out with an address space when a truncation takes them away. */
static void dying(void)
{
    struct file *f = make_file("m", 4096, 1);
    vaddr_t in_a = map_at(a, f, RW, COPY, 1), in_b = map_at(b, f, RW, COPY, 1);

    CHECK(load(a, in_a) == load(b, in_b));
    a->holders = b->holders = 0; /* as in mm_release() */
    file_close(opened("m", O_RDWR | O_TRUNC));
    a->holders = b->holders = 1;
    CHECK(mm_munmap(a, in_a, PAGE_SIZE) == 0 && mm_munmap(b, in_b, PAGE_SIZE) == 0);
    CHECK(mm_audit() == 0);
    file_close(f);
}

void test_dying(void **state)
{
    run(dying);
}

/* Memory that is promised nothing takes no tables, however large; tables made in vain go again. */
static void too_large(void)
{
    struct map_request q = {.len = 64UL << 30, .prot = PROT_NONE, .max_prot = ALL};
    struct file *f = make_file("m", 4096, 1);
    vaddr_t at, in_a = map_at(a, f, PROT_READ, COPY, 1);

    CHECK(load(a, in_a) && mm_protect(a, in_a, PAGE_SIZE, PROT_NONE) == 0);
    CHECK(mm_map(a, &q, &at) == 0);
    size_t before = frames();
    CHECK(mm_protect(a, at, q.len, PROT_READ | PROT_WRITE) == -ENOMEM && mm_audit() == 0);
    CHECK(frames() + 3 >= before);
    CHECK(mm_protect(a, at, q.len, PROT_READ) == 0 && mm_audit() == 0);
    CHECK(frames() + 3 >= before);
    CHECK(mm_protect(a, at, q.len + PAGE_SIZE, PROT_READ) == 0 && mm_audit() == 0);
    CHECK(mm_protect(a, at, 0, PROT_READ) == 0 && mm_sync(a, at, 0) == 0);
    CHECK(mm_protect(a, USER_TOP, PAGE_SIZE, PROT_READ) == -ENOMEM);
    CHECK(mm_sync(a, at - PAGE_SIZE, PAGE_SIZE) == (at - PAGE_SIZE == in_a ? 0 : -ENOMEM));
    CHECK(mm_munmap(a, at, q.len) == 0 && mm_sync(a, at, PAGE_SIZE) == -ENOMEM);
    CHECK(mm_protect(a, in_a, PAGE_SIZE, PROT_READ) == 0 && load(a, in_a));
    CHECK(mm_munmap(a, in_a, PAGE_SIZE) == 0);
    file_close(f);
}

void test_too_large(void **state)
{
    run(too_large);
}

/* All pages were taken away, and there was no memory to promise others in their place. */
static void lost_frames(void)
{
    struct file *f = make_file("m", MAXFILE * BSIZE, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, 67);
    struct page *hog = NULL, *kept[67];
    struct region *r;
    unsigned max;

    CHECK(file_map(f, RW, SHARE, &r, &max) == 0);
    for (size_t i = 0; i < 67; i++) {
        load(a, at + i * PAGE_SIZE);
        kept[i] = region_page(r, i);
        page_get(kept[i]);
    }
    region_put(r);
    for (struct page *p; (p = page_alloc()); hog = p)
        *(struct page **)page_addr(p) = hog;
    file_close(opened("m", O_RDWR | O_TRUNC));
    for (size_t i = 0; i < 67; i++)
        page_put(kept[i]);
    for (struct page *p = hog; p; p = hog) {
        hog = *(struct page **)page_addr(p);
        page_put(p);
    }
    put_word(f, 0, 4);
    CHECK(faults(a, at) && word_at(f, 0) == 4);
    CHECK(mm_munmap(a, at, 67 * PAGE_SIZE) == 0);
    at = map_at(a, f, RW, SHARE, 1); /* a new region has frames again */
    CHECK(load(a, at) == 4 && mm_munmap(a, at, PAGE_SIZE) == 0);
    file_close(f);
}

void test_lost_frames(void **state)
{
    run(lost_frames);
}

/* ---- durability ---- */

static struct file *durable_file;
static vaddr_t durable_at;

static int sync_mapping(void)
{
    return mm_sync(b, durable_at, PAGE_SIZE);
}

static int sync_file(void)
{
    return file_sync(durable_file);
}

static int (*const ways[])(void) = {sync_mapping, sync_file, fs_sync};
static unsigned way;

static bool on_disk(uint64_t value)
{
    for (size_t i = 0; i < world_disk_bytes; i += 8)
        if (memcmp(world_disk + i, &value, 8) == 0)
            return true;
    return false;
}

/* Somebody's operation is under way; who syncs has to wait for its end, or there is no commit. */
static void slow_and_syncer(int me)
{
    const uint64_t value = 0x6d73796e635f6f6b + way + (durable_at ? 0 : 8);

    if (me == 0) {
        CHECK(log_begin() == 0);
        for (int i = 0; i < 100; i++)
            baton_yield();
        CHECK(log_end() == 0);
        return;
    }
    if (durable_at) {
        CHECK(world_write(b, durable_at, value));
    } else {
        CHECK(world_write(b, BUF, value) && write_at(durable_file, 0, BUF, 8) == 8);
        CHECK(!on_disk(value));
    }
    CHECK(ways[way]() == 0 && on_disk(value));
}

static void durable(void)
{
    durable_file = make_file("m", 4096, 1);
    durable_at = map_at(b, durable_file, RW, SHARE, 1);
    for (way = 0; way < 3; way++)
        baton_run(2, slow_and_syncer);
    CHECK(mm_munmap(b, durable_at, PAGE_SIZE) == 0);
    durable_at = 0; /* now by write() */
    for (way = 1; way < 3; way++)
        baton_run(2, slow_and_syncer);
    file_close(durable_file);
}

void test_durable(void **state)
{
    run(durable);
}
