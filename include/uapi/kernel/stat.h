/* What fstat() tells of a file: 24 bytes. */
#ifndef UAPI_KERNEL_STAT_H
#define UAPI_KERNEL_STAT_H

#define T_DIR    1
#define T_FILE   2
#define T_DEVICE 3

struct stat {
    int dev;            /* always 1 */
    unsigned int ino;   /* inode number */
    short type;         /* T_DIR, T_FILE, T_DEVICE */
    short nlink;        /* links to the inode */
    unsigned long size; /* bytes */
};

#endif
