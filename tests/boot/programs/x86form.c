/*
 * x86form.c: compiles as written for xv6's x86 edition: its headers, its printf, exit and wait.
 */
#include "types.h"
#include "stat.h"
#include "user.h"
#include "fcntl.h"
#include "uspinlock.h"

#define ID 7

struct page {
    struct uspinlock lock;
    int count;
};

int main(int argc, char *argv[])
{
    struct page *page;
    int pid;

    openshmem(
        ID); /* held from before the fork: the page outlives whichever of the two ends first */
    pid = fork();
    sleep(1);
    shm_open(ID, (char **)&page);
    uacquire(&page->lock);
    page->count += openshmem(ID) == (char *)page;
    urelease(&page->lock);
    if (pid == 0)
        exit();
    wait();
    if (wait() != -1)
        printf(2, "x86form: one child too many\n");
    if (page->count != 2 || open("nothing", O_RDONLY) >= 0)
        printf(2, "x86form: %d of %s\n", page->count, "2");
    else
        printf(1, "x86form: OK\n");
    shm_close(ID);
    exit();
}
