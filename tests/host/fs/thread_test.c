/*
 * thread_test.c - several threads use the file system at once, on a disk that answers late and in
 * any order, with frames being taken away all the time; then the image must be sound.
 *
 * Each thread has names of its own, which it checks, and fights for others. Two threads share an
 * offset. Environment: THREAD_ROUNDS (default 150).
 */
#include "world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "fs/file.h"
#include "fs/format.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "uapi/kernel/fcntl.h"

enum {
    THREADS = 4,
    PIECE = 5000,
    SHARED_WRITES = 300
};

static struct inode *root;
static struct file *shared;
static bool stop;
static unsigned long rounds;

static void *disk_thread(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        if (!world_complete_one())
            usleep(10);
    return NULL;
}

static void *memory_thread(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        fs_reclaim_pages(3);
        usleep(100);
    }
    return NULL;
}

/* A part of user memory for each thread, filled with its number. */
static vaddr_t buffer(long t)
{
    memset(world_user + t * 2 * PIECE, (int)t + 1, PIECE);
    return USER_BASE + (vaddr_t)t * 2 * PIECE;
}

static void own_file(long t, const char *path)
{
    struct file *f;

    CHECK(file_open(root, path, O_CREATE | O_RDWR | O_TRUNC, &f) == 0);
    CHECK(file_write(f, buffer(t), PIECE) == PIECE);
    file_close(f);
    CHECK(file_open(root, path, 0, &f) == 0);
    CHECK(file_read(f, USER_BASE + (vaddr_t)t * 2 * PIECE + PIECE, 2 * PIECE) == PIECE);
    CHECK(memcmp(world_user + t * 2 * PIECE, world_user + t * 2 * PIECE + PIECE, PIECE) == 0);
    CHECK(fs_unlink(root, path) == 0);
    file_close(f);
}

static void fight(unsigned r)
{
    struct file *f;
    struct inode *d;

    switch (r % 8) {
    case 0:
        fs_mkdir(root, "fight");
        break;
    case 1:
        fs_unlink(root, "fight");
        break;
    case 2:
        if (file_open(root, "fight/x", O_CREATE | O_RDWR, &f) == 0)
            file_close(f);
        break;
    case 3:
        fs_link(root, "fight/x", "y");
        break;
    case 4:
        fs_unlink(root, "fight/x");
        break;
    case 5:
        fs_unlink(root, "y");
        break;
    case 6:
        if (fs_chdir(root, "fight", &d) == 0) {
            fs_unlink(d, "../fight");
            if (file_open(d, "../y", O_TRUNC | O_RDWR, &f) == 0)
                file_close(f);
            inode_put(d);
        }
        break;
    default:
        if (file_open(root, "/", 0, &f) == 0) {
            CHECK(file_read(f, USER_BASE + 400000, 65536) >= 64);
            file_close(f);
        }
    }
}

static void *worker(void *arg)
{
    long t = (long)arg;
    char path[16];
    unsigned seed = (unsigned)t * 77 + 1;

    snprintf(path, sizeof path, "own%ld", t);
    for (unsigned long i = 0; i < rounds; i++) {
        own_file(t, path);
        for (int k = 0; k < 6; k++)
            fight((unsigned)rand_r(&seed));
    }
    return NULL;
}

static void *sharer(void *arg)
{
    long t = (long)arg;
    vaddr_t va = USER_BASE + 300000 + (vaddr_t)t * 100;

    memset(world_user + (va - USER_BASE), 'a' + (int)t, 10);
    for (int i = 0; i < SHARED_WRITES; i++)
        CHECK(file_write(shared, va, 10) == 10);
    return NULL;
}

static void check_shared(void)
{
    struct file *f;
    unsigned count[2] = {0, 0};
    long n = 2 * SHARED_WRITES * 10;

    CHECK(file_open(root, "shared", 0, &f) == 0);
    CHECK(file_read(f, USER_BASE, USER_BYTES) == n);
    for (long i = 0; i < n; i++)
        count[world_user[i] - 'a']++;
    CHECK(count[0] == count[1]);
    file_close(f);
}

static void run(void *arg)
{
    pthread_t disk, memory, threads[THREADS + 2];

    alarm(200);
    world_async = true;
    CHECK(pthread_create(&disk, NULL, disk_thread, NULL) == 0);
    CHECK(fs_init(&world_dev) == 0);
    root = inode_root();
    CHECK(pthread_create(&memory, NULL, memory_thread, NULL) == 0);
    CHECK(file_open(root, "shared", O_CREATE | O_WRONLY, &shared) == 0);
    for (long t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, worker, (void *)t);
    for (long t = 0; t < 2; t++)
        pthread_create(&threads[THREADS + t], NULL, sharer, (void *)t);
    for (int t = 0; t < THREADS + 2; t++)
        pthread_join(threads[t], NULL);
    file_close(shared);
    check_shared();
    fs_unlink(root, "fight/x");
    inode_put(root);
    stop = true;
    pthread_join(disk, NULL);
    pthread_join(memory, NULL);
    fs_reclaim_pages(10000);
    CHECK(fs_cached_pages() == 0 && world_slab_objects == 17);
    CHECK(image_fsck(FSCK_STRICT) == 0);
}

static void test_threads(void **state)
{
    const char *r = getenv("THREAD_ROUNDS");

    rounds = r ? strtoul(r, NULL, 10) : 150;
    world_frames_max = 40;
    image_make(NULL, NULL);
    assert_true(world_run(run, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
