/*
 * Bytes: the functions that go by words give what a loop over bytes gives.
 */
#include "lib/string.h"
#include "selftest.h"

#define ROOM 320 /* more than two blocks of the longest loop */

static char a[ROOM] __attribute__((aligned(8)));
static char b[ROOM] __attribute__((aligned(8)));

static void fill(void)
{
    for (int i = 0; i < ROOM; i++)
        a[i] = b[i] = (char)(i * 7);
}

/* One byte differs, before, in and behind the n bytes at these places. => as memcmp() should. */
static bool compares(int at_a, int at_b, int n, int differs)
{
    const char *x = a + at_a;
    char *y = b + at_b;
    int order;

    memmove(y, x, (size_t)n);
    y[differs] ^= (char)0x80;
    order = memcmp(x, y, (size_t)n);
    if (differs < 0 || differs >= n)
        return order == 0;
    return order && (order < 0) == ((unsigned char)x[differs] < (unsigned char)y[differs]);
}

void test_compare(void)
{
    for (int n = 0; n < 200; n += n < 20 ? 1 : 37)
        for (int places = 0; places < 64; places++)
            for (int differs = -1; differs <= n; differs++) {
                fill();
                if (!compares(8 + places % 8, 8 + places / 8, n, differs)) {
                    EXPECT(!"memcmp() finds the byte that differs");
                    return;
                }
            }
}
