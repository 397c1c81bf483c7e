/*
 * Contents of files: bytes at an offset, read and written through the block cache.
 *
 * Reading takes up to BCACHE_BATCH blocks at a time from the cache; when one is not there, the
 * blocks after it in the file are fetched with it. A page that programs map counts, not its blocks.
 * Writing goes through the log, file contents included.
 *
 * Lock: the inode's, held by the caller; so a copy here does not sleep (syscall/sysfile.c has brought
 * the pages that would need it). Called by file.c, fs/ext/mapping.c and, through inode.h, exec.
 * Read next: fs/dir.c.
 */
#include "bcache.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/string.h"
#include "log.h"
#include "mm/uaccess.h"

/* Copies up to n bytes at `data`, the contents at r->off. => 0; -EFAULT. */
static int copy_out(struct file_reader *r, const uint8_t *data, size_t n)
{
    n = min(n, r->left);
    if (r->to_kernel)
        memcpy((void *)(uintptr_t)r->to, data, n);
    else if (copy_to_user_partial(r->to, data, n) < n)
        return -EFAULT;
    r->off += n;
    r->to += n;
    r->left -= n;
    return 0;
}

/* Fetches a block that is not cached, and what follows it in the file. => 0 and a reference; -EIO. */
static int read_ahead(struct inode *ip, uint32_t index, uint32_t block, struct buf **out)
{
    uint32_t blocks[BCACHE_BATCH];
    uint32_t n = min((ip->d.size + BSIZE - 1) / BSIZE - index, BCACHE_BATCH);

    if (bmap(ip, index, n, blocks) == 0)
        buf_prefetch(blocks, n);
    return buf_read(block, out);
}

/* Reads from the blocks at r->off, as many as are cached, or one that is not. => 0; -EFAULT, -EIO. */
static int read_blocks(struct inode *ip, struct file_reader *r)
{
    static const uint8_t zeros[BSIZE];
    uint32_t blocks[BCACHE_BATCH], first = r->off / BSIZE;
    uint32_t n = (r->off + r->left - 1) / BSIZE - first + 1, got;
    struct buf *bufs[BCACHE_BATCH];
    int err;

    n = min(n, BCACHE_BATCH);
    if (ip->mapping.region) /* the next page may be in memory */
        n = min(n, BLOCKS_PER_PAGE - first % BLOCKS_PER_PAGE);
    err = bmap(ip, first, n, blocks);
    if (err)
        return err;
    got = buf_read_cached(blocks, n, bufs);
    if (got == 0) {
        err = read_ahead(ip, first, blocks[0], &bufs[0]);
        got = err ? 0 : 1;
    }
    for (unsigned i = 0, run; i < got && !err; i += run) {
        const uint8_t *data = bufs[i] ? bufs[i]->data : zeros;
        size_t at = r->off % BSIZE;

        /* Blocks that came in one request often lie side by side: one copy takes them all. */
        run = 1;
        while (bufs[i] && i + run < got && bufs[i + run] &&
               bufs[i + run]->data == data + run * BSIZE)
            run++;
        err = copy_out(r, data + at, run * BSIZE - at);
    }
    for (unsigned i = 0; i < got; i++)
        if (bufs[i])
            buf_put(bufs[i]);
    return err;
}

long inode_read(struct inode *ip, struct file_reader *r)
{
    size_t n;
    int err = 0;

    if (ip->d.type == T_DEVICE || r->off >= ip->d.size)
        return 0;
    n = r->left = min(r->left, ip->d.size - r->off);
    while (r->left > 0 && !err) {
        const uint8_t *mapped = ip->mapping.region ? ip->mapping.ops->byte(ip, r->off) : NULL;

        if (mapped)
            err = copy_out(r, mapped, PAGE_SIZE - r->off % PAGE_SIZE);
        else
            err = read_blocks(ip, r);
    }
    return err ? err : (long)n;
}

long inode_read_kernel(struct inode *ip, void *dst, uint64_t off, size_t n)
{
    struct file_reader r = {.off = off, .to = (uintptr_t)dst, .left = n, .to_kernel = true};

    return inode_read(ip, &r);
}

/* Writes n bytes into one block, allocated if need be. => as inode_write() */
static struct write_result write_block(struct inode *ip, uint64_t off, vaddr_t src, size_t n)
{
    struct write_result w = {0};
    uint8_t *data, *mapped;
    uint32_t block;
    struct buf *b;

    w.err = bmap_alloc(ip, off / BSIZE, &block);
    if (!w.err)
        w.err = buf_read(block, &b);
    if (w.err)
        return w;
    data = b->data + off % BSIZE;
    w.done = copy_from_user_partial(data, src, n);
    if (w.done < n)
        w.err = -EFAULT;
    if (w.done > 0)
        log_write(b);
    mapped = ip->mapping.region ? ip->mapping.ops->byte(ip, off) : NULL;
    if (mapped)
        memcpy(mapped, data, w.done);
    buf_put(b);
    return w;
}

struct write_result inode_write(struct inode *ip, vaddr_t src, uint64_t off, size_t n)
{
    struct write_result w = {0};

    if (off > ip->d.size)
        w.err = -EINVAL;
    else if (n > MAXFILE * BSIZE - off)
        w.err = -EFBIG;
    else
        w.err = dinode_pin(ip);
    if (w.err)
        return w;
    while (w.done < n && !w.err) {
        size_t room = BSIZE - (off + w.done) % BSIZE;
        struct write_result one =
            write_block(ip, off + w.done, src + w.done, min(n - w.done, room));

        w.done += one.done;
        w.err = one.err;
    }
    if (off + w.done > ip->d.size)
        ip->d.size = off + w.done;
    if (w.err)
        bmap_trim(ip, ip->d.size);
    else
        w.err = dinode_write(ip);
    return w;
}
