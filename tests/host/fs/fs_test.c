/*
 * fs_test.c - what xv6's programs rely on, one rule after the other (docs/xv6-abi.md 2, 4, 8, 9).
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

static void mount(void)
{
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
}

static void fill_user(size_t n)
{
    for (size_t i = 0; i < n; i++)
        world_user[i] = (uint8_t)(i * 13 % 249);
}

static struct file *open_ok(const char *path, int flags)
{
    struct file *f;
    int err = file_open(root, path, flags, &f);

    if (err) {
        fprintf(stderr, "open %s %x: %d\n", path, flags, err);
        _exit(1);
    }
    return f;
}

static int open_err(const char *path, int flags)
{
    struct file *f;

    return file_open(root, path, flags, &f);
}

static struct stat stat_of(struct file *f)
{
    struct stat st;

    CHECK(file_stat(f, USER_BASE + USER_BYTES - sizeof st) == 0);
    memcpy(&st, world_user + USER_BYTES - sizeof st, sizeof st);
    return st;
}

static void make_file(const char *path, size_t n)
{
    struct file *f = open_ok(path, O_CREATE | O_WRONLY);

    CHECK(file_write(f, USER_BASE, (long)n) == (long)n);
    file_close(f);
}

/* Every test ends here: nothing leaked, the image clean. */
static void finish_test(void)
{
    inode_put(root);
    root = NULL;
    CHECK(port_locks_held() == 0);
    CHECK(image_fsck(FSCK_STRICT) == 0);
    fs_reclaim_pages(1000);
    CHECK(fs_cached_pages() == 0);
    CHECK(world_slab_objects == 16 + 1); /* the fixed groups, the root inode */
}

static void t_read(void *arg)
{
    mount();
    struct file *f = open_ok("README", O_RDONLY);
    CHECK(file_read(f, USER_BASE, 100) == 100 && world_user[1] == 7);
    CHECK(file_read(f, USER_BASE, -1) == 2200);
    CHECK(file_read(f, USER_BASE, 5) == 0);
    CHECK(file_write(f, USER_BASE, 1) == -EBADF);
    file_close(f);
    f = open_ok("/cat", O_RDWR);
    CHECK(file_read(f, USER_BASE, 40000) == 30000);
    for (unsigned i = 0; i < 30000; i++)
        CHECK(world_user[i] == i * 7 % 251);
    file_close(f);
    f = open_ok("/cat", O_RDONLY);
    CHECK(file_read(f, USER_BASE + USER_BYTES - 2000, 5000) == -EFAULT);
    CHECK(file_read(f, USER_BASE, 4) == 4 && world_user[0] == 0); /* the offset did not move */
    file_close(f);
    finish_test();
}

static void t_open_rules(void *arg)
{
    mount();
    CHECK(open_err("nothing", O_RDONLY) == -ENOENT);
    CHECK(open_err("/", O_WRONLY) == -EISDIR && open_err("/", O_TRUNC) == -EISDIR);
    CHECK(open_err("", O_CREATE) == -ENOENT && open_err("/", O_CREATE | O_RDWR) == -ENOENT);
    CHECK(open_err(".", O_CREATE) == -EISDIR && open_err("README/x", O_CREATE) == -ENOTDIR);
    CHECK(open_err("README/.", 0) == -ENOTDIR && open_err("no/x", O_CREATE) == -ENOENT);
    file_close(open_ok("", 0));
    file_close(open_ok("README/", 0));
    file_close(open_ok("//README", 0x800));
    file_close(open_ok("./../README", 0));
    struct file *f = open_ok("README", 3);
    CHECK(f->writable && !f->readable);
    file_close(f);
    file_close(open_ok("README", O_TRUNC)); /* read-only, and yet it truncates */
    f = open_ok("README", 0);
    CHECK(stat_of(f).size == 0);
    file_close(f);
    f = open_ok("abcdefghijklmnopq", O_CREATE | O_RDWR);
    file_close(f);
    file_close(open_ok("abcdefghijklmn", 0));
    file_close(open_ok("abcdefghijklmnXYZ", 0));
    CHECK(open_err("abcdefghijklm", 0) == -ENOENT);
    finish_test();
}

static void t_devices(void *arg)
{
    mount();
    CHECK(fs_mknod(root, "console", 1, 0) == -EEXIST); /* mkfs has made it */
    CHECK(fs_mknod(root, "d9", 9, 7) == 0 && fs_mknod(root, "d10", 10, 0) == 0);
    CHECK(fs_mknod(root, "dneg", -1, 0) == 0);
    CHECK(open_err("d10", 0) == -ENODEV && open_err("dneg", 0) == -ENODEV);
    struct file *f = open_ok("console", O_RDWR | O_TRUNC | O_CREATE);
    CHECK(file_read(f, USER_BASE, 5) == 0 && file_write(f, USER_BASE, 5) == -ENODEV);
    CHECK(stat_of(f).type == T_DEVICE && stat_of(f).size == 0 && stat_of(f).nlink == 1);
    file_close(f);
    f = open_ok("d9", 0);
    CHECK(file_read(f, USER_BASE, 5) == -ENODEV);
    file_close(f);
    finish_test();
}

static void t_directories(void *arg)
{
    struct inode *d;

    mount();
    CHECK(fs_mkdir(root, "d") == 0 && fs_mkdir(root, "d") == -EEXIST);
    CHECK(fs_mkdir(root, "") == -ENOENT && fs_mkdir(root, "/") == -ENOENT);
    CHECK(fs_mkdir(root, "d/e/") == 0 && fs_mkdir(root, "x/y") == -ENOENT);
    struct file *f = open_ok("d", 0);
    CHECK(stat_of(f).nlink == 2 && stat_of(f).size == 48 && stat_of(f).type == T_DIR);
    CHECK(file_read(f, USER_BASE, 16) == 16 && world_user[2] == '.');
    file_close(f);
    CHECK(fs_unlink(root, "d") == -ENOTEMPTY && fs_unlink(root, "d/.") == -EINVAL);
    CHECK(fs_unlink(root, "d/..") == -EINVAL && fs_unlink(root, "") == -ENOENT);
    CHECK(fs_unlink(root, "/") == -ENOENT && fs_unlink(root, "d/e/") == 0);
    CHECK(fs_chdir(root, "README", &d) == -ENOTDIR && fs_chdir(root, "zz", &d) == -ENOENT);
    CHECK(fs_chdir(root, "", &d) == 0 && d == root);
    inode_put(d);
    CHECK(fs_chdir(root, "d", &d) == 0);
    make_file("d/f", 10);
    CHECK(fs_unlink(d, "../d/f") == 0 && fs_unlink(d, "f") == -ENOENT);
    CHECK(fs_unlink(root, "d") == 0);
    inode_put(d);
    f = open_ok("/", 0);
    CHECK(stat_of(f).nlink == 1);
    file_close(f);
    finish_test();
}

/* chdir /a/b, remove b, remove a: then paths through `..` fail politely. */
static void t_removed_cwd(void *arg)
{
    struct inode *b, *d;
    struct file *f;

    mount();
    CHECK(fs_mkdir(root, "a") == 0 && fs_mkdir(root, "a/b") == 0);
    CHECK(fs_chdir(root, "a/b", &b) == 0);
    CHECK(fs_unlink(root, "a/b") == 0 && fs_unlink(root, "a") == 0);
    CHECK(fs_chdir(b, "../", &d) == -ENOENT && file_open(b, "../c", O_CREATE, &f) == -ENOENT);
    CHECK(file_open(b, "x", O_CREATE | O_RDWR, &f) == -ENOENT && fs_mkdir(b, "y") == -ENOENT);
    CHECK(file_open(b, "..", O_CREATE | O_RDWR, &f) == -ENOENT);
    CHECK(fs_link(b, "/README", "l") == -ENOENT && fs_unlink(b, "z") == -ENOENT);
    CHECK(fs_chdir(b, ".", &d) == 0 && d == b);
    inode_put(d);
    inode_put(b);
    finish_test();
}

static void t_links(void *arg)
{
    mount();
    fill_user(5000);
    make_file("f", 5000);
    CHECK(fs_link(root, "f", "g") == 0 && fs_link(root, "f", "g") == -EEXIST);
    CHECK(fs_link(root, "no", "h") == -ENOENT && fs_link(root, "/", "h") == -EPERM);
    CHECK(fs_link(root, "f", "no/h") == -ENOENT && fs_link(root, "f", "") == -ENOENT);
    struct file *f = open_ok("g", 0);
    CHECK(stat_of(f).nlink == 2);
    CHECK(fs_unlink(root, "f") == 0 && fs_unlink(root, "g") == 0);
    CHECK(stat_of(f).nlink == 0);
    CHECK(file_read(f, USER_BASE + 8192, 6000) == 5000);
    CHECK(memcmp(world_user, world_user + 8192, 5000) == 0);
    CHECK(image_fsck(FSCK_STRICT) != 0 && image_fsck(FSCK_ORPHANS) == 0);
    file_close(f);
    finish_test();
}

static void t_link_overflow(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct dinode *di = (struct dinode *)(world_disk + sb->inodestart * BSIZE) + 2;
    short was = di->nlink;

    di->nlink = NLINK_MAX;
    mount();
    CHECK(fs_link(root, "README", "h") == -EMLINK);
    inode_put(root);
    di->nlink = was;
}

static void t_big_write(void *arg)
{
    mount();
    fill_user(310 * 1024);
    struct file *f = open_ok("big", O_CREATE | O_RDWR);
    CHECK(file_write(f, USER_BASE, 300 * 1024) == -EFBIG);
    CHECK(stat_of(f).size == 273408 && f->off == 273408);
    CHECK(file_write(f, USER_BASE, 1024) == 1024 && file_write(f, USER_BASE, 1) == -EFBIG);
    CHECK(stat_of(f).size == 268 * 1024);
    CHECK(file_write(f, USER_BASE, 0) == 0 && file_write(f, USER_BASE, -1) == -EINVAL);
    struct file *g = open_ok("big", O_TRUNC | O_RDWR);
    CHECK(file_write(f, USER_BASE, 1) == -EINVAL && file_read(f, USER_BASE, 10) == 0);
    file_close(g);
    file_close(f);
    CHECK(fs_unlink(root, "big") == 0);
    finish_test();
}

static void t_partial_write(void *arg)
{
    mount();
    fill_user(100);
    struct file *f = open_ok("p", O_CREATE | O_RDWR);
    world_user[USER_BYTES - 1] = 'x';
    CHECK(file_write(f, USER_BASE + USER_BYTES - 1, 2) == -EFAULT && f->off == 1);
    CHECK(stat_of(f).size == 1);
    for (int i = 0; i < 600; i++)
        CHECK(file_write(f, 0xffffffffffUL, 3000) == -EFAULT);
    struct file *g = open_ok("q", O_CREATE | O_RDWR);
    CHECK(file_write(g, 0xffffffffffUL, 1) == -EFAULT && stat_of(g).size == 0);
    file_close(g);
    file_close(f);
    finish_test(); /* fsck: the block of q went back */
}

static void t_disk_full(void *arg)
{
    char name[8];
    int n = 0;

    mount();
    fill_user(300000);
    for (; n < 100; n++) {
        snprintf(name, sizeof name, "f%d", n);
        struct file *f = open_ok(name, O_CREATE | O_RDWR);
        long r = file_write(f, USER_BASE, 200 * 1024);
        file_close(f);
        if (r < 0) {
            CHECK(r == -ENOSPC);
            break;
        }
    }
    CHECK(n < 100);
    CHECK(fs_mkdir(root, "dd") == -ENOSPC || fs_mkdir(root, "de") == -ENOSPC);
    fs_unlink(root, "dd");
    for (; n >= 0; n--) {
        snprintf(name, sizeof name, "f%d", n);
        CHECK(fs_unlink(root, name) == 0);
    }
    finish_test();
}

static void t_inodes_out(void *arg)
{
    char name[8];
    int n = 0, err = 0;
    struct file *f;

    mount();
    for (; n < 1024 && !err; n++) {
        snprintf(name, sizeof name, "i%d", n);
        err = file_open(root, name, O_CREATE, &f);
        if (!err)
            file_close(f);
    }
    CHECK(err == -ENOSPC && n == 195 + 1); /* inodes 5 .. 199 were free */
    CHECK(fs_unlink(root, "i5") == 0);
    f = open_ok("again", O_CREATE);
    CHECK(stat_of(f).ino == 5 + 5); /* the lowest free one */
    file_close(f);
    finish_test();
}

static void t_file_limit(void *arg)
{
    static struct file *f[FILES_MAX];

    mount();
    for (int i = 0; i < FILES_MAX; i++)
        f[i] = open_ok("README", 0);
    CHECK(open_err("new", O_CREATE) == -ENFILE && open_err("new", 0) == -ENFILE);
    for (int i = 0; i < FILES_MAX; i++)
        file_close(f[i]);
    CHECK(open_err("new", 0) == -ENOENT); /* nothing was made by the failed one */
    struct file *g = open_ok("README", 0);
    CHECK(file_dup(g) == g);
    file_close(g);
    CHECK(file_read(g, USER_BASE, 3) == 3);
    file_close(g);
    finish_test();
}

static void t_big_directory(void *arg)
{
    char name[8];

    mount();
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "x%d", i);
        CHECK(fs_link(root, "README", name) == 0);
    }
    for (int i = 499; i >= 0; i -= 2) {
        snprintf(name, sizeof name, "x%d", i);
        CHECK(fs_unlink(root, name) == 0);
    }
    struct file *f = open_ok("/", 0);
    unsigned long size = stat_of(f).size;
    for (int i = 499; i >= 0; i -= 2) {
        snprintf(name, sizeof name, "y%d", i);
        CHECK(fs_link(root, "README", name) == 0); /* into the free entries */
    }
    CHECK(stat_of(f).size == size);
    file_close(f);
    finish_test();
}

/* 64 frames for a disk of 2 MB: the cache must recycle, and give back what it can. */
static void t_little_memory(void *arg)
{
    world_frames_max = 24;
    mount();
    fill_user(300000);
    make_file("a", 200 * 1024);
    make_file("b", 200 * 1024);
    CHECK(fs_cached_pages() <= 8);
    struct file *f = open_ok("a", 0);
    memset(world_user, 0, 300000);
    CHECK(file_read(f, USER_BASE, 300000) == 200 * 1024);
    for (size_t i = 0; i < 200 * 1024; i++)
        CHECK(world_user[i] == i * 13 % 249);
    file_close(f);
    finish_test();
}

static void t_cache_grows(void *arg)
{
    mount();
    make_file("large", 200 * 1024);
    struct file *f = open_ok("large", 0);
    CHECK(file_read(f, USER_BASE, -1) == 200 * 1024);
    long reads = world_reads_seen;
    CHECK(fs_cached_pages() > 30);
    file_close(f);
    f = open_ok("large", 0);
    CHECK(file_read(f, USER_BASE, -1) == 200 * 1024 && world_reads_seen == reads);
    file_close(f);
    finish_test();
}

/* Blocks that do not lie side by side are read one by one: no room is made for more. */
static void t_cache_fits(void *arg)
{
    mount();
    struct file *f = open_ok("even", O_CREATE | O_RDWR), *g = open_ok("odd", O_CREATE | O_RDWR);
    for (int i = 0; i < 100; i++)
        CHECK(file_write(f, USER_BASE, 1024) == 1024 && file_write(g, USER_BASE, 1024) == 1024);
    file_close(g);
    file_close(f);
    fs_reclaim_pages(1000);
    f = open_ok("even", O_RDONLY);
    CHECK(file_read(f, USER_BASE, -1) == 100 * 1024);
    CHECK(fs_cached_pages() < 40);
    file_close(f);
    finish_test();
}

/* A write of any length is one transaction as long as the log has room. */
static void t_few_commits(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    unsigned headers = 0;

    mount();
    struct file *f = open_ok("w", O_CREATE | O_RDWR);
    world_record = true;
    CHECK(file_write(f, USER_BASE, 12 * 1024) == 12 * 1024);
    for (size_t i = 0; i < world_nwrites; i++)
        headers += world_writes[i].sector == sb->logstart * 2;
    CHECK(headers == 2);
    file_close(f);
    finish_test();
}

/* A corrupt image with more names than an inode counts: the count stops at 0. */
static void t_names_uncounted(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct dinode *di = (struct dinode *)(world_disk + sb->inodestart * BSIZE);
    struct dirent *entry = (struct dirent *)(world_disk + di[ROOTINO].addrs[0] * BSIZE);

    entry[6] = (struct dirent){.inum = entry[2].inum, .name = "again"};
    mount();
    struct file *f = open_ok("README", O_RDONLY);
    CHECK(fs_unlink(root, "README") == 0 && fs_unlink(root, "again") == 0);
    CHECK(stat_of(f).nlink == 0 && di[2].nlink == 0);
    file_close(f);
    CHECK(di[2].type == 0);
    finish_test();
}

/* Lowest-first, and the layout a fresh file gets. */
static void t_allocation(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct dinode *di = (struct dinode *)(world_disk + sb->inodestart * BSIZE);

    mount();
    make_file("a", 1024);
    make_file("b", 1024);
    uint32_t first = di[5].addrs[0];
    CHECK(di[6].addrs[0] == first + 1);
    CHECK(fs_unlink(root, "a") == 0);
    make_file("c", 2048);
    CHECK(di[5].addrs[0] == first && di[5].addrs[1] == first + 2);
    finish_test();
}

static bool refused(void (*spoil)(struct superblock *sb))
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE), good = *sb;

    spoil(sb);
    port_quiet = 1;
    int err = fs_init(&world_dev);
    port_quiet = 0;
    *sb = good;
    return err == -EINVAL;
}

static void s_magic(struct superblock *sb)
{
    sb->magic ^= 1;
}
static void s_size(struct superblock *sb)
{
    sb->size = 5000;
}
static void s_nlog(struct superblock *sb)
{
    sb->nlog = 10;
}
static void s_nlog_huge(struct superblock *sb)
{
    sb->nlog = 0xffffffff;
}
static void s_logstart(struct superblock *sb)
{
    sb->logstart = 1;
}
static void s_inodes(struct superblock *sb)
{
    sb->ninodes = 0xffffffff;
}
static void s_inodestart(struct superblock *sb)
{
    sb->inodestart = 30;
}
static void s_bmap(struct superblock *sb)
{
    sb->bmapstart = 0xfffffff0;
}
static void s_nblocks(struct superblock *sb)
{
    sb->nblocks = 1990;
}

static void t_refuse(void *arg)
{
    CHECK(refused(s_magic) && refused(s_size) && refused(s_nlog) && refused(s_nlog_huge));
    CHECK(refused(s_logstart) && refused(s_inodes) && refused(s_inodestart) && refused(s_bmap));
    CHECK(refused(s_nblocks));
    world_dev.nsectors = 3;
    CHECK(fs_init(&world_dev) == -EINVAL && fs_init(NULL) == -ENODEV);
}

static void t_bad_log(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct log_header *head = (struct log_header *)(world_disk + sb->logstart * BSIZE);

    head->n = 31;
    CHECK(fs_init(&world_dev) == -EIO);
    head->n = 1;
    head->block[0] = 2000;
    CHECK(fs_init(&world_dev) == -EIO);
    head->block[0] = (int)sb->logstart + 5;
    CHECK(fs_init(&world_dev) == -EIO);
    CHECK(world_writes_seen == 0);
}

static void t_orphans(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);
    struct dinode *di = (struct dinode *)(world_disk + sb->inodestart * BSIZE);

    di[100] = (struct dinode){.type = T_FILE};
    CHECK(image_fsck(FSCK_STRICT) != 0 && image_fsck(FSCK_ORPHANS) == 0);
    mount();
    finish_test();
}

static void t_readonly(void *arg)
{
    world_dev.readonly = true;
    mount();
    CHECK(open_err("new", O_CREATE) == -EACCES && fs_unlink(root, "README") == -EACCES);
    struct file *f = open_ok("README", O_RDWR);
    CHECK(file_write(f, USER_BASE, 1) == -EACCES && file_read(f, USER_BASE, 10) == 10);
    file_close(f);
    file_close(open_ok("console", O_CREATE | O_RDWR)); /* what exists can be opened */
    CHECK(open_err("README", O_TRUNC) == -EACCES && open_err(".", O_CREATE) == -EISDIR);
    finish_test();
}

/* An image as xv6's mkfs of 2022 makes it: nlog 30. */
static void t_log_of_2022(void *arg)
{
    struct superblock *sb = (struct superblock *)(world_disk + BSIZE);

    sb->nlog = 30; /* one block less: it is nobody's now, but in use all the same */
    mount();
    fill_user(60000);
    make_file("w", 60000);
    finish_test();
}

struct rule {
    void (*fn)(void *arg);
    bool async;
};

static void run_rule(void **state)
{
    struct rule *rule = *state;

    image_make(NULL, NULL);
    world_async = rule->async;
    assert_true(world_run(rule->fn, NULL));
}

#define RULE(name)                                                    \
    {#name, run_rule, NULL, NULL, &(struct rule){name, false}},       \
    {                                                                 \
#name " (asynchronous)", run_rule, NULL, NULL, &(struct rule) \
        {                                                             \
            name, true                                                \
        }                                                             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(t_read),          RULE(t_open_rules),    RULE(t_devices),         RULE(t_directories),
        RULE(t_removed_cwd),   RULE(t_links),         RULE(t_link_overflow),   RULE(t_big_write),
        RULE(t_partial_write), RULE(t_disk_full),     RULE(t_inodes_out),      RULE(t_file_limit),
        RULE(t_big_directory), RULE(t_little_memory), RULE(t_cache_grows),     RULE(t_allocation),
        RULE(t_cache_fits),    RULE(t_few_commits),   RULE(t_names_uncounted), RULE(t_refuse),
        RULE(t_bad_log),       RULE(t_orphans),       RULE(t_readonly),        RULE(t_log_of_2022),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
