/*
 * usr/lib/share.c: sharing with fewer arguments, or others, than the system call has, and the size
 * of the caller. Contracts: include/uapi/user/user.h, include/uapi/user/share_forms.h.
 */
#include "kernel/types.h"
#include "kernel/lamina.h"
#include "user/user.h"

/* Whom a number names, seen from the caller. The higher, the closer. */
enum kinship {
    STRANGER,
    RELATIVE,
    CHILD,
    PARENT,
    SELF
};

int memsize(void)
{
    return (int)(uint64)sbrk(0);
}

int getprocsize(void)
{
    return memsize();
}

uint64 map_from(int pid, user_address va, uint64 size)
{
    return map_shared_pages(pid, getpid(), va.number, size);
}

uint64 map_to(int pid, user_address va, uint64 size)
{
    return map_shared_pages(getpid(), pid, va.number, size);
}

/* => 1 and *info, or 0: no process has this pid. */
static int find_process(uint64 pid, struct procinfo *info)
{
    for (int slot = 0; procinfo(slot, info) == 0; slot++)
        if (info->pid > 0 && (uint64)info->pid == pid)
            return 1;
    return 0;
}

static enum kinship kinship(uint64 pid)
{
    struct procinfo me;
    struct procinfo other;

    if (!find_process(pid, &other) || !find_process((uint64)getpid(), &me))
        return STRANGER;
    if (other.family != me.family)
        return STRANGER;
    if (other.pid == me.pid)
        return SELF;
    if (other.pid == me.ppid)
        return PARENT;
    return other.ppid == me.pid ? CHILD : RELATIVE;
}

/* Which of three arguments is the pid. */
static int place_of_pid(const uint64 *argument, enum share_kind first, enum share_kind second)
{
    int usual = first == SHARE_POINTER ? 1 : 2;
    int place = usual;

    if (first == SHARE_INT || second == SHARE_POINTER)
        return 0;
    if (kinship(argument[usual]) != STRANGER)
        return usual;
    for (int i = first == SHARE_POINTER ? 1 : 0; i < 3; i++)
        if (kinship(argument[i]) > kinship(argument[place]))
            place = i;
    return place;
}

/* Whether the caller is the destination, the pid being at that place. */
static int caller_borrows(int place, enum share_kind first, enum kinship kin)
{
    if (place == 0)
        return kin != CHILD;
    if (place == 1)
        return 1;
    return first == SHARE_POINTER && kin == PARENT;
}

uint64 map_three(uint64 a, uint64 b, uint64 c, enum share_kind first, enum share_kind second)
{
    const uint64 argument[] = {a, b, c};
    int place = place_of_pid(argument, first, second);
    uint64 pid = argument[place];
    uint64 va = place == 0 ? b : a;
    uint64 size = place == 2 ? b : c;

    if (pid != (uint64)(int)pid)
        return (uint64)-1;
    if (caller_borrows(place, first, kinship(pid)))
        return map_from((int)pid, va, size);
    return map_to((int)pid, va, size);
}

uint64 map_two(uint64 va, uint64 size)
{
    return map_from(getppid(), va, size);
}

/* Stores word in the variable at `address` of process pid, if it is 0 there. */
static void set_variable_of(int pid, uint64 address, uint64 word)
{
    uint64 at = map_from(pid, address, sizeof(word));

    if (at == (uint64)-1)
        return;
    if (*(uint64 *)at == 0)
        *(uint64 *)at = word;
    unmap_shared_pages(at, sizeof(word));
}

uint64 map_to_variable(uint64 dst, uint64 va, uint64 out, uint64 size)
{
    uint64 address = map_to((int)dst, va, size);

    if (address != (uint64)-1) {
        *(uint64 *)out = address;
        set_variable_of((int)dst, out, address);
    }
    return address;
}

uint64 map_to_either(uint64 first, uint64 second, uint64 third, uint64 size)
{
    struct procinfo info;

    if (find_process(second, &info))
        return map_shared_pages((int)first, (int)second, third, size);
    return map_to_variable(first, second, third, size);
}

uint64 map_and_tell_size(uint64 va, uint64 size, uint64 src, uint64 newsize, int width)
{
    uint64 address = map_from((int)src, va, size);

    if (address != (uint64)-1)
        memmove((void *)newsize, &(uint64){(uint64)sbrk(0)}, width);
    return address;
}

int unmap_of(int pid, user_address addr, uint64 size)
{
    return pid == getpid() ? unmap_shared_pages(addr.number, size) : -1;
}
