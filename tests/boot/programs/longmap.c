/*
 * longmap N [alone]: maps, lends and unmaps N MiB that nobody has touched, again and again, until a line
 * is typed; alone, it reads nothing and goes on. `longmap: OK` when each call worked.
 */
#include "kernel/types.h"
#include "user/user.h"

static int map_once(uint64 size)
{
    char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64 lent = p == MAP_FAILED ? (uint64)-1 : map_to(getpid(), p, size);

    return lent != (uint64)-1 && unmap_shared_pages(lent, size) == 0 && munmap(p, size) == 0;
}

int main(int argc, char **argv)
{
    uint64 size = (uint64)atoi(argc > 1 ? argv[1] : "64") << 20;
    volatile int *stop =
        mmap(0, sizeof(*stop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1, rounds = 0;
    char c;

    if (fork() == 0) {
        printf("longmap: at it\n");
        do
            if (!map_once(size))
                exit(1);
        while (rounds++ == 0 || !*stop);
        exit(0);
    }
    if (argc < 3) {
        read(0, &c, 1);
        *stop = 1;
    }
    wait(&status);
    printf("longmap: %s\n", status == 0 ? "OK" : "FAILED");
    exit(status);
}
