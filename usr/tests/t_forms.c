/*
 * usr/tests/t_forms.c: every argument list of map_shared_pages and unmap_shared_pages that
 * include/uapi/user/share_forms.h names, with pids and addresses of every type; and what is said
 * and passed otherwise than in our own calls.
 *
 * After the fork, both sides have `buffer` at one address, with other contents: what is read
 * through a mapping tells whose memory it shows.
 */
#include "kernel/types.h"
#include "t.h"

static char buffer[64 * PAGE] __attribute__((aligned(4096))); /* a pid as a size fits */
static void *variable;

/* The mapping at `at` of the caller shows a buffer that begins with `mark`; then it goes. */
static void shows(uint64 at, char mark)
{
    CHECK(at != NO_ADDRESS);
    if (at == NO_ADDRESS)
        return;
    CHECK_EQ(*(volatile char *)at, mark);
    CHECK_EQ(unmap_shared_pages(at, 1), 0);
}

/* The child's side: looks at each address that it is told, until it is 0. */
static void borrower(struct t_peer *parent, uint64 mark)
{
    uint64 at;

    buffer[0] = (char)mark;
    t_put(parent, 0);
    while ((at = t_get(parent)) != 0) {
        shows(at, 'p');
        t_put(parent, 0);
    }
}

static void start(struct t_peer *child, char mark)
{
    buffer[0] = 'p';
    t_start(child, borrower, (uint64)mark);
    t_get(child);
}

static void end(struct t_peer *child)
{
    t_put(child, 0);
    CHECK_EQ(t_join(child), 0);
}

/* The child finds the parent's buffer at `at`. */
static void child_sees(struct t_peer *child, uint64 at)
{
    t_put(child, at);
    t_get(child);
}

/* ---- from the caller to its child ---- */

static void to_child(void)
{
    struct t_peer child;
    uint64 va = (uint64)buffer;
    long signed_pid;
    uint64 wide;
    int pid;

    start(&child, 'c');
    pid = child.pid;
    wide = (uint64)pid;
    signed_pid = pid;
    child_sees(&child, map_shared_pages(getpid(), pid, buffer, PAGE));
    child_sees(&child, map_shared_pages((uint64)getpid(), wide, buffer, PAGE));
    child_sees(&child, map_shared_pages((long)getpid(), signed_pid, va, PAGE));
    child_sees(&child, map_shared_pages(pid, buffer, PAGE));
    child_sees(&child, map_shared_pages(pid, va, PAGE));
    child_sees(&child, map_shared_pages(wide, buffer, PAGE));
    child_sees(&child, map_shared_pages(wide, va, PAGE));
    child_sees(&child, map_shared_pages(signed_pid, va, PAGE));
    child_sees(&child, map_shared_pages(buffer, PAGE, pid));
    child_sees(&child, map_shared_pages((void *)buffer, 4096, wide));
    child_sees(&child, map_shared_pages(va, PAGE, pid));
    child_sees(&child, map_shared_pages(va, PAGE, wide));
    child_sees(&child, map_shared_pages(va, 4096, signed_pid));
    child_sees(&child, map_shared_pages(buffer, PAGE, getpid(), pid));
    end(&child);
}

/* (dst, va, &out, size): the child sees its own variable change as well. */
static void watcher(struct t_peer *parent, uint64 unused)
{
    (void)unused;
    buffer[0] = 'c';
    t_put(parent, 0);
    t_get(parent);
    shows((uint64)variable, 'p');
}

static void to_variable(void)
{
    struct t_peer first;
    struct t_peer second;
    uint64 at;
    void *out = buffer; /* not 0 in the second child: nobody stores there */

    t_start(&first, watcher, 0);
    start(&second, 'd');
    t_get(&first);
    buffer[0] = 'p';
    at = map_shared_pages(first.pid, buffer, &variable, PAGE);
    CHECK_EQ(at, variable);
    t_put(&first, 0);
    CHECK_EQ(t_join(&first), 0);
    at = map_shared_pages((uint64)second.pid, (uint64)buffer, (void **)&out, PAGE);
    CHECK_EQ(at, out);
    child_sees(&second, at);
    end(&second);
    CHECK_EQ(map_shared_pages(999999, buffer, &variable, PAGE), -1);
    CHECK(variable != 0);
}

/* ---- from the caller's parent to the caller ---- */

static void pull(struct t_peer *parent, uint64 unused)
{
    int pid = getppid();
    long signed_pid = pid;
    uint64 wide = (uint64)pid;
    uint64 va = (uint64)buffer;
    uint64 size = 0;
    int small = 0;

    (void)unused;
    buffer[0] = 'c';
    t_put(parent, 0);
    t_get(parent);
    shows(map_shared_pages(pid, getpid(), buffer, PAGE), 'p');
    shows(map_shared_pages(pid, buffer, PAGE), 'p');
    shows(map_shared_pages(pid, va, PAGE), 'p');
    shows(map_shared_pages(wide, buffer, PAGE), 'p');
    shows(map_shared_pages(wide, va, PAGE), 'p');
    shows(map_shared_pages(signed_pid, va, 4096), 'p');
    shows(map_shared_pages(buffer, pid, PAGE), 'p');
    shows(map_shared_pages(buffer, wide, PAGE), 'p');
    shows(map_shared_pages(va, pid, PAGE), 'p');
    shows(map_shared_pages(va, signed_pid, PAGE), 'p');
    shows(map_shared_pages(buffer, PAGE, pid), 'p');
    shows(map_shared_pages(buffer, 4096, wide), 'p');
    shows(map_shared_pages(buffer, PAGE, pid, getpid()), 'p');
    shows(map_shared_pages(buffer, PAGE), 'p');
    shows(map_shared_pages(va, 4096), 'p');
    shows(map_shared_pages(buffer, PAGE, pid, &size), 'p');
    CHECK(size > (uint64)sbrk(0));
    shows(map_shared_pages(va, 4096, wide, &small), 'p');
    CHECK_EQ(small, size);
}

static void from_parent(void)
{
    struct t_peer child;

    t_start(&child, pull, 0);
    t_get(&child);
    buffer[0] = 'p';
    t_put(&child, 0);
    CHECK_EQ(t_join(&child), 0);
}

/* ---- lists with a direction of their own ---- */

/* (pointer, src, size) takes from the child; (uint64, size, dst) gives to the parent. */
static void lend_to_parent(struct t_peer *parent, uint64 unused)
{
    (void)unused;
    buffer[0] = 'c';
    t_put(parent, map_shared_pages((uint64)buffer, PAGE, parent->pid));
    t_get(parent);
}

static void fixed_directions(void)
{
    struct t_peer child;

    t_start(&child, lend_to_parent, 0);
    shows(t_get(&child), 'c');
    buffer[0] = 'p';
    shows(map_shared_pages(buffer, child.pid, PAGE), 'c');
    shows(map_shared_pages((uint64)buffer, child.pid, PAGE), 'c');
    t_put(&child, 0);
    CHECK_EQ(t_join(&child), 0);
}

static void siblings(struct t_peer *parent, uint64 other)
{
    int pid = (int)other;

    buffer[0] = 'p'; /* what the sibling, a borrower, is to see */
    shows(map_shared_pages(pid, buffer, PAGE), 's');
    shows(map_shared_pages(other, buffer, PAGE), 's');
    shows(map_shared_pages(buffer, pid, PAGE), 's');
    t_put(parent, map_shared_pages((uint64)buffer, PAGE, pid));
    t_put(parent, map_shared_pages(buffer, PAGE, pid));
    t_get(parent);
}

static void with_sibling(void)
{
    struct t_peer first;
    struct t_peer second;

    start(&first, 's');
    t_start(&second, siblings, (uint64)first.pid);
    child_sees(&first, t_get(&second));
    child_sees(&first, t_get(&second));
    t_put(&second, 0);
    CHECK_EQ(t_join(&second), 0);
    end(&first);
}

static void with_itself(void)
{
    int me = getpid();
    uint64 va = (uint64)buffer;

    buffer[0] = 'm';
    shows(map_shared_pages(me, buffer, PAGE), 'm');
    shows(map_shared_pages((uint64)me, va, PAGE), 'm');
    shows(map_shared_pages(buffer, me, PAGE), 'm');
    shows(map_shared_pages(va, me, PAGE), 'm');
    shows(map_shared_pages(buffer, PAGE, me), 'm');
    shows(map_shared_pages(va, PAGE, me), 'm');
}

/* ---- a size that is a pid ---- */

/* The usual place wins; a number that names nobody of the family is no candidate. */
static void doubtful(struct t_peer *parent, uint64 other)
{
    int dad = getppid();
    int me = getpid();
    uint64 va = (uint64)buffer;

    buffer[0] = 'c';
    t_put(parent, 0);
    t_get(parent);
    shows(map_shared_pages(dad, va, (uint64)me), 'p');
    shows(map_shared_pages(dad, va, other), 'p');
    shows(map_shared_pages(buffer, dad, me), 'p');
    shows(map_shared_pages(buffer, dad, (int)other), 'p');
    shows(map_shared_pages(buffer, 1, dad), 'p'); /* init is no relative */
    shows(map_shared_pages(buffer, (int)other, dad), 's');
    shows(map_shared_pages((uint64)dad, va, 1UL), 'p');
    t_put(parent, map_shared_pages(va, (uint64)me, dad));
    t_put(parent, map_shared_pages(va, (uint64)dad, dad));
    t_get(parent);
}

static void size_is_a_pid(void)
{
    struct t_peer first;
    struct t_peer second;

    start(&first, 's');
    t_start(&second, doubtful, (uint64)first.pid);
    t_get(&second);
    buffer[0] = 'p';
    t_put(&second, 0);
    shows(t_get(&second), 'c');
    shows(t_get(&second), 'c');
    t_put(&second, 0);
    CHECK_EQ(t_join(&second), 0);
    end(&first);
}

/* ---- refusals, and unmap ---- */

static void nobody(void)
{
    uint64 before = (uint64)sbrk(0);
    uint64 va = (uint64)buffer;

    CHECK_EQ(map_shared_pages(999999, buffer, PAGE), -1);
    CHECK_EQ(map_shared_pages(buffer, 999999, PAGE), -1);
    CHECK_EQ(map_shared_pages(va, PAGE, 999999UL), -1);
    CHECK_EQ(map_shared_pages(va, PAGE, (1UL << 32) + (uint64)getpid()), -1);
    CHECK_EQ(map_shared_pages(buffer, PAGE, -1), -1);
    CHECK_EQ(map_shared_pages(0, va, PAGE), -1);
    CHECK_EQ(map_shared_pages(1, va, PAGE), -1);
    CHECK_EQ((uint64)sbrk(0), before);
}

static void unmapping(void)
{
    int me = getpid();
    uint64 before = (uint64)sbrk(0);
    uint64 at = map_shared_pages(me, me, buffer, PAGE);

    CHECK_EQ(unmap_shared_pages(1, at, PAGE), -1);
    CHECK_EQ(unmap_shared_pages(getppid(), (void *)at, PAGE), -1);
    CHECK_EQ(unmap_shared_pages(me, at, PAGE), 0);
    at = map_shared_pages(me, me, buffer, PAGE);
    CHECK_EQ(unmap_shared_pages((uint64)me, (void *)at, 4096), 0);
    at = map_shared_pages(me, me, buffer, PAGE);
    CHECK_EQ(unmap_shared_pages((long)me, (char *)at, PAGE), 0);
    at = map_shared_pages(me, me, buffer, PAGE);
    CHECK_EQ(unmap_shared_pages((int *)at, PAGE), 0);
    at = map_shared_pages(me, me, buffer, PAGE);
    CHECK_EQ(unmap_shared_pages(at, 4096), 0);
    CHECK_EQ((uint64)sbrk(0), before);
    CHECK_EQ(getprocsize(), before);
}

/* ---- ids ---- */

/* open_sharedmem: the address as the result, or through a pointer. */
static void both_openings(void)
{
    char *p = open_sharedmem(77);
    char *again = 0;

    CHECK(p != (char *)-1);
    CHECK_EQ(open_sharedmem(77, &again), 0);
    CHECK_EQ(again, p);
    CHECK_EQ(close_sharedmem(77), 0);
    CHECK_EQ(closeshmem(77), 0);
    CHECK_EQ(close_sharedmem(77), -1);
    CHECK_EQ(open_sharedmem(0, &again), -1);
    CHECK_EQ(again, p);
}

/* Tehran's line, where errors go. */
static void unknown_id_is_said(void)
{
    static const char line[] = "No shared memory with this ID.\n";
    char said[64];
    int ends[2];
    int n;

    CHECK_EQ(pipe(ends), 0);
    close(2);
    CHECK_EQ(dup(ends[1]), 2);
    n = closeshmem(77);
    close(2);
    close(ends[1]);
    CHECK_EQ(n, -1);
    CHECK_EQ(read(ends[0], said, sizeof(said)), sizeof(line) - 1);
    CHECK_EQ(memcmp(said, line, sizeof(line) - 1), 0);
}

static const struct t_case cases[] = {
    {"to_child", to_child},
    {"to_variable", to_variable},
    {"from_parent", from_parent},
    {"fixed_directions", fixed_directions},
    {"with_sibling", with_sibling},
    {"with_itself", with_itself},
    {"size_is_a_pid", size_is_a_pid},
    {"nobody", nobody},
    {"unmapping", unmapping},
    {"both_openings", both_openings},
    {"unknown_id_is_said", unknown_id_is_said},
};

int main(int argc, char **argv)
{
    t_main("t_forms", cases, COUNT(cases), argc, argv);
}
