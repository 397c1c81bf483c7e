/*
 * world.c - a disk in memory, frames, slabs and user memory for fs on the host.
 */
#include "world.h"

#include "drivers/chardev.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/demand.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#include <sanitizer/asan_interface.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int last_status;

int world_last_status(void)
{
    return last_status;
}

bool world_run(void (*fn)(void *arg), void *arg)
{
    int status = 0;

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        fn(arg);
        fflush(NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    last_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return last_status == 0;
}

uint64_t world_seed = 1;

uint32_t world_random(void)
{
    world_seed = world_seed * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(world_seed >> 33);
}

/* Counts an event against a plan. => true when this one fails */
static bool fault_hits(struct world_fault *fault)
{
    if (fault->after < 0 || fault->count == 0)
        return false;
    if (fault->after > 0) {
        fault->after--;
        return false;
    }
    fault->count--;
    return true;
}

/* ---- the disk ---- */

uint8_t *world_disk;
size_t world_disk_bytes;
struct world_write *world_writes;
size_t world_nwrites;
bool world_record, world_async;
struct world_fault world_read_fault = {-1, 0}, world_write_fault = {-1, 0};
long world_reads_seen, world_writes_seen;

static struct block_request *queue[256];
static unsigned queued;

static void record(uint64_t sector, const uint8_t *data)
{
    static size_t room;

    if (!world_record)
        return;
    if (world_nwrites == room) {
        room = room ? 2 * room : 1024;
        world_writes = realloc(world_writes, room * sizeof *world_writes);
    }
    world_writes[world_nwrites].sector = sector;
    if (data)
        memcpy(world_writes[world_nwrites].data, data, 512);
    world_nwrites++;
}

static void transfer(struct block_request *req)
{
    uint64_t sector = req->sector;

    for (unsigned i = 0; i < req->nsegs; i++) {
        uint8_t *addr = req->seg[i].addr;

        for (size_t off = 0; off < req->seg[i].len; off += 512, sector++) {
            if (req->op == BLOCK_READ) {
                memcpy(addr + off, world_disk + sector * 512, 512);
            } else {
                memcpy(world_disk + sector * 512, addr + off, 512);
                record(sector, addr + off);
            }
        }
    }
}

static int perform(struct block_request *req)
{
    if (req->op == BLOCK_FLUSH) {
        record(UINT64_MAX, NULL);
        return 0;
    }
    size_t bytes = 0;
    for (unsigned i = 0; i < req->nsegs; i++)
        bytes += req->seg[i].len;
    if (req->nsegs == 0 || bytes % 512 || req->sector * 512 + bytes > world_disk_bytes)
        return -EINVAL;
    if (req->op == BLOCK_READ)
        world_reads_seen++;
    else
        world_writes_seen++;
    if (fault_hits(req->op == BLOCK_READ ? &world_read_fault : &world_write_fault))
        return -EIO;
    transfer(req);
    return 0;
}

void block_submit(struct block_device *dev, struct block_request *req)
{
    req->ended = false;
    if (world_async) {
        world_lock();
        CHECK(queued < 256);
        queue[queued++] = req;
        world_unlock();
        return;
    }
    req->status = perform(req);
    req->ended = true;
}

static struct spinlock ends_lock = SPINLOCK_INIT("disk ends", RANK_DEV);

int block_wait(struct block_request *req)
{
    spin_lock(&ends_lock);
    while (!req->ended)
        wait_on(&req->wq, &ends_lock);
    spin_unlock(&ends_lock);
    return req->status;
}

bool world_complete_one(void)
{
    world_lock();
    if (queued == 0) {
        world_unlock();
        return false;
    }
    unsigned i = world_random() % queued;
    struct block_request *req = queue[i];
    queue[i] = queue[--queued];
    req->status = perform(req);
    world_unlock();
    spin_lock(&ends_lock);
    req->ended = true;
    wake_all(&req->wq);
    spin_unlock(&ends_lock);
    return true;
}

int block_io(struct block_device *dev, enum block_op op, uint64_t sector, void *buf, size_t len,
             const char *what)
{
    struct block_request req = {.op = op, .nsegs = 1, .sector = sector, .seg = {{buf, len}}};

    world_lock();
    int err = perform(&req);
    world_unlock();
    return err;
}

int block_flush(struct block_device *dev)
{
    struct block_request req = {.op = BLOCK_FLUSH};

    world_lock();
    int err = perform(&req);
    world_unlock();
    return err;
}

struct block_device world_dev = {.name = "memory", .can_flush = true};

/* ---- memory: none of ours where the real mm/ is linked ---- */

#ifndef WORLD_REAL_MM

size_t world_frames_max = 4096, world_frames_used;
long world_slab_objects;
struct world_fault world_memory_fault = {-1, 0};

/* Every second frame is used, and the rest may not be touched: a copy past the end of a page is noticed. */
#define FRAMES_LAST 16383

static uint32_t free_frames[FRAMES_LAST / 2 + 1], nfree;

static __attribute__((constructor)) void make_frames(void)
{
    size_t bytes = (FRAMES_LAST + 1) * PAGE_SIZE, array = (FRAMES_LAST + 1) * sizeof(struct page);
    char *arena = mmap(NULL, bytes + array, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(arena != MAP_FAILED);
    host_kernel_offset = (uint64_t)arena;
    host_page_array = (uint64_t)arena + bytes;
    ASAN_POISON_MEMORY_REGION(arena, bytes);
    for (uint32_t frame = FRAMES_LAST; frame >= 2; frame -= 2)
        free_frames[nfree++] = frame - 1;
}

void page_get_stats(struct page_stats *stats)
{
    size_t used = __atomic_load_n(&world_frames_used, __ATOMIC_RELAXED);

    *stats = (struct page_stats){.total = world_frames_max,
                                 .free = used < world_frames_max ? world_frames_max - used : 0};
}

struct page *page_alloc(void)
{
    world_lock();
    bool fails = fault_hits(&world_memory_fault);
    world_unlock();
    if (fails)
        return NULL;
    if (__atomic_load_n(&world_frames_used, __ATOMIC_RELAXED) >= world_frames_max &&
        fs_reclaim_pages(1) == 0)
        return NULL;
    __atomic_fetch_add(&world_frames_used, 1, __ATOMIC_RELAXED);
    world_lock();
    CHECK(nfree > 0);
    struct page *page = &page_array[free_frames[--nfree]];
    world_unlock();
    ASAN_UNPOISON_MEMORY_REGION(page_addr(page), PAGE_SIZE);
    memset(page_addr(page), 0xa5, PAGE_SIZE);
    return page;
}

bool page_put(struct page *page)
{
    __atomic_fetch_sub(&world_frames_used, 1, __ATOMIC_RELAXED);
    ASAN_POISON_MEMORY_REGION(page_addr(page), PAGE_SIZE);
    world_lock();
    free_frames[nfree++] = frame_number(page);
    world_unlock();
    return true;
}

/* What is in it is no use to anyone who expects zeros. */
void *slab_alloc_raw(struct slab_cache *cache)
{
    void *obj;
    bool fails;

    world_lock();
    fails = fault_hits(&world_memory_fault);
    world_unlock();
    if (fails)
        return NULL;
    __atomic_fetch_add(&world_slab_objects, 1, __ATOMIC_RELAXED);
    obj = malloc(cache->size);
    return obj ? memset(obj, 0xa5, cache->size) : NULL;
}

void *slab_alloc(struct slab_cache *cache)
{
    void *obj = slab_alloc_raw(cache);

    return obj ? memset(obj, 0, cache->size) : NULL;
}

void slab_free(struct slab_cache *cache, void *obj)
{
    __atomic_fetch_sub(&world_slab_objects, 1, __ATOMIC_RELAXED);
    free(obj);
}

/* ---- user memory ---- */

uint8_t world_user[USER_BYTES];

static size_t user_fits(vaddr_t va, size_t n)
{
    if (va < USER_BASE || va >= USER_BASE + USER_BYTES)
        return 0;
    size_t room = USER_BASE + USER_BYTES - va;

    return n < room ? n : room;
}

size_t copy_from_user_partial(void *to, vaddr_t from, size_t n)
{
    size_t fits = user_fits(from, n);

    if (fits)
        memcpy(to, world_user + (from - USER_BASE), fits);
    return fits;
}

size_t copy_to_user_partial(vaddr_t to, const void *from, size_t n)
{
    size_t fits = user_fits(to, n);

    if (fits)
        memcpy(world_user + (to - USER_BASE), from, fits);
    return fits;
}

int copy_to_user(vaddr_t to, const void *from, size_t n)
{
    return copy_to_user_partial(to, from, n) == n ? 0 : -EFAULT;
}

int copy_from_user(void *to, vaddr_t from, size_t n)
{
    return copy_from_user_partial(to, from, n) == n ? 0 : -EFAULT;
}

/* ---- regions: nobody maps a file ---- */

struct region *region_create_demand(size_t npages, const struct region_ops *ops, void *owner)
{
    return NULL;
}

int region_give_brought(struct region *r, size_t i, enum access access, struct page **page)
{
    abort();
}

bool region_get_live(struct region *r)
{
    abort();
}

struct page *region_take(struct region *r)
{
    abort();
}

void region_give_back(struct region *r, struct page *page)
{
    abort();
}

void region_fill(struct region *r, size_t i, struct page *page)
{
    abort();
}

struct page *region_page(const struct region *r, size_t i)
{
    abort();
}

bool region_dirty(const struct region *r, size_t i)
{
    abort();
}

void region_empty(struct region *r)
{
    abort();
}

void region_put(struct region *r)
{
    abort();
}

#endif

/* ---- devices ---- */

static long null_read(vaddr_t ubuf, long n)
{
    return 0;
}

const struct char_ops *chardev_get(int major)
{
    static const struct char_ops ops = {.read = null_read};

    return major == 1 ? &ops : NULL;
}
