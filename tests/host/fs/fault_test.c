/*
 * fault_test.c - what fails must fail politely: disk reads and writes, memory, corrupt images.
 *
 * The same mixed workload runs again and again; each time another read, write or allocation fails,
 * or random bytes of the image are spoiled. Nothing may crash, hang or leak, and after mere
 * failures the image must still be sound. Environment: FAULT_ROUNDS (corrupt images, default 400).
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

static struct inode *root;

static void write_some(struct inode *cwd, const char *path, int flags, long n)
{
    struct file *f;

    if (file_open(cwd, path, flags, &f) != 0)
        return;
    file_write(f, USER_BASE, n);
    file_read(f, USER_BASE, -1);
    file_stat(f, USER_BASE);
    file_close(f);
}

static void read_all(struct inode *cwd, const char *path)
{
    struct file *f;

    if (file_open(cwd, path, 0, &f) != 0)
        return;
    while (file_read(f, USER_BASE, 3000) > 0)
        ;
    file_close(f);
}

/* Some of everything; errors are expected anywhere. */
static void workload(void)
{
    struct inode *d = NULL, *old = inode_dup(root);
    struct file *f = NULL;

    read_all(root, "cat");
    read_all(root, "/");
    write_some(root, "a", O_CREATE | O_RDWR, 20000);
    fs_mkdir(root, "d");
    if (fs_chdir(root, "d", &d) == 0) {
        inode_put(old);
        old = d;
    }
    write_some(old, "b", O_CREATE | O_RDWR, 5000);
    fs_link(old, "b", "../c");
    fs_mknod(old, "dev", 1, 0);
    fs_unlink(old, "b");
    write_some(old, "../a", O_TRUNC | O_RDWR, 2000);
    if (file_open(root, "c", 0, &f) == 0) {
        fs_unlink(root, "c");
        file_read(f, USER_BASE, 100);
        file_close(f);
    }
    fs_unlink(old, "dev");
    fs_unlink(root, "d");
    read_all(old, "../README");
    fs_unlink(root, "a");
    fs_unlink(root, "cat");
    fs_mkdir(root, "e");
    write_some(root, "e/f", O_CREATE | O_RDWR, 14 * 1024);
    inode_put(old);
}

enum what {
    FAIL_READ,
    FAIL_WRITE,
    FAIL_MEMORY
};

struct plan {
    enum what what;
    long n;
    long count;
    bool mounted; /* the fault comes after the mount */
};

static void set_fault(const struct plan *plan)
{
    struct world_fault fault = {plan->n, plan->count};

    if (plan->what == FAIL_READ)
        world_read_fault = fault;
    else if (plan->what == FAIL_WRITE)
        world_write_fault = fault;
    else
        world_memory_fault = fault;
}

static long unused_faults(const struct plan *plan)
{
    return plan->what == FAIL_READ    ? world_read_fault.count
           : plan->what == FAIL_WRITE ? world_write_fault.count
                                      : world_memory_fault.count;
}

enum {
    NEVER_CAME = 77
}; /* exit status: the workload ended before the fault */

static void run_plan(void *arg)
{
    const struct plan *plan = arg;

    port_quiet = 1;
    if (!plan->mounted)
        set_fault(plan);
    if (fs_init(&world_dev) == 0) {
        if (plan->mounted)
            set_fault(plan);
        root = inode_root();
        workload();
        inode_put(root);
        fs_reclaim_pages(1000);
        /* Fixed groups and the root; a failed commit keeps its buffers. */
        CHECK(world_slab_objects >= 17 && world_slab_objects <= 17 + LOG_BLOCKS_MAX);
        if (plan->what != FAIL_WRITE)
            CHECK(world_slab_objects == 17);
    }
    CHECK(port_locks_held() == 0);
    if (unused_faults(plan) == plan->count)
        _exit(NEVER_CAME);
    CHECK(image_fsck(FSCK_REPLAY | FSCK_ORPHANS) == 0);
}

static void each_fault(enum what what, long count, bool mounted)
{
    for (long n = 0; n < 5000; n++) {
        struct plan plan = {what, n, count, mounted};

        if (world_run(run_plan, &plan))
            continue;
        if (world_last_status() == NEVER_CAME) {
            assert_true(n >= 5);
            return;
        }
        fail_msg("fault %d at %ld, %ld times, mounted %d", what, n, count, mounted);
    }
}

static void test_read_errors(void **state)
{
    image_make(NULL, NULL);
    each_fault(FAIL_READ, 1, true);
    each_fault(FAIL_READ, 1000000, true);
}

static void test_write_errors(void **state)
{
    image_make(NULL, NULL);
    each_fault(FAIL_WRITE, 1, true);
    each_fault(FAIL_WRITE, 1000000, true);
}

static void test_memory(void **state)
{
    image_make(NULL, NULL);
    each_fault(FAIL_MEMORY, 1, true);
    each_fault(FAIL_MEMORY, 1000000, true);
    each_fault(FAIL_MEMORY, 1, false);
}

/* ---- corrupt images ---- */

/* Spoils a few numbers in the metadata or in the directory of the root. */
static void spoil(void)
{
    static const uint32_t values[] = {0,  1,    2,    31,     46,         47,
                                      48, 1999, 2000, 0xffff, 0x7fffffff, 0xffffffff};
    unsigned n = 1 + world_random() % 6;

    while (n-- > 0) {
        uint32_t blocks[] = {1, 2, 33, 33, 33, 46, 47, 48, 60};
        size_t at = blocks[world_random() % 9] * BSIZE + world_random() % 300;

        if (world_random() % 2) {
            world_disk[at] = (uint8_t)world_random();
        } else {
            at &= ~3UL;
            memcpy(world_disk + at, &values[world_random() % 12], 4);
        }
    }
}

static void run_corrupt(void *arg)
{
    port_quiet = 1;
    alarm(20);
    if (fs_init(&world_dev) == 0) {
        root = inode_root();
        for (int i = 0; i < 3; i++)
            workload();
        inode_put(root);
    }
    CHECK(port_locks_held() == 0);
    freopen("/dev/null", "w", stdout);
    image_fsck(FSCK_REPLAY); /* finds what it finds, and survives */
}

static void test_corrupt(void **state)
{
    const char *rounds = getenv("FAULT_ROUNDS");
    unsigned long n = rounds ? strtoul(rounds, NULL, 10) : 400;

    image_make(NULL, NULL);
    uint8_t *good = malloc(world_disk_bytes);
    memcpy(good, world_disk, world_disk_bytes);
    for (unsigned long i = 0; i < n; i++) {
        memcpy(world_disk, good, world_disk_bytes);
        world_seed = i + 1;
        spoil();
        if (!world_run(run_corrupt, NULL))
            fail_msg("corrupt image with seed %lu", i + 1);
    }
    free(good);
}

/* ---- corrupt in ways that a test should name ---- */

/* What the spoiled image has in free entries of its root. */
enum {
    CYCLE = 5,
    GHOST,
    WILD,
    HUGE,
    ODD,
    SHARER,
    ENTRIES
};

static const struct dirent bad_entries[ENTRIES] = {
    [CYCLE] = {ROOTINO, "cycle"}, [GHOST] = {150, "ghost"}, [WILD] = {60000, "wild"},
    [HUGE] = {160, "huge"},       [ODD] = {161, "odd"},     [SHARER] = {162, "sharer"},
};

static void spoil_by_name(void)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct dinode *di = (struct dinode *)(world_disk + sb->inodestart * BSIZE);
    struct dirent *entry = (struct dirent *)(world_disk + di[ROOTINO].addrs[0] * BSIZE);

    memcpy(entry + CYCLE, bad_entries + CYCLE, sizeof bad_entries - CYCLE * sizeof *entry);
    di[160] = (struct dinode){.type = T_FILE, .nlink = 1, .size = MAXFILE * BSIZE + 1};
    di[161] = (struct dinode){.type = 77, .nlink = 1};
    di[162] = di[2]; /* README: both have its blocks */
}

static int open_path(const char *path, int flags)
{
    struct file *f;
    int err = file_open(root, path, flags, &f);

    if (!err)
        file_close(f);
    return err;
}

static void run_named(void *arg)
{
    port_quiet = 1;
    alarm(20);
    spoil_by_name();
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
    CHECK(open_path("cycle/cycle/cycle/README", O_RDONLY) == 0);
    CHECK(fs_unlink(root, "cycle") == -EIO && fs_link(root, "README", "cycle/cycle/r") == 0);
    CHECK(fs_unlink(root, "cycle/cycle/r") == 0);
    for (int i = GHOST; i <= ODD; i++) {
        CHECK(open_path(bad_entries[i].name, O_RDONLY) == -EIO);
        CHECK(open_path(bad_entries[i].name, O_CREATE | O_RDWR) == -EIO);
        CHECK(fs_unlink(root, bad_entries[i].name) == -EIO);
    }
    CHECK(open_path("sharer", O_RDWR | O_TRUNC) == 0 && fs_unlink(root, "README") == 0);
    CHECK(fs_mkdir(root, "sharer") == -EEXIST && fs_mkdir(root, "fresh") == 0);
    inode_put(root);
    CHECK(port_locks_held() == 0);
}

static void test_named(void **state)
{
    image_make(NULL, NULL);
    assert_true(world_run(run_named, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_errors), cmocka_unit_test(test_write_errors),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
