/*
 * usr/tests/t_grant.c: consent between families: who may map what, with which rights, and what is
 * left when it is taken back, while the borrower reads, stores, lends on, forks and is killed.
 * Rules: docs/sharing.md. Invariants attacked: I1, I2, I3.
 *
 * The other side is a guest: this program run by exec, and so a family of its own, which does what
 * it is told by words through a pipe.
 */
#include "t_guest.h"

/* ---- who may ---- */

static void nothing_without_grant(void)
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

static void granted(void)
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
static void only_that(void)
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

static void bad_grants(void)
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
static void rights(void)
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

static void revoked(void)
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
static void one_of_two(void)
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
static void revoked_while_storing(void)
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
static void revoked_from_relatives(void)
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
static void revoked_from_third(void)
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
static void rights_of_third(void)
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

static void borrower_execs(void)
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
static void owner_ends(void)
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
static void as_many_as_may_be(void)
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
static void race(void)
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

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "-guest") == 0) {
        struct t_peer peer = {0, argv[2][0] - 'a', argv[3][0] - 'a'};

        guest_main(&peer);
    }
    t_main("t_grant", cases, COUNT(cases), argc, argv);
}
