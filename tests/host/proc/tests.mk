# Host tests of proc: making processes, with init played by the test; exec, over mm and consent.

TESTS += table_test
table_test_SRCS := tests/host/proc/table_test.c proc/table.c proc/fork.c

TESTS += exec_test
exec_test_SRCS = tests/host/proc/exec_test.c proc/exec.c ipc/ext/grant.c $(IPC_HOST_SRCS)
