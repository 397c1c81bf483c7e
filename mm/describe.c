/*
 * What lies at an address of a program, in words: for the line that a crash leaves behind.
 *
 * Changes nothing. Lock: mm->lock. Called by proc/ext/crash.c. Read next: mm/vma.h, the kinds of vma.
 */
#include "mm/mm.h"

#include "lib/printk.h"
#include "space.h"

static const char *what_it_is(const struct vma *v)
{
    switch (v->kind) {
    case VMA_IMAGE:
        return v->prot & PROT_EXEC ? "text" : v->prot & PROT_WRITE ? "data" : "constants";
    case VMA_STACK:
        return "the stack";
    case VMA_HEAP:
    case VMA_LAZY:
        return "the heap";
    case VMA_SHARED:
        return "shared memory";
    case VMA_ID:
        return "an id's page";
    default:
        return v->region && v->region->ops->bring ? "a mapped file" : "mapped memory";
    }
}

static const char *rights(const struct vma *v)
{
    static const char *const names[8] = {
        "no access at all",       "read only",          "write only",
        "read and write only",    "execute only",       "read and execute only",
        "write and execute only", "everything allowed",
    };

    return names[(v->prot & PROT_READ ? 1 : 0) | (v->prot & PROT_WRITE ? 2 : 0) |
                 (v->prot & PROT_EXEC ? 4 : 0)];
}

/* Why an access that v allows was not possible all the same. */
static const char *what_failed(const struct vma *v)
{
    if (v->region && v->region->ops->bring)
        return "beyond its end, or unreadable";
    if (v->region)
        return "taken back by its owner";
    return "no memory left";
}

bool mm_describe(struct mm *mm, vaddr_t va, enum access access, char *buf, size_t size)
{
    const struct vma *v;
    bool guard;

    if (va >= USER_TOP) {
        snprintk(buf, size, "outside user memory");
        return false;
    }
    spin_lock(&mm->lock);
    v = vma_find(mm, page_down(va));
    guard = v && v->kind == VMA_GUARD;
    if (!v)
        snprintk(buf, size, "where nothing is");
    else if (guard)
        snprintk(buf, size, "in the guard page below the stack");
    else
        snprintk(buf, size, "in %s, %s", what_it_is(v),
                 vma_allows(v, access) ? what_failed(v) : rights(v));
    spin_unlock(&mm->lock);
    return guard;
}
