# Host tests whose folders have no tests.mk of their own.

TESTS += devtree_test
devtree_test_SRCS := tests/host/devtree/devtree_test.c $(wildcard drivers/devtree*.c) drivers/dtnode.c
devtree_test_PORT := none
