/*
 * The file system on disk, as xv6 has it to the byte: all numbers little endian, blocks of BSIZE.
 *
 *     [ boot | super | log | inodes | bitmap | data ... ]
 *
 * The superblock says where each part starts; nothing else may be assumed of it.
 * Shared by the kernel, by user programs and by the host tools mkfs and fsck.
 */
#ifndef UAPI_KERNEL_FS_H
#define UAPI_KERNEL_FS_H

#define ROOTINO 1    /* inode number of "/" */
#define BSIZE   1024 /* bytes of a block: two sectors */
#define FSMAGIC 0x10203040

/* Block 1, zero after these fields. Units: blocks, but for ninodes. */
struct superblock {
    unsigned int magic;      /* FSMAGIC */
    unsigned int size;       /* the whole file system */
    unsigned int nblocks;    /* data blocks, at the end */
    unsigned int ninodes;    /* inode numbers are 1 .. ninodes - 1 */
    unsigned int nlog;       /* log: one header, the rest data */
    unsigned int logstart;   /* the header's block */
    unsigned int inodestart; /* first block of inodes */
    unsigned int bmapstart;  /* first block of the bitmap */
};

#define NDIRECT   12
#define NINDIRECT (BSIZE / sizeof(unsigned int))
#define MAXFILE   (NDIRECT + NINDIRECT)

/* An inode: 64 bytes. A block number 0 means no block. */
struct dinode {
    short type; /* T_DIR, T_FILE, T_DEVICE; 0 is free */
    short major;
    short minor;
    short nlink;                     /* names; of a directory 1 + its subdirectories */
    unsigned int size;               /* bytes */
    unsigned int addrs[NDIRECT + 1]; /* the last one is a block of NINDIRECT numbers */
};

/* Inodes in a block, and the block inode i is in. */
#define IPB           (BSIZE / sizeof(struct dinode))
#define IBLOCK(i, sb) ((i) / IPB + (sb).inodestart)

/* Bits in a bitmap block, and the bitmap block that has the bit of block b. */
#define BPB           (BSIZE * 8)
#define BBLOCK(b, sb) ((b) / BPB + (sb).bmapstart)

#define DIRSIZ 14

/* A directory is an array of these; inum 0 is a free slot. A name of 14 bytes has no NUL. */
struct dirent {
    unsigned short inum;
    char name[DIRSIZ];
};

#endif
