# Host tests of ipc, over mm: pipes, consent, services.

TESTS += pipe_test
pipe_test_SRCS = tests/host/ipc/pipe_test.c ipc/pipe.c $(MM_HOST_SRCS)

TESTS += grant_test service_test
IPC_HOST_SRCS = tests/host/ipc/players.c $(MM_HOST_SRCS)
grant_test_SRCS = tests/host/ipc/grant_test.c ipc/ext/grant.c $(IPC_HOST_SRCS)
service_test_SRCS = tests/host/ipc/service_test.c ipc/ext/service.c $(IPC_HOST_SRCS)
