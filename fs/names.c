/*
 * Paths and names: from a string to an inode; making, linking and removing names.
 *
 * A path: one directory is locked at a time, and what an entry names is referenced before the
 * directory is unlocked: so its last name cannot go in between. In a directory that was removed,
 * only "." leads anywhere: ".." may name an inode that is another by now.
 *
 * A change is one transaction. Checks and whatever may fail come first; every block that is changed
 * after the line "Commit" is in the transaction by then, and so in the cache. A new inode that does
 * not get its name has nlink 0 and is freed when it is let go of.
 *
 * Lock: name_lock, a mutex, keeps link and unlink apart, the two that lock an inode while they hold
 * a directory; so no cycle of directories in a corrupt image can make two of them wait for each
 * other. Order: log.h. Called by syscall, exec and by file.c. Read next: fs/file.c.
 */
#include "fs/fs.h"
#include "internal.h"
#include "lib/errno.h"
#include "log.h"

static struct mutex name_lock = MUTEX_INIT(name_lock);

/* ---- paths ---- */

static const char *skip_slashes(const char *path)
{
    while (*path == '/')
        path++;
    return path;
}

/* Replaces the directory *ip by what `name` is in it. => *ip is let go of even then. 0; -errno. */
static int path_step(struct inode **ip, const struct dir_name *name)
{
    struct inode *dp = *ip;
    struct dir_slot slot;
    int err = -ENOTDIR;

    if (dp->d.type == T_DIR) {
        mutex_lock(&dp->lock);
        err = dp->d.nlink < 1 && !dir_name_is(name, ".") ? -ENOENT : dir_find(dp, name, &slot);
        if (!err)
            err = inode_get(slot.inum, ip);
        mutex_unlock(&dp->lock);
    }
    inode_drop(dp);
    return err;
}

/*
 * Follows a path, or all but its last element, which is put in `last`. Leaves inodes to free for
 * inode_reap(). => 0 and a reference; -ENOENT when the last element is wanted and there is none.
 */
static int path_walk(struct inode *cwd, const char *path, struct inode **out, struct dir_name *last)
{
    struct inode *ip = *path == '/' || !cwd ? inode_root() : inode_dup(cwd);
    struct dir_name own, *name = last ? last : &own;
    int err = 0;

    path = skip_slashes(path);
    if (last && *path == '\0') {
        inode_drop(ip);
        return -ENOENT;
    }
    while (!err && *path != '\0') {
        path = skip_slashes(dir_name_take(name, path));
        if (last && *path == '\0')
            break;
        err = path_step(&ip, name);
    }
    if (!err)
        *out = ip;
    return err;
}

int path_lookup(struct inode *cwd, const char *path, struct inode **out)
{
    int err = path_walk(cwd, path, out, NULL);

    inode_reap();
    return err;
}

/* path_walk() up to the directory in which the last element, `name`, is or will be. */
static int path_lookup_parent(struct inode *cwd, const char *path, struct inode **out,
                              struct dir_name *name)
{
    int err = path_walk(cwd, path, out, name);

    if (!err && (*out)->d.type != T_DIR) {
        inode_drop(*out);
        err = -ENOTDIR;
    }
    return err;
}

int fs_chdir(struct inode *cwd, const char *path, struct inode **out)
{
    int err = path_lookup(cwd, path, out);

    if (!err && (*out)->d.type != T_DIR) {
        inode_put(*out);
        err = -ENOTDIR;
    }
    return err;
}

/* Ends an operation's transaction. => err, or what the commit gave */
static int op_end(int err)
{
    int commit_err = log_end();

    inode_reap();
    return err ? err : commit_err;
}

/* ---- making ---- */

/* Makes the inode of a name that is not in dp. => dp locked, in a transaction */
static int create_new(struct inode *dp, const struct dir_slot *slot, const struct dir_name *name,
                      const struct dinode *init, struct inode **out)
{
    bool is_dir = init->type == T_DIR;
    struct inode *ip;
    int err = is_dir && dp->d.nlink >= NLINK_MAX ? -EMLINK : dir_prepare(dp, slot);

    if (err)
        return err;
    err = inode_alloc(init, &ip);
    if (!err && is_dir) {
        err = dir_init(ip, dp->inum);
        if (err)
            inode_drop(ip);
    }
    if (err) {
        bmap_trim(dp, dp->d.size);
        return err;
    }

    /* Commit: nothing below may fail. */
    ip->d.nlink = 1;
    if (is_dir)
        dp->d.nlink++;
    err = dinode_write(ip);
    if (!err)
        err = dir_insert(dp, slot, name, ip->inum);
    if (err)
        inode_drop(ip);
    else
        *out = ip;
    return err;
}

/*
 * Makes an inode with the type and device of *init at `path`, or finds the one of a regular file.
 * => in a transaction. 0 and a reference, also to a directory or device that has the name of the
 *    file; -EEXIST; errors of fs.h.
 */
static int create_name(struct inode *cwd, const char *path, const struct dinode *init,
                       struct inode **out)
{
    struct dir_name name;
    struct dir_slot slot;
    struct inode *dp;
    int err = path_lookup_parent(cwd, path, &dp, &name);

    if (err)
        return err;
    mutex_lock(&dp->lock);
    err = dp->d.nlink < 1 ? -ENOENT : dir_find(dp, &name, &slot);
    if (err == -ENOENT && dp->d.nlink > 0)
        err = create_new(dp, &slot, &name, init, out);
    else if (!err)
        err = init->type == T_FILE ? inode_get(slot.inum, out) : -EEXIST;
    mutex_unlock(&dp->lock);
    inode_drop(dp);
    return err;
}

int names_create_file(struct inode *cwd, const char *path, struct inode **out)
{
    const struct dinode init = {.type = T_FILE};
    int err = log_begin(), end_err;

    if (err == -EACCES && path_lookup(cwd, path, out) == 0)
        return 0; /* a read-only disk: what exists can be opened */
    if (err)
        return err;
    err = create_name(cwd, path, &init, out);
    end_err = op_end(err);
    if (end_err && !err)
        inode_put(*out);
    return end_err;
}

/* Makes an inode that must not exist, and lets go of it. */
static int make_node(struct inode *cwd, const char *path, const struct dinode *init)
{
    struct inode *ip;
    int err = log_begin();

    if (err)
        return err;
    err = create_name(cwd, path, init, &ip);
    if (!err)
        inode_drop(ip);
    return op_end(err);
}

int fs_mkdir(struct inode *cwd, const char *path)
{
    return make_node(cwd, path, &(struct dinode){.type = T_DIR});
}

int fs_mknod(struct inode *cwd, const char *path, short major, short minor)
{
    return make_node(cwd, path, &(struct dinode){.type = T_DEVICE, .major = major, .minor = minor});
}

/* ---- link ---- */

/* Gives ip a name in dp. => in a transaction; dp and ip locked, name_lock held */
static int link_locked(struct inode *ip, struct inode *dp, const struct dir_name *name)
{
    struct dir_slot slot;
    int err;

    if (dp->d.nlink < 1)
        return -ENOENT;
    err = dir_find(dp, name, &slot);
    if (err != -ENOENT)
        return err ? err : -EEXIST;
    if (ip->d.nlink < 1)
        return -ENOENT;
    if (ip->d.nlink >= NLINK_MAX)
        return -EMLINK;
    err = dinode_pin(ip);
    if (!err)
        err = dir_prepare(dp, &slot);
    if (err)
        return err;

    /* Commit: nothing below may fail. */
    ip->d.nlink++;
    err = dinode_write(ip);
    return err ? err : dir_insert(dp, &slot, name, ip->inum);
}

static int link_in_op(struct inode *cwd, struct inode *ip, const char *new_path)
{
    struct dir_name name;
    struct inode *dp;
    int err = ip->d.type == T_DIR ? -EPERM : path_lookup_parent(cwd, new_path, &dp, &name);

    if (err)
        return err;
    mutex_lock(&dp->lock);
    mutex_lock(&ip->lock);
    err = link_locked(ip, dp, &name);
    mutex_unlock(&ip->lock);
    mutex_unlock(&dp->lock);
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
    err = path_walk(cwd, old_path, &ip, NULL);
    if (!err) {
        err = link_in_op(cwd, ip, new_path);
        inode_drop(ip);
    }
    mutex_unlock(&name_lock);
    return op_end(err);
}

/* ---- unlink ---- */

/* Removes the name at `slot`, that of ip. => in a transaction; both locked, name_lock held */
static int unlink_locked(struct inode *dp, const struct dir_slot *slot, struct inode *ip)
{
    bool is_dir = ip->d.type == T_DIR;
    int empty = is_dir ? dir_is_empty(ip) : 1;
    int err = empty > 0 ? dinode_pin(ip) : empty < 0 ? empty : -ENOTEMPTY;

    if (!err && is_dir)
        err = dinode_pin(dp);
    if (!err)
        err = dir_erase(dp, slot);
    if (err)
        return err;

    /* Commit: nothing below may fail. */
    if (is_dir)
        ip->d.nlink = 0;
    else if (ip->d.nlink > 0) /* else the image is corrupt: more names than it counts */
        ip->d.nlink--;
    if (is_dir && dp->d.nlink > 1) {
        dp->d.nlink--;
        err = dinode_write(dp);
    }
    return err ? err : dinode_write(ip);
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
        mutex_lock(&(*out)->lock);
        err = unlink_locked(dp, &slot, *out);
        mutex_unlock(&(*out)->lock);
    }
    if (err)
        inode_drop(*out);
    return err;
}

static int unlink_in_op(struct inode *cwd, const char *path)
{
    struct dir_name name;
    struct inode *dp, *ip;
    int err = path_lookup_parent(cwd, path, &dp, &name);

    if (err)
        return err;
    if (dir_name_is(&name, ".") || dir_name_is(&name, "..")) {
        err = -EINVAL;
    } else {
        mutex_lock(&dp->lock);
        err = unlink_name(dp, &name, &ip);
        mutex_unlock(&dp->lock);
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
    return op_end(err);
}
