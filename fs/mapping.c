/*
 * Mapped files: the regions that mmap maps, and how pages and blocks stay one file.
 *
 * Owns inode->mapping. The inode points to its region without holding it; the region holds the
 * inode. So a region may be on its way out, its stores being written, when somebody maps the file
 * again: the new mapper waits until it is gone, because its pages are read from the blocks. What waits here does so
 * without locks and outside transactions.
 *
 * Lock: the inode's; `went`, a spin lock, only to sleep by. Called by mm/fault.c and mm/ext/msync.c
 * through the operations of the region, by syscall/, file.c and read.c. Read next: region_empty() in mm/ext/demand.c.
 */
#include "fs/mapping.h"

#include "bcache.h"
#include "fs/file.h"
#include "internal.h"
#include "log.h"
#include "super.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/demand.h"
#include "sched/waitqueue.h"

#define FILE_PAGES       ((MAXFILE * BSIZE + PAGE_SIZE - 1) / PAGE_SIZE)
#define BLOCKS_PER_PAGE  (PAGE_SIZE / BSIZE)
#define SYNC_PAGES       (LOG_OP_BLOCKS / BLOCKS_PER_PAGE) /* in one transaction */

static struct {
    struct spinlock lock;
    struct waitqueue wq; /* waiters for some inode's `events` to change */
} went = {
    .lock = SPINLOCK_INIT("mapping", RANK_FS),
    .wq = WAITQUEUE_INIT(went.wq),
};

/* => inode locked. */
static void tell_event(struct inode *ip)
{
    spin_lock(&went.lock);
    __atomic_fetch_add(&ip->mapping.events, 1, __ATOMIC_RELAXED);
    wake_all(&went.wq);
    spin_unlock(&went.lock);
}

/* Sleeps until there is an event after the one that was `seen` with the inode locked. */
static void wait_event(struct inode *ip, uint32_t seen)
{
    spin_lock(&went.lock);
    while (__atomic_load_n(&ip->mapping.events, __ATOMIC_RELAXED) == seen)
        wait_on(&went.wq, &went.lock);
    spin_unlock(&went.lock);
}

/* ---- pages and blocks. All: inode locked ---- */

/* => page i of the file, or NULL when it is not in memory. */
static uint8_t *page_data(const struct inode *ip, size_t i)
{
    struct region *r = ip->mapping.region;
    struct page *page = r ? region_page(r, i) : NULL;

    return page ? page_addr(page) : NULL;
}

const uint8_t *mapping_data(const struct inode *ip, uint64_t off)
{
    const uint8_t *data = page_data(ip, off / PAGE_SIZE);

    return data ? data + off % PAGE_SIZE : NULL;
}

void mapping_store(struct inode *ip, uint64_t off, const uint8_t *data, size_t n)
{
    uint8_t *to = page_data(ip, off / PAGE_SIZE);

    if (to)
        memcpy(to + off % PAGE_SIZE, data, n);
}

/* Fills page i of r, which it does not have, from the blocks; what lies past the end is 0. */
static int fill_page(struct inode *ip, struct region *r, size_t i)
{
    struct page *page = region_take(r);

    if (!page)
        return -ENOMEM;
    uint8_t *data = page_addr(page);
    long n = inode_read_kernel(ip, data, i * PAGE_SIZE, PAGE_SIZE);
    if (n < 0) {
        region_give_back(r, page);
        return (int)n;
    }
    memset(data + n, 0, PAGE_SIZE - (size_t)n);
    region_fill(r, i, page);
    return 0;
}

/* Writes block `index` of the file, if the page has other bytes. => in a transaction. 0; -EIO. */
static int sync_block(struct inode *ip, uint32_t index, const uint8_t *data)
{
    size_t n = ip->size - index * BSIZE < BSIZE ? ip->size - index * BSIZE : BSIZE;
    uint32_t block;
    struct buf *b;
    int err = inode_map(ip, index, 1, &block);

    if (!err)
        err = buf_read(block, &b); /* -EIO for a hole, too, which only a damaged image has */
    if (err)
        return err;
    if (memcmp(b->data, data, n) != 0) {
        memcpy(b->data, data, n);
        log_write(b);
    }
    buf_put(b);
    return 0;
}

/* Writes page i as far as it lies in the file. => in a transaction (BLOCKS_PER_PAGE). 0; -EIO. */
static int sync_page(struct inode *ip, size_t i)
{
    uint32_t index = (uint32_t)(i * BLOCKS_PER_PAGE);
    int err = 0;

    for (unsigned k = 0; k < BLOCKS_PER_PAGE && (index + k) * BSIZE < ip->size; k++) {
        const uint8_t *data = mapping_data(ip, (index + k) * BSIZE);
        int e = data ? sync_block(ip, index + k, data) : 0;

        if (e)
            err = e;
    }
    return err;
}

/* ---- the region's operations ---- */

static int page_in(struct region *r, size_t i)
{
    struct inode *ip = r->owner;
    int err = -EFAULT;

    inode_lock(ip);
    if (i * PAGE_SIZE < ip->size)
        err = region_page(r, i) ? 0 : fill_page(ip, r, i);
    inode_unlock(ip);
    return err;
}

static size_t next_dirty(const struct region *r, size_t i, size_t end)
{
    while (i < end && !region_dirty(r, i))
        i++;
    return i;
}

/* Writes up to SYNC_PAGES pages that were stored to, from *i on; *i moves past them. */
static int sync_some(struct region *r, size_t *i, size_t end)
{
    struct inode *ip = r->owner;
    int err = log_begin(), end_err;

    if (err) {
        *i = end;
        return err;
    }
    inode_lock(ip);
    for (unsigned k = 0; k < SYNC_PAGES && *i < end; k++) {
        int e = sync_page(ip, *i);

        if (e)
            err = e;
        *i = next_dirty(r, *i + 1, end);
    }
    inode_unlock(ip);
    end_err = log_end();
    return err ? err : end_err;
}

static int sync_pages(struct region *r, size_t first, size_t n)
{
    size_t end = first < r->npages && n < r->npages - first ? first + n : r->npages;
    size_t i = next_dirty(r, first, end);
    int err = 0;

    if (i == end)
        return 0;
    while (i < end) {
        int e = sync_some(r, &i, end);

        if (e)
            err = e;
    }
    return err ? err : log_sync();
}

/* Borrowers may have stored after the last who mapped the file: theirs is written here. */
static void release(struct region *r)
{
    struct inode *ip = r->owner;

    sync_pages(r, 0, r->npages);
    inode_lock(ip);
    ip->mapping.region = NULL;
    tell_event(ip);
    inode_unlock(ip);
    inode_put(ip);
}

static const struct region_ops file_ops = {
    .give = region_give_brought,
    .bring = page_in,
    .write_back = sync_pages,
    .let_go = release,
};

/* ---- mapping ---- */

/* Makes the region of an inode that has none. => inode locked. NULL without memory. */
static struct region *create_region(struct inode *ip)
{
    struct region *r = region_create_demand(FILE_PAGES, &file_ops, ip);

    if (r) {
        inode_dup(ip);
        ip->mapping.region = r;
    }
    return r;
}

/* The inode's region, held, for who has a reference to the inode. => NULL without memory. */
static struct region *get_region(struct inode *ip)
{
    for (;;) {
        inode_lock(ip);
        struct region *r = ip->mapping.region;
        uint32_t seen = ip->mapping.events;
        bool dying = r && !region_get_live(r);

        if (!r)
            r = create_region(ip);
        inode_unlock(ip);
        if (!dying)
            return r;
        wait_event(ip, seen);
    }
}

int file_map(struct file *f, unsigned prot, int shared, struct region **out, unsigned *max_prot)
{
    struct inode *ip = file_inode(f);
    unsigned max = PROT_READ | PROT_WRITE | PROT_EXEC;

    if (!ip || inode_type(ip) != T_FILE)
        return -ENODEV;
    if (shared && (!f->writable || fs_mount.dev->readonly))
        max &= ~PROT_WRITE;
    if (!f->readable || (prot & ~max))
        return -EACCES;
    *out = get_region(ip);
    *max_prot = max;
    return *out ? 0 : -ENOMEM;
}

/* A region on its way out is written by its release(). */
int mapping_sync(struct inode *ip)
{
    inode_lock(ip);
    struct region *r = ip->mapping.region;
    uint32_t seen = ip->mapping.events;
    bool live = r && region_get_live(r);
    inode_unlock(ip);

    if (r && !live)
        wait_event(ip, seen);
    if (!live)
        return 0;
    int err = sync_pages(r, 0, r->npages);
    region_put(r);
    return err;
}

/* ---- writing and truncating ---- */

int mapping_begin_write(struct inode *ip)
{
    for (;;) {
        int err = log_begin();

        if (err)
            return err;
        inode_lock(ip);
        if (!ip->mapping.emptying)
            return 0;
        uint32_t seen = ip->mapping.events;
        inode_unlock(ip);
        log_end();
        wait_event(ip, seen);
    }
}

struct region *mapping_cut(struct inode *ip)
{
    struct region *r = ip->mapping.region;

    if (!r || !region_get_live(r))
        return NULL;
    ip->mapping.emptying = true;
    return r;
}

/* No inode is locked: the region may end here, and its release() locks the inode. */
void mapping_empty(struct inode *ip, struct region *cut)
{
    if (!cut)
        return;
    region_empty(cut);
    inode_lock(ip);
    ip->mapping.emptying = false;
    tell_event(ip);
    inode_unlock(ip);
    region_put(cut);
}
