/*
 * Names: making, linking and removing them.
 *
 * Each operation is one transaction. Checks and whatever may fail come first; every block that is
 * changed after the line "Commit" is in the transaction by then, and so in the cache. A new inode
 * that does not get its name has nlink 0 and is freed when it is let go of.
 *
 * Lock: name_lock, a mutex, keeps link and unlink apart, the two that lock an inode while they hold
 * a directory; so no cycle of directories in a corrupt image can make two of them wait for each
 * other. Order: log.h. Called by syscall and by file.c. Read next: fs/file.c.
 */
#include "fs/fs.h"
#include "internal.h"
#include "log.h"
#include "lib/errno.h"

static struct mutex name_lock = MUTEX_INIT(name_lock);

/* What create() makes. */
struct node {
    short type;
    short major;
    short minor;
};

/* Whether one more name can be made in dp. => dp locked. 0; -ENOENT, -EMLINK. */
static int check_parent(const struct inode *dp, short type)
{
    if (dp->nlink < 1)
        return -ENOENT;
    return type == T_DIR && dp->nlink >= NLINK_MAX ? -EMLINK : 0;
}

/* Makes the inode of a name that is not in dp. => dp locked, in a transaction */
static int create_new(struct inode *dp, const struct dir_slot *slot, const struct dir_name *name,
                      const struct node *node, struct inode **out)
{
    struct inode *ip;
    int err = check_parent(dp, node->type);

    if (!err)
        err = dir_prepare(dp, slot);
    if (err)
        return err;
    err = inode_alloc(node->type, node->major, node->minor, &ip);
    if (!err && node->type == T_DIR) {
        err = dir_init(ip, dp->inum);
        if (err)
            inode_drop(ip);
    }
    if (err) {
        inode_trim(dp, (dp->size + BSIZE - 1) / BSIZE);
        return err;
    }

    /* Commit: nothing below may fail. */
    ip->nlink = 1;
    if (node->type == T_DIR)
        dp->nlink++;
    err = inode_update(ip);
    if (!err)
        err = dir_insert(dp, slot, name, ip->inum);
    if (err)
        inode_drop(ip);
    else
        *out = ip;
    return err;
}

/* What open(O_CREATE) does with a name that exists. => 0 and a reference; -EISDIR. */
static int open_existing(uint32_t inum, struct inode **out)
{
    int err = inode_get(inum, out);

    if (!err && (*out)->type == T_DIR) {
        inode_drop(*out);
        err = -EISDIR;
    }
    return err;
}

enum existing { EXISTING_OPEN, EXISTING_REFUSE };

/* Makes or finds the inode at `path`. => in a transaction. 0 and a reference; -EEXIST; fs.h. */
static int create(struct inode *cwd, const char *path, const struct node *node,
                  enum existing existing, struct inode **out)
{
    struct dir_name name;
    struct dir_slot slot;
    struct inode *dp;
    int err = path_lookup_parent(cwd, path, &dp, &name);

    if (err)
        return err;
    inode_lock(dp);
    err = check_parent(dp, T_FILE);
    if (!err)
        err = dir_find(dp, &name, &slot);
    if (err == -ENOENT && dp->nlink > 0)
        err = create_new(dp, &slot, &name, node, out);
    else if (!err)
        err = existing == EXISTING_OPEN ? open_existing(slot.inum, out) : -EEXIST;
    inode_unlock(dp);
    inode_drop(dp);
    return err;
}

/* Ends an operation's transaction. => err, or what the commit gave */
static int finish(int err)
{
    int commit_err = log_end();

    inode_reap();
    return err ? err : commit_err;
}

int names_create_file(struct inode *cwd, const char *path, struct inode **out)
{
    const struct node node = {.type = T_FILE};
    int err = log_begin();

    if (err == -EACCES && path_lookup(cwd, path, out) == 0)
        return 0; /* a read-only disk: what exists can be opened */
    if (err)
        return err;
    err = create(cwd, path, &node, EXISTING_OPEN, out);
    int end_err = finish(err);
    if (end_err && !err)
        inode_put(*out);
    return end_err;
}

/* Makes an inode that must not exist, and lets go of it. */
static int make(struct inode *cwd, const char *path, const struct node *node)
{
    struct inode *ip;
    int err = log_begin();

    if (err)
        return err;
    err = create(cwd, path, node, EXISTING_REFUSE, &ip);
    if (!err)
        inode_drop(ip);
    return finish(err);
}

int fs_mkdir(struct inode *cwd, const char *path)
{
    const struct node node = {.type = T_DIR};

    return make(cwd, path, &node);
}

int fs_mknod(struct inode *cwd, const char *path, short major, short minor)
{
    const struct node node = {.type = T_DEVICE, .major = major, .minor = minor};

    return make(cwd, path, &node);
}

/* ---- link ---- */

/* Gives ip a name in dp. => in a transaction; dp and ip locked, name_lock held */
static int link_locked(struct inode *ip, struct inode *dp, const struct dir_name *name)
{
    struct dir_slot slot;
    int err = check_parent(dp, T_FILE);

    if (!err)
        err = dir_find(dp, name, &slot);
    if (err != -ENOENT || dp->nlink < 1)
        return err ? err : -EEXIST;
    if (ip->nlink < 1)
        return -ENOENT;
    if (ip->nlink >= NLINK_MAX)
        return -EMLINK;
    err = inode_pin(ip);
    if (!err)
        err = dir_prepare(dp, &slot);
    if (err)
        return err;

    /* Commit: nothing below may fail. */
    ip->nlink++;
    err = inode_update(ip);
    return err ? err : dir_insert(dp, &slot, name, ip->inum);
}

static int link_in_op(struct inode *cwd, struct inode *ip, const char *new_path)
{
    struct dir_name name;
    struct inode *dp;

    if (ip->type == T_DIR)
        return -EPERM;
    int err = path_lookup_parent(cwd, new_path, &dp, &name);
    if (err)
        return err;
    inode_lock(dp);
    inode_lock(ip);
    err = link_locked(ip, dp, &name);
    inode_unlock(ip);
    inode_unlock(dp);
    inode_drop(dp);
    return err;
}

int fs_link(struct inode *cwd, const char *old_path, const char *new_path)
{
    struct inode *ip;
    int err = log_begin();

    if (err)
        return err;
    mutex_lock(&name_lock);
    err = path_lookup_in_op(cwd, old_path, &ip);
    if (!err) {
        err = link_in_op(cwd, ip, new_path);
        inode_drop(ip);
    }
    mutex_unlock(&name_lock);
    return finish(err);
}

/* ---- unlink ---- */

/* Removes the name at `slot`, that of ip. => in a transaction; both locked, name_lock held */
static int unlink_locked(struct inode *dp, const struct dir_slot *slot, struct inode *ip)
{
    if (ip->type == T_DIR) {
        int empty = dir_is_empty(ip);

        if (empty <= 0)
            return empty < 0 ? empty : -ENOTEMPTY;
    }
    int err = inode_pin(ip);
    if (!err && ip->type == T_DIR)
        err = inode_pin(dp);
    if (!err)
        err = dir_erase(dp, slot);
    if (err)
        return err;

    /* Commit: nothing below may fail. */
    if (ip->type != T_DIR) {
        if (ip->nlink > 0) /* else the image is corrupt: more names than it counts */
            ip->nlink--;
        return inode_update(ip);
    }
    ip->nlink = 0;
    if (dp->nlink > 1)
        dp->nlink--;
    err = inode_update(dp);
    return err ? err : inode_update(ip);
}

/* Removes `name` from dp. => in a transaction; dp locked, name_lock held. `out`: what it led to */
static int unlink_name(struct inode *dp, const struct dir_name *name, struct inode **out)
{
    struct dir_slot slot;
    int err = dir_find(dp, name, &slot);

    if (!err)
        err = inode_get(slot.inum, out);
    if (err)
        return err;
    if (*out == dp || slot.inum == ROOTINO) {
        err = -EIO; /* a corrupt image: only "." and ".." may lead there */
    } else {
        inode_lock(*out);
        err = unlink_locked(dp, &slot, *out);
        inode_unlock(*out);
    }
    if (err)
        inode_drop(*out);
    return err;
}

static int unlink_in_op(struct inode *cwd, const char *path)
{
    struct dir_name name;
    struct inode *dp, *ip = NULL;
    int err = path_lookup_parent(cwd, path, &dp, &name);

    if (err)
        return err;
    if (dir_name_is_dots(&name)) {
        err = -EINVAL;
    } else {
        inode_lock(dp);
        err = unlink_name(dp, &name, &ip);
        inode_unlock(dp);
    }
    inode_drop(dp);
    if (!err)
        inode_drop_in_op(ip);
    return err;
}

int fs_unlink(struct inode *cwd, const char *path)
{
    int err = log_begin();

    if (err)
        return err;
    mutex_lock(&name_lock);
    err = unlink_in_op(cwd, path);
    mutex_unlock(&name_lock);
    return finish(err);
}

int fs_chdir(struct inode *cwd, const char *path, struct inode **out)
{
    int err = path_lookup(cwd, path, out);

    if (!err && (*out)->type != T_DIR) {
        inode_put(*out);
        err = -ENOTDIR;
    }
    return err;
}
