/*
 * The helpers of asm/pte.h, over every combination of permissions.
 */
#include "asm/pte.h"
#include "selftest.h"

static void check_combination(unsigned prot, uint64_t shared)
{
    pte_t pte = pte_leaf(0x80123000, pte_user_flags(prot) | shared);

    EXPECT(pte_present(pte));
    EXPECT(pte_phys(pte) == 0x80123000);
    /* Nobody may touch the page: the entry is invalid, and nothing but H says that it is there. */
    if (prot == PROT_NONE) {
        EXPECT(!pte_valid(pte) && pte_flags(pte) == (PTE_H | shared));
        return;
    }
    EXPECT(pte_valid(pte));
    EXPECT(pte_is_leaf(pte)); /* without R, W and X it would be taken for a table */
    EXPECT(pte_writable(pte) == !!(prot & PROT_WRITE));
    EXPECT(pte.v & PTE_U);
    EXPECT(pte.v & PTE_A && !(pte.v & PTE_G));
    EXPECT(!(pte.v & PTE_D) == !(prot & PROT_WRITE));
    EXPECT((pte.v & PTE_S) == shared);
    /* W without R is reserved: a hart would fault on every access. */
    EXPECT(!(pte.v & PTE_W) || pte.v & PTE_R);
    EXPECT((pte_prot(pte) & prot) == prot);
    EXPECT(!(pte_prot(pte) & PROT_EXEC) == !(prot & PROT_EXEC));

    EXPECT(!pte_writable(pte_without_write(pte)));
    EXPECT((pte_without_write(pte).v & (PTE_X | PTE_R | PTE_U | PTE_S)) ==
           (pte.v & (PTE_X | PTE_R | PTE_U | PTE_S)));
    if (prot & PROT_WRITE)
        EXPECT(pte_with_write(pte_without_write(pte)).v == pte.v);
}

void test_pte_helpers(void)
{
    for (unsigned prot = 0; prot < 8; prot++) {
        check_combination(prot, 0);
        check_combination(prot, PTE_S);
    }
    EXPECT(!pte_valid(pte_none()));
    EXPECT(pte_valid(pte_table(0x80200000)) && !pte_is_leaf(pte_table(0x80200000)));
}

void test_pte_address(void)
{
    for (unsigned bit = PAGE_SHIFT; bit < 56; bit++)
        EXPECT(pte_phys(pte_leaf(1UL << bit, PTE_R)) == 1UL << bit);
    EXPECT(pt_index(0x3fffffffff, 2) == 255 && pt_index(0x3fffffffff, 0) == 511);
    EXPECT(pt_index(KERNEL_OFFSET, 2) == 256 && pt_index(KERNEL_OFFSET, 1) == 0);
    EXPECT(pt_span(0) == 4096 && pt_span(1) == 2 << 20 && pt_span(2) == 1 << 30);
    EXPECT(range_fits(0, USER_TOP, USER_TOP) && !range_fits(1, USER_TOP, USER_TOP));
    EXPECT(!range_fits(1, ~0UL, USER_TOP) && !range_fits(~0UL, 1, USER_TOP));
    EXPECT(range_fits(USER_TOP, 0, USER_TOP) && !range_fits(USER_TOP, 1, USER_TOP));
}
