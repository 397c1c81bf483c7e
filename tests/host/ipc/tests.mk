# Host tests of ipc: pipes, over mm's allocator.

TESTS += pipe_test
pipe_test_SRCS = tests/host/ipc/pipe_test.c ipc/pipe.c $(MM_HOST_SRCS)
