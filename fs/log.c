/*
 * The log: physical redo, in xv6's format.
 *
 * A commit, with what must be durable before the next step starts:
 *
 *     contents -> log blocks    | flush
 *     header with n > 0         | flush     <- here the transaction has happened
 *     contents -> home blocks   | flush
 *     header with n = 0         | flush, put off until the next commit
 *
 * The last flush keeps the next transaction's contents from meeting the old header after a crash.
 * The contents are written straight from the cache: no buffer changes during a commit, since
 * log_begin() waits. All log blocks go in one request, the home blocks in requests under way at
 * once.
 *
 * Lock: fs_log.lock, for joining and leaving. While `committing` is set, the committer alone owns
 * the list of buffers. Called by whatever changes blocks. Read next: fs/balloc.c.
 */
#include "log.h"

#include "bcache.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "mm/page.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

static struct {
    struct spinlock lock;
    struct waitqueue wq;             /* log_begin() waits for room or the end of a commit */
    uint32_t start;                  /* [I] header block */
    uint32_t capacity;               /* [I] blocks in a transaction */
    unsigned outstanding;            /* [lock] operations between begin and end */
    unsigned syncing;                /* [lock] tasks that want the commit: none joins before it */
    uint64_t commits;                /* [lock] */
    bool committing;                 /* [lock] */
    bool failed;                     /* [lock] a commit could not be written */
    bool unflushed;                  /* [committer] the header's n = 0 may not be durable */
    unsigned n;                      /* [lock] buffers in the transaction */
    struct buf *buf[LOG_BLOCKS_MAX]; /* [lock] pinned, in the order of the log blocks */
    uint8_t *page;                   /* [committer] header block, and a block for recovery */
} fs_log = {
    .lock = SPINLOCK_INIT("log", RANK_FS),
    .wq = WAITQUEUE_INIT(fs_log.wq),
};

/* ---- writing ---- */

/* Submits one request for buffers first .. first + n - 1, to neighbouring blocks from `block`. */
static void write_start(struct block_request *req, uint32_t block, unsigned first, unsigned n)
{
    req->op = BLOCK_WRITE;
    req->what = super_part(block);
    req->nsegs = n;
    req->sector = (uint64_t)block * BLOCK_SECTORS;
    for (unsigned i = 0; i < n; i++)
        req->seg[i] = (struct block_seg){.addr = fs_log.buf[first + i]->data, .len = BSIZE};
    block_submit(fs_mount.dev, req);
}

/* Writes the buffers to the blocks they belong to, neighbours in one request. => 0; -EIO. */
static int write_home_blocks(void)
{
    static struct block_request reqs[LOG_BLOCKS_MAX]; /* [committer] */
    unsigned first = 0, nreqs = 0;
    int err = 0;

    while (first < fs_log.n) {
        uint32_t block = fs_log.buf[first]->block;
        unsigned run = 1;

        while (first + run < fs_log.n && fs_log.buf[first + run]->block == block + run)
            run++;
        write_start(&reqs[nreqs++], block, first, run);
        first += run;
    }
    while (nreqs > 0)
        if (block_wait(&reqs[--nreqs]) != 0)
            err = -EIO;
    return err;
}

static_assert(sizeof(struct log_header) <= BLOCK_SECTOR, "a header is written in one piece");

/* Writes a header that counts the first n buffers. What stands behind them is never read. */
static int write_header(unsigned n)
{
    struct log_header *head = (struct log_header *)fs_log.page;

    head->n = (int32_t)n;
    for (unsigned i = 0; i < n; i++)
        head->block[i] = (int32_t)fs_log.buf[i]->block;
    return block_io(fs_mount.dev, BLOCK_WRITE, (uint64_t)fs_log.start * BLOCK_SECTORS, head,
                    BLOCK_SECTOR, "the log");
}

/* Puts the transaction on disk. => this task is the committer. 0; -EIO. */
static int log_commit(void)
{
    struct block_device *dev = fs_mount.dev;
    struct block_request req;

    if (fs_log.unflushed && block_flush(dev) != 0)
        return -EIO;
    write_start(&req, fs_log.start + 1, 0, fs_log.n);
    if (block_wait(&req) != 0 || block_flush(dev) != 0 || write_header(fs_log.n) != 0 ||
        block_flush(dev) != 0 || write_home_blocks() != 0 || block_flush(dev) != 0 ||
        write_header(0) != 0)
        return -EIO;
    fs_log.unflushed = true;
    return 0;
}

/* ---- joining and leaving ---- */

/* Whether each of so many operations may change LOG_OP_BLOCKS blocks more. => fs_log.lock held */
static bool has_room(unsigned operations)
{
    return fs_log.n + operations * LOG_OP_BLOCKS <= fs_log.capacity;
}

int log_begin(void)
{
    int err = 0;

    assert_can_sleep();
    if (fs_mount.dev->readonly)
        return -EACCES;
    spin_lock(&fs_log.lock);
    while (!fs_log.failed &&
           (fs_log.committing || fs_log.syncing || !has_room(fs_log.outstanding + 1)))
        wait_on(&fs_log.wq, &fs_log.lock);
    if (fs_log.failed)
        err = -EIO;
    else
        fs_log.outstanding++;
    spin_unlock(&fs_log.lock);
    return err;
}

bool log_extend(void)
{
    bool extended;

    spin_lock(&fs_log.lock);
    extended = has_room(fs_log.outstanding);
    spin_unlock(&fs_log.lock);
    return extended;
}

/* Commits and lets waiters go on. After an error the buffers stay pinned: the disk's are older. */
static int commit_and_release(void)
{
    int err = fs_log.n > 0 ? log_commit() : 0;

    if (err)
        printk("fs: write error: the file system takes no changes from now on\n");
    spin_lock(&fs_log.lock);
    while (!err && fs_log.n > 0) {
        struct buf *b = fs_log.buf[--fs_log.n];

        b->logged = false;
        buf_put(b);
    }
    fs_log.failed = err != 0;
    fs_log.committing = false;
    fs_log.commits++;
    wake_all(&fs_log.wq);
    spin_unlock(&fs_log.lock);
    return err;
}

int log_end(void)
{
    bool last;

    assert_can_sleep();
    spin_lock(&fs_log.lock);
    ASSERT(fs_log.outstanding > 0 && !fs_log.committing);
    last = --fs_log.outstanding == 0;
    fs_log.committing = last;
    if (!last)
        wake_all(&fs_log.wq);
    spin_unlock(&fs_log.lock);
    return last ? commit_and_release() : 0;
}

int log_sync(void)
{
    uint64_t before;
    int err;

    assert_can_sleep();
    spin_lock(&fs_log.lock);
    before = fs_log.commits;
    fs_log.syncing++;
    while (!fs_log.failed && fs_log.n > 0 && fs_log.commits == before)
        wait_on(&fs_log.wq, &fs_log.lock);
    fs_log.syncing--;
    wake_all(&fs_log.wq);
    err = fs_log.failed ? -EIO : 0;
    spin_unlock(&fs_log.lock);
    return err;
}

/* `logged` does not fall before the caller's log_end(); so a caller that sees it set is done. */
void log_write(struct buf *b)
{
    if (__atomic_load_n(&b->logged, __ATOMIC_RELAXED))
        return;
    spin_lock(&fs_log.lock);
    ASSERT(fs_log.outstanding > 0);
    if (!b->logged) {
        ASSERT(fs_log.n < fs_log.capacity);
        __atomic_store_n(&b->logged, true, __ATOMIC_RELAXED);
        __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
        fs_log.buf[fs_log.n++] = b;
    }
    spin_unlock(&fs_log.lock);
}

/* ---- recovery ---- */

static int move_block(enum block_op op, uint32_t block, void *data)
{
    return block_io(fs_mount.dev, op, (uint64_t)block * BLOCK_SECTORS, data, BSIZE,
                    super_part(block));
}

/* Copies each logged block home, then empties the log. => 0; -EIO. */
static int log_replay(const struct log_header *head)
{
    uint8_t *data = fs_log.page + BSIZE;

    for (int i = 0; i < head->n; i++) {
        printk("recovering tail %d dst %d\n", i, head->block[i]);
        if (move_block(BLOCK_READ, fs_log.start + 1 + i, data) != 0 ||
            move_block(BLOCK_WRITE, head->block[i], data) != 0)
            return -EIO;
    }
    if (block_flush(fs_mount.dev) != 0 || write_header(0) != 0)
        return -EIO;
    return block_flush(fs_mount.dev);
}

int log_init(void)
{
    struct page *page = page_alloc();
    const struct log_header *head;
    const char *wrong = NULL;
    int err;

    if (!page)
        return -ENOMEM;
    fs_log.page = page_addr(page);
    fs_log.start = fs_mount.sb.logstart;
    fs_log.capacity = super_log_capacity(&fs_mount.sb);
    head = (const struct log_header *)fs_log.page;
    err = move_block(BLOCK_READ, fs_log.start, fs_log.page);
    if (!err)
        wrong = log_header_check(head, &fs_mount.sb);
    if (!err && !wrong && head->n > 0)
        err = log_replay(head);
    if (!err && !wrong)
        return 0;
    page_put(page);
    printk("fs: %s\n", wrong ? wrong : "cannot read or replay the log");
    return -EIO;
}
