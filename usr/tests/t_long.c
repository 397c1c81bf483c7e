/*
 * usr/tests/t_long.c: calls on more memory, more vmas, more headers than a machine should stand
 * still for. What cannot be had is refused at once, and takes nothing; what can be had lets others
 * run, and ends when its process is killed. Invariants attacked: I1, I5, I6, I7.
 */
#include "kernel/fcntl.h"
#include "kernel/lamina.h"
#include "kernel/elf.h"
#include "kernel/crypto.h"
#include "user/mman.h"
#include "t_guest.h"

#define NHEADERS  4000
#define SEGMENT   200000UL /* bytes that each of the headers loads */
#define LOANS     1024     /* include/mm/region.h: LOANS_MAX */
#define NVMAS     20000
#define VMAS_AT   ((char *)0x1000000000)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define BOTH      (PROT_READ | PROT_WRITE)

/* ---- exec ---- */

/* A file whose n headers are all like p. */
static void make_program(const char *path, const struct proghdr *p, uint n)
{
    static struct proghdr block[100];
    static struct elfhdr h;
    int fd = open(path, O_CREATE | O_TRUNC | O_RDWR);

    h.magic = ELF_MAGIC;
    h.phoff = sizeof(h);
    h.phnum = (ushort)n;
    for (int i = 0; i < COUNT(block); i++)
        block[i] = *p;
    CHECK_EQ(write(fd, &h, sizeof(h)), sizeof(h));
    for (uint part; n > 0; n -= part) {
        part = n < COUNT(block) ? n : COUNT(block);
        CHECK_EQ(write(fd, block, part * sizeof(*p)), part * sizeof(*p));
    }
    CHECK_EQ(close(fd), 0);
}

static void exec_file(const char *path)
{
    char *argv[] = {(char *)path, 0};

    CHECK_EQ(exec(path, argv), -1);
}

/* The page frames that a read-only segment needs are there, or exec takes none of them. */
static void segment_too_large(void)
{
    struct proghdr p = {.type = ELF_PROG_LOAD, .flags = ELF_PROG_FLAG_READ, .filesz = sizeof(p)};
    struct meminfo before, after;

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(meminfo(&before), 0);
        p.memsz = i == 0 ? 200UL << 30 : i == 1 ? before.total * PAGE : before.free * PAGE;
        make_program("long.elf", &p, 1);
        CHECK_EQ(meminfo(&before), 0);
        exec_file("long.elf");
        CHECK_EQ(meminfo(&after), 0);
        CHECK_EQ(after.free + after.cached, before.free + before.cached);
        CHECK_EQ(after.promised, before.promised);
    }
    unlink("long.elf");
}

/*
 * Two load a file of many headers; a third opens and reads it meanwhile. The one that began last
 * is killed, and is gone before the other, which has seconds to go.
 */
static void many_headers(void)
{
    struct proghdr p = {.type = ELF_PROG_LOAD,
                        .flags = ELF_PROG_FLAG_READ | ELF_PROG_FLAG_WRITE,
                        .filesz = SEGMENT,
                        .memsz = SEGMENT};
    int pids[2];
    int fd;
    char c;

    make_program("long.elf", &p, NHEADERS);
    for (int i = 0; i < 2; i++)
        if ((pids[i] = t_fork()) == 0) {
            exec_file("long.elf");
            t_exit();
        }
    pause(1);
    fd = open("long.elf", O_RDONLY);
    CHECK_EQ(read(fd, &c, 1), 1);
    close(fd);
    CHECK_EQ(kill(pids[1]), 0);
    CHECK_EQ(wait(0), pids[1]);
    CHECK_EQ(kill(pids[0]), 0);
    CHECK_EQ(wait(0), pids[0]);
    unlink("long.elf");
}

/* ---- lazy memory ---- */

/* 200 GiB that nobody has touched. */
static char *huge_lazy(void)
{
    char *start = t_align_break();

    for (int i = 0; i < 100; i++)
        CHECK(sbrklazy(0x7fffffff) != SBRK_ERROR);
    return start;
}

/* Nobody can lend more pages than the machine has. */
static void huge_loans(void)
{
    char *p = huge_lazy();
    struct meminfo before, after;
    struct t_peer guest;

    start_guest(&guest);
    CHECK_EQ(meminfo(&before), 0);
    CHECK_EQ(share_grant(guest.pid, p, 100UL << 30, 1), -1);
    CHECK_EQ(map_to(getpid(), p, 100UL << 30), NO_ADDRESS);
    CHECK_EQ(map_to(getpid(), p, before.total * PAGE), NO_ADDRESS);
    CHECK_EQ(crypto_op((struct crypto_op *)p, 0x7fffffff), -1);
    CHECK_EQ(share_grant(guest.pid, p, (before.free - before.promised) * PAGE, 1), 0);
    CHECK_EQ(guest_maps(&guest, p, (before.free - before.promised) * PAGE), NO_ADDRESS);
    CHECK_EQ(meminfo(&after), 0);
    CHECK(after.free + after.cached + 32 >=
          before.free + before.cached); /* 32: what the guest has touched */
    guest_leaves(&guest);
    CHECK_EQ(audit(), 0);
}

/* ---- killed in the middle ---- */

static void map_for_ever(uint64 size)
{
    for (;;) {
        char *p = mmap(0, size, BOTH, ANONYMOUS, -1, 0);

        CHECK(p != MAP_FAILED);
        CHECK(mprotect(p, size, PROT_READ) == 0);
        CHECK(munmap(p, size) == 0);
    }
}

static void lend_for_ever(uint64 size)
{
    for (;;) {
        char *p = mmap(0, size, BOTH, ANONYMOUS, -1, 0);
        uint64 lent = map_to(getpid(), p, size);

        CHECK(lent != NO_ADDRESS);
        CHECK(unmap_shared_pages(lent, size) == 0);
        CHECK(munmap(p, size) == 0);
    }
}

static void fork_for_ever(uint64 size)
{
    char *p = mmap(0, size, BOTH, ANONYMOUS, -1, 0);

    for (uint64 i = 0; i < size; i += PAGE)
        p[i] = 1;
    for (;;) {
        int pid = fork();

        if (pid == 0)
            exit(0);
        if (pid > 0)
            wait(0);
    }
}

/* The caller is gone, all frames are back, and nothing is out of step, wherever the kill came. */
static void killed_in_the_middle(void)
{
    static void (*const work[])(uint64) = {map_for_ever, lend_for_ever, fork_for_ever};
    long before = t_free_pages();
    uint64 size = ((uint64)before / 5 < 8192 ? (uint64)before / 5 : 8192) * PAGE;

    for (uint i = 0; i < 12; i++) {
        int pid = t_fork();

        if (pid == 0)
            work[i % 3](size);
        if (i % 2)
            pause(1);
        t_spin(i * 20000);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
        CHECK_EQ(audit(), 0);
        CHECK(t_settle(before) >= before);
    }
}

/* ---- many ---- */

static void loans_of_one_grant(void)
{
    struct t_peer guest;
    uint64 address = 0;

    start_guest(&guest);
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0);
        for (int i = 0; i < LOANS; i++) {
            address = guest_maps(&guest, buffer, PAGE);
            if (address == NO_ADDRESS) {
                CHECK_EQ(i, LOANS);
                break;
            }
        }
        CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS);
        CHECK_EQ(ask(&guest, UNMAP, address, PAGE, 0), 0);
        address = guest_maps(&guest, buffer, PAGE); /* the place is free again */
        CHECK(address != NO_ADDRESS);
        CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
        CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS);
        CHECK_EQ(audit(), 0);
    }
    guest_dies(&guest, LOAD, address, 0);
}

static uint family_of(int pid)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid == pid)
            return info.family;
    return 0;
}

/* A grant to a process that is just executing another program counts for what its pid was then. */
static void grant_during_exec(void)
{
    struct t_peer guest;

    start_guest(&guest);
    for (int i = 0; i < 20; i++) {
        uint family = family_of(guest.pid);

        send(&guest, EXEC, 0, 0, 0, 0);
        while (family_of(guest.pid) == family)
            ;
        CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0); /* to the new program */
        CHECK_EQ(t_get(&guest), 1);
        CHECK(guest_maps(&guest, buffer, PAGE) != NO_ADDRESS);
        CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
    }
    guest_leaves(&guest);
}

/* The child may touch nothing before it has taken the permission back itself, and sees its own copy. */
static void none_in_child(char *p, uint64 size, int seed)
{
    int pid = t_fork();

    if (pid == 0) {
        CHECK_EQ(t_status(load_and_exit, (uint64)p), -1);
        CHECK_EQ(mprotect(p, size, BOTH), 0);
        CHECK(t_is_pattern(p, size, seed));
        t_fill(p, size, seed + 100);
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
}

static void none_and_back(void)
{
    uint64 size = 600 * PAGE; /* more than one table serves */
    char *p = mmap(0, size, BOTH, ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    for (int i = 0; i < 4; i++) {
        t_fill(p, size, i);
        CHECK_EQ(mprotect(p, size, PROT_NONE), 0);
        CHECK_EQ(t_status(load_and_exit, (uint64)p + size / 2), -1);
        none_in_child(p, size, i);
        CHECK_EQ(audit(), 0);
        CHECK_EQ(mprotect(p, size, i % 2 ? BOTH : PROT_READ), 0);
        CHECK(t_is_pattern(p, size, i));
        CHECK_EQ(mprotect(p, size, BOTH), 0);
    }
    CHECK_EQ(munmap(p, size), 0);
}

static void many_vmas(void)
{
    int pid;

    for (int i = 0; i < NVMAS; i++)
        if (mmap(VMAS_AT + i * PAGE, PAGE, i % 2 ? PROT_READ : PROT_NONE, ANONYMOUS | MAP_FIXED, -1,
                 0) == MAP_FAILED) {
            CHECK_EQ(i, NVMAS);
            break;
        }
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(munmap(VMAS_AT, NVMAS * PAGE), 0);
        CHECK_EQ(munmap(VMAS_AT, NVMAS * PAGE), 0); /* holes are no error */
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    for (int i = 0; i < 4; i++) {
        pid = t_fork();
        if (pid == 0)
            exit(fork() < 0); /* both end with all of them */
        CHECK_EQ(t_wait(pid), 0);
    }
    CHECK_EQ(audit(), 0);
    CHECK_EQ(mprotect(VMAS_AT, NVMAS * PAGE, PROT_READ), 0); /* one vma again */
    CHECK_EQ(munmap(VMAS_AT, NVMAS * PAGE), 0);
}

static const struct t_case cases[] = {
    {"segment_too_large", segment_too_large},
    {"many_headers", many_headers},
    {"huge_loans", huge_loans},
    {"killed_in_the_middle", killed_in_the_middle},
    {"loans_of_one_grant", loans_of_one_grant},
    {"grant_during_exec", grant_during_exec},
    {"none_and_back", none_and_back},
    {"many_vmas", many_vmas},
};

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "-guest") == 0) {
        struct t_peer peer = {0, argv[2][0] - 'a', argv[3][0] - 'a'};

        guest_main(&peer);
    }
    t_main("t_long", cases, COUNT(cases), argc, argv);
}
