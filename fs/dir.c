/*
 * Directories: arrays of 16-byte entries, searched in the buffers themselves. A hole is a block of
 * free entries.
 *
 * A name is compared as xv6 does, up to its NUL or DIRSIZ bytes: the entry is taken as two words,
 * of which a mask keeps the bytes that count. (By bytes, open() would take 5 % longer.)
 *
 * Lock: the directory's, held by the caller. Called by names.c. Read next: fs/names.c.
 */
#include "bcache.h"
#include "internal.h"
#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/string.h"
#include "log.h"

typedef uint64_t __attribute__((may_alias)) entry_word_t;

#define NAME_BYTE offsetof(struct dirent, name) /* where the name begins in the two words */

const char *dir_name_take(struct dir_name *name, const char *path)
{
    uint8_t *bytes = (uint8_t *)name->key + NAME_BYTE, *counts = (uint8_t *)name->mask + NAME_BYTE;
    size_t len = 0;

    *name = (struct dir_name){.key = {0}};
    for (; *path != '/' && *path != '\0'; path++) {
        if (len < DIRSIZ) {
            bytes[len] = (uint8_t)*path;
            counts[len++] = 0xff;
        }
    }
    if (len < DIRSIZ)
        counts[len] = 0xff; /* the NUL */
    return path;
}

bool dir_name_is(const struct dir_name *name, const char *other)
{
    struct dir_name o;

    dir_name_take(&o, other);
    return name->key[0] == o.key[0] && name->key[1] == o.key[1];
}

/* The block with the entry at `off`. => 0 and a reference, NULL for a hole; -EIO. */
static int read_entries(struct inode *dp, uint32_t off, struct buf **b)
{
    uint32_t block;
    int err = bmap(dp, off / BSIZE, 1, &block);

    *b = NULL;
    return err || block == 0 ? err : buf_read(block, b);
}

static struct dirent *entry_at(const struct buf *b, uint32_t off)
{
    return (struct dirent *)(b->data + off % BSIZE);
}

static uint32_t end_of_block(const struct inode *dp, uint32_t off)
{
    return min((off / BSIZE + 1) * BSIZE, dp->d.size);
}

/* dir_find() in the block b at `off`. => 0; -ENOENT. */
static int find_in_block(const struct inode *dp, uint32_t off, const struct buf *b,
                         const struct dir_name *name, struct dir_slot *slot)
{
    const struct dirent *first = entry_at(b, off), *entry = first, *unused = NULL;
    const struct dirent *end = first + (end_of_block(dp, off) - off) / sizeof(*first);
    const struct dir_name key = *name; /* in registers */

    for (; entry < end; entry++) {
        const entry_word_t *word = (const entry_word_t *)entry;

        if (entry->inum == 0)
            unused = unused ? unused : entry;
        else if ((word[0] & key.mask[0]) == key.key[0] && (word[1] & key.mask[1]) == key.key[1])
            break;
    }
    if (unused)
        slot->free_off = min(slot->free_off, off + (uint32_t)(unused - first) * sizeof(*first));
    if (entry == end)
        return -ENOENT;
    slot->inum = entry->inum;
    slot->off = off + (uint32_t)(entry - first) * sizeof(*first);
    return 0;
}

int dir_find(struct inode *dp, const struct dir_name *name, struct dir_slot *slot)
{
    int err = -ENOENT;

    slot->free_off = dp->d.size;
    for (uint32_t off = 0; off < dp->d.size && err == -ENOENT; off += BSIZE) {
        struct buf *b;

        err = read_entries(dp, off, &b);
        if (err)
            return err;
        err = -ENOENT;
        if (b) {
            err = find_in_block(dp, off, b, name, slot);
            buf_put(b);
        } else {
            slot->free_off = min(slot->free_off, off);
        }
    }
    return err;
}

int dir_prepare(struct inode *dp, const struct dir_slot *slot)
{
    uint32_t block;
    struct buf *b;
    int err = slot->free_off >= MAXFILE * BSIZE ? -EFBIG : dinode_pin(dp);

    if (!err)
        err = bmap_alloc(dp, slot->free_off / BSIZE, &block);
    if (!err)
        err = buf_read(block, &b);
    if (err)
        return err;
    log_write(b);
    buf_put(b);
    return 0;
}

/* Writes an entry at `off`, which has a block. => in a transaction (1). 0; -EIO. */
static int write_entry(struct inode *dp, uint32_t off, const struct dirent *entry)
{
    struct buf *b;
    int err = read_entries(dp, off, &b);

    if (err)
        return err;
    *entry_at(b, off) = *entry;
    log_write(b);
    buf_put(b);
    return 0;
}

int dir_insert(struct inode *dp, const struct dir_slot *slot, const struct dir_name *name,
               uint32_t inum)
{
    struct dirent entry = {.inum = (unsigned short)inum};
    int err;

    memcpy(entry.name, (const uint8_t *)name->key + NAME_BYTE, DIRSIZ);
    err = write_entry(dp, slot->free_off, &entry);
    if (err)
        return err;
    if (slot->free_off + sizeof(entry) > dp->d.size)
        dp->d.size = slot->free_off + sizeof(entry);
    return dinode_write(dp);
}

int dir_erase(struct inode *dp, const struct dir_slot *slot)
{
    static const struct dirent unused;

    return write_entry(dp, slot->off, &unused);
}

int dir_init(struct inode *dp, uint32_t parent)
{
    struct dir_slot first = {.free_off = 0}, second = {.free_off = sizeof(struct dirent)};
    struct dir_name dot, dots;
    int err = dir_prepare(dp, &first);

    dir_name_take(&dot, ".");
    dir_name_take(&dots, "..");
    if (!err)
        err = dir_insert(dp, &first, &dot, dp->inum);
    if (!err)
        err = dir_insert(dp, &second, &dots, parent);
    return err;
}

int dir_is_empty(struct inode *dp)
{
    bool used = false;

    for (uint32_t off = 2 * sizeof(struct dirent); off < dp->d.size && !used;) {
        uint32_t end = end_of_block(dp, off);
        struct buf *b;
        int err = read_entries(dp, off, &b);

        if (err)
            return err;
        for (; b && off < end; off += sizeof(struct dirent))
            used |= entry_at(b, off)->inum != 0;
        if (b)
            buf_put(b);
        off = end;
    }
    return !used;
}
