/*
 * user_mm.c - the machine's user copies on real address spaces: those of the running hart.
 *
 * As in the kernel, a fault of a copy may sleep only when no mutex is held.
 */
#include "baton.h"

#include "asm/cpu.h"
#include "asm/uaccess.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "sched/task.h"
#include "world.h"
#include "../../../mm/pgtable.h"

static bool granted(struct mm *mm, vaddr_t va, enum access access, pte_t *out)
{
    pte_t *pte = pt_lookup(mm->root, page_down(va));

    *out = pte ? *pte : (pte_t){0};
    return (out->v & PTE_V) && (access == ACCESS_READ || (out->v & PTE_W));
}

int __real_mm_fault(struct mm *mm, vaddr_t va, enum access access);

/*
 * In place of mm_fault(), by the linker's --wrap: a program whose page is taken away again before
 * it comes to touch it faults once more, as often as that happens.
 */
int __wrap_mm_fault(struct mm *mm, vaddr_t va, enum access access)
{
    pte_t pte;
    int err;

    do
        err = __real_mm_fault(mm, va, access);
    while (!err && !granted(mm, va, access, &pte));
    return err;
}

/* => the byte at va, or NULL where the program may not do this. */
static uint8_t *user_byte(vaddr_t va, enum access access)
{
    struct mm *mm = this_cpu->mm;
    pte_t pte;
    int err = 0;

    current()->mutexes = baton_mutexes(); /* a fault of the copy asks for them */
    while (!err && !granted(mm, va, access, &pte))
        err = mm_fault(mm, va, access);
    current()->mutexes = 0;
    if (err)
        return NULL;
    return (uint8_t *)phys_to_virt(pte_phys(pte)) + va % PAGE_SIZE;
}

static size_t piece_at(vaddr_t va, size_t n)
{
    size_t left = PAGE_SIZE - va % PAGE_SIZE;

    return n < left ? n : left;
}

size_t arch_copy_to_user(vaddr_t to, const void *from, size_t n)
{
    for (size_t piece; n > 0; n -= piece, to += piece) {
        uint8_t *at = user_byte(to, ACCESS_WRITE);

        if (!at)
            return n;
        piece = piece_at(to, n);
        memmove(at, from, piece);
        from = (const uint8_t *)from + piece;
    }
    return 0;
}

size_t arch_copy_from_user(void *to, vaddr_t from, size_t n)
{
    for (size_t piece; n > 0; n -= piece, from += piece) {
        uint8_t *at = user_byte(from, ACCESS_READ);

        if (!at)
            return n;
        piece = piece_at(from, n);
        memmove(to, at, piece);
        to = (uint8_t *)to + piece;
    }
    return 0;
}

long arch_strncpy_from_user(char *dst, vaddr_t src, size_t max)
{
    return -1;
}
