# Host tests of sched: harts, tasks and ticks, with interrupts.

TESTS += sched_test
sched_test_SRCS := tests/host/sched/sched_test.c sched/runqueue.c sched/task.c sched/ktimer.c sched/waitqueue.c
