/*
 * What the firmware does for the kernel (SBI specification 1.0).
 *
 * Each extension is probed once by sbi_init(). CPU masks are masks of dense cpu ids: bit n is
 * cpus[n].
 */
#ifndef ASM_SBI_H
#define ASM_SBI_H

#include "asm/page.h"
#include "lib/annotate.h"

#include <stddef.h>
#include <stdint.h>

struct sbi_result {
    long err; /* 0, or an SBI error, which is negative */
    uint64_t value;
};

/* One call of extension `ext`; at most four arguments. */
typedef struct sbi_result (*sbi_call_fn)(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1,
                                         uint64_t x2, uint64_t x3);

/*
 * Finds out what the firmware has. For an extension that it lacks `instead` is called, with the
 * same arguments.
 * => boot only, before all else
 */
void sbi_init(sbi_call_fn instead);

/* Firmware of before SBI 0.2, and one without an extension: `instead` for sbi_init(). */
struct sbi_result sbi_legacy_call(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1, uint64_t x2,
                                  uint64_t x3);

/* Writes n bytes, which lie in the linear map, to the firmware's console; busy until they are out. */
void sbi_console_write(const char *bytes, size_t n);

/* The next input byte of the firmware's console; => -1 when there is none */
int sbi_console_getc(void);

/* Interrupts this hart at time t (a past moment: at once; ~0: never). For timer.c. */
void sbi_set_timer(uint64_t t);

/* Sends a software interrupt to every hart in the mask, which may be 0. */
void sbi_send_ipi(uint64_t cpu_mask);

#define SBI_RFENCE_ALL (~0UL) /* as size, with va 0: the whole address space */

/* Fences [va, va + size) on every hart in the mask; => done on all of them on return */
void sbi_rfence(uint64_t cpu_mask, vaddr_t va, size_t size);

/* The harts in cpu_mask have executed fence.i on return. */
void sbi_fence_i(uint64_t cpu_mask);

/* Powers the machine off. */
__noreturn void sbi_shutdown(void);

/* Resets the machine; powers off where the firmware cannot. */
__noreturn void sbi_reboot(void);

#endif
