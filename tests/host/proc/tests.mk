# Host tests of proc: making processes, with init played by the test.

TESTS += table_test
table_test_SRCS := tests/host/proc/table_test.c proc/table.c proc/fork.c
