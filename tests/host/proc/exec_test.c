/*
 * exec_test.c - the switch from one program to another, and the execs that fail before it.
 *
 * The file system is one file in memory. Consent between families (ipc/grant.c) is the real one: it hears of
 * an exec just when the old program is gone and the new one stands.
 */
#include "../ipc/players.h"

#include "fs/inode.h"
#include "ipc/grant.h"
#include "mm/uaccess.h"
#include "proc/proc.h"
#include "sched/task.h"
#include "uapi/kernel/elf.h"

#include <string.h>

enum {
    OWNER = 1,
    EXECER
};

#define NHEADERS 50
#define ENTRY    0x123

static struct trapframe registers;

struct proc_hooks proc_hooks;

static struct {
    struct elfhdr elf;
    struct proghdr ph[NHEADERS];
    char text[100];
} program;

static unsigned reads;   /* of the file, so far */
static unsigned kill_at; /* the read at which the process is killed; 0: none */
static unsigned locked;  /* the file, how often */

/* ---- what proc/exec.c calls ---- */

int path_lookup(struct inode *cwd, const char *path, struct inode **out)
{
    *out = NULL;
    return strcmp(path, "/bin/program") == 0 ? 0 : -ENOENT;
}

void inode_lock(struct inode *ip)
{
    assert_int_equal(locked++, 0);
}

void inode_unlock(struct inode *ip)
{
    assert_int_equal(locked--, 1);
}

void inode_put(struct inode *ip)
{
    assert_int_equal(locked, 0);
}

long inode_read_kernel(struct inode *ip, void *dst, uint64_t off, size_t n)
{
    assert_int_equal(locked, 1);
    if (++reads == kill_at)
        current()->pending |= TASK_PENDING_KILL;
    if (off > sizeof(program))
        return 0;
    if (n > sizeof(program) - off)
        n = sizeof(program) - off;
    memcpy(dst, (char *)&program + off, n);
    return (long)n;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    strncpy(to, from, size - 1);
    to[size - 1] = 0;
    return strlen(from);
}

int copy_from_user(void *to, vaddr_t from, size_t n)
{
    memcpy(to, (const void *)from, n);
    return 0;
}

long strncpy_from_user(char *to, vaddr_t from, size_t size)
{
    return (long)strlcpy(to, (const char *)from, size);
}

/* ---- programs ---- */

/* A program of n segments, each a page further up. */
static void write_program(unsigned n)
{
    memset(&program, 0, sizeof(program));
    program.elf = (struct elfhdr){.magic = ELF_MAGIC,
                                  .entry = ENTRY,
                                  .phoff = sizeof(program.elf),
                                  .phnum = (unsigned short)n};
    for (unsigned i = 0; i < n; i++)
        program.ph[i] = (struct proghdr){.type = ELF_PROG_LOAD,
                                         .flags = ELF_PROG_FLAG_READ,
                                         .off = (uint64_t)(program.text - (char *)&program),
                                         .vaddr = PAGES(i),
                                         .filesz = sizeof(program.text),
                                         .memsz = PAGE_SIZE};
    memset(program.text, 'x', sizeof(program.text));
}

static int exec_path(const char *path)
{
    const char *const argv[] = {path, NULL};
    int n;

    play_as(EXECER);
    current()->frame = &registers;
    n = proc_exec(path, (vaddr_t)argv);
    assert_int_equal(locked, 0);
    return n;
}

/* What the hook saw. */
static unsigned lefts;
static uint64_t left_family;
static struct mm *left_for;

static void note_left(uint64_t family)
{
    lefts++;
    left_family = family;
    left_for = current()->mm;
    grants_left(family);
}

/* Somebody grants the moment before ipc/ hears of the exec. */
static void grant_and_leave(uint64_t family)
{
    play_as(OWNER);
    assert_int_equal(grant_add(EXECER, HEAP, PAGE_SIZE, RW), 0);
    play_as(EXECER);
    note_left(family);
}

static int two_come(void **state)
{
    world_begin(state);
    proc_hooks.left = note_left;
    player_left = grants_left;
    lefts = reads = kill_at = 0;
    player_comes(OWNER, 1);
    player_comes(EXECER, 1);
    write_program(3);
    return 0;
}

static int two_go(void **state)
{
    proc_hooks.left = NULL;
    player_exits(EXECER);
    player_exits(OWNER);
    return world_end(state);
}

/* ---- tests ---- */

static void the_old_program_is_left_when_the_new_one_stands(void **state)
{
    struct mm *old = mm_of(EXECER);
    uint64_t family = old->family;
    uint64_t word;

    assert_int_equal(exec_path("/bin/program"), 1);
    assert_int_equal(lefts, 1);
    assert_int_equal(left_family, family);
    assert_ptr_equal(left_for, mm_of(EXECER));
    assert_int_not_equal(mm_of(EXECER)->family, family);
    assert_int_equal(registers.epc, ENTRY);
    assert_true(world_read(mm_of(EXECER), PAGES(2), &word));
    assert_memory_equal(&word, "xxxxxxxx", sizeof(word));
}

static void what_is_granted_meanwhile_is_the_new_program_s(void **state)
{
    struct mm *src;
    vaddr_t va;

    proc_hooks.left = grant_and_leave;
    assert_int_equal(exec_path("/bin/program"), 1);
    assert_int_equal(proc_mm_hold(OWNER, &src), 0);
    va = grant_map(OWNER, src, HEAP, PAGE_SIZE);
    mm_release(src);
    assert_int_not_equal(va, 0);
    assert_int_equal(load(EXECER, va, 0), 100 * OWNER);
    play_as(OWNER);
    assert_int_equal(grant_revoke(EXECER, HEAP, PAGE_SIZE), 0);
}

/* The old program goes on as it was: its memory, its family, what it was granted. */
static void exec_fails(const char *path, int err)
{
    struct mm *mm = mm_of(EXECER);
    size_t available = world_available();

    assert_int_equal(exec_path(path), err);
    assert_ptr_equal(mm_of(EXECER), mm);
    assert_int_equal(lefts, 0);
    assert_int_equal(load(EXECER, HEAP, 0), 100 * EXECER);
    assert_int_equal(world_available(), available);
    world_check();
}

static void an_exec_that_fails_changes_nothing(void **state)
{
    exec_fails("/bin/none", -ENOENT);
    program.elf.magic++;
    exec_fails("/bin/program", -ENOEXEC);
    write_program(3);
    program.ph[2].memsz = 1; /* less than is in the file */
    exec_fails("/bin/program", -ENOEXEC);
    write_program(3);
    program.ph[2].vaddr++;
    exec_fails("/bin/program", -ENOEXEC);
    write_program(3);
    program.ph[1].off = ~0UL;
    exec_fails("/bin/program", -ENOEXEC);
    write_program(3);
    program.ph[2].filesz = program.ph[2].memsz = sizeof(program); /* more than is in the file */
    exec_fails("/bin/program", -ENOEXEC);
    write_program(3);
    program.ph[2].memsz = 200UL << 30;
    exec_fails("/bin/program", -ENOMEM);
}

/* Killed at any header it gives up at the next, and leaves nothing. */
static void an_exec_is_given_up_when_its_process_is_killed(void **state)
{
    write_program(NHEADERS);
    for (kill_at = 1; kill_at < 2 * NHEADERS; kill_at += 7) {
        reads = 0;
        exec_fails("/bin/program", -EINTR);
        assert_true(reads <= kill_at + 1);
        current()->pending = 0;
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, two_come, two_go)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_old_program_is_left_when_the_new_one_stands),
        T(what_is_granted_meanwhile_is_the_new_program_s),
        T(an_exec_that_fails_changes_nothing),
        T(an_exec_is_given_up_when_its_process_is_killed),
    };

    world_start(4096);
    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
