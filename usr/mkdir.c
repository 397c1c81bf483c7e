/*
 * usr/mkdir.c: makes directories.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(2, "usage: mkdir name...\n");
        exit(1);
    }
    for (int i = 1; i < argc; i++) {
        if (mkdir(argv[i]) < 0) {
            fprintf(2, "mkdir: %s failed to create\n", argv[i]);
            break;
        }
    }
    exit(0);
}
