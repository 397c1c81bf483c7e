# Host tests of sched: harts, tasks and ticks, with interrupts as proc/trap.c takes them.

TESTS += sched_test
sched_test_SRCS := tests/host/sched/sched_test.c sched/timer.c proc/trap.c
