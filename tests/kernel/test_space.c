/*
 * Address spaces on the real MMU: what is mapped can be reached, and only that.
 *
 * The copies of mm/uaccess.h stand for a user program: they use the same translations with the
 * same permissions. The boot flow has no address space of its own, so no fault is resolved here:
 * a page is reachable only if a valid entry grants it.
 */
#include "asm/cpu.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/shared.h"
#include "mm/uaccess.h"
#include "selftest.h"

#define DATA  PAGE_SIZE
#define STACK (3 * PAGE_SIZE)

/* Text at 0 (R-X), data (RW-), guard, stack, all touched. => NULL without memory. */
static struct mm *make_space(void)
{
    struct mm *mm = mm_create();
    uint64_t word = 1;

    if (!mm)
        return NULL;
    if (mm_add_segment(mm, 0, DATA, PROT_EXEC) ||
        mm_add_segment(mm, DATA, 2 * PAGE_SIZE, PROT_WRITE) || mm_add_stack(mm, 2 * PAGE_SIZE) ||
        mm_write(mm, 0, &word, 8) || mm_write(mm, DATA, &word, 8) ||
        mm_write(mm, STACK, &word, 8)) {
        mm_release(mm);
        return NULL;
    }
    return mm;
}

static void load(struct mm *mm)
{
    uint64_t irqs = irq_disable_save();

    mm_activate(mm);
    irq_restore(irqs);
}

static void drop(struct mm *mm)
{
    load(NULL);
    mm_release(mm);
}

static bool can_read(vaddr_t va)
{
    uint64_t word;

    return copy_from_user(&word, va, 8) == 0;
}

static bool can_write(vaddr_t va, uint64_t word)
{
    return copy_to_user(va, &word, 8) == 0;
}

static uint64_t word_at(vaddr_t va)
{
    uint64_t word = 0;

    EXPECT(copy_from_user(&word, va, 8) == 0);
    return word;
}

void test_one_frame_mapped_twice(void)
{
    struct mm *mm = make_space();
    vaddr_t alias;

    EXPECT(mm != NULL);
    if (!mm)
        return;
    alias = map_shared_pages(mm, mm, DATA, 8, LEND_FAMILY);
    EXPECT(alias != 0 && alias != DATA);
    load(mm);
    EXPECT(can_write(DATA, 0x1111) && word_at(alias) == 0x1111);
    EXPECT(can_write(alias, 0x2222) && word_at(DATA) == 0x2222);
    EXPECT(unmap_shared_pages(mm, alias, 8) == 0);
    EXPECT(!can_read(alias) && word_at(DATA) == 0x2222);
    drop(mm);
}

void test_permissions_hold(void)
{
    struct mm *mm = make_space();

    if (!mm)
        return;
    load(mm);
    EXPECT(can_read(0) && !can_write(0, 1));
    EXPECT(can_read(DATA) && can_write(DATA, 1));
    EXPECT(!can_read(2 * PAGE_SIZE) && !can_write(2 * PAGE_SIZE, 1));
    EXPECT(can_read(STACK) && can_write(STACK, 1));
    EXPECT(!can_read(STACK + PAGE_SIZE) && !can_read(USER_TOP) && !can_read(~0UL - 7));
    EXPECT(!can_read(KERNEL_OFFSET + 0x80200000) && !can_write(KERNEL_OFFSET + 0x80200000, 1));
    drop(mm);
}

void test_unmapped_is_gone(void)
{
    struct mm *mm = make_space();
    vaddr_t old;

    if (!mm)
        return;
    load(mm);
    EXPECT(mm_sbrk(mm, 4 * PAGE_SIZE, BRK_EAGER, &old) == 0);
    for (int i = 0; i < 4; i++)
        EXPECT(mm_fault(mm, old + i * PAGE_SIZE, ACCESS_WRITE) == 0);
    EXPECT(can_write(old + 3 * PAGE_SIZE, 7)); /* now this hart remembers the page */
    EXPECT(mm_sbrk(mm, -(long)PAGE_SIZE, BRK_EAGER, &old) == 0);
    EXPECT(!can_read(old - PAGE_SIZE) && !can_write(old - PAGE_SIZE, 7));
    EXPECT(can_write(old - 2 * PAGE_SIZE, 7));
    drop(mm);
}

void test_shared_between_spaces(void)
{
    struct mm *a = make_space(), *b = make_space();
    vaddr_t at;

    if (!a || !b)
        return;
    at = map_shared_pages(a, b, DATA + 16, 8, LEND_FAMILY);
    EXPECT(at % PAGE_SIZE == 16);
    load(b);
    EXPECT(can_write(at, 0x5a5a));
    load(a);
    EXPECT(word_at(DATA + 16) == 0x5a5a && can_write(DATA + 16, 0xa5a5));
    drop(a); /* the owner first */
    load(b);
    EXPECT(word_at(at) == 0xa5a5);
    drop(b);
}

void test_copies_stop_at_the_edge(void)
{
    struct mm *mm = make_space();
    char buf[64];

    if (!mm)
        return;
    memset(buf, 'x', sizeof(buf));
    load(mm);
    for (size_t before = 0; before < 32; before++) {
        vaddr_t va = STACK + PAGE_SIZE - before;

        EXPECT(copy_to_user_partial(va, buf, 32) == before);
        EXPECT(copy_from_user_partial(buf, va, 32) == before);
    }
    EXPECT(strncpy_from_user(buf, STACK + PAGE_SIZE - 8, sizeof(buf)) < 0);
    EXPECT(can_write(STACK + PAGE_SIZE - 8, 0x006261)); /* "ab" */
    EXPECT(strncpy_from_user(buf, STACK + PAGE_SIZE - 8, sizeof(buf)) == 2);
    EXPECT(strncpy_from_user(buf, STACK + PAGE_SIZE - 8, 2) < 0);
    drop(mm);
}
