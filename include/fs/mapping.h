/*
 * Mapped files: the pages of a file that programs map, as one region (mm/region.h).
 *
 * A file has one region while any program maps it. A page of it is the file's contents from the
 * moment it is there: read() takes bytes from it, write() stores into it as well as into the block,
 * and what programs store goes to the blocks by msync, munmap, exit, and with the last mapping.
 */
#ifndef FS_MAPPING_H
#define FS_MAPPING_H

struct file;
struct region;

/*
 * The region of an open file, to be mapped; its page i is the file's bytes from i * PAGE_SIZE on,
 * for as many pages as a file can have. `prot`: of PROT_READ, PROT_WRITE, PROT_EXEC (mm/mm.h);
 * `shared`: stores go to the file.
 * => no lock held; may sleep. 0, the region, held for the caller (region_put() when it is mapped,
 *    with no lock and in no transaction), and *max_prot: what mprotect may make of the mapping.
 * => -ENODEV a directory, device or pipe; -EACCES not open for reading, or a shared mapping with
 *    PROT_WRITE of a file not open for writing; -ENOMEM.
 */
int file_map(struct file *f, unsigned prot, int shared, struct region **out, unsigned *max_prot);

#endif
