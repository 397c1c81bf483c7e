/*
 * What the machine does otherwise when a switch of enum unkind is on, and who permits it.
 *
 *   switch        | permitted by                                                          | code
 *   --------------+-----------------------------------------------------------------------+--------------
 *   ORDER         | unprivileged specification 14.1 (RVWMO), appendix A.3                 | order.c, early.c
 *   SC_FAILS      | unprivileged 8.2, 8.3: no reason is needed; a constrained loop ends   | amo.c, unkind.c
 *   FETCH         | unprivileged 3.1 (fence.i)                                            | unkind.c
 *   TLB_KEEPS     | privileged specification 4.2.1, 4.3.2: step 2's reads may be held     | mmu.c
 *   TLB_TABLES    | privileged 4.3.2, the same for upper levels; 4.2.1, rs1 names a leaf  | unkind_tlb.c
 *   TLB_SPECULATES| privileged 4.3.2: the walk may be done at any time, for any address   | unkind_tlb.c
 *   SVADE         | privileged 4.3.1, the first of two schemes                            | mmu.c
 *   INTERRUPTS    | privileged 3.1.9 (bounded, not at once), 3.3.3 (wfi may be a nop); SBI| unkind.c
 *   HARTS         | unprivileged 1.2: an execution environment may run harts as it likes  | unkind.c
 *   MEETINGS      | the same                                                              | unkind.c
 *   DISK          | virtio 1.1, 2.6.8: buffers may be used in any order                   | unkind_disk.c
 *   DISK_ERRORS   | virtio 5.2.6: VIRTIO_BLK_S_IOERR                                      | unkind_disk.c
 *   DISK_CACHE    | virtio 5.2.6.2: volatile until VIRTIO_BLK_T_FLUSH has ended           | unkind_disk.c
 *   DISK_TEARS    | virtio 5.2.6.2: a write that has not ended may be done in part        | unkind_disk.c
 *   OLD_SBI       | SBI 0.1: the legacy calls alone                                       | sbi.c
 *
 * Without a switch none of this is called, but for one branch where it would be.
 */
#ifndef MACHINE_UNKIND_H
#define MACHINE_UNKIND_H

#include "machine.h"

/* ---- order.c: stores that leave late, loads that are done late ---- */

void order_reset(struct hart *h);
/* Before each instruction: what it needs is done. */
void order_before(struct hart *h, uint32_t insn);
/* => false: no RAM lies there, and the bus shall do it */
bool order_load(struct hart *h, uint64_t pa, unsigned size, uint64_t *value);
bool order_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value);
/* An AMO, LR or SC is about to be done in memory, at once. */
void order_atomic(struct hart *h, uint64_t pa, unsigned size);
void order_fence(struct hart *h, uint32_t insn);
/* The firmware is called: it reads registers, and what comes after is not done before. */
void order_call(struct hart *h);
/* Stores leave, for sfence.vma, fence.i, and what the firmware does on another hart. */
void order_stores(struct hart *h);
/* The same, and all loads are done. */
void order_all(struct hart *h);
/* What is due leaves and is done. */
void order_due(struct hart *h);

/* ---- early.c: loads that are done early ---- */

/* A store to memory is about to be done: what it overwrites is kept. */
void early_note(struct hart *h, uint64_t pa, unsigned size);
/* The bytes at pa as they were at a time that this hart may still see, `bound` or later: it is put into *at. */
uint64_t early_load(struct hart *h, uint64_t pa, unsigned size, uint64_t bound, uint64_t *at);
/* Loads from now on are not done as of before now. */
void early_end(struct hart *h);

/* ---- unkind_tlb.c ---- */

/* Reads an entry of an upper level for a page, or takes the one that is kept. => false: no RAM there */
bool table_load(struct hart *h, uint64_t pa, uint64_t vpn, unsigned level, uint64_t *pte);
void table_forget(struct hart *h, bool keep_global);
/* Fills the TLB for some address. */
void tlb_speculate(struct hart *h);

/* ---- unkind.c: interrupts, harts, fetches ---- */

void unkind_reset(struct hart *h);
/* A load or a store to memory. => false: the bus shall do it */
bool unkind_load(struct hart *h, uint64_t pa, unsigned size, uint64_t *value);
bool unkind_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value);
void unkind_atomic(struct hart *h, uint64_t pa, unsigned size);
bool sc_fails(struct hart *h);

/* What a hart remembers of instructions: two bytes at a place in the host's memory. */
uint16_t line_half(struct hart *h, const uint8_t *at);
void line_forget(struct hart *h);

void ipi_sent(struct hart *h);
void timer_set(struct hart *h);
/* Interrupts that are on their way arrive if it is time. => which kinds the hart sees */
uint64_t interrupts_seen(struct hart *h);
/* When the next of them arrives. */
uint64_t interrupts_due(const struct hart *h);
bool wfi_returns(struct hart *h);

/* A turn ends: what is due on any hart happens. */
void unkind_pass(struct machine *m);
/* All harts wait: everything leaves. */
void unkind_idle(struct machine *m);
/* The hart whose turn comes, of those that can run, and how long it is. NULL: none can */
struct hart *unkind_turn(struct machine *m, bool (*can_run)(struct hart *h));

/* ---- unkind_disk.c ---- */

uint64_t disk_late(struct machine *m);
bool disk_fails(struct machine *m);
/* Where in the machine's memory the image begins that the power's going leaves. */
uint64_t disk_kept(const struct machine *m);
/* What the image holds in these bytes stays when the power goes. */
void disk_settle(struct machine *m, uint64_t at, uint64_t size);
/* disk.c: does all requests that are on their way, and tells nobody. */
void disk_begin_all(struct machine *m);

/*
 * Two harts meet: this one touches a cache line that another one touched last. => true: the turn ends here.
 * The seam for whoever wants to explore schedules: who runs next is decided in unkind_turn().
 */
bool machine_meet(struct hart *h, uint64_t pa);

#endif
