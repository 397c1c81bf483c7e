/*
 * usr/tests/t_shared.c: the rules of map_shared_pages and unmap_shared_pages, one case a rule:
 * reach and size, permissions, who may, what is refused. The lives of owner and borrower are in
 * t_sharelife.c, the races in t_sharerace.c. Invariants attacked: I1, I3, I4, I6.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "t.h"

static char buffer[4 * PAGE] __attribute__((aligned(4096)));
static const char constant[] = "a page of code and constants";

static uint64 size_now(void)
{
    return (uint64)sbrk(0);
}

static void store(uint64 address)
{
    *(volatile char *)address = 1;
}

static void load(uint64 address)
{
    (void)*(volatile char *)address;
}

#define CHECK_KILLED(fn, address) CHECK_EQ(t_status(fn, (uint64)(address)), -1)

/* ---- reach and size ---- */

/* Child: says its size, gets the address, answers in the memory, unmaps, says its size again. */
static void borrow_child(struct t_peer *parent, uint64 grow)
{
    uint64 before;
    uint64 at;
    uint64 n;

    CHECK(sbrk((int)grow) != SBRK_ERROR);
    before = size_now();
    t_put(parent, before);
    at = t_get(parent);
    n = t_get(parent);
    CHECK_EQ(PGROUNDDOWN(at), PGROUNDUP(before));
    CHECK_EQ(size_now(), PGROUNDUP(at + n));
    CHECK(t_is_pattern((char *)at, n, 7));
    t_fill((void *)at, n, 99);
    t_put(parent, 1);
    t_get(parent);
    CHECK_EQ(unmap_shared_pages(at, n), 0);
    CHECK_EQ(size_now(), before);
    CHECK_KILLED(load, at);
}

/* Lends [buffer + offset, n bytes) to a child whose break is `grow` bytes further on. */
static void lend(uint64 offset, uint64 n, uint64 grow)
{
    struct t_peer child;
    uint64 at;

    memset(buffer, 0, sizeof(buffer));
    t_fill(buffer + offset, n, 7);
    t_start(&child, borrow_child, grow);
    t_get(&child);
    at = map_shared_pages(getpid(), child.pid, buffer + offset, n);
    CHECK(at != NO_ADDRESS);
    CHECK_EQ(at & (PAGE - 1), (uint64)(buffer + offset) & (PAGE - 1));
    t_put(&child, at);
    t_put(&child, n);
    t_get(&child);
    CHECK(t_is_pattern(buffer + offset, n, 99));
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    CHECK(t_is_pattern(buffer + offset, n, 99));
}

static void whole_page(void)
{
    lend(0, PAGE, 0);
}

static void odd_sizes(void)
{
    static const ushort sizes[][3] = {
        {0, 1, 0}, {4095, 1, 0}, {4095, 2, 1}, {123, 4096, 100}, {1, 8191, 4095}, {100, 12000, 17},
    };

    for (int i = 0; i < COUNT(sizes); i++)
        lend(sizes[i][0], sizes[i][1], sizes[i][2]);
}

static void scattered_frames(void)
{
    /* Frames of a heap page touched in a mixed order need not be neighbours. */
    char *p = sbrk(8 * PAGE);
    uint64 alias;

    CHECK(p != SBRK_ERROR);
    for (int i = 0; i < 8; i++)
        t_fill(p + (i * 5 % 8) * PAGE, PAGE, i * 5 % 8);
    alias = map_shared_pages(getpid(), getpid(), p + 1, 8 * PAGE - 1);
    CHECK(alias != NO_ADDRESS);
    for (int i = 0; i < 8; i++)
        CHECK(t_is_pattern((char *)alias - 1 + i * PAGE, PAGE, i));
}

static void stack_memory(void)
{
    char local[16] = "on the stack";
    uint64 at = map_shared_pages(getpid(), getpid(), local, sizeof(local));

    CHECK(at != NO_ADDRESS);
    CHECK_EQ(strcmp((char *)at, "on the stack"), 0);
    ((volatile char *)at)[0] = 'O';
    CHECK_EQ(((volatile char *)local)[0], 'O');
    CHECK_EQ(unmap_shared_pages(at, sizeof(local)), 0);
}

static void lazy_source(void)
{
    char *p = sbrklazy(4 * PAGE);
    uint64 at = map_shared_pages(getpid(), getpid(), p, 4 * PAGE);

    CHECK(at != NO_ADDRESS);
    for (uint64 i = 0; i < 4; i++) {
        CHECK_EQ(*(volatile char *)(at + i * PAGE), 0);
        *(volatile char *)(at + i * PAGE) = (char)i;
        CHECK_EQ(((volatile char *)p)[i * PAGE], i);
    }
    CHECK_EQ(unmap_shared_pages(at, 4 * PAGE), 0);
}

static void alias(void)
{
    uint64 before = size_now();
    uint64 at = map_shared_pages(getpid(), getpid(), buffer, 2 * PAGE);
    uint64 again = map_shared_pages(getpid(), getpid(), at, 2 * PAGE);

    CHECK(at != NO_ADDRESS && again != NO_ADDRESS);
    t_fill(buffer, 2 * PAGE, 3);
    CHECK(t_is_pattern((char *)again, 2 * PAGE, 3));
    t_fill((char *)again, 2 * PAGE, 4);
    CHECK(t_is_pattern(buffer, 2 * PAGE, 4));
    CHECK_EQ(unmap_shared_pages(again, 2 * PAGE), 0);
    CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    CHECK_EQ(size_now(), before);
    CHECK(t_is_pattern(buffer, 2 * PAGE, 4));
}

static void library_forms(void)
{
    uint64 from = map_from(getpid(), buffer, PAGE);
    uint64 to = map_to(getpid(), buffer, PAGE);

    buffer[0] = 'x';
    CHECK_EQ(*(volatile char *)from, 'x');
    CHECK_EQ(*(volatile char *)to, 'x');
    CHECK_EQ(memsize(), to + PAGE);
    CHECK_EQ(unmap_shared_pages((void *)to, PAGE), 0);
    CHECK_EQ(unmap_shared_pages(from, PAGE), 0);
}

/* The argument lists of other courses: told apart by their number and the first one's type. */
static void other_forms(void)
{
    uint64 before = size_now();
    uint64 at[] = {
        map_shared_pages(getpid(), buffer, PAGE),
        map_shared_pages((void *)buffer, getpid(), PAGE),
        map_shared_pages((uint64)buffer, PAGE, getpid()),
    };

    for (int i = 0; i < COUNT(at); i++) {
        CHECK(at[i] != NO_ADDRESS);
        *(volatile char *)at[i] = (char)i;
        CHECK_EQ(buffer[0], i);
        CHECK_EQ(unmap_shared_pages(1, at[i], PAGE), -1); /* not the caller */
    }
    for (int i = 0; i < COUNT(at); i++)
        CHECK_EQ(unmap_shared_pages(getpid(), (void *)at[i], PAGE), 0);
    CHECK_EQ(size_now(), before);
    CHECK_EQ(map_shared_pages(999999, buffer, PAGE), -1);
}

/* ---- several mappings and the heap ---- */

static void lower_of_two(void)
{
    uint64 before;
    uint64 low;
    uint64 high;

    CHECK(sbrk(77) != SBRK_ERROR);
    before = size_now();
    low = map_to(getpid(), buffer, 2 * PAGE);
    high = map_to(getpid(), buffer + 2 * PAGE, PAGE);
    t_fill(buffer + 2 * PAGE, PAGE, 5);
    CHECK_EQ(unmap_shared_pages(low, 2 * PAGE), 0);
    CHECK_EQ(size_now(), high + PAGE);
    CHECK(t_is_pattern((char *)high, PAGE, 5));
    CHECK_KILLED(load, low);
    CHECK_KILLED(store, low + PAGE);
    CHECK_EQ(unmap_shared_pages(low, 2 * PAGE), -1);
    CHECK_EQ(unmap_shared_pages(high, PAGE), 0);
    CHECK_EQ(size_now(), before);
}

static void upper_of_two(void)
{
    uint64 before = size_now();
    uint64 low = map_to(getpid(), buffer, PAGE);
    uint64 high = map_to(getpid(), buffer, PAGE);

    CHECK_EQ(unmap_shared_pages(high, PAGE), 0);
    CHECK_EQ(size_now(), low + PAGE);
    CHECK_EQ(unmap_shared_pages(low, PAGE), 0);
    CHECK_EQ(size_now(), before);
}

static void inner_part(void)
{
    uint64 before = size_now();
    uint64 at = map_to(getpid(), buffer, 4 * PAGE);

    t_fill(buffer, sizeof(buffer), 1);
    CHECK_EQ(unmap_shared_pages(at + PAGE + 10, 20), 0);
    CHECK_KILLED(load, at + PAGE);
    CHECK(t_is_pattern((char *)at, PAGE, 1));
    CHECK(t_is_pattern((char *)at + 2 * PAGE, 2 * PAGE, 1));
    CHECK_EQ(unmap_shared_pages(at, 4 * PAGE), -1); /* a hole in it */
    CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), -1);
    CHECK(t_is_pattern((char *)at, PAGE, 1));
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    CHECK_EQ(unmap_shared_pages(at + 2 * PAGE, 2 * PAGE), 0);
    CHECK_EQ(size_now(), before);
    CHECK(t_is_pattern(buffer, sizeof(buffer), 1));
}

static void two_at_once(void)
{
    uint64 before = size_now();
    uint64 low = map_to(getpid(), buffer, PAGE);
    uint64 high = map_to(getpid(), buffer + PAGE, PAGE);

    CHECK_EQ(high, low + PAGE);
    CHECK_EQ(unmap_shared_pages(low, 2 * PAGE), 0); /* one range, wholly shared */
    CHECK_EQ(size_now(), before);
}

static void heap_above(void)
{
    uint64 at = map_to(getpid(), buffer, 2 * PAGE);
    char *heap = sbrk(3 * PAGE);
    char *block;

    CHECK_EQ((uint64)heap, at + 2 * PAGE);
    t_fill(heap, 3 * PAGE, 8);
    CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    CHECK_EQ(size_now(), (uint64)heap + 3 * PAGE);
    CHECK(t_is_pattern(heap, 3 * PAGE, 8));
    CHECK_KILLED(store, at);
    CHECK_EQ((uint64)sbrk(-3 * (int)PAGE), (uint64)heap + 3 * PAGE);
    CHECK_KILLED(load, heap);
    block = malloc(100000);
    CHECK(block != 0);
    t_fill(block, 100000, 2);
    CHECK(t_is_pattern(block, 100000, 2));
}

static void heap_above_and_back(void)
{
    uint64 before = size_now();
    uint64 at = map_to(getpid(), buffer, PAGE);
    char *heap = sbrk(100);

    CHECK(heap != SBRK_ERROR);
    CHECK((uint64)sbrk(-100) == (uint64)heap + 100);
    CHECK_EQ(size_now(), at + PAGE);
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    CHECK_EQ(size_now(), before);
}

static void malloc_above(void)
{
    char *first = malloc(40000);
    uint64 at = map_to(getpid(), buffer, PAGE);
    char *second = malloc(200000);

    CHECK(first != 0 && second != 0);
    t_fill(buffer, PAGE, 11);
    t_fill(first, 40000, 12);
    t_fill(second, 200000, 13);
    CHECK(t_is_pattern((char *)at, PAGE, 11));
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    free(first);
    first = malloc(300000);
    CHECK(first != 0);
    t_fill(first, 300000, 14);
    CHECK(t_is_pattern(second, 200000, 13));
    free(second);
    free(first);
}

static void shrink_keeps_shared(void)
{
    char *heap = sbrk(PAGE);
    uint64 at = map_to(getpid(), buffer, 2 * PAGE);
    uint64 size = size_now();

    t_fill(buffer, 2 * PAGE, 6);
    CHECK_EQ((uint64)sbrk(-(int)PAGE), NO_ADDRESS);
    CHECK_EQ((uint64)sbrk(-3 * (int)PAGE), NO_ADDRESS);
    CHECK_EQ(size_now(), size);
    CHECK(t_is_pattern((char *)at, 2 * PAGE, 6));
    *(volatile char *)heap = 1;
    CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    CHECK((uint64)sbrk(-(int)PAGE) != NO_ADDRESS);
}

static void many_mappings(void)
{
    enum {
        MAPPINGS = 60
    };
    uint64 before = size_now();
    uint64 at[MAPPINGS];

    for (int i = 0; i < MAPPINGS; i++) {
        at[i] = map_to(getpid(), buffer + (i % 4) * PAGE, PAGE);
        CHECK(at[i] != NO_ADDRESS);
        *(volatile char *)at[i] = (char)i;
        CHECK_EQ(buffer[(i % 4) * PAGE], i);
    }
    for (int i = 0; i < MAPPINGS; i++)
        CHECK_EQ(unmap_shared_pages(at[i * 7 % MAPPINGS], PAGE), 0);
    CHECK_EQ(size_now(), before);
    CHECK_EQ(audit(), 0);
}

/* ---- permissions ---- */

static void read_only(void)
{
    uint64 at = map_to(getpid(), (void *)constant, sizeof(constant));
    int fd = open("echo", O_RDONLY);
    int pid;
    int status;

    CHECK(at != NO_ADDRESS && fd >= 0);
    CHECK_EQ(strcmp((char *)at, constant), 0);
    CHECK_KILLED(store, at);
    CHECK_EQ(read(fd, (void *)at, 4), -1);
    CHECK_EQ(fstat(fd, (struct stat *)(at & ~7UL)), -1);
    CHECK_EQ(pipe((int *)(at & ~7UL)), -1);
    pid = t_fork();
    if (pid == 0)
        exit(5);
    CHECK_EQ(wait((int *)(at & ~7UL)), -1);
    CHECK_EQ(wait(&status), pid); /* still there */
    CHECK_EQ(status, 5);
    CHECK_EQ(strcmp(constant, "a page of code and constants"), 0);
    close(fd);
    CHECK_EQ(unmap_shared_pages(at, sizeof(constant)), 0);
}

static void kernel_writes(void)
{
    uint64 at = map_to(getpid(), buffer + 100, PAGE);
    int ends[2];

    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(write(ends[1], "through the kernel", 19), 19);
    CHECK_EQ(read(ends[0], (void *)at, 19), 19);
    CHECK_EQ(strcmp(buffer + 100, "through the kernel"), 0);
    CHECK_EQ(write(ends[1], (void *)at, 7), 7);
    CHECK_EQ(read(ends[0], buffer, 100), 7);
    CHECK_EQ(memcmp(buffer, "through", 7), 0);
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
}

static const struct t_case cases[] = {
    {"whole_page", whole_page},
    {"odd_sizes", odd_sizes},
    {"scattered_frames", scattered_frames},
    {"stack_memory", stack_memory},
    {"lazy_source", lazy_source},
    {"alias", alias},
    {"library_forms", library_forms},
    {"other_forms", other_forms},
    {"lower_of_two", lower_of_two},
    {"upper_of_two", upper_of_two},
    {"inner_part", inner_part},
    {"two_at_once", two_at_once},
    {"heap_above", heap_above},
    {"heap_above_and_back", heap_above_and_back},
    {"malloc_above", malloc_above},
    {"shrink_keeps_shared", shrink_keeps_shared},
    {"many_mappings", many_mappings},
    {"read_only", read_only},
    {"kernel_writes", kernel_writes},
};

int main(int argc, char **argv)
{
    t_main("t_shared", cases, COUNT(cases), argc, argv);
}
