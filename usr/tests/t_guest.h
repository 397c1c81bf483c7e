/*
 * usr/tests/t_guest.h: a process of another family that does what it is told.
 */
#ifndef LAMINA_T_GUEST_H
#define LAMINA_T_GUEST_H

#include "kernel/types.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "t.h"

#define STATE_PAGES 3
#define PATIENCE    600

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

static __attribute__((unused)) char buffer[STATE_PAGES * PAGE] __attribute__((aligned(4096)));

/* ---- the guest ---- */

static volatile uint64 *at(uint64 address)
{
    return (volatile uint64 *)address;
}

static __attribute__((unused)) void store_for_ever(uint64 address)
{
    for (;;)
        ++*at(address);
}

static __attribute__((unused)) void load_and_exit(uint64 address)
{
    uint64 value = *at(address);

    (void)value;
}

/* => pid of a child that stores for ever to what is mapped into it. */
static __attribute__((unused)) uint64 lend_to_child(uint64 va, uint64 size)
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

static __attribute__((unused)) uint64 read_into(uint64 address)
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

static __attribute__((unused)) uint64 start_child(uint64 address)
{
    int pid = fork();

    if (pid == 0)
        store_for_ever(address);
    return (uint64)pid;
}

static __attribute__((unused)) void become_new(const struct t_peer *peer)
{
    static char in[2] = {0, 0};
    static char out[2] = {0, 0};
    char *argv[] = {"t_grant", "-guest", in, out, 0};

    in[0] = (char)('a' + peer->in);
    out[0] = (char)('a' + peer->out);
    exec(argv[0], argv);
    exit(1);
}

static __attribute__((unused)) uint64 obey(struct t_peer *peer, const uint64 *c)
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

static __attribute__((unused)) void guest_main(struct t_peer *peer)
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

static __attribute__((unused)) void start_guest(struct t_peer *guest)
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

static __attribute__((unused)) void send(struct t_peer *guest, uint64 a, uint64 b, uint64 c,
                                         uint64 d, uint64 e)
{
    uint64 words[] = {a, b, c, d, e};

    CHECK_EQ(write(guest->out, words, sizeof(words)), sizeof(words));
}

static __attribute__((unused)) uint64 ask(struct t_peer *guest, uint64 a, uint64 b, uint64 c,
                                          uint64 d)
{
    send(guest, a, b, c, d, 0);
    return t_get(guest);
}

/* The guest maps [va, va + size) of the caller. => its address */
static __attribute__((unused)) uint64 guest_maps(struct t_peer *guest, const void *va, uint64 size)
{
    return ask(guest, MAP, (uint64)getpid(), (uint64)va, size);
}

/* Tells the guest something that kills it, and only it. */
static __attribute__((unused)) void guest_dies(struct t_peer *guest, uint64 a, uint64 b, uint64 c)
{
    send(guest, a, b, c, 0, 0);
    CHECK_EQ(t_join(guest), -1);
}

static __attribute__((unused)) void guest_leaves(struct t_peer *guest)
{
    CHECK_EQ(t_join(guest), 0);
}

static __attribute__((unused)) uint64 mapped_by(struct t_peer *guest, const void *va, uint64 size,
                                                int writable)
{
    uint64 address;

    CHECK_EQ(share_grant(guest->pid, va, size, writable), 0);
    address = guest_maps(guest, va, size);
    CHECK(address != NO_ADDRESS);
    return address;
}

#endif
