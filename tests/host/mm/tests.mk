MM_HOST_SRCS := tests/host/mm/world.c mm/page.c mm/reserve.c mm/buddy.c mm/extents.c mm/ram.c mm/slab.c mm/pgtable.c mm/vma.c \
                mm/region.c mm/ext/revoke.c mm/ext/demand.c mm/ext/mmap.c mm/ext/range.c \
                mm/lend.c mm/rest.c mm/space.c mm/unmap.c mm/fork.c mm/fault.c mm/brk.c mm/image.c mm/shared.c mm/audit.c

TESTS += page_test share_test model_test oom_test audit_test map_test race_test files_test rest_test \
         lend_test scale_test bring_test
page_test_SRCS  := tests/host/mm/page_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
share_test_SRCS := tests/host/mm/share_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
model_test_SRCS := tests/host/mm/model_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
oom_test_SRCS   := tests/host/mm/oom_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
audit_test_SRCS := tests/host/mm/audit_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
map_test_SRCS := tests/host/mm/map_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
race_test_SRCS := tests/host/mm/race_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
files_test_SRCS := tests/host/mm/files_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
rest_test_SRCS := tests/host/mm/rest_test.c tests/host/mm/scene.c tests/host/mm/rest.c $(MM_HOST_SRCS)
lend_test_SRCS := tests/host/mm/lend_test.c tests/host/mm/scene.c tests/host/mm/rest.c $(MM_HOST_SRCS)
scale_test_SRCS := tests/host/mm/scale_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
bring_test_SRCS := tests/host/mm/bring_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
