/*
 * usr/share_demo.c: nobody maps memory of another family without its consent, and consent can be
 * taken back.
 *
 *   share_demo        the owner: starts a stranger, which is this program run by exec, and so a
 *                     family of its own
 *
 * 1. The stranger tries to map the owner's buffer: refused. 2. Lent read-only: it reads; a store
 * kills it, and it alone. 3. Lent to write: it counts in the buffer, in a loop, while the owner
 * takes the grant back; the stranger's next store is its own fault, and the count stands still.
 *
 * The last line is `share_demo: OK` and the status 0, or the line before says what differed and
 * the status is 1.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"

#define SECRET   "what the owner wrote"
#define PATIENCE 6000 /* ticks: a busy host may give the machine little */

/* In the buffer: what is lent. */
struct lent {
    char text[64];
    volatile uint64 count;
};

static struct lent buffer __attribute__((aligned(4096)));

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("share_demo: %s\n", what);
    exit(1);
}

/* ---- the stranger: its standard input and output are pipes to the owner, 2 is the console ---- */

/* Waits until the owner says go. */
static void wait_for_owner(void)
{
    char c;

    if (read(0, &c, 1) != 1)
        exit(1);
}

static void say(char c)
{
    write(1, &c, 1);
}

static void stranger(int owner, uint64 address, char what)
{
    struct lent *lent;

    if (map_from(owner, address, sizeof(*lent)) != (uint64)-1)
        say('?'); /* nothing is lent yet */
    say('r');
    wait_for_owner();
    lent = (struct lent *)map_from(owner, address, sizeof(*lent));
    if (lent == (struct lent *)-1 || strcmp(lent->text, SECRET) != 0)
        exit(1);
    say('m');
    wait_for_owner();
    if (what == 'r')
        lent->text[0] = 'X';
    for (int start = uptime(); uptime() - start < PATIENCE;)
        for (int i = 0; i < 1000000; i++)
            lent->count++;
    exit(1);
}

/* ---- the owner ---- */

struct guest {
    int pid;
    int in;
    int out;
};

/* Writes n in decimal. => text */
static char *decimal(char *text, int size, uint64 n)
{
    char *p = text + size - 1;

    *p = 0;
    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    return p;
}

static void become_stranger(int owner, const char *what)
{
    static char pid_text[16];
    static char address_text[32];
    char *argv[] = {"share_demo", (char *)what, decimal(pid_text, sizeof(pid_text), (uint64)owner),
                    decimal(address_text, sizeof(address_text), (uint64)&buffer), 0};

    exec(argv[0], argv);
    exit(1);
}

static void start_stranger(struct guest *guest, const char *what)
{
    int owner = getpid();
    int down[2];
    int up[2];

    expect(pipe(down) == 0 && pipe(up) == 0, "pipe failed");
    guest->pid = fork();
    expect(guest->pid >= 0, "fork failed");
    if (guest->pid == 0) {
        close(0);
        dup(down[0]);
        close(1);
        dup(up[1]);
        close(down[0]);
        close(down[1]);
        close(up[0]);
        close(up[1]);
        become_stranger(owner, what);
    }
    close(down[0]);
    close(up[1]);
    guest->in = up[0];
    guest->out = down[1];
}

/* The next thing the stranger says, or 0 when it is gone. */
static char hear(const struct guest *guest)
{
    char c = 0;

    read(guest->in, &c, 1);
    return c;
}

static void tell(const struct guest *guest)
{
    expect(write(guest->out, "g", 1) == 1, "the stranger is gone");
}

static void expect_killed(const struct guest *guest)
{
    int status = 0;

    expect(wait(&status) == guest->pid, "the stranger is lost");
    expect(status == -1, "the stranger was not killed by its store");
    close(guest->in);
    close(guest->out);
}

/* Lends the buffer to a new stranger, which has tried to get it before, and has mapped it now. */
static void lend(struct guest *guest, const char *what, int writable)
{
    start_stranger(guest, what);
    expect(hear(guest) == 'r', "a stranger mapped what was not lent");
    printf("share_demo: a stranger may not map the buffer\n");
    expect(share_grant(guest->pid, &buffer, sizeof(buffer), writable) == 0, "share_grant failed");
    tell(guest);
    expect(hear(guest) == 'm', "the stranger cannot map what is lent");
    printf("share_demo: lent to it %s, it may\n", writable ? "to write" : "read-only");
}

static void read_only(void)
{
    struct guest guest;

    lend(&guest, "r", 0);
    printf("share_demo: expected now: the stranger is ended by its store\n");
    tell(&guest);
    expect_killed(&guest);
    expect(strcmp(buffer.text, SECRET) == 0, "a store reached what was lent read-only");
    printf("share_demo: its store killed it, and changed nothing\n");
}

static void revoked(void)
{
    struct guest guest;
    int start = uptime();
    uint64 seen;

    lend(&guest, "w", 1);
    tell(&guest);
    while (buffer.count == 0)
        expect(uptime() - start < PATIENCE, "the stranger does not count");
    printf("share_demo: expected now: the stranger is ended when the buffer is taken back\n");
    expect(share_revoke(guest.pid, &buffer, sizeof(buffer)) == 0, "share_revoke failed");
    seen = buffer.count; /* from here on nobody else can store to it */
    expect_killed(&guest);
    expect(buffer.count == seen, "a store came after share_revoke returned");
    expect(share_revoke(guest.pid, &buffer, sizeof(buffer)) == -1, "it was revoked twice");
    printf("share_demo: it was counting when the buffer was taken back, and got no further\n");
}

int main(int argc, char **argv)
{
    if (argc == 4)
        stranger(atoi(argv[2]), (uint64)(uint)atoi(argv[3]), argv[1][0]);
    strcpy(buffer.text, SECRET);
    read_only();
    revoked();
    printf("share_demo: OK\n");
    exit(0);
}
