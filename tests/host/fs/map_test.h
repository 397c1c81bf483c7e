/*
 * map_test.h - programs that map files of a real fs into a real mm.
 */
#ifndef FS_MAP_TEST_H
#define FS_MAP_TEST_H

#include "world.h"
#include "../mm/world.h"
#include "baton.h"

#include "asm/cpu.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/mapping.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "uapi/kernel/fcntl.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ALL  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define BUF  0x1000UL /* a page of each program's own */

enum { SHARE = 1, COPY = 0 };

extern struct inode *root;

/* Brings mm and fs up; once in a process. */
void mount(void);

/* Frames that can be had, those that the block cache would give back among them. */
size_t frames(void);

/* These must succeed: open a file, map its first pages. */
struct file *opened(const char *path, int flags);
vaddr_t map_at(struct mm *mm, struct file *f, unsigned prot, int shared, size_t pages);

/* The calls as a program makes them, with the file pages of its buffer brought before. */
long read_at(struct file *f, uint64_t off, vaddr_t to, long n);
long write_at(struct file *f, uint64_t off, vaddr_t from, long n);

void test_schedules(void **state);

#endif
