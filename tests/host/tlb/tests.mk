TESTS += order_test
order_test_SRCS := tests/host/tlb/order_test.c tests/host/mm/rest.c $(MM_HOST_SRCS)
