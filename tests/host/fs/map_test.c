/*
 * map_test.c - mapped files, on fs and mm as they are: one file by read(), write(), load and store.
 *
 * What each call must do, failures, and crashes while stores are written back. map_race.c has the
 * rest: everything at once. map_odds.c has what is rare. Environment: MAP_CRASHES (default 150).
 */
#include "map_test.h"

#include "fs/format.h"
#include "sched/task.h"

struct inode *root;
struct mm *a, *b; /* programs on harts 0 and 1 */

size_t frames(void)
{
    return world_available() + fs_cached_pages();
}

/* ---- what a program does ---- */

struct file *opened(const char *path, int flags)
{
    struct file *f;

    CHECK(file_open(root, path, flags, &f) == 0);
    return f;
}

vaddr_t map_at(struct mm *mm, struct file *f, unsigned prot, int shared, size_t pages)
{
    struct map_request q = {.len = pages * PAGE_SIZE, .prot = prot, .private_copy = !shared};
    vaddr_t va;

    CHECK(file_map(f, prot, shared, &q.region, &q.max_prot) == 0);
    CHECK(mm_map(mm, &q, &va) == 0);
    region_put(q.region);
    return va;
}

uint64_t load(struct mm *mm, vaddr_t va)
{
    uint64_t value = 0;

    CHECK(world_read(mm, va, &value));
    return value;
}

bool faults(struct mm *mm, vaddr_t va)
{
    uint64_t value;

    return !world_read(mm, va, &value);
}

long read_at(struct file *f, uint64_t off, vaddr_t to, long n)
{
    f->off = off;
    mm_prefault(this_cpu->mm, to, (uint64_t)n, ACCESS_WRITE);
    return file_read(f, to, n);
}

long write_at(struct file *f, uint64_t off, vaddr_t from, long n)
{
    f->off = off;
    mm_prefault(this_cpu->mm, from, (uint64_t)n, ACCESS_READ);
    return file_write(f, from, n);
}

/* The word at `off` as read() has it, through a's buffer. */
uint64_t word_at(struct file *f, uint64_t off)
{
    CHECK(read_at(f, off, BUF, 8) == 8);
    return load(a, BUF);
}

void put_word(struct file *f, uint64_t off, uint64_t value)
{
    CHECK(world_write(a, BUF, value));
    CHECK(write_at(f, off, BUF, 8) == 8);
}

/* A file of n bytes, all `value`, at most a few pages. */
struct file *make_file(const char *path, size_t n, uint8_t value)
{
    struct file *f = opened(path, O_CREATE | O_RDWR | O_TRUNC);
    uint8_t page[1024];

    memset(page, value, sizeof page);
    for (size_t at = 0; at < n; at += sizeof page) {
        CHECK(mm_write(a, BUF, page, sizeof page) == 0);
        CHECK(write_at(f, at, BUF, n - at < sizeof page ? (long)(n - at) : (long)sizeof page) > 0);
    }
    return f;
}

/* ---- a mount and its end, in a process of its own ---- */

void mount(void)
{
    static struct reclaimer cached_blocks = {.reclaim = fs_reclaim_pages};
    static struct task task;

    port_quiet = 1;
    world_start(4096);
    page_add_reclaimer(&cached_blocks);
    cpus[0].current = &task;
    cpus[0].irq_were_on = true; /* who faults may sleep */
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
}

static void with_programs(void (*body)(void))
{
    mount();
    struct file *f = opened("README", 0); /* whatever is set up once */
    file_close(f);
    size_t start = frames();

    a = world_program(0);
    b = world_program(1);
    CHECK(a && b);
    world_load(a, 0);
    body();
    world_exit(b);
    world_exit(a);
    CHECK(mm_audit() == 0 && port_locks_held() == 0 && world_stale() == 0);
    CHECK(frames() == start);
    CHECK(image_fsck(FSCK_REPLAY) == 0);
}

static void run_body(void *arg)
{
    with_programs(*(void (**)(void))arg);
}

void run(void (*body)(void))
{
    image_make(NULL, NULL);
    assert_true(world_run(run_body, &body));
}

/* ---- one file ---- */

static void coherent(void)
{
    struct file *f = make_file("m", 5000, 1);
    vaddr_t in_a = map_at(a, f, RW, SHARE, 4), in_b = map_at(b, f, PROT_READ, SHARE, 2);
    vaddr_t copy = map_at(b, f, RW, COPY, 2);

    CHECK(load(a, in_a) == 0x0101010101010101);
    CHECK(world_write(a, in_a, 7) && word_at(f, 0) == 7 && load(b, in_b) == 7);
    CHECK(load(b, copy) == 7 && world_write(b, copy, 8) && word_at(f, 0) == 7);
    CHECK(!world_write(b, in_b, 1));
    put_word(f, 8, 9); /* a page that is there */
    CHECK(load(a, in_a + 8) == 9 && load(a, in_a) == 7);
    put_word(f, 4096, 10); /* one that is not */
    CHECK(load(b, in_b + 4096) == 10);
    CHECK(load(a, in_a + 5000) == 0); /* zeros up to the end of the page */
    CHECK(faults(a, in_a + 8192) && faults(a, in_a + 12288));
    CHECK(faults(b, map_at(b, f, PROT_READ, SHARE, 70) + 68 * PAGE_SIZE)); /* no file is so long */
    put_word(f, 5000, 11); /* it grows in a page that is there */
    CHECK(load(a, in_a + 5000) == 11 && faults(a, in_a + 8192));
    CHECK(world_write(a, in_a + 8000, 12)); /* past the end: not in the file */
    CHECK(read_at(f, 8000, BUF, 8) == 0);
    CHECK(mm_munmap(a, in_a, 4 * PAGE_SIZE) == 0);
    CHECK(word_at(f, 0) == 7 && word_at(f, 5000) == 11);
    file_close(f); /* b has it mapped, and it is not open */
    CHECK(load(b, in_b + 8) == 9);
}

static void test_coherent(void **state)
{
    run(coherent);
}

static int try_map(struct file *f, unsigned prot, int shared, unsigned *max)
{
    struct region *r;
    int err = file_map(f, prot, shared, &r, max);

    if (!err)
        region_put(r);
    return err;
}

static int try_path(const char *path, int flags, unsigned prot, int shared, unsigned *max)
{
    struct file *f = opened(path, flags);
    int err = try_map(f, prot, shared, max);

    file_close(f);
    return err;
}

static void access_rules(void)
{
    static const struct file_ops pipe_like = {.release = NULL};
    struct file pipe = {.ops = &pipe_like, .readable = true};
    unsigned max;

    CHECK(try_path("README", O_RDONLY, PROT_READ, SHARE, &max) == 0);
    CHECK(max == (PROT_READ | PROT_EXEC));
    CHECK(try_path("README", O_RDONLY, RW, SHARE, &max) == -EACCES);
    CHECK(try_path("README", O_RDONLY, RW, COPY, &max) == 0 && max == ALL);
    CHECK(try_path("README", O_RDWR, RW, SHARE, &max) == 0 && max == ALL);
    CHECK(try_path("README", O_WRONLY, PROT_READ, SHARE, &max) == -EACCES);
    CHECK(try_path("README", O_WRONLY, PROT_READ, COPY, &max) == -EACCES);
    CHECK(try_path("/", O_RDONLY, PROT_READ, COPY, &max) == -ENODEV);
    CHECK(fs_mknod(root, "dev", 1, 0) == 0);
    CHECK(try_path("dev", O_RDWR, PROT_READ, SHARE, &max) == -ENODEV);
    CHECK(try_map(&pipe, PROT_READ, SHARE, &max) == -ENODEV);
    world_dev.readonly = true;
    CHECK(try_path("README", O_RDWR, RW, SHARE, &max) == -EACCES);
    CHECK(try_path("README", O_RDWR, PROT_READ, SHARE, &max) == 0);
    world_dev.readonly = false;
}

static void test_access(void **state)
{
    run(access_rules);
}

static void truncated(void)
{
    struct file *f = make_file("m", 9000, 1);
    vaddr_t in_a = map_at(a, f, RW, SHARE, 3), in_b = map_at(b, f, RW, SHARE, 3);

    CHECK(world_write(a, in_a, 2) && world_write(b, in_b + 4096, 3) && load(b, in_b) == 2);
    file_close(opened("m", O_RDONLY | O_TRUNC));
    CHECK(mm_audit() == 0 && world_stale() == 0);
    CHECK(faults(a, in_a) && faults(b, in_b) && faults(b, in_b + 4096));
    CHECK(read_at(f, 0, BUF, 8) == 0);
    put_word(f, 0, 4); /* it grows again, and is mapped as ever */
    CHECK(load(a, in_a) == 4 && load(a, in_a + 8) == 0 && faults(a, in_a + 4096));
    CHECK(world_write(b, in_b, 5) && word_at(f, 0) == 5);
    file_close(f);
    CHECK(mm_munmap(a, in_a, 3 * PAGE_SIZE) == 0 && load(b, in_b) == 5);
}

static void test_truncated(void **state)
{
    run(truncated);
}

static void unlinked(void)
{
    struct file *f = make_file("m", 9000, 1);
    vaddr_t in_a = map_at(a, f, RW, SHARE, 3);
    struct file *again;

    file_close(f);
    CHECK(fs_unlink(root, "m") == 0);
    CHECK(file_open(root, "m", 0, &again) == -ENOENT);
    CHECK(load(a, in_a + 4096) == 0x0101010101010101 && world_write(a, in_a + 8, 2));
    f = make_file("m", 100, 6); /* the inode's number is still taken */
    CHECK(load(a, in_a) == 0x0101010101010101 && word_at(f, 0) == 0x0606060606060606);
    CHECK(image_fsck(FSCK_REPLAY | FSCK_ORPHANS) == 0);
    CHECK(mm_munmap(a, in_a, 3 * PAGE_SIZE) == 0);
    CHECK(image_fsck(FSCK_REPLAY) == 0); /* and now it is free */
    file_close(f);
}

static void test_unlinked(void **state)
{
    run(unlinked);
}

/* A file's own pages as the buffer of its read() and write(). */
static void onto_itself(void)
{
    struct file *f = make_file("m", 8192, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, 2);

    f->off = 4096; /* not brought before: refused, and no call waits for itself */
    CHECK(file_read(f, at, 8) == -EFAULT && f->off == 4096);
    f->off = 0;
    CHECK(file_write(f, at + 4096, 8) == -EFAULT);
    put_word(f, 4096, 2);
    CHECK(read_at(f, 4096, at, 8) == 8 && load(a, at) == 2 && word_at(f, 0) == 2);
    CHECK(world_write(a, at + 4096, 3) && write_at(f, 16, at + 4096, 8) == 8);
    CHECK(load(a, at + 16) == 3 && word_at(f, 16) == 3);
    CHECK(mm_munmap(a, at, 2 * PAGE_SIZE) == 0 && word_at(f, 0) == 2);
    file_close(f);
}

static void test_onto_itself(void **state)
{
    run(onto_itself);
}

/* What a borrower stores after the last mapping went is in the file, too. */
static void borrowed(void)
{
    struct file *f = make_file("m", 8192, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, 2);
    vaddr_t lent = map_shared_pages(a, b, at + 4096, 8);

    CHECK(lent && mm_munmap(a, at, 2 * PAGE_SIZE) == 0);
    CHECK(world_write(b, lent, 4) && word_at(f, 4096) == 4);
    CHECK(unmap_shared_pages(b, lent, 8) == 0 && word_at(f, 4096) == 4);
    file_close(f);
}

static void test_borrowed(void **state)
{
    run(borrowed);
}

static void largest(void)
{
    struct file *f = make_file("m", MAXFILE * BSIZE, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, 67);

    for (size_t i = 0; i < 67; i++)
        CHECK(world_write(a, at + i * PAGE_SIZE + 4088, i + 1000));
    CHECK(mm_sync(a, at, 67 * PAGE_SIZE) == 0);
    CHECK(mm_munmap(a, at, 67 * PAGE_SIZE) == 0);
    for (size_t i = 0; i < 67; i++)
        CHECK(word_at(f, i * PAGE_SIZE + 4088) == i + 1000);
    file_close(f);
    CHECK(fs_unlink(root, "m") == 0);
}

static void test_largest(void **state)
{
    run(largest);
}

/* ---- failures ---- */

static void no_memory_no_disk(void)
{
    struct file *f = make_file("m", 20000, 1), *other = make_file("n", 150000, 2);
    vaddr_t at = map_at(a, f, RW, SHARE, 5);
    struct page *hog = NULL;

    CHECK(mm_munmap(a, at, 5 * PAGE_SIZE) == 0);
    for (struct page *p; (p = page_alloc()); hog = p) /* the block cache gives everything back */
        *(struct page **)page_addr(p) = hog;
    unsigned max;
    CHECK(try_map(f, RW, SHARE, &max) == -ENOMEM && word_at(f, 0) == 0x0101010101010101);
    for (uint64_t off = 0; off < 150000; off += BSIZE) /* in place of the other in the cache */
        word_at(other, off);
    file_close(other);
    for (struct page *p = hog; p; p = hog) {
        hog = *(struct page **)page_addr(p);
        page_put(p);
    }
    at = map_at(a, f, RW, SHARE, 5);
    world_read_fault = (struct world_fault){0, 1000};
    CHECK(faults(a, at)); /* the disk fails: the toucher faults, no page is lost */
    world_read_fault.count = 0;
    CHECK(load(a, at) == 0x0101010101010101);
    CHECK(mm_munmap(a, at, 5 * PAGE_SIZE) == 0);
    file_close(f);
}

static void test_no_memory_no_disk(void **state)
{
    run(no_memory_no_disk);
}

static void write_errors(void)
{
    struct file *f = make_file("m", 20000, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, 5);

    for (int i = 0; i < 5; i++)
        CHECK(world_write(a, at + (size_t)i * PAGE_SIZE, 5));
    world_write_fault = (struct world_fault){2, 1};
    CHECK(mm_sync(a, at, 5 * PAGE_SIZE) == -EIO);
    CHECK(word_at(f, 0) == 5 && mm_sync(a, at, 5 * PAGE_SIZE) == -EIO);
    CHECK(file_sync(f) == -EIO && fs_sync() == -EIO);
    CHECK(mm_munmap(a, at, 5 * PAGE_SIZE) == 0);
    file_close(f);
    CHECK(mm_audit() == 0 && image_fsck(FSCK_REPLAY) == 0);
    _exit(0); /* the log keeps the buffers of a commit that failed */
}

static void test_write_errors(void **state)
{
    run(write_errors);
}

/* ---- crashes ---- */

enum {
    CRASH_PAGES = 5,
    CRASH_BYTES = 18000,
    ROUNDS = 4
};

static size_t synced_at[ROUNDS + 1]; /* records when the round's msync had returned */

static void record_stores(void *arg)
{
    FILE *out = *(FILE **)arg;

    mount();
    a = world_program(0);
    struct file *f = make_file("m", CRASH_BYTES, 1);
    vaddr_t at = map_at(a, f, RW, SHARE, CRASH_PAGES);

    fwrite(&world_disk_bytes, sizeof world_disk_bytes, 1, out);
    fwrite(world_disk, world_disk_bytes, 1, out);
    world_record = true;
    for (int round = 1; round <= ROUNDS; round++) {
        for (vaddr_t va = at; va < at + CRASH_PAGES * PAGE_SIZE; va += 8)
            CHECK(world_write(a, va, 0x0101010101010101UL * (1 + (unsigned)round)));
        CHECK(mm_sync(a, at, CRASH_PAGES * PAGE_SIZE) == 0);
        synced_at[round] = world_nwrites;
    }
    fwrite(synced_at, sizeof synced_at, 1, out);
    fwrite(&world_nwrites, sizeof world_nwrites, 1, out);
    fwrite(world_writes, sizeof *world_writes, world_nwrites, out);
}

static size_t crash_point;

/* Every byte is from the last round that was synced or the one after; and so is each block. */
static void check_crashed(void *arg)
{
    uint8_t block[BSIZE];
    int round = 0;

    while (round < ROUNDS && synced_at[round + 1] <= crash_point)
        round++;
    mount();
    CHECK(image_fsck(FSCK_STRICT) == 0);
    struct file *f = opened("m", 0);
    struct inode *ip = file_inode(f);
    struct stat st;

    CHECK(f->ops->stat(f, &st) == 0 && st.size == CRASH_BYTES);
    inode_lock(ip);
    for (uint64_t off = 0; off < CRASH_BYTES; off += BSIZE) {
        long n = inode_read_kernel(ip, block, off, BSIZE);

        CHECK(n > 0 && (block[0] == round + 1 || block[0] == round + 2));
        for (long i = 1; i < n; i++)
            CHECK(block[i] == block[0]);
    }
    inode_unlock(ip);
}

/* The disk after `point` records: all of them, but of those behind the last flush perhaps some. */
static void crash_disk(const uint8_t *before, size_t point)
{
    size_t flushed = 0;

    memcpy(world_disk, before, world_disk_bytes);
    for (size_t i = 0; i < point; i++)
        if (world_writes[i].sector == UINT64_MAX)
            flushed = i;
    for (size_t i = 0; i < point; i++)
        if (world_writes[i].sector != UINT64_MAX && (i < flushed || world_random() % 2))
            memcpy(world_disk + world_writes[i].sector * 512, world_writes[i].data, 512);
}

static void test_crashes(void **state)
{
    const char *wanted = getenv("MAP_CRASHES");
    size_t n = wanted ? strtoul(wanted, NULL, 10) : 150;
    FILE *f = tmpfile();

    image_make(NULL, NULL);
    assert_true(world_run(record_stores, &f));
    rewind(f);
    uint8_t *before = malloc(world_disk_bytes);
    assert_int_equal(fread(&world_disk_bytes, sizeof world_disk_bytes, 1, f), 1);
    assert_int_equal(fread(before, world_disk_bytes, 1, f), 1);
    assert_int_equal(fread(synced_at, sizeof synced_at, 1, f), 1);
    assert_int_equal(fread(&world_nwrites, sizeof world_nwrites, 1, f), 1);
    world_writes = malloc(world_nwrites * sizeof *world_writes);
    assert_int_equal(fread(world_writes, sizeof *world_writes, world_nwrites, f), world_nwrites);
    fclose(f);
    for (size_t k = 0; k <= n; k++) {
        crash_point = k * world_nwrites / n;
        crash_disk(before, crash_point);
        if (!world_run(check_crashed, NULL))
            fail_msg("crash after %zu of %zu records", crash_point, world_nwrites);
    }
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coherent),     cmocka_unit_test(test_access),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_unlinked),
        cmocka_unit_test(test_onto_itself),  cmocka_unit_test(test_borrowed),
        cmocka_unit_test(test_largest),      cmocka_unit_test(test_no_memory_no_disk),
        cmocka_unit_test(test_write_errors), cmocka_unit_test(test_dying),
        cmocka_unit_test(test_lost_frames),  cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_durable),      cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_schedules),
    };

    return cmocka_run_group_tests_name("mapped files", tests, NULL, NULL);
}
