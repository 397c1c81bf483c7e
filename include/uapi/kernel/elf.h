/*
 * uapi/kernel/elf.h: the parts of a 64-bit ELF file that exec reads (ELF-64 object file format,
 * sections "ELF header" and "Program header").
 */
#ifndef LAMINA_UAPI_ELF_H
#define LAMINA_UAPI_ELF_H

#define ELF_MAGIC 0x464C457FU /* 7F 'E' 'L' 'F', read as a little-endian word */

struct elfhdr {
    unsigned int magic;
    unsigned char elf[12];
    unsigned short type;
    unsigned short machine;
    unsigned int version;
    unsigned long entry;
    unsigned long phoff;
    unsigned long shoff;
    unsigned int flags;
    unsigned short ehsize;
    unsigned short phentsize;
    unsigned short phnum;
    unsigned short shentsize;
    unsigned short shnum;
    unsigned short shstrndx;
};

struct proghdr {
    unsigned int type;
    unsigned int flags;
    unsigned long off;
    unsigned long vaddr;
    unsigned long paddr;
    unsigned long filesz;
    unsigned long memsz;
    unsigned long align;
};

#define ELF_PROG_LOAD 1

#define ELF_PROG_FLAG_EXEC  1
#define ELF_PROG_FLAG_WRITE 2
#define ELF_PROG_FLAG_READ  4

#endif
