/*
 * The table of harts, and the proof that assembly and C agree on where fields are.
 *
 * Owns cpus[], filled in at boot by init/main.c from the device tree, constant afterwards but for
 * the fields that belong to each hart. No lock.
 */
#include "asm/cpu.h"

#include "asm/kstack.h"
#include "offsets.h"
#include "asm/switch.h"
#include "asm/timer.h"
#include "asm/trap.h"
#include "lib/annotate.h"
#include "lib/assert.h"

#include <stddef.h>

enum {
    EMERGENCY_STACK = 4096
};

struct cpu cpus[NCPU_MAX];
uint32_t cpu_count;

/* Where a hart reports that its stack has overflowed: nothing else runs on these. */
static char emergency_stacks[NCPU_MAX][EMERGENCY_STACK] __aligned(16);

struct cpu *cpu_add(uint64_t hartid)
{
    struct cpu *c = &cpus[cpu_count];

    if (cpu_count == NCPU_MAX)
        return NULL;
    c->id = cpu_count++;
    c->hartid = hartid;
    c->timer_deadline = TIMER_NEVER;
    c->emergency_sp = (uint64_t)&emergency_stacks[c->id][EMERGENCY_STACK];
    return c;
}

uint64_t cpu_others_online(void)
{
    uint64_t others = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpu_is_online(&cpus[i]) && &cpus[i] != this_cpu)
            others |= 1UL << i;
    return others;
}

static_assert(offsetof(struct trapframe, epc) == TF_EPC, "TF_EPC");
static_assert(offsetof(struct trapframe, ra) == TF_X(1), "x1");
static_assert(offsetof(struct trapframe, sp) == TF_SP, "x2");
static_assert(offsetof(struct trapframe, tp) == TF_X(4), "x4");
static_assert(offsetof(struct trapframe, s0) == TF_X(8), "x8");
static_assert(offsetof(struct trapframe, a0) == TF_X(10), "x10");
static_assert(offsetof(struct trapframe, s2) == TF_X(18), "x18");
static_assert(offsetof(struct trapframe, t6) == TF_X(31), "x31");
static_assert(offsetof(struct trapframe, status) == TF_STATUS, "TF_STATUS");
static_assert(offsetof(struct trapframe, cpu) == TF_CPU, "TF_CPU");
static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0, "TF_SIZE");

static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "CPU_CURRENT");
static_assert(offsetof(struct cpu, emergency_sp) == CPU_EMERGENCY_SP, "CPU_EMERGENCY_SP");
static_assert(offsetof(struct cpu, id) == CPU_ID, "CPU_ID");

static_assert(offsetof(struct context, ra) == CTX_RA, "CTX_RA");
static_assert(offsetof(struct context, sp) == CTX_SP, "CTX_SP");
static_assert(offsetof(struct context, s[11]) == CTX_S(11), "CTX_S");

static_assert(NCPU_MAX <= KSTACK_SLOT_TASKS, "each hart has a stack slot");
static_assert(NCPU_MAX <= 64, "cpu masks are one word");
