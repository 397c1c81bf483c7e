/*
 * usr/tests/t_grant.c: consent between families: who may map what, with which rights, and what is
 * left when it is taken back, while the borrower reads, stores, lends on, forks and is killed.
 * Rules: shared-memory.md A, "Who". Invariants attacked: I1, I2, I3.
 *
 * The other side is a guest: this program run by exec, and so a family of its own, which does what
 * it is told by words through a pipe.
 */
#include "kernel/types.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "t.h"

#define STATE_PAGES 3
#define PATIENCE 100

enum command {
    MAP = 1,    /* pid, va, size: map_from. => address */
    PUSH,       /* pid, va, size: map_to */
    BETWEEN,    /* source, destination, va, size: map_shared_pages */
    UNMAP,      /* va, size */
    LOAD,       /* va. => the 8 bytes there */
    STORE,      /* va, value. => 1 */
    READ_INTO,  /* va: the kernel stores there. => what read() returned */
    STORE_LOOP, /* va: for ever; answers 1 first */
    FORK_LOOP,  /* va: the same in a child. => its pid */
    GRANT,      /* pid, va, size, writable */
    REVOKE,     /* pid, va, size */
    ADDRESS,    /* => its own buffer */
    SIZE,       /* => sbrk(0) */
    EXEC,       /* become a new family; the pipes stay. => 1, from the new one */
    FORK_LOAD,  /* va: a child loads from there. => the child's status */
    LEND_CHILD, /* va, size: forks, and maps it into the child, which stores there for ever */
};

static char buffer[STATE_PAGES * PAGE] __attribute__((aligned(4096)));

/* ---- the guest ---- */

static volatile uint64 *
at(uint64 address)
{
    return (volatile uint64 *)address;
}

static void
store_for_ever(uint64 address)
{
    for (;;)
        ++*at(address);
}

static void
load_and_exit(uint64 address)
{
    uint64 value = *at(address);

    (void)value;
}

/* => pid of a child that stores for ever to what is mapped into it. */
static uint64
lend_to_child(uint64 va, uint64 size)
{
    int fds[2];
    int pid;
    uint64 address;

    pipe(fds);
    pid = fork();
    if (pid == 0) {
        if (read(fds[0], &address, sizeof(address)) == sizeof(address) && address != NO_ADDRESS)
            store_for_ever(address);
        exit(1);
    }
    address = map_to(pid, va, size);
    write(fds[1], &address, sizeof(address));
    close(fds[0]);
    close(fds[1]);
    return (uint64)pid;
}

static uint64
read_into(uint64 address)
{
    int fds[2];
    int n;

    pipe(fds);
    write(fds[1], "12345678", 8);
    n = read(fds[0], (void *)address, 8);
    close(fds[0]);
    close(fds[1]);
    return (uint64)(long)n;
}

static uint64
start_child(uint64 address)
{
    int pid = fork();

    if (pid == 0)
        store_for_ever(address);
    return (uint64)pid;
}

static void
become_new(const struct t_peer *peer)
{
    static char in[2] = {0, 0};
    static char out[2] = {0, 0};
    char *argv[] = {"t_grant", "-guest", in, out, 0};

    in[0] = (char)('a' + peer->in);
    out[0] = (char)('a' + peer->out);
    exec(argv[0], argv);
    exit(1);
}

static uint64
obey(struct t_peer *peer, const uint64 *c)
{
    switch (c[0]) {
    case MAP:
        return map_from((int)c[1], c[2], c[3]);
    case PUSH:
        return map_to((int)c[1], c[2], c[3]);
    case BETWEEN:
        return map_shared_pages((int)c[1], (int)c[2], c[3], c[4]);
    case UNMAP:
        return (uint64)unmap_shared_pages(c[1], c[2]);
    case LOAD:
        return *at(c[1]);
    case STORE:
        *at(c[1]) = c[2];
        return 1;
    case READ_INTO:
        return read_into(c[1]);
    case STORE_LOOP:
        t_put(peer, 1);
        store_for_ever(c[1]);
        return 0;
    case FORK_LOOP:
        return start_child(c[1]);
    case GRANT:
        return (uint64)share_grant((int)c[1], c[2], c[3], (int)c[4]);
    case REVOKE:
        return (uint64)share_revoke((int)c[1], c[2], c[3]);
    case ADDRESS:
        return (uint64)buffer;
    case SIZE:
        return (uint64)sbrk(0);
    case EXEC:
        become_new(peer);
        return 0;
    case FORK_LOAD:
        return (uint64)t_status(load_and_exit, c[1]);
    case LEND_CHILD:
        return lend_to_child(c[1], c[2]);
    }
    return 77;
}

static void
guest_main(struct t_peer *peer)
{
    uint64 c[5];
    uint have = 0;

    t_put(peer, 1);
    for (;;) {
        int n = read(peer->in, (char *)c + have, (int)(sizeof(c) - have));

        if (n <= 0)
            t_exit();
        have += (uint)n;
        if (have == sizeof(c)) {
            have = 0;
            t_put(peer, obey(peer, c));
        }
    }
}

/* ---- the host ---- */

static void
start_guest(struct t_peer *guest)
{
    int down[2];
    int up[2];

    CHECK_EQ(pipe(down), 0);
    CHECK_EQ(pipe(up), 0);
    guest->pid = t_fork();
    if (guest->pid == 0) {
        struct t_peer peer = {0, down[0], up[1]};

        /* Nor may it hold the pipes of another guest open. */
        for (int fd = 3; fd < NOFILE; fd++)
            if (fd != peer.in && fd != peer.out)
                close(fd);
        become_new(&peer);
    }
    close(down[0]);
    close(up[1]);
    guest->in = up[0];
    guest->out = down[1];
    CHECK_EQ(t_get(guest), 1);
}

static void
send(struct t_peer *guest, uint64 a, uint64 b, uint64 c, uint64 d, uint64 e)
{
    uint64 words[] = {a, b, c, d, e};

    CHECK_EQ(write(guest->out, words, sizeof(words)), sizeof(words));
}

static uint64
ask(struct t_peer *guest, uint64 a, uint64 b, uint64 c, uint64 d)
{
    send(guest, a, b, c, d, 0);
    return t_get(guest);
}

/* The guest maps [va, va + size) of the caller. => its address */
static uint64
guest_maps(struct t_peer *guest, const void *va, uint64 size)
{
    return ask(guest, MAP, (uint64)getpid(), (uint64)va, size);
}

/* Tells the guest something that kills it, and only it. */
static void
guest_dies(struct t_peer *guest, uint64 a, uint64 b, uint64 c)
{
    send(guest, a, b, c, 0, 0);
    CHECK_EQ(t_join(guest), -1);
}

static void
guest_leaves(struct t_peer *guest)
{
    CHECK_EQ(t_join(guest), 0);
}

static uint64
mapped_by(struct t_peer *guest, const void *va, uint64 size, int writable)
{
    uint64 address;

    CHECK_EQ(share_grant(guest->pid, va, size, writable), 0);
    address = guest_maps(guest, va, size);
    CHECK(address != NO_ADDRESS);
    return address;
}

/* ---- who may ---- */

static void
nothing_without_grant(void)
{
    struct t_peer guest;
    uint64 size, theirs;

    start_guest(&guest);
    size = ask(&guest, SIZE, 0, 0, 0);
    theirs = ask(&guest, ADDRESS, 0, 0, 0);
    CHECK_EQ(guest_maps(&guest, buffer, 1), NO_ADDRESS);
    CHECK_EQ(ask(&guest, PUSH, (uint64)getpid(), theirs, 1), NO_ADDRESS);
    CHECK_EQ(map_from(guest.pid, theirs, 1), NO_ADDRESS);
    CHECK_EQ(map_to(guest.pid, buffer, 1), NO_ADDRESS);
    CHECK_EQ(ask(&guest, MAP, 1, 0, 1), NO_ADDRESS); /* init */
    CHECK_EQ(ask(&guest, SIZE, 0, 0, 0), size);
    CHECK_EQ(share_revoke(guest.pid, buffer, 1), -1);
    guest_leaves(&guest);
}

static void
granted(void)
{
    struct t_peer guest;
    uint64 size, address;

    t_fill(buffer, sizeof(buffer), 3);
    start_guest(&guest);
    size = ask(&guest, SIZE, 0, 0, 0);
    address = mapped_by(&guest, buffer + 1000, PAGE, 1);
    CHECK_EQ(address % PAGE, 1000);
    CHECK_EQ(ask(&guest, LOAD, address, 0, 0), *(uint64 *)(buffer + 1000));
    CHECK_EQ(ask(&guest, STORE, address + PAGE - 8, 99, 0), 1);
    CHECK_EQ(*at((uint64)buffer + 1000 + PAGE - 8), 99);
    CHECK_EQ(ask(&guest, READ_INTO, address, 0, 0), 8);
    CHECK(memcmp(buffer + 1000, "12345678", 8) == 0);
    CHECK_EQ(ask(&guest, UNMAP, address, PAGE, 0), 0);
    CHECK_EQ(ask(&guest, SIZE, 0, 0, 0), size);
    CHECK(guest_maps(&guest, buffer + 1000, PAGE) != NO_ADDRESS); /* as often as it likes */
    guest_leaves(&guest);
}

/* Only what was granted: not a page before or after, and nobody else. */
static void
only_that(void)
{
    struct t_peer guest, other;
    uint64 me = (uint64)getpid();

    start_guest(&guest);
    start_guest(&other);
    CHECK_EQ(share_grant(guest.pid, buffer + PAGE, PAGE, 1), 0);
    CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS);
    CHECK_EQ(guest_maps(&guest, buffer + 2 * PAGE, 1), NO_ADDRESS);
    CHECK_EQ(guest_maps(&guest, buffer + PAGE, PAGE + 1), NO_ADDRESS);
    CHECK_EQ(guest_maps(&guest, buffer + PAGE - 1, 2), NO_ADDRESS);
    CHECK_EQ(guest_maps(&guest, buffer + PAGE, ~0UL), NO_ADDRESS);
    CHECK_EQ(guest_maps(&guest, buffer + PAGE, 0), NO_ADDRESS);
    CHECK_EQ(guest_maps(&other, buffer + PAGE, PAGE), NO_ADDRESS);
    send(&other, BETWEEN, me, (uint64)guest.pid, (uint64)buffer + PAGE, PAGE); /* a third party */
    CHECK_EQ(t_get(&other), NO_ADDRESS);
    CHECK(guest_maps(&guest, buffer + PAGE + 10, 20) != NO_ADDRESS);
    guest_leaves(&guest);
    guest_leaves(&other);
}

static void
bad_grants(void)
{
    struct t_peer guest;
    char *top = t_align_break();

    start_guest(&guest);
    CHECK_EQ(share_grant(0, buffer, 1, 1), -1);
    CHECK_EQ(share_grant(-1, buffer, 1, 1), -1);
    CHECK_EQ(share_grant(0x7fffffff, buffer, 1, 1), -1);
    CHECK_EQ(share_grant(guest.pid, buffer, 0, 1), -1);
    CHECK_EQ(share_grant(guest.pid, buffer, ~0UL, 1), -1);
    CHECK_EQ(share_grant(guest.pid, top, 1, 1), -1);
    CHECK_EQ(share_grant(guest.pid, top - 1, 2, 1), -1);
    CHECK_EQ(share_grant(guest.pid, MAXVA, 1, 1), -1);
    CHECK_EQ(share_grant(guest.pid, 0xffffffc080200000UL, 1, 1), -1);
    CHECK_EQ(share_revoke(guest.pid, buffer, 0), -1);
    CHECK_EQ(share_revoke(guest.pid, buffer, ~0UL), -1);
    CHECK_EQ(share_revoke(guest.pid, buffer, 1), -1);
    CHECK_EQ(share_revoke(0, buffer, 1), -1);
    guest_leaves(&guest);
    CHECK_EQ(share_grant(guest.pid, buffer, 1, 1), -1); /* it is dead */
}

/* No more rights than were granted, and no more than the owner has. */
static void
rights(void)
{
    uint64 text = (uint64)rights & ~7UL; /* the owner itself may not store there */
    struct t_peer guest;
    uint64 address;

    strcpy(buffer, "mine");
    start_guest(&guest);
    address = mapped_by(&guest, buffer, PAGE, 0);
    CHECK_EQ(ask(&guest, LOAD, address, 0, 0), *at((uint64)buffer));
    CHECK((long)ask(&guest, READ_INTO, address, 0, 0) <= 0);
    guest_dies(&guest, STORE, address, 1);
    CHECK(strcmp(buffer, "mine") == 0);

    start_guest(&guest);
    address = mapped_by(&guest, (void *)text, 8, 1);
    CHECK_EQ(ask(&guest, LOAD, address, 0, 0), *at(text));
    guest_dies(&guest, STORE, address, 1);

    start_guest(&guest);
    address = mapped_by(&guest, buffer, PAGE, 0);
    CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0);
    guest_dies(&guest, STORE, address, 1); /* what was mapped stays as it was mapped */
}

/* ---- taken back ---- */

static void
revoked(void)
{
    struct t_peer guest;
    uint64 address;

    for (int how = 0; how < 3; how++) {
        start_guest(&guest);
        address = mapped_by(&guest, buffer, 2 * PAGE, 1);
        CHECK_EQ(ask(&guest, STORE, address, 1, 0), 1);
        CHECK_EQ(share_revoke(guest.pid, buffer + PAGE, 1), 0);
        CHECK_EQ(share_revoke(guest.pid, buffer, 2 * PAGE), -1);
        CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS);
        if (how == 0)
            guest_dies(&guest, LOAD, address, 0);
        if (how == 1)
            guest_dies(&guest, STORE, address + PAGE, 0);
        if (how == 2) {
            CHECK((long)ask(&guest, READ_INTO, address, 0, 0) <= 0); /* only -1, by the kernel */
            CHECK_EQ(ask(&guest, UNMAP, address, 2 * PAGE, 0), 0);
            guest_leaves(&guest);
        }
    }
    CHECK_EQ(audit(), 0);
}

/* A grant does not end with another: each is its own. */
static void
one_of_two(void)
{
    struct t_peer guest, other;
    uint64 first, second, others;

    start_guest(&guest);
    start_guest(&other);
    first = mapped_by(&guest, buffer, PAGE, 1);
    second = mapped_by(&guest, buffer + PAGE, PAGE, 1);
    others = mapped_by(&other, buffer, PAGE, 1);
    CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
    CHECK_EQ(ask(&guest, STORE, second, 5, 0), 1);
    CHECK_EQ(ask(&other, STORE, others, 6, 0), 1);
    CHECK_EQ(*at((uint64)buffer), 6);
    CHECK(mapped_by(&guest, buffer, PAGE, 1) != NO_ADDRESS); /* granted again */
    guest_dies(&guest, STORE, first, 7);
    CHECK_EQ(*at((uint64)buffer), 6);
    guest_leaves(&other);
}

/* While the borrower stores in a loop on another hart: when revoke returns, nothing comes any more. */
static void
revoked_while_storing(void)
{
    for (uint i = 0; i < 40; i++) {
        volatile uint64 *count = at((uint64)buffer);
        struct t_peer guest;
        uint64 address, seen;

        *count = 0;
        start_guest(&guest);
        address = mapped_by(&guest, buffer, PAGE, 1);
        CHECK_EQ(ask(&guest, STORE_LOOP, address, 0, 0), 1);
        while (*count < 100)
            ;
        t_spin(i * 300);
        CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
        seen = *count;
        t_spin(20000);
        CHECK_EQ(*count, seen);
        CHECK_EQ(t_join(&guest), -1);
        CHECK_EQ(*count, seen);
    }
    CHECK_EQ(audit(), 0);
}

/* What the borrower's children have goes too, and what it lent on within its family. */
static void
revoked_from_relatives(void)
{
    for (int how = 0; how < 2; how++) {
        volatile uint64 *count = at((uint64)buffer);
        struct t_peer guest;
        uint64 address, seen;

        *count = 0;
        start_guest(&guest);
        address = mapped_by(&guest, buffer, PAGE, 1);
        if (how == 0)
            ask(&guest, FORK_LOOP, address, 0, 0);
        else
            ask(&guest, LEND_CHILD, address, PAGE, 0);
        while (*count < 100)
            ;
        CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
        seen = *count;
        pause(1);
        CHECK_EQ(*count, seen);
        guest_dies(&guest, LOAD, address, 0);
    }
}

/* What the borrower lent to a third family, by its own grant, goes as well. */
static void
revoked_from_third(void)
{
    struct t_peer guest, third;
    uint64 address, theirs;

    start_guest(&guest);
    start_guest(&third);
    address = mapped_by(&guest, buffer, PAGE, 1);
    send(&guest, GRANT, (uint64)third.pid, address, PAGE, 1);
    CHECK_EQ(t_get(&guest), 0);
    theirs = ask(&third, MAP, (uint64)guest.pid, address, PAGE);
    CHECK(theirs != NO_ADDRESS);
    CHECK_EQ(ask(&third, STORE, theirs, 123, 0), 1);
    CHECK_EQ(*at((uint64)buffer), 123);
    CHECK_EQ(ask(&guest, REVOKE, (uint64)third.pid, address + PAGE, 1), NO_ADDRESS);
    CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
    guest_dies(&third, STORE, theirs, 5);
    guest_dies(&guest, LOAD, address, 0);
    CHECK_EQ(*at((uint64)buffer), 123);
}

/* Not more rights on the way: read-only, lent on to write, is read-only. */
static void
rights_of_third(void)
{
    struct t_peer guest, third;
    uint64 address, theirs;

    start_guest(&guest);
    start_guest(&third);
    address = mapped_by(&guest, buffer, PAGE, 0);
    send(&guest, GRANT, (uint64)third.pid, address, PAGE, 1);
    CHECK_EQ(t_get(&guest), 0);
    theirs = ask(&third, MAP, (uint64)guest.pid, address, PAGE);
    if (theirs == NO_ADDRESS)
        guest_leaves(&third);
    else
        guest_dies(&third, STORE, theirs, 5);
    guest_leaves(&guest);
}

/* ---- how it ends by itself ---- */

static void
borrower_execs(void)
{
    struct t_peer guest;

    start_guest(&guest);
    mapped_by(&guest, buffer, PAGE, 1);
    CHECK_EQ(ask(&guest, EXEC, 0, 0, 0), 1);
    CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS); /* it is somebody else now */
    CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), -1);
    guest_leaves(&guest);
}

/* The owner ends: the borrower keeps the frames, and gets no more of them. */
static void
owner_ends(void)
{
    struct t_peer owner, guest;
    uint64 from, address;

    for (int how = 0; how < 2; how++) {
        start_guest(&owner);
        start_guest(&guest);
        from = ask(&owner, ADDRESS, 0, 0, 0);
        CHECK_EQ(ask(&owner, STORE, from, 321, 0), 1);
        send(&owner, GRANT, (uint64)guest.pid, from, PAGE, 1);
        CHECK_EQ(t_get(&owner), 0);
        address = ask(&guest, MAP, (uint64)owner.pid, from, PAGE);
        CHECK(address != NO_ADDRESS);
        if (how == 0)
            CHECK_EQ(ask(&owner, EXEC, 0, 0, 0), 1);
        else
            guest_leaves(&owner);
        CHECK_EQ(ask(&guest, LOAD, address, 0, 0), 321);
        CHECK_EQ(ask(&guest, STORE, address, 322, 0), 1);
        CHECK_EQ(ask(&guest, MAP, (uint64)owner.pid, from, PAGE), NO_ADDRESS);
        if (how == 0)
            guest_leaves(&owner);
        guest_leaves(&guest);
    }
    CHECK_EQ(audit(), 0);
}

/* As many grants as there may be; then no more, until they are taken back. */
static void
as_many_as_may_be(void)
{
    struct t_peer guest;
    int n = 0;

    start_guest(&guest);
    while (n < 10000 && share_grant(guest.pid, buffer, PAGE, 1) == 0)
        n++;
    CHECK(n > 0 && n < 10000);
    CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
    CHECK_EQ(guest_maps(&guest, buffer, PAGE), NO_ADDRESS);
    CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0);
    guest_leaves(&guest);
    /* Its grants are gone with it. */
    start_guest(&guest);
    for (int i = 0; i < n; i++)
        CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0);
    guest_leaves(&guest);
}

/* ---- races ---- */

/* Grants and takes back as fast as it can, while the guest maps, stores, and is killed by it. */
static void
race(void)
{
    for (uint i = 0; i < 30; i++) {
        struct t_peer guest;

        start_guest(&guest);
        CHECK_EQ(share_grant(guest.pid, buffer, PAGE, 1), 0);
        send(&guest, MAP, (uint64)getpid(), (uint64)buffer, PAGE, 0);
        t_spin(i * 100);
        CHECK_EQ(share_revoke(guest.pid, buffer, PAGE), 0);
        memset(buffer, 1, PAGE);
        if (t_get(&guest) != NO_ADDRESS || i % 2)
            kill(guest.pid);
        close(guest.in);
        close(guest.out);
        wait(0);
        CHECK_EQ(buffer[PAGE - 1], 1);
    }
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"nothing_without_grant", nothing_without_grant},
    {"granted", granted},
    {"only_that", only_that},
    {"bad_grants", bad_grants},
    {"rights", rights},
    {"revoked", revoked},
    {"one_of_two", one_of_two},
    {"revoked_while_storing", revoked_while_storing},
    {"revoked_from_relatives", revoked_from_relatives},
    {"revoked_from_third", revoked_from_third},
    {"rights_of_third", rights_of_third},
    {"borrower_execs", borrower_execs},
    {"owner_ends", owner_ends},
    {"as_many_as_may_be", as_many_as_may_be},
    {"race", race},
};

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "-guest") == 0) {
        struct t_peer peer = {0, argv[2][0] - 'a', argv[3][0] - 'a'};

        guest_main(&peer);
    }
    t_main("t_grant", cases, COUNT(cases), argc, argv);
}
