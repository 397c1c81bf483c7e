/*
 * Directories: arrays of 16-byte entries, searched in the buffers themselves.
 *
 * A name is compared as xv6 does, up to its NUL or DIRSIZ bytes: the entry is taken as two words,
 * of which a mask keeps the bytes that count. What stands after a NUL does not matter.
 *
 * Lock: the directory's, held by the caller. Called by path.c and names.c. Read next: fs/path.c.
 */
#include "bcache.h"
#include "internal.h"
#include "log.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

typedef uint64_t __attribute__((may_alias)) entry_word_t;

#define NAME_BYTE offsetof(struct dirent, name) /* where the name begins in the two words */

static bool ends_name(char c)
{
    return c == '/' || c == '\0';
}

const char *dir_name_take(struct dir_name *name, const char *path)
{
    uint8_t *bytes = (uint8_t *)name->key + NAME_BYTE, *counts = (uint8_t *)name->mask + NAME_BYTE;
    size_t len = 0;

    *name = (struct dir_name){.key = {0}};
    for (; len < DIRSIZ && !ends_name(*path); len++, path++) {
        bytes[len] = (uint8_t)*path;
        counts[len] = 0xff;
    }
    if (len < DIRSIZ)
        counts[len] = 0xff; /* the NUL */
    while (!ends_name(*path))
        path++;
    return path;
}

bool dir_name_is_dot(const struct dir_name *name)
{
    return name->key[0] == (uint64_t)'.' << 16;
}

bool dir_name_is_dots(const struct dir_name *name)
{
    return dir_name_is_dot(name) ||
           (name->key[0] == ((uint64_t)'.' << 16 | (uint64_t)'.' << 24) && name->key[1] == 0);
}

/* How much of block `index` lies before the directory's end. */
static unsigned bytes_in_block(const struct inode *dp, uint32_t index)
{
    uint32_t left = dp->size - index * BSIZE;

    return left < BSIZE ? left : BSIZE;
}

/* => the offset of the entry with the name, or -1. *free_off: of the first free one before it */
static int scan_entries(const uint8_t *data, unsigned size, const struct dir_name *name,
                        int *free_off)
{
    const entry_word_t *start = (const entry_word_t *)data, *end = start + size / sizeof *start;
    const struct dir_name key = *name; /* in registers */

    *free_off = -1;
    for (const entry_word_t *word = start; word < end; word += 2) {
        if ((uint16_t)word[0] == 0) {
            if (*free_off < 0)
                *free_off = (const uint8_t *)word - data;
        } else if ((word[0] & key.mask[0]) == key.key[0] &&
                   (word[1] & key.mask[1]) == key.key[1]) {
            return (const uint8_t *)word - data;
        }
    }
    return -1;
}

/* dir_find() in one block; a hole is a block of free entries. => 1 found; 0; -EIO. */
static int find_in_block(struct inode *dp, uint32_t index, const struct dir_name *name,
                         struct dir_slot *slot)
{
    int free_off = 0, found = -1;
    uint32_t block;
    struct buf *b;
    int err = inode_map(dp, index, 1, &block);

    if (!err && block != 0)
        err = buf_read(block, &b);
    if (err)
        return err;
    if (block != 0) {
        found = scan_entries(b->data, bytes_in_block(dp, index), name, &free_off);
        if (found >= 0)
            slot->inum = ((struct dirent *)(b->data + found))->inum;
        buf_put(b);
    }
    if (free_off >= 0 && slot->free_off == dp->size)
        slot->free_off = index * BSIZE + (uint32_t)free_off;
    if (found < 0)
        return 0;
    slot->off = index * BSIZE + (uint32_t)found;
    return 1;
}

int dir_find(struct inode *dp, const struct dir_name *name, struct dir_slot *slot)
{
    uint32_t nblocks = (dp->size + BSIZE - 1) / BSIZE;

    slot->free_off = dp->size;
    for (uint32_t index = 0; index < nblocks; index++) {
        int found = find_in_block(dp, index, name, slot);

        if (found < 0)
            return found;
        if (found)
            return 0;
    }
    return -ENOENT;
}

int dir_prepare(struct inode *dp, const struct dir_slot *slot)
{
    uint32_t block;
    struct buf *b;

    if (slot->free_off >= MAXFILE * BSIZE)
        return -EFBIG;
    int err = inode_pin(dp);
    if (!err)
        err = inode_map_alloc(dp, slot->free_off / BSIZE, &block);
    if (!err)
        err = buf_read(block, &b);
    if (err)
        return err;
    log_write(b);
    buf_put(b);
    return 0;
}

/* The block that holds the entry at `off`. => 0 and a reference; -EIO. */
static int read_entry_block(struct inode *dp, uint32_t off, struct buf **b)
{
    uint32_t block;
    int err = inode_map(dp, off / BSIZE, 1, &block);

    return err ? err : buf_read(block, b);
}

static struct dirent *entry_at(struct buf *b, uint32_t off)
{
    return (struct dirent *)(b->data + off % BSIZE);
}

int dir_insert(struct inode *dp, const struct dir_slot *slot, const struct dir_name *name,
               uint32_t inum)
{
    uint32_t end = slot->free_off + sizeof(struct dirent);
    struct buf *b;
    int err = read_entry_block(dp, slot->free_off, &b);

    if (err)
        return err;
    struct dirent *entry = entry_at(b, slot->free_off);
    entry->inum = (unsigned short)inum;
    memcpy(entry->name, (const uint8_t *)name->key + NAME_BYTE, DIRSIZ);
    log_write(b);
    buf_put(b);
    if (end > dp->size)
        dp->size = end;
    return inode_update(dp);
}

int dir_erase(struct inode *dp, const struct dir_slot *slot)
{
    struct buf *b;
    int err = read_entry_block(dp, slot->off, &b);

    if (err)
        return err;
    memset(entry_at(b, slot->off), 0, sizeof(struct dirent));
    log_write(b);
    buf_put(b);
    return 0;
}

int dir_init(struct inode *dp, uint32_t parent)
{
    struct dir_slot slot = {.free_off = 0};
    struct dir_name name;
    int err = dir_prepare(dp, &slot);

    dir_name_take(&name, ".");
    if (!err)
        err = dir_insert(dp, &slot, &name, dp->inum);
    dir_name_take(&name, "..");
    slot.free_off += sizeof(struct dirent);
    if (!err)
        err = dir_insert(dp, &slot, &name, parent);
    return err;
}

int dir_is_empty(struct inode *dp)
{
    uint32_t nblocks = (dp->size + BSIZE - 1) / BSIZE;

    for (uint32_t index = 0; index < nblocks; index++) {
        uint32_t block;
        struct buf *b;
        unsigned used = 0;
        int err = inode_map(dp, index, 1, &block);

        if (!err && block == 0)
            continue;
        if (!err)
            err = buf_read(block, &b);
        if (err)
            return err;
        const struct dirent *entry = (const struct dirent *)b->data;
        unsigned n = bytes_in_block(dp, index) / sizeof *entry;
        for (unsigned i = index == 0 ? 2 : 0; i < n; i++)
            used += entry[i].inum != 0;
        buf_put(b);
        if (used > 0)
            return 0;
    }
    return 1;
}
