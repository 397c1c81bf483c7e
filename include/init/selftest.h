/*
 * Tests that run inside the kernel, at boot, and what tests of boot itself need. In the checking
 * build only, from tests/kernel/.
 */
#ifndef INIT_SELFTEST_H
#define INIT_SELFTEST_H

#ifdef LAMINA_CHECK
#define SELFTEST 1
#else
#define SELFTEST 0
#endif

/*
 * A stage of boot. Boot argument `selftest`: runs all tests and prints "selftest: N passed, M
 * failed"; `overflow`: uses the kernel stack up.
 * => boot hart; all layers are up, no process runs yet
 */
void selftest_run(void);

/* Boot argument `hang=STAGE`: does not return if STAGE, which has just run, is this one. */
void selftest_hang(const char *stage);

#endif
