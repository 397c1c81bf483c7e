/*
 * Runs the tests inside the kernel: on the real MMU, before the first process.
 *
 * In the checking build, with boot argument `selftest`. What needs no machine is tested on the
 * host (tests/host); here is what only page tables that a hart walks can show.
 */
#include "init/selftest.h"

#include "asm/cpu.h"
#include "drivers/devtree.h"
#include "lib/annotate.h"
#include "lib/printk.h"
#include "mm/page.h"
#include "selftest.h"

static bool failed;

void selftest_expect(bool ok, const char *what, const char *file, int line)
{
    if (ok)
        return;
    printk("selftest: %s:%d: not so: %s\n", file, line, what);
    failed = true;
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"compare", test_compare},
    {"pte helpers", test_pte_helpers},
    {"pte address", test_pte_address},
    {"one frame mapped twice", test_one_frame_mapped_twice},
    {"permissions hold", test_permissions_hold},
    {"unmapped is gone", test_unmapped_is_gone},
    {"shared between spaces", test_shared_between_spaces},
    {"copies stop at the edge", test_copies_stop_at_the_edge},
    {"kernel map", test_kernel_map},
    {"kernel map check bites", test_kernel_map_check_bites},
    {"stack guards", test_stack_guards},
    {"audit is clean", test_audit_is_clean},
};

static size_t free_frames(void)
{
    struct page_stats stats;

    page_get_stats(&stats);
    return stats.free;
}

static void run_tests(void)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
        size_t before = free_frames();

        failed = false;
        tests[i].run();
        EXPECT(free_frames() == before);
        if (failed)
            printk("selftest: %s: FAILED\n", tests[i].name);
        else
            passed++;
    }
    printk("selftest: %u passed, %u failed\n", passed, (unsigned)ARRAY_LEN(tests) - passed);
}

/* Calls itself until the guard page catches it. */
static unsigned overflow_stack(unsigned depth)
{
    volatile unsigned frame[64];

    frame[0] = depth;
    return depth ? overflow_stack(depth + 1) + frame[0] : 0;
}

void selftest_run(void)
{
    if (devtree_bootarg("overflow"))
        printk("no overflow at depth %u\n", overflow_stack(1));
    if (devtree_bootarg("selftest"))
        run_tests();
}

void selftest_hang(const char *stage)
{
    char argument[32];

    snprintk(argument, sizeof(argument), "hang=%s", stage);
    while (devtree_bootarg(argument))
        cpu_relax();
}
