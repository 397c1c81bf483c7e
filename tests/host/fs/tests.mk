# Host tests of fs: one thread with lock-order checks and crashes, and several threads at once.

FS_HOST_SRCS := $(wildcard fs/*.c fs/ext/*.c) $(addprefix tests/host/fs/,world.c images.c mkfs_main.c)

TESTS += fs_test fs_crash_test fs_fault_test fs_thread_test
fs_test_SRCS       := tests/host/fs/fs_test.c tests/host/fs/sync_single.c $(FS_HOST_SRCS)
fs_crash_test_SRCS := tests/host/fs/crash_test.c tests/host/fs/sync_single.c $(FS_HOST_SRCS)
fs_fault_test_SRCS := tests/host/fs/fault_test.c tests/host/fs/sync_single.c $(FS_HOST_SRCS)
fs_thread_test_SRCS := tests/host/fs/thread_test.c tests/host/fs/sync_threads.c $(FS_HOST_SRCS)
fs_thread_test_PORT := none
fs_thread_test_LIBS := -lpthread

# The table of open files alone, between other harts' steps.
TESTS += fs_file_test
fs_file_test_SRCS := tests/host/fs/file_test.c tests/host/fs/sync_single.c $(filter-out fs/file.c,$(FS_HOST_SRCS))

# Mapped files: fs and mm as they are, threads that take turns.
TESTS += fs_map_test
fs_map_test_SRCS = $(addprefix tests/host/fs/,map_test.c map_race.c map_odds.c sync_baton.c user_mm.c) $(FS_HOST_SRCS) \
                    $(MM_HOST_SRCS) mm/uaccess.c
fs_map_test_CFLAGS := -DWORLD_REAL_MM
fs_map_test_LIBS := -lpthread -Wl,--wrap=spin_unlock,--wrap=mm_fault
