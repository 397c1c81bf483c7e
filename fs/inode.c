/*
 * Inodes: the table of those in memory, and their 64 bytes on disk.
 *
 * An inode is in the table while somebody refers to it. The last reference of an inode without
 * names takes it out of the table first, then frees its blocks and its number; so nobody can find
 * an inode that is being freed, nor is its number given out before it is free. An inode loaded
 * through a directory has at least one name: one that has none on disk is a corrupt image.
 *
 * Locks: itable.lock, a spin lock, for the table and the counts; inode->lock, a mutex, for
 * contents; ialloc.lock, a mutex, for the numbers in use. Order: log.h. Called by dir.c, path.c,
 * names.c, file.c. Read next: fs/read.c.
 */
#include "fs/inode.h"

#include "bcache.h"
#include "internal.h"
#include "log.h"
#include "super.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/slab.h"

#define HASH_SIZE 64u

static struct {
    struct spinlock lock;
    struct waitqueue wq;           /* waiters for an inode that is INODE_LOADING */
    struct inode *hash[HASH_SIZE]; /* [lock] */
} itable = {
    .lock = SPINLOCK_INIT("itable", RANK_FS),
    .wq = WAITQUEUE_INIT(itable.wq),
};

static struct {
    struct mutex lock;
    uint32_t lowest; /* [lock] no inode below it is free */
} ialloc = {
    .lock = MUTEX_INIT(ialloc.lock),
    .lowest = ROOTINO,
};

struct inode *inode_reap_first;

static struct slab_cache inode_cache = SLAB_CACHE_INIT(inode_cache, "inode", sizeof(struct inode));

/* ---- the table. All: itable.lock held ---- */

static struct inode **table_slot(uint32_t inum)
{
    return &itable.hash[inum % HASH_SIZE];
}

static struct inode *table_find(uint32_t inum)
{
    struct inode *ip = *table_slot(inum);

    while (ip && ip->inum != inum)
        ip = ip->next;
    return ip;
}

static void table_insert(struct inode *ip)
{
    ip->next = *table_slot(ip->inum);
    *table_slot(ip->inum) = ip;
}

static void table_remove(struct inode *ip)
{
    struct inode **link = table_slot(ip->inum);

    while (*link && *link != ip)
        link = &(*link)->next;
    if (*link)
        *link = ip->next;
}

/* ---- loading ---- */

static struct inode *inode_new(uint32_t inum)
{
    struct inode *ip = slab_alloc(&inode_cache);

    if (!ip)
        return NULL;
    ip->inum = inum;
    ip->refs = 1;
    ip->state = INODE_LOADING;
    ip->lock = (struct mutex)MUTEX_INIT(ip->lock);
    return ip;
}

/* The inode's block and its place in it. => 0 and a reference; -EIO. */
static int dinode_read(uint32_t inum, struct buf **b, dinode_words **di)
{
    int err = buf_read(IBLOCK(inum, fs_mount.sb), b);

    if (!err)
        *di = (dinode_words *)(*b)->data + inum % IPB;
    return err;
}

static bool inode_sane(const struct inode *ip)
{
    if (ip->type != T_DIR && ip->type != T_FILE && ip->type != T_DEVICE)
        return false;
    if (ip->nlink < 1 || ip->size > MAXFILE * BSIZE)
        return false;
    return ip->type != T_DIR || ip->size % sizeof(struct dirent) == 0;
}

/* Reads the fields of an inode from the disk. => 0; -EIO. */
static int inode_read_disk(struct inode *ip)
{
    struct buf *b;
    dinode_words *di;
    int err = dinode_read(ip->inum, &b, &di);

    if (err)
        return err;
    ip->disk = *di;
    buf_put(b);
    if (inode_sane(ip))
        return 0;
    printk("fs: corrupt inode %u\n", ip->inum);
    return -EIO;
}

/* Gives back a reference to an inode that could not be loaded. => -EIO */
static __noinline int inode_discard(struct inode *ip) __releases(&itable.lock)
{
    uint32_t left = __atomic_sub_fetch(&ip->refs, 1, __ATOMIC_ACQ_REL);

    spin_unlock(&itable.lock);
    if (left == 0)
        slab_free(&inode_cache, ip);
    return -EIO;
}

/*
 * Finishes inode_get() of one that it has put into the table.
 *
 * The state is set first, then the count is looked at; who waits for the state is counted first,
 * then looks at it. So one of the two sees the other, and no wake-up is lost.
 */
static int get_fresh(struct inode *ip, struct inode **out) __releases(&itable.lock)
{
    spin_unlock(&itable.lock);
    int err = inode_read_disk(ip);
    __atomic_store_n(&ip->state, err ? INODE_FAILED : INODE_READY, __ATOMIC_SEQ_CST);
    if (err || unlikely(__atomic_load_n(&ip->refs, __ATOMIC_SEQ_CST) > 1)) {
        spin_lock(&itable.lock);
        wake_all(&itable.wq);
        if (err) {
            table_remove(ip);
            return inode_discard(ip);
        }
        spin_unlock(&itable.lock);
    }
    *out = ip;
    return 0;
}

static uint32_t get_state(const struct inode *ip)
{
    return __atomic_load_n(&ip->state, __ATOMIC_SEQ_CST);
}

/* Finishes inode_get() of one that was in the table. */
static int get_found(struct inode *ip, struct inode **out) __releases(&itable.lock)
{
    __atomic_fetch_add(&ip->refs, 1, __ATOMIC_SEQ_CST);
    while (get_state(ip) == INODE_LOADING)
        wait_on(&itable.wq, &itable.lock);
    if (get_state(ip) == INODE_FAILED)
        return inode_discard(ip);
    spin_unlock(&itable.lock);
    *out = ip;
    return 0;
}

int inode_get(uint32_t inum, struct inode **out)
{
    if (inum < ROOTINO || inum >= fs_mount.inode_limit)
        return -EIO;
    spin_lock(&itable.lock);
    struct inode *ip = table_find(inum);
    if (ip)
        return get_found(ip, out);
    ip = inode_new(inum); /* under the lock, as it never sleeps: nobody can be faster */
    if (!ip) {
        spin_unlock(&itable.lock);
        return -ENOMEM;
    }
    table_insert(ip);
    return get_fresh(ip, out);
}

struct inode *inode_get_loaded(uint32_t inum)
{
    spin_lock(&itable.lock);
    struct inode *ip = table_find(inum);
    if (ip && get_state(ip) == INODE_READY)
        __atomic_fetch_add(&ip->refs, 1, __ATOMIC_RELAXED);
    else
        ip = NULL;
    spin_unlock(&itable.lock);
    return ip;
}

struct inode *inode_root(void)
{
    static struct inode *root;

    if (root)
        return inode_dup(root);
    if (inode_get(ROOTINO, &root) != 0)
        return NULL;
    return inode_dup(root);
}

struct inode *inode_dup(struct inode *ip)
{
    uint32_t before = __atomic_fetch_add(&ip->refs, 1, __ATOMIC_RELAXED);

    ASSERT(before > 0);
    return ip;
}

/* ---- letting go ---- */

/* Gives a reference back that is not the last. => false: it is, nothing was done */
static inline bool unref_shared(struct inode *ip)
{
    uint32_t refs = __atomic_load_n(&ip->refs, __ATOMIC_RELAXED);

    ASSERT(refs > 0);
    while (refs > 1)
        if (compare_and_swap(&ip->refs, &refs, refs - 1))
            return true;
    return false;
}

/* inode_unref() of what looks like the last reference. */
static __noinline bool unref_last(struct inode *ip)
{
    spin_lock(&itable.lock);
    uint32_t left = __atomic_sub_fetch(&ip->refs, 1, __ATOMIC_ACQ_REL);
    if (left == 0)
        table_remove(ip);
    spin_unlock(&itable.lock);
    if (left > 0)
        return false;
    if (ip->nlink < 1)
        return true;
    slab_free(&inode_cache, ip);
    return false;
}

/*
 * Gives a reference back. => true when the caller must free the inode on disk: it is out of the
 * table then, and the caller's alone.
 */
static inline bool inode_unref(struct inode *ip)
{
    return !unref_shared(ip) && unref_last(ip);
}

/* Marks the inode's number free. => in a transaction. 0; -EIO. */
static int dinode_free(uint32_t inum)
{
    struct buf *b;
    dinode_words *di;

    mutex_lock(&ialloc.lock);
    int err = dinode_read(inum, &b, &di);
    if (!err) {
        memset(di, 0, sizeof *di);
        log_write(b);
        buf_put(b);
        if (inum < ialloc.lowest)
            ialloc.lowest = inum;
    }
    mutex_unlock(&ialloc.lock);
    return err;
}

/* A step of freeing an inode that is the caller's alone. => in a transaction. 0; -EAGAIN; -EIO. */
static int inode_free_step(struct inode *ip)
{
    mutex_lock(&ip->lock);
    int err = inode_trim(ip, 0);
    mutex_unlock(&ip->lock);
    if (!err)
        err = dinode_free(ip->inum);
    return err;
}

/* Frees an inode that is the caller's alone; if it cannot, it is an orphan until the next mount. */
static __noinline void inode_free(struct inode *ip)
{
    int err;

    do {
        err = log_begin();
        if (!err) {
            err = inode_free_step(ip);
            log_end();
        }
    } while (err == -EAGAIN);
    slab_free(&inode_cache, ip);
}

static void reap_later(struct inode *ip)
{
    spin_lock(&itable.lock);
    ip->next = inode_reap_first;
    __atomic_store_n(&inode_reap_first, ip, __ATOMIC_RELAXED);
    spin_unlock(&itable.lock);
}

void inode_put(struct inode *ip)
{
    if (inode_unref(ip))
        inode_free(ip);
}

void inode_drop(struct inode *ip)
{
    if (inode_unref(ip))
        reap_later(ip);
}

void inode_drop_in_op(struct inode *ip)
{
    if (!inode_unref(ip))
        return;
    if (inode_free_step(ip) == -EAGAIN)
        reap_later(ip);
    else
        slab_free(&inode_cache, ip);
}

void inode_reap_all(void)
{
    struct inode *ip;

    do {
        spin_lock(&itable.lock);
        ip = inode_reap_first;
        if (ip)
            __atomic_store_n(&inode_reap_first, ip->next, __ATOMIC_RELAXED);
        spin_unlock(&itable.lock);
        if (ip)
            inode_free(ip);
    } while (ip);
}

/* ---- numbers in use ---- */

/* Finds a free number, marks it in use. => ialloc.lock held, in a transaction. 0; -ENOSPC, -EIO. */
static int dinode_alloc(short type, short major, short minor, uint32_t *inum)
{
    uint32_t limit = fs_mount.inode_limit;
    uint32_t i = ialloc.lowest;

    while (i < limit) {
        struct buf *b;
        dinode_words *di;
        int err = dinode_read(i, &b, &di);

        if (err)
            return err;
        for (; i < limit && di->type != 0 && i % IPB != IPB - 1; i++)
            di++;
        if (i < limit && di->type == 0) {
            *di = (struct dinode){.type = type, .major = major, .minor = minor};
            log_write(b);
            buf_put(b);
            ialloc.lowest = i + 1;
            *inum = i;
            return 0;
        }
        buf_put(b);
        i++;
    }
    ialloc.lowest = limit;
    return -ENOSPC;
}

int inode_alloc(short type, short major, short minor, struct inode **out)
{
    struct inode *ip = inode_new(0);

    if (!ip)
        return -ENOMEM;
    mutex_lock(&ialloc.lock);
    int err = dinode_alloc(type, major, minor, &ip->inum);
    mutex_unlock(&ialloc.lock);
    if (err) {
        slab_free(&inode_cache, ip);
        return err;
    }
    ip->disk = (struct dinode){.type = type, .major = major, .minor = minor};
    ip->state = INODE_READY;
    spin_lock(&itable.lock);
    table_insert(ip);
    spin_unlock(&itable.lock);
    *out = ip;
    return 0;
}

int inode_pin(struct inode *ip)
{
    struct buf *b;
    int err = buf_read(IBLOCK(ip->inum, fs_mount.sb), &b);

    if (err)
        return err;
    log_write(b);
    buf_put(b);
    return 0;
}

int inode_update(struct inode *ip)
{
    struct buf *b;
    dinode_words *di;
    int err = dinode_read(ip->inum, &b, &di);

    if (err)
        return err;
    *di = ip->disk;
    log_write(b);
    buf_put(b);
    return 0;
}

/* Frees inode `inum`, whose contents are not to be trusted. => -ENOMEM, 0 */
static int reclaim(uint32_t inum, const struct dinode *di)
{
    struct inode *ip = inode_new(inum);

    if (!ip)
        return -ENOMEM;
    printk("ireclaim: orphaned inode %u\n", inum);
    ip->disk = *di;
    ip->state = INODE_READY;
    inode_free(ip);
    return 0;
}

int inode_reclaim_orphans(void)
{
    uint32_t limit = fs_mount.inode_limit;

    for (uint32_t inum = ROOTINO; inum < limit; inum++) {
        struct buf *b;
        dinode_words *di;
        int err = dinode_read(inum, &b, &di);

        if (err)
            return err;
        struct dinode copy = *di;
        buf_put(b);
        if (copy.type != 0 && copy.nlink == 0 && inum != ROOTINO)
            err = reclaim(inum, &copy);
        if (err)
            return err;
    }
    return 0;
}
