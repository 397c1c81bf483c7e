/*
 * What the tests that run inside the kernel share.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stdbool.h>

/* Notes a failed expectation of the running test, and goes on. */
void selftest_expect(bool ok, const char *what, const char *file, int line);

#define EXPECT(cond) selftest_expect((cond), #cond, __FILE__, __LINE__)

/* The tests. Each leaves the machine as it found it; selftest.c checks that no frame is missing. */
void test_compare(void);
void test_pte_helpers(void);
void test_pte_address(void);
void test_one_frame_mapped_twice(void);
void test_permissions_hold(void);
void test_unmapped_is_gone(void);
void test_shared_between_spaces(void);
void test_copies_stop_at_the_edge(void);
void test_kernel_map(void);
void test_kernel_map_check_bites(void);
void test_stack_guards(void);
void test_audit_is_clean(void);

#endif
