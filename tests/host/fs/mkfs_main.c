/* mkfs_main.c - tools/mkfs.c with another name for its main(). */
#define main mkfs_main
#include "../../../tools/mkfs.c"
