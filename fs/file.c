/*
 * Open files: inodes and devices behind a struct file; pipes bring ops of their own.
 *
 * Owns the table of open files. Lock: files.lock, for the search of a free one; a file is free from
 * the moment its last reference is gone.
 *
 * The offset of a regular file or directory belongs to the lock of its inode, so moving it is one
 * step with the transfer. A long write takes as many transactions as it needs.
 *
 * Called by syscall, proc and ipc.
 */
#include "fs/file.h"

#include "drivers/chardev.h"
#include "internal.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/spinlock.h"
#include "log.h"
#include "mm/uaccess.h"
#include "uapi/kernel/fcntl.h"

static struct {
    struct spinlock lock;
    struct file file[FILES_MAX];
} files = {
    .lock = SPINLOCK_INIT("files", RANK_FS),
};

/* ---- regular files and directories ---- */

static long regular_read(struct file *f, vaddr_t dst, long n)
{
    struct inode *ip = f->priv;
    struct file_reader r = {.to = dst, .left = n < 0 ? SIZE_MAX : (size_t)n};
    long got;

    mutex_lock(&ip->lock);
    r.off = f->off;
    got = inode_read(ip, &r);
    if (got > 0)
        f->off += (uint64_t)got;
    mutex_unlock(&ip->lock);
    return got;
}

/* log_begin(), and the lock of an inode that will be written to or cut. => as log_begin() */
static int write_begin(struct inode *ip)
{
    for (;;) {
        int err = log_begin();

        if (err)
            return err;
        mutex_lock(&ip->lock);
        if (!ip->mapping.emptying)
            return 0;
        mutex_unlock(&ip->lock);
        log_end();
        ip->mapping.ops->wait_emptied(ip);
    }
}

/* Writes as many chunks as a transaction has room for, moving *src and *left on. => 0; -errno */
static int write_chunks(struct file *f, vaddr_t *src, size_t *left)
{
    struct inode *ip = f->priv;
    struct write_result w;
    int err = write_begin(ip);

    if (err)
        return err;
    do {
        w = inode_write(ip, *src, f->off, min(*left, WRITE_CHUNK));
        f->off += w.done;
        *src += w.done;
        *left -= w.done;
    } while (!w.err && *left > 0 && log_extend());
    mutex_unlock(&ip->lock);
    err = log_end();
    return w.err ? w.err : err;
}

static long regular_write(struct file *f, vaddr_t src, long n)
{
    size_t left = (size_t)n;
    int err = n < 0 ? -EINVAL : 0;

    while (!err && left > 0)
        err = write_chunks(f, &src, &left);
    return err ? err : n;
}

/* ---- devices ---- */

static long device_read(struct file *f, vaddr_t dst, long n)
{
    const struct char_ops *ops = chardev_get(f->major);

    return ops && ops->read ? ops->read(dst, n) : -ENODEV;
}

static long device_write(struct file *f, vaddr_t src, long n)
{
    const struct char_ops *ops = chardev_get(f->major);

    return ops && ops->write ? ops->write(src, n) : -ENODEV;
}

/* ---- both ---- */

static int node_stat(struct file *f, struct stat *st)
{
    struct inode *ip = f->priv;

    mutex_lock(&ip->lock);
    *st = (struct stat){
        .dev = 1, .ino = ip->inum, .type = ip->d.type, .nlink = ip->d.nlink, .size = ip->d.size};
    mutex_unlock(&ip->lock);
    return 0;
}

static void node_release(struct file *f)
{
    if (f->priv)
        inode_put(f->priv);
}

static const struct file_ops regular_ops = {
    .read = regular_read,
    .write = regular_write,
    .stat = node_stat,
    .release = node_release,
};

static const struct file_ops device_ops = {
    .read = device_read,
    .write = device_write,
    .stat = node_stat,
    .release = node_release,
};

struct inode *file_inode(const struct file *f)
{
    return f->ops == &regular_ops ? f->priv : NULL;
}

/* ---- opening ---- */

/* Frees all blocks of a regular file, in as many transactions as that takes. => 0; -errno. */
static int file_truncate(struct inode *ip)
{
    bool empty, cut = false;
    int err, end_err;

    mutex_lock(&ip->lock);
    empty = ip->d.size == 0 && !ip->mapping.emptying;
    mutex_unlock(&ip->lock);
    if (empty)
        return 0;
    do {
        err = write_begin(ip);
        if (err)
            return err;
        err = bmap_trim(ip, 0);
        if (!err && ip->mapping.region)
            cut = ip->mapping.ops->cut(ip);
        mutex_unlock(&ip->lock);
        end_err = log_end();
        if (end_err)
            err = end_err;
    } while (err == -EAGAIN);
    if (cut)
        ip->mapping.ops->empty(ip);
    return err;
}

static int open_inode(struct inode *cwd, const char *path, int flags, struct inode **out)
{
    struct inode *ip;
    int err = flags & O_CREATE ? names_create_file(cwd, path, &ip) : path_lookup(cwd, path, &ip);

    if (err)
        return err;
    if (ip->d.type == T_DIR && flags != O_RDONLY)
        err = -EISDIR;
    else if (ip->d.type == T_DEVICE && (ip->d.major < 0 || ip->d.major >= CHARDEV_MAJORS))
        err = -ENODEV;
    else if (ip->d.type == T_FILE && (flags & O_TRUNC))
        err = file_truncate(ip);
    if (err)
        inode_put(ip);
    else
        *out = ip;
    return err;
}

int file_open(struct inode *cwd, const char *path, int flags, struct file **out)
{
    struct file *f = file_alloc(&regular_ops, NULL);
    struct inode *ip;
    int err;

    if (!f)
        return -ENFILE;
    err = open_inode(cwd, path, flags, &ip);
    if (err) {
        file_close(f);
        return err;
    }
    f->priv = ip;
    f->readable = !(flags & O_WRONLY);
    f->writable = (flags & (O_WRONLY | O_RDWR)) != 0;
    if (ip->d.type == T_DEVICE) {
        f->ops = &device_ops;
        f->major = ip->d.major;
    }
    *out = f;
    return 0;
}

/* ---- struct file ---- */

struct file *file_alloc(const struct file_ops *ops, void *priv)
{
    struct file *f = files.file;

    spin_lock(&files.lock);
    while (f < files.file + FILES_MAX && __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) > 0)
        f++;
    if (f < files.file + FILES_MAX)
        *f = (struct file){.ops = ops, .priv = priv, .refs = 1};
    else
        f = NULL;
    spin_unlock(&files.lock);
    return f;
}

struct file *file_dup(struct file *f)
{
    uint32_t before = __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);

    ASSERT(before > 0);
    return f;
}

/* With the last reference, the file is free for anybody: what is released is a copy. */
void file_close(struct file *f)
{
    struct file last = {
        .ops = f->ops, .priv = f->priv, .readable = f->readable, .writable = f->writable};
    uint32_t before = __atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL);

    ASSERT(before > 0);
    if (before == 1)
        last.ops->release(&last);
}

long file_read(struct file *f, vaddr_t dst, long n)
{
    return f->readable ? f->ops->read(f, dst, n) : -EBADF;
}

long file_read_keys(struct file *f, vaddr_t dst, long n)
{
    const struct char_ops *ops = f->ops == &device_ops ? chardev_get(f->major) : NULL;

    if (!f->readable)
        return -EBADF;
    return ops && ops->read_keys ? ops->read_keys(dst, n) : -ENODEV;
}

long file_write(struct file *f, vaddr_t src, long n)
{
    return f->writable ? f->ops->write(f, src, n) : -EBADF;
}

int file_sync(struct file *f)
{
    struct inode *ip = file_inode(f);
    int err, log_err;

    if (!ip)
        return -EINVAL;
    err = mapping_sync(ip);
    log_err = log_sync();
    return err ? err : log_err;
}

int file_stat(struct file *f, vaddr_t dst)
{
    struct stat st = {0};
    int err = f->ops->stat ? f->ops->stat(f, &st) : -EBADF;

    return err ? err : copy_to_user(dst, &st, sizeof(st));
}
