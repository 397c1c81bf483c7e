/*
 * The helpers of asm/pte.h, over every combination of permissions.
 */
#include "asm/pte.h"
#include "selftest.h"

static void check_combination(uint64_t rwx, uint64_t shared)
{
    pte_t pte = pte_make(0x80123000, pte_user_flags(rwx) | shared);

    EXPECT(pte.v);
    EXPECT(pte_phys(pte) == 0x80123000);
    /* Nobody may touch the page: the entry is invalid, and nothing but H says that it is there. */
    if (!rwx) {
        EXPECT(!(pte.v & PTE_V) && pte_flags(pte) == (PTE_H | shared));
        return;
    }
    EXPECT(pte.v & PTE_V);
    EXPECT(pte.v & PTE_RWX); /* without R, W and X it would be taken for a table */
    EXPECT(!(pte.v & PTE_W) == !(rwx & PTE_W));
    EXPECT(pte.v & PTE_U);
    EXPECT(pte.v & PTE_A && !(pte.v & PTE_G));
    EXPECT(!(pte.v & PTE_D) == !(rwx & PTE_W));
    EXPECT((pte.v & PTE_S) == shared);
    /* W without R is reserved: a hart would fault on every access. */
    EXPECT(!(pte.v & PTE_W) || pte.v & PTE_R);
    EXPECT(!(rwx & PTE_R) || pte.v & PTE_R);
    EXPECT(!(pte.v & PTE_X) == !(rwx & PTE_X));

    EXPECT(!(pte_without_write(pte).v & PTE_W));
    EXPECT((pte_without_write(pte).v & (PTE_X | PTE_R | PTE_U | PTE_S)) ==
           (pte.v & (PTE_X | PTE_R | PTE_U | PTE_S)));
}

void test_pte_helpers(void)
{
    for (uint64_t rwx = 0; rwx <= PTE_RWX; rwx += PTE_R) {
        check_combination(rwx, 0);
        check_combination(rwx, PTE_S);
    }
    EXPECT((pte_make(0x80200000, PTE_V).v & (PTE_V | PTE_RWX)) == PTE_V); /* a table */
}

void test_pte_address(void)
{
    for (unsigned bit = PAGE_SHIFT; bit < 56; bit++)
        EXPECT(pte_phys(pte_make(1UL << bit, PTE_R)) == 1UL << bit);
    EXPECT(pt_index(0x3fffffffff, 2) == 255 && pt_index(0x3fffffffff, 0) == 511);
    EXPECT(pt_index(KERNEL_OFFSET, 2) == 256 && pt_index(KERNEL_OFFSET, 1) == 0);
    EXPECT(pt_span(0) == 4096 && pt_span(1) == 2 << 20 && pt_span(2) == 1 << 30);
    EXPECT(range_fits(0, USER_TOP, USER_TOP) && !range_fits(1, USER_TOP, USER_TOP));
    EXPECT(!range_fits(1, ~0UL, USER_TOP) && !range_fits(~0UL, 1, USER_TOP));
    EXPECT(range_fits(USER_TOP, 0, USER_TOP) && !range_fits(USER_TOP, 1, USER_TOP));
}
