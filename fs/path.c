/*
 * Paths: from a string to an inode.
 *
 * One directory is locked at a time, and what an entry names is referenced before the directory is
 * unlocked: so its last name cannot go in between. In a directory that was removed, only "." leads
 * anywhere: ".." may name an inode that is another by now.
 *
 * Called by names.c, file.c and, through inode.h, exec. Read next: fs/names.c.
 */
#include "internal.h"
#include "lib/errno.h"

static const char *skip_slashes(const char *path)
{
    while (*path == '/')
        path++;
    return path;
}

/* Takes the element off that a path begins with. => the rest, without slashes in front */
static const char *take_element(const char *path, struct dir_name *name)
{
    return skip_slashes(dir_name_take(name, path));
}

/* What an entry of dp leads to. => dp locked. 0 and a reference; -ENOENT, -EIO, -ENOMEM. */
static inline int lookup(struct inode *dp, const struct dir_name *name, struct inode **out)
{
    struct dir_slot slot;

    if (dp->nlink < 1 && !dir_name_is_dot(name))
        return -ENOENT;
    int err = dir_find(dp, name, &slot);
    return err ? err : inode_get(slot.inum, out);
}

/* Replaces the directory *ip by what `name` is in it. => *ip is let go of even then. 0; -errno. */
static inline int step(struct inode **ip, const struct dir_name *name)
{
    struct inode *dp = *ip, *next = NULL;
    int err = -ENOTDIR;

    if (dp->type == T_DIR) {
        mutex_lock(&dp->lock);
        err = lookup(dp, name, &next);
        mutex_unlock(&dp->lock);
    }
    inode_drop(dp);
    *ip = next;
    return err;
}

static struct inode *start_of(struct inode *cwd, const char *path)
{
    return *path == '/' || !cwd ? inode_root() : inode_dup(cwd);
}

int path_lookup_in_op(struct inode *cwd, const char *path, struct inode **out)
{
    struct inode *ip = start_of(cwd, path);
    struct dir_name name;
    int err = 0;

    path = skip_slashes(path);
    while (!err && *path != '\0') {
        path = take_element(path, &name);
        err = step(&ip, &name);
    }
    if (!err)
        *out = ip;
    return err;
}

int path_lookup(struct inode *cwd, const char *path, struct inode **out)
{
    int err = path_lookup_in_op(cwd, path, out);

    inode_reap();
    return err;
}

int path_lookup_parent(struct inode *cwd, const char *path, struct inode **out,
                       struct dir_name *name)
{
    struct inode *ip = start_of(cwd, path);
    int err;

    path = skip_slashes(path);
    err = *path == '\0' ? -ENOENT : 0;
    path = take_element(path, name);
    while (!err && *path != '\0') {
        err = step(&ip, name);
        path = take_element(path, name);
    }
    if (!err && ip->type != T_DIR)
        err = -ENOTDIR;
    if (!err)
        *out = ip;
    else if (ip)
        inode_drop(ip);
    return err;
}
