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

#define RW  (PROT_READ | PROT_WRITE)
#define ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define BUF 0x1000UL /* a page of each program's own */

enum {
    SHARE = 1,
    COPY = 0
};

extern struct inode *root;
extern struct mm *a, *b; /* programs on harts 0 and 1, in run() */

/* Runs `body` on a fresh image, in a process of its own; everything must be as before after it. */
void run(void (*body)(void));

/* What a program loads, or whether that would kill it. */
uint64_t load(struct mm *mm, vaddr_t va);
bool faults(struct mm *mm, vaddr_t va);

/* A file of n bytes, all `value`; a word of a file by read() and write(), through a's buffer. */
struct file *make_file(const char *path, size_t n, uint8_t value);
uint64_t word_at(struct file *f, uint64_t off);
void put_word(struct file *f, uint64_t off, uint64_t value);

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
void test_dying(void **state);
void test_lost_frames(void **state);
void test_too_large(void **state);
void test_durable(void **state);

#endif
