/*
 * mmap and its family: POSIX's arguments, made into a struct map_request. Meanings: mm/mmap.h; for
 * files fs/mapping.h. The two-argument form is MAP_FIXED_NOREPLACE, made by the library.
 *
 * Memory that is writable and executable is made for those who ask for both, and nobody else.
 *
 * Owns nothing. Called by syscall/dispatch.c, which lets -errno through. Read next: mm/ext/mmap.c.
 */
#include "fs/mapping.h"
#include "lib/errno.h"
#include "mm/demand.h"
#include "mm/mmap.h"
#include "proc/files.h"
#include "syscall/syscall.h"
#include "uapi/kernel/mman.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* What prot asks for; the machine has no memory that can be written and not read. => 0, -EINVAL. */
static int fetch_prot(uint64_t prot, unsigned *out)
{
    *out = (unsigned)prot | (prot & PROT_WRITE ? PROT_READ : 0);
    return (unsigned)prot & ~PROT_ALL ? -EINVAL : 0;
}

/* MAP_FIXED: replace; MAP_FIXED_NOREPLACE: fail if taken; else addr is a hint. */
static void fetch_place(struct map_request *q, uint64_t flags)
{
    if (flags & MAP_FIXED_NOREPLACE)
        q->place = q->addr ? MAP_HERE : MAP_ANYWHERE;
    else if (flags & MAP_FIXED)
        q->place = MAP_OVER;
    else
        q->addr = page_down(q->addr); /* a wish */
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
    q->copies = !shared;
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

long sys_mmap(uint64_t addr, uint64_t len, uint64_t prot, uint64_t flags)
{
    const struct trapframe *tf = task_frame(current());
    struct map_request q = { .addr = addr, .len = len };
    vaddr_t va;
    int err = fetch_prot(prot, &q.prot);

    fetch_place(&q, flags);
    if (!err)
        err = check_request(&q, flags, tf->a5);
    if (!err)
        err = fetch_region(&q, flags, (int)tf->a4, tf->a5);
    if (err)
        return err;
    err = mm_map(current()->mm, &q, &va);
    region_put(q.region);
    return err ? err : (long)va;
}

long sys_munmap(uint64_t addr, uint64_t len, uint64_t a2, uint64_t a3)
{
    return mm_munmap(current()->mm, addr, len);
}

/* It is always done when the call returns, so the flags differ in nothing. */
long sys_msync(uint64_t addr, uint64_t len, uint64_t flags, uint64_t a3)
{
    uint64_t when = flags & (MS_ASYNC | MS_SYNC);

    if ((flags & ~(uint64_t)MS_INVALIDATE) != when || when == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    return mm_sync(current()->mm, addr, len);
}

long sys_mprotect(uint64_t addr, uint64_t len, uint64_t prot, uint64_t a3)
{
    unsigned what;
    int err = fetch_prot(prot, &what);

    return err ? err : mm_protect(current()->mm, addr, len, what);
}
