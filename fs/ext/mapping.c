/*
 * Mapped files: the regions that mmap maps, and how pages and blocks stay one file.
 *
 * Owns inode->mapping. The inode points to its region without holding it; the region holds the
 * inode. So a region may be on its way out, its stores being written, when a program maps the file
 * again: the new mapper waits, because its pages are read from the blocks. All waits here are
 * without locks and outside transactions.
 *
 * Pages are looked at under the inode's lock only; while a file that was truncated is emptied of
 * its pages, its size is 0 and write() waits, so that nobody looks at one that goes.
 *
 * Lock: the inode's; `went`, a spin lock, only to sleep by. Order: log_begin(), the inode's lock,
 * then mm->lock and region->lock, which are spin locks. Called by mm/ through the region's
 * operations, by file.c and rw.c through inode->mapping.ops, and by syscall/. Read next:
 * region_empty() in mm/ext/revoke.c.
 */
#include "fs/mapping.h"

#include "../bcache.h"
#include "../internal.h"
#include "../log.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/demand.h"
#include "mm/page.h"
#include "sched/waitqueue.h"

#define FILE_PAGES ((MAXFILE * BSIZE + PAGE_SIZE - 1) / PAGE_SIZE)
#define SYNC_PAGES (LOG_OP_BLOCKS / BLOCKS_PER_PAGE) /* in one transaction */

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

/* struct mapping_ops: byte. */
static uint8_t *file_byte(const struct inode *ip, uint64_t off)
{
    struct page *page = region_page(ip->mapping.region, off / PAGE_SIZE);

    return page ? (uint8_t *)page_addr(page) + off % PAGE_SIZE : NULL;
}

/* Fills page i of r, which it does not have, from the blocks; what lies past the end is 0. */
static int fill_page(struct inode *ip, struct region *r, size_t i)
{
    struct page *page = region_take(r);
    uint8_t *data;
    long n;

    if (!page)
        return -ENOMEM;
    data = page_addr(page);
    n = inode_read_kernel(ip, data, i * PAGE_SIZE, PAGE_SIZE);
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
    size_t n = min(ip->d.size - index * BSIZE, BSIZE);
    uint32_t block;
    struct buf *b;
    int err = bmap(ip, index, 1, &block);

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
    const uint8_t *data = file_byte(ip, i * PAGE_SIZE);
    uint32_t index = (uint32_t)(i * BLOCKS_PER_PAGE);
    int err = 0;

    for (unsigned k = 0; data && k < BLOCKS_PER_PAGE && (index + k) * BSIZE < ip->d.size; k++) {
        int e = sync_block(ip, index + k, data + k * BSIZE);

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

    mutex_lock(&ip->lock);
    if (i * PAGE_SIZE < ip->d.size)
        err = region_page(r, i) ? 0 : fill_page(ip, r, i);
    mutex_unlock(&ip->lock);
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
    mutex_lock(&ip->lock);
    for (unsigned k = 0; k < SYNC_PAGES && *i < end; k++) {
        int e = sync_page(ip, *i);

        if (e)
            err = e;
        *i = next_dirty(r, *i + 1, end);
    }
    mutex_unlock(&ip->lock);
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

/* A borrower may have stored after the last process that mapped the file had gone: written here. */
static void release_file(struct region *r)
{
    struct inode *ip = r->owner;

    sync_pages(r, 0, r->npages);
    mutex_lock(&ip->lock);
    ip->mapping.region = NULL;
    tell_event(ip);
    mutex_unlock(&ip->lock);
    inode_put(ip);
}

static const struct region_ops file_ops = {
    .give = region_give_brought,
    .bring = page_in,
    .write_back = sync_pages,
    .let_go = release_file,
};

/* ---- what file.c calls, through struct mapping_ops ---- */

static void file_wait_emptied(struct inode *ip)
{
    uint32_t seen;
    bool emptying;

    mutex_lock(&ip->lock);
    seen = ip->mapping.events;
    emptying = ip->mapping.emptying;
    mutex_unlock(&ip->lock);
    if (emptying)
        wait_event(ip, seen);
}

static bool file_cut(struct inode *ip)
{
    ip->mapping.emptying = region_get_live(ip->mapping.region);
    return ip->mapping.emptying;
}

/* No inode is locked: the region may end here, and its let_go() locks the inode. */
static void file_empty(struct inode *ip)
{
    struct region *r = ip->mapping.region; /* file_cut() holds it */

    region_empty(r);
    mutex_lock(&ip->lock);
    ip->mapping.emptying = false;
    tell_event(ip);
    mutex_unlock(&ip->lock);
    region_put(r);
}

/* A region on its way out is written by its let_go(). */
static int file_sync_mapped(struct inode *ip)
{
    struct region *r;
    uint32_t seen;
    bool live;
    int err;

    mutex_lock(&ip->lock);
    r = ip->mapping.region;
    seen = ip->mapping.events;
    live = r && region_get_live(r);
    mutex_unlock(&ip->lock);
    if (r && !live)
        wait_event(ip, seen);
    if (!live)
        return 0;
    err = sync_pages(r, 0, r->npages);
    region_put(r);
    return err;
}

static const struct mapping_ops file_mapping_ops = {
    .byte = file_byte,
    .cut = file_cut,
    .empty = file_empty,
    .wait_emptied = file_wait_emptied,
    .sync = file_sync_mapped,
};

/* ---- mapping ---- */

/* Makes the region of an inode that has none. => inode locked. NULL without memory. */
static struct region *create_region(struct inode *ip)
{
    struct region *r = region_create_demand(FILE_PAGES, &file_ops, ip);

    if (r) {
        inode_dup(ip);
        __atomic_store_n(&ip->mapping.ops, &file_mapping_ops, __ATOMIC_RELEASE);
        ip->mapping.region = r;
    }
    return r;
}

/* The inode's region, held, for a caller with a reference to the inode. => NULL without memory. */
static struct region *get_region(struct inode *ip)
{
    for (;;) {
        struct region *r;
        uint32_t seen;
        bool dying;

        mutex_lock(&ip->lock);
        r = ip->mapping.region;
        seen = ip->mapping.events;
        dying = r && !region_get_live(r);
        if (!r)
            r = create_region(ip);
        mutex_unlock(&ip->lock);
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
