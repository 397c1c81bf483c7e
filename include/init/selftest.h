/*
 * selftest.h - tests that run inside the kernel, at boot.
 */
#ifndef INIT_SELFTEST_H
#define INIT_SELFTEST_H

/* Runs all tests and prints "selftest: N passed, M failed". tests/kernel/ defines it in the checking
 * build; in the others a stand-in in init/main.c says that there are none.
 * => boot hart, boot argument `selftest`; all layers are up, no process runs yet. */
void selftest_run(void);

#endif
