/*
 * The device tree blob: tokens, nodes, properties.
 *
 * Owns the one `tree`: where the blob is and how far each of its parts reaches. The blob comes from
 * outside, so it is believed in nothing: every read of its structure goes through token_read(),
 * which checks it against the block it is in, and devtree_init() refuses a blob with any bad token
 * before anyone sees it. Nothing here recurses or allocates.
 *
 * No locks: written once by devtree_init(), on one hart, before anything else runs. Format:
 * Devicetree Specification 0.4, chapter 5. Called by everything below and by init/main.c.
 * Read next: drivers/dtnode.c (finding nodes, `reg`, interrupts), drivers/devtree_machine.c.
 */
#include "drivers/devtree.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

#include "dtnode.h"

#define FDT_MAGIC   0xd00dfeedU
#define FDT_VERSION 17U /* the version that brought the size of the structure block */

struct fdt_header {
    uint32_t magic, total_size, struct_offset, strings_offset, reserve_offset;
    uint32_t version, last_compatible, boot_hart, strings_size, struct_size;
};

enum token_kind {
    TOKEN_BEGIN = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROP = 3,
    TOKEN_NOP = 4,
    TOKEN_END = 9,
};

/* One token of the structure block. All offsets count from the start of that block. */
struct token {
    uint32_t kind;
    uint32_t next;     /* offset of the token after this one */
    const char *name;  /* of a node or property */
    const void *value; /* of a property */
    uint32_t len;      /* bytes of the value */
};

static struct {
    const uint8_t *blob;
    uint32_t size;
    const uint8_t *structure;
    uint32_t struct_size;
    const char *strings;
    uint32_t strings_size; /* up to the last NUL: any offset below it is a terminated string */
    const uint8_t *reservations;
    dtnode_t root;
} tree;

static uint32_t read_word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint64_t dt_number(const uint8_t *cells, uint32_t n)
{
    uint64_t value = 0;

    for (; n > 0; n--, cells += 4)
        value = value << 32 | read_word(cells);
    return value;
}

/* ---- the blob as a whole ---- */

/* Reads the token at offset `at`. => false when any part of it lies outside its block */
static bool token_read(uint32_t at, struct token *token)
{
    uint32_t name, end = at + 4;

    if (!range_fits(at, 4, tree.struct_size))
        return false;
    token->kind = read_word(tree.structure + at);
    switch (token->kind) {
    case TOKEN_BEGIN:
        token->name = (const char *)tree.structure + end;
        while (end < tree.struct_size && tree.structure[end])
            end++;
        if (end++ == tree.struct_size)
            return false;
        break;
    case TOKEN_PROP:
        if (!range_fits(end, 8, tree.struct_size))
            return false;
        token->len = read_word(tree.structure + end);
        name = read_word(tree.structure + end + 4);
        end += 8;
        if (name >= tree.strings_size || !range_fits(end, token->len, tree.struct_size))
            return false;
        token->name = tree.strings + name;
        token->value = tree.structure + end;
        end += token->len;
        break;
    case TOKEN_END_NODE:
    case TOKEN_NOP:
    case TOKEN_END:
        break;
    default:
        return false;
    }
    token->next = (end + 3) & ~3U;
    return true;
}

/* Walks the whole structure block once; finds the root. */
static bool structure_is_sound(void)
{
    struct token token;
    uint32_t depth = 0;

    for (uint32_t at = 0; token_read(at, &token); at = token.next) {
        switch (token.kind) {
        case TOKEN_BEGIN:
            if (depth == DEVTREE_DEPTH_MAX || (depth == 0 && tree.root))
                return false;
            if (depth++ == 0)
                tree.root = at + 4;
            break;
        case TOKEN_PROP:
        case TOKEN_END_NODE:
            if (depth == 0)
                return false;
            depth -= token.kind == TOKEN_END_NODE;
            break;
        case TOKEN_END:
            return depth == 0 && tree.root;
        }
    }
    return false;
}

static bool reservations_end(uint32_t at)
{
    for (; range_fits(at, 16, tree.size); at += 16)
        if (dt_number(tree.blob + at, 2) == 0 && dt_number(tree.blob + at + 8, 2) == 0)
            return true;
    return false;
}

static bool load_blob(const uint8_t *blob)
{
    struct fdt_header h;

    if (read_word(blob) != FDT_MAGIC)
        return false;
    for (unsigned i = 0; i < sizeof(h) / 4; i++)
        ((uint32_t *)&h)[i] = read_word(blob + 4 * i);
    if (h.total_size < sizeof(h) || h.total_size > DEVTREE_SIZE_MAX || h.version < FDT_VERSION ||
        h.last_compatible > FDT_VERSION || h.struct_offset % 4 != 0 || h.reserve_offset % 8 != 0 ||
        !range_fits(h.struct_offset, h.struct_size, h.total_size) ||
        !range_fits(h.strings_offset, h.strings_size, h.total_size))
        return false;
    tree.blob = blob;
    tree.size = h.total_size;
    tree.structure = blob + h.struct_offset;
    tree.struct_size = h.struct_size;
    tree.strings = (const char *)blob + h.strings_offset;
    tree.strings_size = h.strings_size;
    while (tree.strings_size > 0 && tree.strings[tree.strings_size - 1])
        tree.strings_size--;
    tree.reservations = blob + h.reserve_offset;
    return structure_is_sound() && reservations_end(h.reserve_offset);
}

int devtree_init(const void *dtb)
{
    memset(&tree, 0, sizeof(tree));
    if (dtb && (uintptr_t)dtb % 4 == 0 && load_blob(dtb))
        return 0;
    memset(&tree, 0, sizeof(tree));
    return -EINVAL;
}

bool devtree_blob(struct phys_range *range)
{
    if (!tree.blob)
        return false;
    *range = (struct phys_range){virt_to_phys(tree.blob), virt_to_phys(tree.blob) + tree.size, 0};
    return true;
}

bool dt_reservation(unsigned index, struct phys_range *range)
{
    const uint8_t *entry = tree.reservations + 16 * index;
    uint64_t start, size;

    if (!tree.blob)
        return false;
    start = dt_number(entry, 2);
    size = dt_number(entry + 8, 2);
    *range = (struct phys_range){start, start + size, 0};
    return start || size;
}

/* ---- nodes ---- */

static bool node_read(dtnode_t node, struct token *token)
{
    return node && token_read(node - 4, token) && token->kind == TOKEN_BEGIN;
}

dtnode_t dt_next(dtnode_t node, int *depth)
{
    struct token token;
    uint32_t at;

    if (!node)
        return tree.root;
    if (!node_read(node, &token))
        return 0;
    ++*depth;
    while (token_read(at = token.next, &token) && token.kind != TOKEN_END) {
        if (token.kind == TOKEN_BEGIN)
            return at + 4;
        if (token.kind == TOKEN_END_NODE)
            --*depth;
    }
    return 0;
}

unsigned dt_ancestors(dtnode_t node, dtnode_t path[DEVTREE_DEPTH_MAX])
{
    dtnode_t at = 0;
    int depth = 0;

    while ((at = dt_next(at, &depth))) {
        ASSERT(depth >= 0 && depth < DEVTREE_DEPTH_MAX);
        path[depth] = at;
        if (at == node)
            return (unsigned)depth + 1;
    }
    return 0;
}

const char *dt_name(dtnode_t node)
{
    struct token token;

    return node_read(node, &token) ? token.name : "";
}

/* ---- properties ---- */

const void *dt_prop(dtnode_t node, const char *name, uint32_t *len)
{
    struct token token;

    if (!node_read(node, &token))
        return NULL;
    while (token_read(token.next, &token)) {
        if (token.kind != TOKEN_PROP && token.kind != TOKEN_NOP)
            break; /* properties stand before the children */
        if (token.kind == TOKEN_PROP && *token.name == *name && strcmp(token.name, name) == 0) {
            *len = token.len;
            return token.value;
        }
    }
    return NULL;
}

const char *dt_string(dtnode_t node, const char *name)
{
    uint32_t len;
    const char *value = dt_prop(node, name, &len);

    return value && len > 0 && value[len - 1] == 0 ? value : NULL;
}

bool dt_has_string(dtnode_t node, const char *name, const char *value)
{
    uint32_t len;
    const char *list = dt_prop(node, name, &len);

    if (!list || len == 0 || list[len - 1])
        return false;
    for (uint32_t at = 0; at < len; at += strlen(list + at) + 1)
        if (strcmp(list + at, value) == 0)
            return true;
    return false;
}

bool dt_u32(dtnode_t node, const char *name, uint32_t *value)
{
    uint32_t len;
    const void *cells = dt_prop(node, name, &len);

    if (!cells || len < 4)
        return false;
    *value = read_word(cells);
    return true;
}

bool dt_u64(dtnode_t node, const char *name, uint64_t *value)
{
    uint32_t len;
    const void *cells = dt_prop(node, name, &len);

    if (!cells || (len != 4 && len != 8))
        return false;
    *value = dt_number(cells, len / 4);
    return true;
}

bool dt_enabled(dtnode_t node)
{
    const char *status = dt_string(node, "status");

    return !status || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}
