/*
 * mmap and its family: POSIX's arguments, made into a struct map_request. Meanings: mm/mmap.h; for
 * files fs/mapping.h. The two-argument form is MAP_FIXED_NOREPLACE, made by the library.
 *
 * Memory that is writable and executable is made for those who ask for both, and nobody else.
 *
 * Called by syscall/dispatch.c, which lets -errno through. Read next: mm/ext/mmap.c.
 */
#include "../syscall.h"

#include "fs/mapping.h"
#include "lib/errno.h"
#include "mm/demand.h"
#include "mm/mmap.h"
#include "proc/files.h"
#include "uapi/kernel/mman.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* What prot asks for; the machine has no memory that can be written and not read. => 0, -EINVAL. */
static int fetch_prot(uint64_t prot, unsigned *out)
{
    *out = (unsigned)prot | (prot & PROT_WRITE ? PROT_READ : 0);
    return (unsigned)prot & ~PROT_ALL ? -EINVAL : 0;
}

/* MAP_FIXED: replace what is there; MAP_FIXED_NOREPLACE: fail if anything is; else addr is a hint. */
static void fetch_place(struct map_request *q, uint64_t flags)
{
    if (flags & MAP_FIXED_NOREPLACE)
        q->place = q->addr ? MAP_HERE : MAP_ANYWHERE;
    else if (flags & MAP_FIXED)
        q->place = MAP_OVER;
    else
        q->addr = page_down(q->addr);
}

/* The region to map, held, if it is not private memory. => 0 or -errno. */
static int fetch_region(struct map_request *q, uint64_t flags, int fd, uint64_t off)
{
    bool shared = flags & MAP_SHARED;
    size_t npages = page_up(q->len) >> PAGE_SHIFT;
    struct file *f;
    int err;

    q->max_prot = PROT_ALL;
    if (flags & MAP_ANONYMOUS) {
        if (shared)
            q->region = region_create_zero(npages);
        return shared && !q->region ? -ENOMEM : 0;
    }
    f = fd_file(fd);
    if (!f)
        return -EBADF;
    q->first = off >> PAGE_SHIFT;
    q->private_copy = !shared;
    err = file_map(f, q->prot, shared, &q->region, &q->max_prot);
    if (!err && (q->first >= q->region->npages || npages > q->region->npages - q->first)) {
        region_put(q->region);
        err = -EINVAL;
    }
    return err;
}

static int check_request(const struct map_request *q, uint64_t flags, uint64_t off)
{
    uint64_t sharing = flags & (MAP_SHARED | MAP_PRIVATE);

    if (!q->len || (off & (PAGE_SIZE - 1)) || !sharing || sharing == (MAP_SHARED | MAP_PRIVATE))
        return -EINVAL;
    return q->len > USER_TOP ? -ENOMEM : 0;
}

/* void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) */
long sys_mmap(const uint64_t a[6])
{
    struct map_request q = {.addr = a[0], .len = a[1]};
    uint64_t flags = a[3], offset = a[5];
    vaddr_t va;
    int err = fetch_prot(a[2], &q.prot);

    fetch_place(&q, flags);
    if (!err)
        err = check_request(&q, flags, offset);
    if (!err)
        err = fetch_region(&q, flags, (int)a[4], offset);
    if (err)
        return err;
    err = mm_map(current()->mm, &q, &va);
    region_put(q.region);
    return err ? err : (long)va;
}

/* int munmap(void *addr, size_t length) */
long sys_munmap(const uint64_t a[6])
{
    return mm_munmap(current()->mm, a[0], a[1]);
}

/* int msync(void *addr, size_t length, int flags): always done on return, so the flags differ in nothing. */
long sys_msync(const uint64_t a[6])
{
    uint64_t when = a[2] & (MS_ASYNC | MS_SYNC);

    if ((a[2] & ~(uint64_t)MS_INVALIDATE) != when || when == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    return mm_sync(current()->mm, a[0], a[1]);
}

/* int mprotect(void *addr, size_t length, int prot) */
long sys_mprotect(const uint64_t a[6])
{
    unsigned what;
    int err = fetch_prot(a[2], &what);

    return err ? err : mm_protect(current()->mm, a[0], a[1], what);
}
