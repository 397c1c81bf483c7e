/*
 * Contents of inodes: bytes at an offset, read and written through the block cache; and what
 * fstat() tells.
 *
 * Reading maps up to BCACHE_BATCH blocks at a time; when one is not cached, the blocks after it in
 * the file are fetched with it. Writing goes through the log, file contents included.
 *
 * Lock: the inode's, held by the caller. Called by file.c, mapping.c and, through inode.h, exec.
 * Read next: fs/dir.c.
 */
#include "bcache.h"
#include "internal.h"
#include "log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"

/* Copies n bytes out to `dst`, an address of the kernel or of the running task. => 0; -EFAULT. */
typedef int copy_out_fn(uint64_t dst, const void *src, size_t n);

static int copy_out_kernel(uint64_t dst, const void *src, size_t n)
{
    memcpy((void *)(uintptr_t)dst, src, n);
    return 0;
}

static int copy_out_user(uint64_t dst, const void *src, size_t n)
{
    return copy_to_user(dst, src, n);
}

static uint32_t blocks_to_end(const struct inode *ip, uint32_t index)
{
    return (ip->size + BSIZE - 1) / BSIZE - index;
}

/* Fetches the block at `index` and what follows it. => 0 and a reference to the first; -EIO. */
static __noinline int read_missing(struct inode *ip, uint32_t index, uint32_t block,
                                   struct buf **out)
{
    uint32_t blocks[BCACHE_BATCH];
    uint32_t n = blocks_to_end(ip, index);

    if (n > BCACHE_BATCH)
        n = BCACHE_BATCH;
    if (inode_map(ip, index, n, blocks) == 0)
        buf_prefetch(blocks, n);
    return buf_read(block, out);
}

/* What is left of a read. */
struct span {
    uint64_t off; /* in the inode */
    uint64_t dst;
    size_t n;
};

/* Copies up to n bytes at `data`, the contents at span->off. => 0; -EFAULT. */
static int copy_piece(struct span *span, const uint8_t *data, size_t n, copy_out_fn *copy_out)
{
    if (n > span->n)
        n = span->n;
    int err = copy_out(span->dst, data, n);
    span->off += n;
    span->dst += n;
    span->n -= n;
    return err;
}

/* Copies from buffers of consecutive blocks, NULL being a hole, and puts them. => 0; -EFAULT. */
static int copy_bufs(struct span *span, struct buf **bufs, unsigned n, copy_out_fn *copy_out)
{
    static const uint8_t zeros[BSIZE];
    unsigned i = 0;
    int err = 0;

    while (i < n && !err) {
        const uint8_t *data = bufs[i] ? bufs[i]->data : zeros;
        const uint8_t *from = data + span->off % BSIZE, *end = data + BSIZE;
        bool hole = !bufs[i++];

        for (; !hole && i < n && bufs[i] && bufs[i]->data == end; i++)
            end += BSIZE;
        err = copy_piece(span, from, end - from, copy_out);
    }
    for (i = 0; i < n; i++)
        if (bufs[i])
            buf_put(bufs[i]);
    return err;
}

/* Reads from the n blocks that the span begins with, given their numbers. => 0; -EFAULT, -EIO. */
static int read_blocks(struct inode *ip, struct span *span, const uint32_t *blocks, unsigned n,
                       copy_out_fn *copy_out)
{
    struct buf *bufs[BCACHE_BATCH];
    int err = 0;

    for (unsigned i = 0; i < n && !err;) {
        unsigned got = buf_read_cached(blocks + i, n - i, bufs);

        if (got == 0) {
            err = read_missing(ip, span->off / BSIZE, blocks[i], &bufs[0]);
            got = 1;
        }
        if (!err)
            err = copy_bufs(span, bufs, got, copy_out);
        i += got;
    }
    return err;
}

/* Reads span->n > 0 bytes that lie before the end. => 0; -EFAULT, -EIO: a prefix may be copied. */
static int read_bytes(struct inode *ip, struct span *span, copy_out_fn *copy_out)
{
    uint32_t blocks[BCACHE_BATCH];
    int err = 0;

    while (span->n > 0 && !err) {
        uint32_t first = span->off / BSIZE;
        uint32_t count = (span->off + span->n - 1) / BSIZE - first + 1;

        if (count > BCACHE_BATCH)
            count = BCACHE_BATCH;
        err = inode_map(ip, first, count, blocks);
        if (!err)
            err = read_blocks(ip, span, blocks, count, copy_out);
    }
    return err;
}

/* read_bytes() of a mapped file: a page that is in memory counts, not its blocks. */
static int read_mapped(struct inode *ip, struct span *span, copy_out_fn *copy_out)
{
    int err = 0;

    while (span->n > 0 && !err) {
        size_t left = PAGE_SIZE - span->off % PAGE_SIZE, n = span->n < left ? span->n : left;
        const uint8_t *data = mapping_data(ip, span->off);
        struct span piece = {span->off, span->dst, n};

        err = data ? copy_piece(&piece, data, n, copy_out) : read_bytes(ip, &piece, copy_out);
        *span = (struct span){span->off + n, span->dst + n, span->n - n};
    }
    return err;
}

static long read_upto(struct inode *ip, uint64_t off, size_t n, uint64_t dst,
                      copy_out_fn *copy_out)
{
    if (ip->type == T_DEVICE || off >= ip->size || n == 0)
        return 0;
    if (n > ip->size - off)
        n = ip->size - off;
    struct span span = {off, dst, n};
    int err = (ip->mapping.region ? read_mapped : read_bytes)(ip, &span, copy_out);
    return err ? err : (long)n;
}

long inode_read_kernel(struct inode *ip, void *dst, uint64_t off, size_t n)
{
    return read_upto(ip, off, n, (uintptr_t)dst, copy_out_kernel);
}

long inode_read_user(struct inode *ip, vaddr_t dst, uint64_t off, size_t n)
{
    return read_upto(ip, off, n, dst, copy_out_user);
}

/* Writes n bytes into one block, allocated if need be. => as inode_write_user() */
static struct write_result write_block(struct inode *ip, uint64_t off, vaddr_t src, size_t n)
{
    struct write_result r = {0};
    uint32_t block;
    struct buf *b;

    r.err = inode_map_alloc(ip, off / BSIZE, &block);
    if (!r.err)
        r.err = buf_read(block, &b);
    if (r.err)
        return r;
    r.done = copy_from_user_partial(b->data + off % BSIZE, src, n);
    if (r.done < n)
        r.err = -EFAULT;
    if (r.done > 0)
        log_write(b);
    mapping_store(ip, off, b->data + off % BSIZE, r.done);
    buf_put(b);
    return r;
}

/* After an error: frees blocks that were allocated and hold nothing of the file. */
static void trim_unused(struct inode *ip)
{
    inode_trim(ip, (ip->size + BSIZE - 1) / BSIZE);
}

struct write_result inode_write_user(struct inode *ip, vaddr_t src, uint64_t off, size_t n)
{
    struct write_result r = {0};

    if (off > ip->size) {
        r.err = -EINVAL;
    } else if (n > MAXFILE * BSIZE - off) {
        r.err = -EFBIG;
    }
    if (!r.err)
        r.err = inode_pin(ip);
    if (r.err)
        return r;
    while (r.done < n && !r.err) {
        size_t room = BSIZE - (off + r.done) % BSIZE;
        size_t piece = n - r.done < room ? n - r.done : room;
        struct write_result one = write_block(ip, off + r.done, src + r.done, piece);

        r.done += one.done;
        r.err = one.err;
    }
    if (off + r.done > ip->size)
        ip->size = off + r.done;
    if (r.err)
        trim_unused(ip);
    else
        r.err = inode_update(ip);
    return r;
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
    return ip->type;
}

uint64_t inode_size(const struct inode *ip)
{
    return ip->size;
}

void inode_stat(struct inode *ip, struct stat *st)
{
    mutex_lock(&ip->lock);
    *st = (struct stat){
        .dev = 1, .ino = ip->inum, .type = ip->type, .nlink = ip->nlink, .size = ip->size};
    mutex_unlock(&ip->lock);
}
