/*
 * usr/shmem_test1.c: a parent greets its child through memory that it maps into it. Nobody unmaps:
 * the kernel has to clean up, and leaves the parent its memory.
 *
 * The last line is `shmem_test1: OK` and the status 0, or the line before says what differed and
 * the status is 1.
 */
#include "kernel/types.h"
#include "user/user.h"

#define GREETING     "Hello child"
#define ANSWER       "Thank you, daddy"
#define BUFFER_BYTES 100

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("shmem_test1: %s\n", what);
    exit(1);
}

static void child(int from_parent)
{
    char *shared;

    expect(read(from_parent, &shared, sizeof(shared)) == sizeof(shared), "no address came");
    printf("child: %s\n", shared);
    expect(strcmp(shared, GREETING) == 0, "the greeting did not arrive");
    strcpy(shared, ANSWER);
    exit(0);
}

int main(void)
{
    char *buffer = malloc(BUFFER_BYTES);
    int status = -1;
    int down[2];
    int pid;
    uint64 address;

    expect(buffer != 0 && pipe(down) == 0, "no memory, or no pipe");
    pid = fork();
    expect(pid >= 0, "fork failed");
    if (pid == 0)
        child(down[0]);

    /* After the fork, so that the child cannot know it but through what is shared. */
    strcpy(buffer, GREETING);
    address = map_shared_pages(getpid(), pid, buffer, BUFFER_BYTES);
    if (address == (uint64)-1)
        kill(pid);
    expect(address != (uint64)-1, "map failed");
    write(down[1], &address, sizeof(address));
    expect(wait(&status) == pid, "the child is lost");
    expect(status == 0, "the child failed");
    printf("parent: %s\n", buffer);
    expect(strcmp(buffer, ANSWER) == 0, "the answer did not arrive");
    free(buffer);
    printf("shmem_test1: OK\n");
    exit(0);
}
