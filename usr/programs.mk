# usr/programs.mk: which sources make which user programs. Variables only; the rules are the Makefile's.
#
# A program NAME is usr/NAME.c (or usr/tests/NAME.c) and the library, linked with usr/user.ld.
# Flags beyond the warnings: -O2 -ffreestanding -fno-common -nostdlib
#   -fno-asynchronous-unwind-tables -Iinclude/uapi; any rv64 with A and C, no floats are used.
# Programs in USR_TESTS include usr/tests/t.h as "t.h" and are linked with USR_TESTLIB_SRCS as well.

USR_LIB_SRCS = \
	usr/lib/start.c usr/lib/usys.S usr/lib/ulib.c usr/lib/printf.c usr/lib/umalloc.c \
	usr/lib/share.c usr/lib/ulog.c usr/lib/edit.c \
	usr/lib/shm.c usr/lib/mman.c usr/lib/errno.c usr/lib/uspinlock.c

USR_TESTLIB_SRCS = usr/tests/t.c

USR_LDSCRIPT = usr/user.ld

# /NAME from usr/NAME.c
USR_PROGRAMS = \
	init sh cat echo grep kill ln ls mkdir rm wc zombie forktest stressfs \
	ps poweroff reboot sync free memsize crash shmem_test log_test \
	shmem_test1 shmem_test2 crypto_srv crypto_cli shmem_count shm_cnt mmap_test share_demo scene

# /NAME from usr/tests/NAME.c
USR_TESTS = \
	alltests t_lib t_sh t_file t_dir t_link t_pipe t_proc t_exec t_sbrk t_copy t_fault \
	t_fdlimit t_diskfull t_oom t_shared t_forms t_sharewho t_sharelife t_sharerace t_sharemix t_fuzz t_ulog grind bench stretch \
	t_crypto t_cryptoend t_ids t_mmap t_mmapmore t_mmapfile t_mmapcut t_sync t_grant t_long t_sidebyside
