/*
 * crash_test.c - the machine stops after any disk write; the next mount finds all that returned.
 *
 * A workload runs once while every sector written is recorded. A crash state is the disk before it,
 * plus all sectors up to a point that lies behind the last flush, plus some of the sectors after
 * that flush: a prefix of them, or any subset (a disk may reorder between flushes, and tear a
 * block). Each state is mounted, checked with fsck, and compared with the model: it must be the one
 * after the operations that had returned, or also show the one that was running. Then recovery
 * itself is cut.
 *
 * Environment: CRASH_STATES (default 600), CRASH_SEED.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "fs/file.h"
#include "fs/format.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "port.h"
#include "uapi/kernel/fcntl.h"

enum {
    FILES = 5,
    DIRS = 3,
    OPS = 60,
    OPS_MAX = OPS + 1
};

/* What the file system should show: size -1 is no file. */
struct model {
    long size[FILES];
    bool dir[DIRS];
};

static struct model model_after[OPS_MAX];
static size_t writes_after[OPS_MAX]; /* records when the operation had returned */
static uint8_t *before;              /* the disk at the start */
static struct inode *root;
static char name[16];

static const char *file_name(int i)
{
    snprintf(name, sizeof name, i < 3 ? "file%d" : "./f%d", i);
    return name;
}

static const char *dir_name(int i)
{
    snprintf(name, sizeof name, "dir%d", i);
    return name;
}

static uint8_t byte_at(int file, size_t off)
{
    return (uint8_t)(file * 31 + off * 7 + off / 1024);
}

/* ---- the workload ---- */

static void op_append(struct model *m, int i)
{
    struct file *f;
    long n = world_random() % 2 ? world_random() % 200 : world_random() % 40000;
    long size = m->size[i] < 0 ? 0 : m->size[i];

    if (size + n > (long)(MAXFILE * BSIZE))
        return;
    CHECK(file_open(root, file_name(i), O_CREATE | O_RDWR, &f) == 0);
    f->off = (uint64_t)size;
    for (long k = 0; k < n; k++)
        world_user[k] = byte_at(i, (size_t)(size + k));
    CHECK(file_write(f, USER_BASE, n) == n);
    file_close(f);
    m->size[i] = size + n;
}

static void op_file(struct model *m, int i, int how)
{
    struct file *f;

    if (m->size[i] < 0 || how == 0) {
        op_append(m, i);
    } else if (how == 1) {
        CHECK(fs_unlink(root, file_name(i)) == 0);
        m->size[i] = -1;
    } else {
        CHECK(file_open(root, file_name(i), O_TRUNC, &f) == 0);
        file_close(f);
        m->size[i] = 0;
    }
}

static void op_dir(struct model *m, int i)
{
    CHECK((m->dir[i] ? fs_unlink(root, dir_name(i)) : fs_mkdir(root, dir_name(i))) == 0);
    m->dir[i] = !m->dir[i];
}

static void run_workload(void)
{
    struct model m = {{-1, -1, -1, -1, -1}, {false}};

    model_after[0] = m;
    writes_after[0] = world_nwrites;
    for (int op = 1; op < OPS_MAX; op++) {
        uint32_t r = world_random();

        if (r % 4 == 0)
            op_dir(&m, r / 4 % DIRS);
        else
            op_file(&m, r / 4 % FILES, r / 64 % 4);
        model_after[op] = m;
        writes_after[op] = world_nwrites;
    }
}

/* ---- after a crash ---- */

static long size_now(int i)
{
    struct file *f;
    static uint8_t *user = world_user;

    if (file_open(root, file_name(i), 0, &f) != 0)
        return -1;
    long n = file_read(f, USER_BASE, USER_BYTES);
    CHECK(n >= 0);
    for (long k = 0; k < n; k++)
        CHECK(user[k] == byte_at(i, (size_t)k));
    file_close(f);
    return n;
}

static bool dir_now(int i)
{
    struct inode *ip;

    if (fs_chdir(root, dir_name(i), &ip) != 0)
        return false;
    inode_put(ip);
    return true;
}

/* A file may be between two states: O_CREATE and the pieces of a write are transactions. */
static void check_file(int i, long a, long b)
{
    long now = size_now(i);

    if (now == a || now == b)
        return;
    CHECK(b > a && now >= 0 && now >= a && now < b);
    CHECK((now - (a < 0 ? 0 : a)) % (3 * BSIZE) == 0);
}

static void check_model(size_t point)
{
    int op = 0;

    while (op + 1 < OPS_MAX && writes_after[op + 1] <= point)
        op++;
    const struct model *a = &model_after[op];
    const struct model *b = &model_after[op + 1 < OPS_MAX ? op + 1 : op];

    for (int i = 0; i < FILES; i++)
        check_file(i, a->size[i], b->size[i]);
    for (int i = 0; i < DIRS; i++) {
        bool now = dir_now(i);

        CHECK(now == a->dir[i] || now == b->dir[i]);
    }
}

static size_t crash_point;

static void remount(void *arg)
{
    port_quiet = 1;
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
    CHECK(image_fsck(FSCK_STRICT) == 0);
    check_model(crash_point);
}

/* ---- crash states ---- */

enum subset {
    SUBSET_PREFIX,
    SUBSET_RANDOM
};

/* Puts the writes of log[0 .. point) on the disk; of those behind the last flush, a subset. */
static void apply(const struct world_write *log, size_t point, enum subset subset)
{
    size_t flushed = 0;

    for (size_t i = 0; i < point; i++)
        if (log[i].sector == UINT64_MAX)
            flushed = i;
    for (size_t i = 0; i < point; i++) {
        if (log[i].sector == UINT64_MAX)
            continue;
        if (i > flushed && subset == SUBSET_RANDOM && world_random() % 2)
            continue;
        memcpy(world_disk + log[i].sector * 512, log[i].data, 512);
    }
}

/* The mount after the crash is cut too: it must be repeatable. */
static void crash_in_recovery(void *arg)
{
    uint8_t *start = malloc(world_disk_bytes);

    memcpy(start, world_disk, world_disk_bytes);
    port_quiet = 1;
    world_nwrites = 0;
    world_record = true;
    CHECK(fs_init(&world_dev) == 0);
    world_record = false;
    size_t total = world_nwrites;
    struct world_write *log = malloc((total + 1) * sizeof *log);
    memcpy(log, world_writes, total * sizeof *log);
    for (int k = 0; k < 4 && total > 0; k++) {
        memcpy(world_disk, start, world_disk_bytes);
        apply(log, world_random() % total, SUBSET_RANDOM);
        CHECK(image_fsck(FSCK_REPLAY | FSCK_ORPHANS) == 0);
    }
    free(log);
    free(start);
}

static void crash_at(size_t point, enum subset subset)
{
    memcpy(world_disk, before, world_disk_bytes);
    apply(world_writes, point, subset);
    crash_point = point;
    if (!world_run(remount, NULL))
        fail_msg("crash after %zu of %zu records, subset %d", point, world_nwrites, subset);
}

/* In a process of its own, since each crash state is mounted afresh; what it did goes to a file. */
static void record_workload(void *arg)
{
    port_quiet = 1;
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
    world_record = true;
    run_workload();
    world_record = false;
    FILE *f = *(FILE **)arg;
    fwrite(&world_nwrites, sizeof world_nwrites, 1, f);
    fwrite(world_writes, sizeof *world_writes, world_nwrites, f);
    fwrite(model_after, sizeof model_after, 1, f);
    fwrite(writes_after, sizeof writes_after, 1, f);
    fflush(f);
}

static void test_crashes(void **state)
{
    const char *states = getenv("CRASH_STATES"), *seed = getenv("CRASH_SEED");
    size_t wanted = states ? strtoul(states, NULL, 10) : 600;
    FILE *f = tmpfile();

    world_seed = seed ? strtoul(seed, NULL, 10) : 1;
    image_make(NULL, NULL);
    assert_true(world_run(record_workload, &f));
    rewind(f);
    assert_int_equal(fread(&world_nwrites, sizeof world_nwrites, 1, f), 1);
    world_writes = malloc(world_nwrites * sizeof *world_writes);
    assert_int_equal(fread(world_writes, sizeof *world_writes, world_nwrites, f), world_nwrites);
    assert_int_equal(fread(model_after, sizeof model_after, 1, f), 1);
    assert_int_equal(fread(writes_after, sizeof writes_after, 1, f), 1);
    fclose(f);

    before = malloc(world_disk_bytes);
    memcpy(before, world_disk, world_disk_bytes);
    for (size_t k = 0; k < wanted; k++) {
        size_t point = k * world_nwrites / wanted;

        crash_at(point, k % 2 ? SUBSET_RANDOM : SUBSET_PREFIX);
        if (k % 4 == 0)
            assert_true(world_run(crash_in_recovery, NULL));
    }
    crash_at(world_nwrites, SUBSET_RANDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crashes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
