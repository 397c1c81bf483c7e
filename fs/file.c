/*
 * Open files: inodes and devices behind a struct file; pipes bring ops of their own.
 *
 * Owns the table of open files, without a lock: who makes the first reference to one has it, and it
 * is free for the next when the last reference is gone.
 *
 * The offset of a regular file or directory belongs to the lock of its inode, so moving it is one
 * step with the transfer. A long write takes as many transactions as it needs.
 *
 * Called by syscall, proc and ipc. Read next: fs/super.c.
 */
#include "fs/file.h"

#include "drivers/chardev.h"
#include "internal.h"
#include "log.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "uapi/kernel/fcntl.h"

static struct file files[FILES_MAX];
static uint32_t freed; /* [a] how many have come free since boot */

/* ---- regular files and directories ---- */

static long regular_read(struct file *f, vaddr_t dst, long n)
{
    struct inode *ip = f->priv;

    inode_lock(ip);
    long got = inode_read_user(ip, dst, f->off, n < 0 ? SIZE_MAX : (size_t)n);
    if (got > 0)
        f->off += (uint64_t)got;
    inode_unlock(ip);
    return got;
}

/* Writes as many chunks as a transaction has room for, moving *src and *left on. => 0; -errno */
static int write_chunks(struct file *f, vaddr_t *src, size_t *left)
{
    struct inode *ip = f->priv;
    struct write_result r;
    int err = mapping_begin_write(ip);

    if (err)
        return err;
    do {
        r = inode_write_user(ip, *src, f->off, *left < WRITE_CHUNK ? *left : WRITE_CHUNK);
        f->off += r.done;
        *src += r.done;
        *left -= r.done;
    } while (!r.err && *left > 0 && log_extend());
    inode_unlock(ip);
    err = log_end();
    return r.err ? r.err : err;
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
    inode_stat(f->priv, st);
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
static __noinline int truncate(struct inode *ip)
{
    struct region *cut = NULL;
    int err;

    inode_lock(ip);
    bool empty = ip->size == 0 && !ip->mapping.emptying;
    inode_unlock(ip);
    if (empty)
        return 0;
    do {
        err = mapping_begin_write(ip);
        if (err)
            return err;
        err = inode_trim(ip, 0);
        if (!err)
            cut = mapping_cut(ip);
        inode_unlock(ip);
        int end_err = log_end();
        if (end_err)
            err = end_err;
    } while (err == -EAGAIN);
    mapping_empty(ip, cut);
    return err;
}

/* Whether an inode may be opened with these flags. => 0; -EISDIR, -ENODEV. */
static int check_open(const struct inode *ip, int flags)
{
    if (ip->type == T_DIR && flags != O_RDONLY)
        return -EISDIR;
    if (ip->type == T_DEVICE && (ip->major < 0 || ip->major >= CHARDEV_MAJORS))
        return -ENODEV;
    return 0;
}

static int open_inode(struct inode *cwd, const char *path, int flags, struct inode **out)
{
    struct inode *ip;
    int err = flags & O_CREATE ? names_create_file(cwd, path, &ip) : path_lookup(cwd, path, &ip);

    if (err)
        return err;
    err = check_open(ip, flags);
    if (!err && (flags & O_TRUNC) && ip->type == T_FILE)
        err = truncate(ip);
    if (err)
        inode_put(ip);
    else
        *out = ip;
    return err;
}

int file_open(struct inode *cwd, const char *path, int flags, struct file **out)
{
    struct inode *ip;
    struct file *f = file_alloc(&regular_ops, NULL);

    if (!f)
        return -ENFILE;
    int err = open_inode(cwd, path, flags, &ip);
    if (err) {
        file_close(f);
        return err;
    }
    f->priv = ip;
    f->readable = !(flags & O_WRONLY);
    f->writable = (flags & (O_WRONLY | O_RDWR)) != 0;
    if (ip->type == T_DEVICE) {
        f->ops = &device_ops;
        f->major = ip->major;
    }
    *out = f;
    return 0;
}

/* ---- struct file ---- */

/* Makes the caller the only holder of a file that nobody holds. => false: somebody does */
static bool take_free(struct file *f)
{
    uint32_t refs = __atomic_load_n(&f->refs, __ATOMIC_RELAXED);

    return refs == 0 && compare_and_swap(&f->refs, &refs, 1);
}

static struct file *find_free(void)
{
    for (struct file *f = files; f < files + FILES_MAX; f++)
        if (take_free(f))
            return f;
    return NULL;
}

struct file *file_alloc(const struct file_ops *ops, void *priv)
{
    struct file *f;
    uint32_t before;

    /* One that came free behind the search may be the only one: then search again. */
    do {
        before = __atomic_load_n(&freed, __ATOMIC_ACQUIRE);
        f = find_free();
    } while (!f && __atomic_load_n(&freed, __ATOMIC_ACQUIRE) != before);
    if (!f)
        return NULL;
    f->ops = ops;
    f->priv = priv;
    f->readable = f->writable = false;
    f->off = 0;
    return f;
}

struct file *file_dup(struct file *f)
{
    uint32_t before = __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);

    ASSERT(before > 0);
    return f;
}

/* The last reference falls when all else is done: then the file is free for anybody. */
void file_close(struct file *f)
{
    uint32_t refs = __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE);

    ASSERT(refs > 0);
    while (refs > 1)
        if (compare_and_swap(&f->refs, &refs, refs - 1))
            return;
    f->ops->release(f);
    __atomic_store_n(&f->refs, 0, __ATOMIC_RELEASE);
    __atomic_fetch_add(&freed, 1, __ATOMIC_RELEASE);
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

    if (!ip)
        return -EINVAL;
    int err = mapping_sync(ip), log_err = log_sync();
    return err ? err : log_err;
}

int file_stat(struct file *f, vaddr_t dst)
{
    struct stat st = {0};

    if (!f->ops->stat)
        return -EBADF;
    int err = f->ops->stat(f, &st);
    return err ? err : copy_to_user(dst, &st, sizeof st);
}
