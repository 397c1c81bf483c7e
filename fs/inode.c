/*
 * Inodes in memory: the table of them, from the first reference to the last.
 *
 * An inode is in the table while somebody refers to it. The last reference of an inode without
 * names takes it out of the table first, then frees its blocks and its number; so no task can find
 * an inode that is being freed, nor is its number given out before it is free. An inode loaded
 * through a directory has at least one name: one that has none on disk is a corrupt image.
 *
 * Locks: itable.lock, a spin lock, for the table and the counts; inode->lock, a mutex, for
 * contents. Order: log.h. Called by names.c, file.c. Read next: fs/rw.c.
 */
#include "fs/inode.h"

#include "bcache.h"
#include "internal.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "log.h"
#include "mm/slab.h"

#define HASH_SIZE 64u

static struct {
    struct spinlock lock;
    struct inode *hash[HASH_SIZE]; /* [lock] */
} itable = {
    .lock = SPINLOCK_INIT("itable", RANK_FS),
};

struct inode *inode_reap_first;

static struct slab_cache inode_cache = SLAB_CACHE_INIT(inode_cache, "inode", sizeof(struct inode));

/* ---- the table. All: itable.lock held ---- */

/* => a reference; NULL when the inode is not in memory. */
static struct inode *table_get(uint32_t inum)
{
    struct inode *ip = itable.hash[inum % HASH_SIZE];

    while (ip && ip->inum != inum)
        ip = ip->next;
    if (ip)
        __atomic_fetch_add(&ip->refs, 1, __ATOMIC_RELAXED);
    return ip;
}

static void table_insert(struct inode *ip)
{
    struct inode **first = &itable.hash[ip->inum % HASH_SIZE];

    ip->next = *first;
    *first = ip;
}

static void table_remove(struct inode *ip)
{
    struct inode **link = &itable.hash[ip->inum % HASH_SIZE];

    while (*link != ip)
        link = &(*link)->next;
    *link = ip->next;
}

/* ---- getting a reference ---- */

/* => one reference, in no table, its dinode not set; NULL without memory. Never sleeps. */
static struct inode *inode_new(uint32_t inum)
{
    struct inode *ip = slab_alloc_raw(&inode_cache);

    if (!ip)
        return NULL;
    ip->inum = inum;
    ip->refs = 1;
    ip->mapping = (struct mapping){0};
    ip->lock = (struct mutex)MUTEX_INIT(ip->lock);
    return ip;
}

static bool dinode_is_sane(const struct dinode *d)
{
    if (d->type != T_DIR && d->type != T_FILE && d->type != T_DEVICE)
        return false;
    if (d->nlink < 1 || d->size > MAXFILE * BSIZE)
        return false;
    return d->type != T_DIR || d->size % sizeof(struct dirent) == 0;
}

/*
 * Puts an inode that was not in memory into the table, as it is on the disk. *d cannot change
 * meanwhile: only those who have the inode in the table change it.
 * => 0 and a reference; -EIO, -ENOMEM.
 */
static int inode_add(uint32_t inum, const dinode_words *d, struct inode **out)
    __must_hold(&itable.lock)
{
    struct inode *ip;

    if (!dinode_is_sane(d)) {
        printk("fs: corrupt inode %u\n", inum);
        return -EIO;
    }
    ip = inode_new(inum);
    if (!ip)
        return -ENOMEM;
    ip->d = *d;
    table_insert(ip);
    *out = ip;
    return 0;
}

int inode_get(uint32_t inum, struct inode **out)
{
    uint32_t block = IBLOCK(inum, fs_mount.sb);
    struct buf *b = NULL;
    int err = 0;

    if (inum < ROOTINO || inum >= fs_mount.inode_limit)
        return -EIO;
    spin_lock(&itable.lock);
    *out = table_get(inum);
    if (!*out && !buf_read_cached(&block, 1, &b)) {
        spin_unlock(&itable.lock);
        err = buf_read(block, &b);
        if (err)
            return err;
        spin_lock(&itable.lock);
        *out = table_get(inum); /* another task may have been faster */
    }
    if (!*out)
        err = inode_add(inum, (dinode_words *)b->data + inum % IPB, out);
    spin_unlock(&itable.lock);
    if (b)
        buf_put(b);
    return err;
}

struct inode *inode_get_loaded(uint32_t inum)
{
    struct inode *ip;

    spin_lock(&itable.lock);
    ip = table_get(inum);
    spin_unlock(&itable.lock);
    return ip;
}

struct inode *inode_root(void)
{
    static struct inode *root;

    if (!root && inode_get(ROOTINO, &root) != 0)
        return NULL;
    return inode_dup(root);
}

struct inode *inode_dup(struct inode *ip)
{
    uint32_t before = __atomic_fetch_add(&ip->refs, 1, __ATOMIC_RELAXED);

    ASSERT(before > 0);
    return ip;
}

int inode_alloc(const struct dinode *init, struct inode **out)
{
    struct inode *ip = inode_new(0);
    int err;

    if (!ip)
        return -ENOMEM;
    err = dinode_alloc(init, &ip->inum);
    if (err) {
        slab_free(&inode_cache, ip);
        return err;
    }
    ip->d = *init;
    spin_lock(&itable.lock);
    table_insert(ip);
    spin_unlock(&itable.lock);
    *out = ip;
    return 0;
}

/* ---- letting go ---- */

/*
 * Gives a reference back. => true when the caller must free the inode on disk: it is out of the
 * table then, and the caller's alone.
 */
static bool inode_unref(struct inode *ip)
{
    uint32_t refs = __atomic_load_n(&ip->refs, __ATOMIC_RELAXED);

    ASSERT(refs > 0);
    while (refs > 1)
        if (compare_and_swap(&ip->refs, &refs, refs - 1))
            return false;
    /* It looks like the last one: the table's lock keeps others from finding the inode. */
    spin_lock(&itable.lock);
    refs = __atomic_sub_fetch(&ip->refs, 1, __ATOMIC_ACQ_REL);
    if (refs == 0)
        table_remove(ip);
    spin_unlock(&itable.lock);
    if (refs > 0 || ip->d.nlink < 1)
        return refs == 0;
    slab_free(&inode_cache, ip);
    return false;
}

/* A step of freeing an inode that is the caller's alone. => in a transaction. 0; -EAGAIN; -EIO. */
static int inode_free_step(struct inode *ip)
{
    int err;

    mutex_lock(&ip->lock);
    err = bmap_trim(ip, 0);
    mutex_unlock(&ip->lock);
    return err ? err : dinode_free(ip->inum);
}

/* Frees an inode that is the caller's alone; if it cannot, it is an orphan until the next mount. */
static void inode_free(struct inode *ip)
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

int inode_reclaim_orphans(void)
{
    for (uint32_t inum = ROOTINO + 1; inum < fs_mount.inode_limit; inum++) {
        struct inode *ip;
        dinode_words *d, copy;
        struct buf *b;
        int err = dinode_find(inum, &b, &d);

        if (err)
            return err;
        copy = *d;
        buf_put(b);
        if (copy.type == 0 || copy.nlink != 0)
            continue;
        ip = inode_new(inum);
        if (!ip)
            return -ENOMEM;
        printk("ireclaim: orphaned inode %u\n", inum);
        ip->d = copy;
        inode_free(ip);
    }
    return 0;
}

/* ---- what others see ---- */

void inode_lock(struct inode *ip)
{
    mutex_lock(&ip->lock);
}

void inode_unlock(struct inode *ip)
{
    mutex_unlock(&ip->lock);
}

short inode_type(const struct inode *ip)
{
    return ip->d.type;
}
