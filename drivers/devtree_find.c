/*
 * Finding nodes of the device tree: by path, by `compatible`, by phandle.
 *
 * Owns nothing; built on the cursor of drivers/devtree.c. Each search is one pass over the blob,
 * a few thousand instructions on QEMU's machines, so no index is kept.
 */
#include "drivers/devtree.h"

#include "lib/string.h"

/* Does a node's name match a path element of `len` bytes? */
static bool element_matches(const char *name, const char *element, size_t len)
{
    size_t n = 0;

    for (; n < len; n++) {
        if (name[n] == 0 || name[n] != element[n])
            return false;
    }
    return name[n] == 0 || name[n] == '@';
}

static bool find_child(struct devtree_node *node, const char *element, size_t len)
{
    struct devtree_node parent = *node, child = *node;

    while (devtree_next_below(&parent, &child)) {
        if (child.depth == parent.depth + 1 &&
            element_matches(devtree_name(&child), element, len)) {
            *node = child;
            return true;
        }
    }
    return false;
}

/* As devtree_path(), with the path ending at ':' too. */
static bool find_path(const char *path, struct devtree_node *node)
{
    struct devtree_node found;

    if (*path != '/' || !devtree_root(&found))
        return false;
    while (*path != 0 && *path != ':') {
        size_t len = 0;

        while (*path == '/')
            path++;
        while (path[len] != 0 && path[len] != '/' && path[len] != ':')
            len++;
        if (len > 0 && !find_child(&found, path, len))
            return false;
        path += len;
    }
    *node = found;
    return true;
}

bool devtree_path(const char *path, struct devtree_node *node)
{
    return find_path(path, node);
}

bool devtree_stdout(struct devtree_node *node)
{
    struct devtree_node chosen, aliases;
    char alias[32];
    size_t len = 0;

    if (!devtree_path("/chosen", &chosen))
        return false;
    const char *path = devtree_string(&chosen, "stdout-path");

    if (path == NULL || *path == '/')
        return path != NULL && find_path(path, node);
    while (path[len] != 0 && path[len] != ':')
        len++;
    if (len >= sizeof(alias) || !devtree_path("/aliases", &aliases))
        return false;
    memcpy(alias, path, len);
    alias[len] = 0;
    path = devtree_string(&aliases, alias);
    return path != NULL && find_path(path, node);
}

bool devtree_find_compatible(const struct devtree_node *prev, const char *name,
                             struct devtree_node *node)
{
    struct devtree_node at;

    if (prev != NULL)
        at = *prev;
    else if (!devtree_root(&at))
        return false;
    while (devtree_next(&at)) {
        if (devtree_has_string(&at, "compatible", name) && devtree_enabled(&at)) {
            *node = at;
            return true;
        }
    }
    return false;
}

static bool find_handle(const char *property, uint32_t phandle, struct devtree_node *node)
{
    struct devtree_node at;
    uint32_t own;

    if (!devtree_root(&at))
        return false;
    while (devtree_next(&at)) {
        if (devtree_u32(&at, property, &own) && own == phandle) {
            *node = at;
            return true;
        }
    }
    return false;
}

bool devtree_find_phandle(uint32_t phandle, struct devtree_node *node)
{
    if (phandle == 0 || phandle == 0xffffffff)
        return false;
    return find_handle("phandle", phandle, node) || find_handle("linux,phandle", phandle, node);
}
