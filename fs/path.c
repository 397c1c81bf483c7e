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
 * Follows a path, or all but its last element, which is put in `name`.
 * => 0 and a reference; -ENOENT when the last element is wanted and there is none.
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

int path_lookup_in_op(struct inode *cwd, const char *path, struct inode **out)
{
    return path_walk(cwd, path, out, NULL);
}

int path_lookup(struct inode *cwd, const char *path, struct inode **out)
{
    int err = path_walk(cwd, path, out, NULL);

    inode_reap();
    return err;
}

int path_lookup_parent(struct inode *cwd, const char *path, struct inode **out,
                       struct dir_name *name)
{
    int err = path_walk(cwd, path, out, name);

    if (!err && (*out)->d.type != T_DIR) {
        inode_drop(*out);
        err = -ENOTDIR;
    }
    return err;
}
