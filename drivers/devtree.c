/*
 * The device tree blob: tokens, nodes, properties.
 *
 * Owns the one `tree`: where the blob is and how far each of its parts reaches. The blob comes from
 * outside, so it is believed in nothing: every read goes through token_read(), which checks it
 * against the block it is in, and devtree_init() refuses a blob with any bad token before anyone
 * sees it. Nothing here recurses (the path in the cursor is the stack) or allocates.
 *
 * No locks: written once by devtree_init(), on one hart, before anything else runs.
 * Called by everything below and by init/main.c. Read next: drivers/devtree_find.c (nodes by path),
 * drivers/devtree_bus.c (`reg`, `interrupts`), drivers/devtree_machine.c (RAM, harts, command
 * line).
 */
#include "drivers/devtree.h"

#include "lib/errno.h"
#include "lib/string.h"

#define FDT_MAGIC 0xd00dfeedU
#define FDT_VERSION 17U /* the version that brought the size of the structure block */

enum header_word { /* word index in the blob's header */
    HEADER_MAGIC,
    HEADER_TOTAL_SIZE,
    HEADER_STRUCT_OFFSET,
    HEADER_STRINGS_OFFSET,
    HEADER_RESERVE_OFFSET,
    HEADER_VERSION,
    HEADER_LAST_COMPATIBLE,
    HEADER_BOOT_HART,
    HEADER_STRINGS_SIZE,
    HEADER_STRUCT_SIZE,
    HEADER_WORDS
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
    const uint8_t *structure;
    uint32_t struct_size;
    const char *strings;
    uint32_t strings_size; /* up to the last NUL: any offset below it is a terminated string */
    uint32_t reserve_offset;
    uint32_t used; /* bytes of the blob up to the end of its last part */
    uint32_t root; /* offset of the root's token */
} tree;

static uint32_t be32(const void *at)
{
    const uint8_t *p = at;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const void *at)
{
    return (uint64_t)be32(at) << 32 | be32((const uint8_t *)at + 4);
}

static bool fits(uint64_t offset, uint64_t len, uint64_t size)
{
    return offset <= size && len <= size - offset;
}

static bool token_read_begin(uint32_t at, struct token *token)
{
    uint32_t end = at + 4;

    while (end < tree.struct_size && tree.structure[end] != 0)
        end++;
    if (end >= tree.struct_size)
        return false;
    token->name = (const char *)tree.structure + at + 4;
    token->next = (end + 4) & ~3U;
    return true;
}

static bool token_read_prop(uint32_t at, struct token *token)
{
    if (!fits(at, 12, tree.struct_size))
        return false;
    uint32_t name = be32(tree.structure + at + 8);

    token->len = be32(tree.structure + at + 4);
    if (name >= tree.strings_size || !fits(at + 12, token->len, tree.struct_size))
        return false;
    token->name = tree.strings + name;
    token->value = tree.structure + at + 12;
    token->next = (at + 12 + token->len + 3) & ~3U;
    return true;
}

/* Read the token at offset `at`; false when any part of it lies outside its block. */
static bool token_read(uint32_t at, struct token *token)
{
    if (!fits(at, 4, tree.struct_size))
        return false;
    token->kind = be32(tree.structure + at);
    token->next = at + 4;
    switch (token->kind) {
    case TOKEN_BEGIN:
        return token_read_begin(at, token);
    case TOKEN_PROP:
        return token_read_prop(at, token);
    case TOKEN_END_NODE:
    case TOKEN_NOP:
    case TOKEN_END:
        return true;
    default:
        return false;
    }
}

/* Walk the whole structure block once; find the root. */
static int check_structure(void)
{
    struct token token;
    uint32_t depth = 0, roots = 0;

    for (uint32_t at = 0; token_read(at, &token); at = token.next) {
        if (token.kind == TOKEN_END)
            return depth == 0 && roots == 1 ? 0 : -EINVAL;
        if (token.kind == TOKEN_BEGIN) {
            if (depth == DEVTREE_DEPTH_MAX || (depth == 0 && roots++ != 0))
                return -EINVAL;
            if (depth++ == 0)
                tree.root = at;
        } else if (token.kind != TOKEN_NOP) {
            if (depth == 0)
                return -EINVAL;
            depth -= token.kind == TOKEN_END_NODE;
        }
    }
    return -EINVAL;
}

static int check_reservations(uint32_t total)
{
    uint32_t at = tree.reserve_offset;

    for (; fits(at, 16, total); at += 16) {
        if (be64(tree.blob + at) == 0 && be64(tree.blob + at + 8) == 0) {
            if (at + 16 > tree.used)
                tree.used = at + 16;
            return 0;
        }
    }
    return -EINVAL;
}

/* Place one part of the blob: false when it leaves the blob. */
static bool place(uint32_t offset, uint32_t size, uint32_t total)
{
    if (!fits(offset, size, total))
        return false;
    if (offset + size > tree.used)
        tree.used = offset + size;
    return true;
}

static int load(const uint8_t *blob)
{
    uint32_t word[HEADER_WORDS];

    for (unsigned i = 0; i < HEADER_WORDS; i++) {
        word[i] = be32(blob + 4 * i);
        if (word[HEADER_MAGIC] != FDT_MAGIC)
            return -EINVAL;
    }
    uint32_t total = word[HEADER_TOTAL_SIZE];

    tree.used = sizeof(word);
    if (total < sizeof(word) || total > DEVTREE_SIZE_MAX || word[HEADER_VERSION] < FDT_VERSION ||
        word[HEADER_LAST_COMPATIBLE] > FDT_VERSION || word[HEADER_STRUCT_OFFSET] % 4 != 0 ||
        word[HEADER_RESERVE_OFFSET] % 8 != 0 ||
        !place(word[HEADER_STRUCT_OFFSET], word[HEADER_STRUCT_SIZE], total) ||
        !place(word[HEADER_STRINGS_OFFSET], word[HEADER_STRINGS_SIZE], total))
        return -EINVAL;
    tree.blob = blob;
    tree.structure = blob + word[HEADER_STRUCT_OFFSET];
    tree.struct_size = word[HEADER_STRUCT_SIZE];
    tree.strings = (const char *)blob + word[HEADER_STRINGS_OFFSET];
    tree.strings_size = word[HEADER_STRINGS_SIZE];
    tree.reserve_offset = word[HEADER_RESERVE_OFFSET];
    while (tree.strings_size > 0 && tree.strings[tree.strings_size - 1] != 0)
        tree.strings_size--;
    int error = check_structure();

    return error ? error : check_reservations(total);
}

int devtree_init(const void *dtb)
{
    int error = -EINVAL;

    memset(&tree, 0, sizeof(tree));
    if (dtb != NULL && (uintptr_t)dtb % 4 == 0)
        error = load(dtb);
    if (error)
        memset(&tree, 0, sizeof(tree));
    return error;
}

bool devtree_root(struct devtree_node *node)
{
    if (tree.blob == NULL)
        return false;
    node->depth = 0;
    node->path[0] = tree.root;
    return true;
}

/* The offset of a node's first token after its name. */
static bool node_body(const struct devtree_node *node, uint32_t *at)
{
    struct token token;

    if (node->depth >= DEVTREE_DEPTH_MAX || !token_read(node->path[node->depth], &token) ||
        token.kind != TOKEN_BEGIN)
        return false;
    *at = token.next;
    return true;
}

bool devtree_next(struct devtree_node *node)
{
    struct token token;
    uint32_t at;
    uint32_t open = node->depth + 1; /* nodes begun and not ended: the depth of the next child */

    if (!node_body(node, &at))
        return false;
    for (; open > 0 && token_read(at, &token); at = token.next) {
        if (token.kind == TOKEN_END_NODE)
            open--;
        if (token.kind == TOKEN_BEGIN) {
            if (open == DEVTREE_DEPTH_MAX)
                return false;
            node->depth = open;
            node->path[open] = at;
            return true;
        }
    }
    return false;
}

bool devtree_next_below(const struct devtree_node *parent, struct devtree_node *node)
{
    struct devtree_node next = *node;

    if (!devtree_next(&next) || next.depth <= parent->depth ||
        next.path[parent->depth] != parent->path[parent->depth])
        return false;
    *node = next;
    return true;
}

const char *devtree_name(const struct devtree_node *node)
{
    struct token token;

    if (node->depth >= DEVTREE_DEPTH_MAX || !token_read(node->path[node->depth], &token) ||
        token.kind != TOKEN_BEGIN)
        return "";
    return token.name;
}

const void *devtree_prop(const struct devtree_node *node, const char *name, uint32_t *len)
{
    struct token token;
    uint32_t at;

    if (!node_body(node, &at))
        return NULL;
    for (; token_read(at, &token); at = token.next) {
        if (token.kind == TOKEN_NOP)
            continue;
        if (token.kind != TOKEN_PROP)
            return NULL; /* properties stand before the children */
        if (token.name[0] == name[0] && strcmp(token.name, name) == 0) {
            *len = token.len;
            return token.value;
        }
    }
    return NULL;
}

const char *devtree_string(const struct devtree_node *node, const char *name)
{
    uint32_t len;
    const char *value = devtree_prop(node, name, &len);

    return value != NULL && len > 0 && value[len - 1] == 0 ? value : NULL;
}

bool devtree_has_string(const struct devtree_node *node, const char *name, const char *value)
{
    uint32_t len;
    size_t want = strlen(value) + 1;
    const char *list = devtree_prop(node, name, &len);

    if (list == NULL || len == 0 || list[len - 1] != 0)
        return false;
    for (uint32_t at = 0; at < len; at += strlen(list + at) + 1) {
        if (want <= len - at && memcmp(list + at, value, want) == 0)
            return true;
    }
    return false;
}

bool devtree_u32(const struct devtree_node *node, const char *name, uint32_t *value)
{
    uint32_t len;
    const void *cells = devtree_prop(node, name, &len);

    if (cells == NULL || len < 4)
        return false;
    *value = be32(cells);
    return true;
}

bool devtree_u64(const struct devtree_node *node, const char *name, uint64_t *value)
{
    uint32_t len;
    const void *cells = devtree_prop(node, name, &len);

    if (cells == NULL || (len != 4 && len != 8))
        return false;
    *value = len == 4 ? be32(cells) : be64(cells);
    return true;
}

bool devtree_enabled(const struct devtree_node *node)
{
    const char *status = devtree_string(node, "status");

    return status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

bool devtree_reservation(unsigned index, struct phys_range *range)
{
    if (tree.blob == NULL)
        return false;
    const uint8_t *entry = tree.blob + tree.reserve_offset;

    for (unsigned i = 0; be64(entry) != 0 || be64(entry + 8) != 0; i++, entry += 16) {
        if (i == index) {
            *range = (struct phys_range){be64(entry), be64(entry) + be64(entry + 8), 0};
            return true;
        }
    }
    return false;
}

bool devtree_blob(struct phys_range *range)
{
    if (tree.blob == NULL)
        return false;
    *range = (struct phys_range){virt_to_phys(tree.blob), virt_to_phys(tree.blob) + tree.used, 0};
    return true;
}
