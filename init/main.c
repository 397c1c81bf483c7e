/*
 * From the first C instruction to the first process, in stages.
 *
 * The only file that sees all layers: it brings them up from the bottom to the top, and gives the
 * lower ones what they need of higher ones (set_hooks()). Each stage says its name before it
 * starts, and a watchdog names the one that does not end.
 *
 * Entered from head.S: kernel_main() on the boot hart, secondary_main() on the others. Read the
 * table of stages first, then they from top to bottom.
 */
#include "asm/cpu.h"
#include "asm/sbi.h"
#include "asm/timer.h"
#include "asm/trap.h"
#include "drivers/blockdev.h"
#include "drivers/console.h"
#include "drivers/devtree.h"
#include "drivers/plic.h"
#include "fs/fs.h"
#include "init/selftest.h"
#include "ipc/crypto.h"
#include "ipc/grant.h"
#include "ipc/ids.h"
#include "ipc/share.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/ram.h"
#include "proc/console.h"
#include "proc/crash.h"
#include "proc/list.h"
#include "proc/proc.h"
#include "proc/shutdown.h"
#include "sched/ktimer.h"
#include "sched/stop.h"
#include "sched/task.h"
#include "sched/ticks.h"

enum {
    BANKS_MAX = 16,
    ARGUMENT_MAX = 32,      /* bytes of a boot argument that are told */
    HARTS_MAX = 64,         /* looked at; NCPU_MAX of them are used */
    STAGE_SECONDS = 30,     /* a stage that takes longer hangs */
    HARTS_SECONDS = 20,     /* a hart that takes longer is done without */
    TIMEBASE_LEAST = 10000, /* Hz: below, the timers cannot count milliseconds */
    TIMEBASE_MOST = 1000000000,
};

static paddr_t dtb_address;
static const char *stage_name;
static struct ktimer watchdog;

/* Stages that cannot be passed end the boot: what is missing is outside the kernel. */
static __noreturn void boot_fails(const char *why)
{
    printk("boot: stage %s fails: %s\n", stage_name, why);
    sbi_shutdown();
}

static void stage_hangs(struct ktimer *t)
{
    printk("boot: stage %s hangs\n", stage_name);
    sbi_shutdown();
}

/* ---- What a lower layer needs of a higher one ---- */

static void stop_others(void)
{
    sbi_send_ipi(cpu_others_online());
}

static void audit_key(void)
{
    size_t found;

    if (stop_machine(mm_audit, &found) < 0)
        printk("audit: another one runs\n");
    else
        printk("audit: %zu violations\n", found);
}

/* Ctrl-C ends what runs at the console; where nothing does, it is a key for the reader. */
static void interrupt_key(void)
{
    console_forget_typed();
    if (proc_interrupt())
        console_write("^C\n", 3);
    else
        console_type(CONSOLE_KEY('C'));
}

/* What ipc/ and the console keep about a process goes when it ends or runs another program. */
static void process_left(uint64_t family)
{
    ids_left();
    service_left(&crypto_service);
    grants_left(family);
    proc_leave_console();
}

/* All of it, but for the upcalls of asm/trap.h and sched/task.h. */
static void set_hooks(void)
{
    static struct reclaimer cached_blocks = {.reclaim = fs_reclaim_pages};

    panic_ops = (struct panic_ops){.write = console_write,
                                   .backtrace = backtrace_print,
                                   .stop_others = stop_others,
                                   .describe = task_describe_current};
    page_add_reclaimer(&cached_blocks);
    console_set_hook(CONSOLE_KEY('P'), proc_list);
    console_set_hook(CONSOLE_KEY('O'), audit_key);
    console_set_hook(CONSOLE_KEY('C'), interrupt_key);
    virtio_add_legacy();
    proc_hooks = (struct proc_hooks){.forked = ids_forked,
                                     .left = process_left,
                                     .crashed = crash_explain,
                                     .at_init_end = shutdown_after_init};
    share_by_grant = grant_map;
}

/* ---- The stages ---- */

static bool is_known_argument(const char *word)
{
    if (SELFTEST && strncmp(word, "hang=", 5) == 0)
        return true;
    return strcmp(word, "root=ram") == 0 || strcmp(word, "panic=off") == 0 ||
           (SELFTEST && (strcmp(word, "selftest") == 0 || strcmp(word, "overflow") == 0));
}

/* A mistyped word would otherwise just have no effect. */
static void name_unknown_arguments(void)
{
    char word[ARGUMENT_MAX];
    size_t n;

    for (const char *at = devtree_bootargs(); *at; at += *at == ' ') {
        for (n = 0; *at && *at != ' '; at++)
            if (n < sizeof(word) - 1)
                word[n++] = *at;
        word[n] = 0;
        if (n && !is_known_argument(word))
            printk("boot: argument %s is not known; known are root=ram, panic=off, and with "
                   "CHECK=1 selftest, overflow, hang=STAGE\n",
                   word);
    }
}

static void start_devtree(void)
{
    uint64_t hz;

    if (devtree_init(phys_to_virt(dtb_address)) < 0)
        boot_fails("the firmware gave no usable device tree");
    hz = devtree_timebase();
    if (hz >= TIMEBASE_LEAST && hz <= TIMEBASE_MOST)
        timebase_hz = hz;
    else
        printk("boot: the device tree's timebase of %lu Hz cannot be, using %lu\n", hz,
               timebase_hz);
    if (devtree_bootarg("panic=off"))
        panic_ops.power_off = sbi_shutdown;
    name_unknown_arguments();
}

static void start_memory(void)
{
    static struct phys_range banks[BANKS_MAX], reserved[RAM_RESERVED_MAX];
    size_t nbanks, nreserved;
    struct phys_range blob;
    const char *wrong;

    if (devtree_memory(banks, BANKS_MAX, &nbanks) < 0)
        printk("boot: more than %d banks of memory, using the first\n", BANKS_MAX);
    if (nbanks == 0)
        boot_fails("the device tree names no memory");
    if (devtree_reserved(reserved, RAM_RESERVED_MAX, &nreserved) < 0)
        boot_fails("too many reserved ranges of memory");

    wrong = mm_init(banks, nbanks, reserved, nreserved);
    if (!wrong && devtree_blob(&blob) && !ram_holds(blob.start, blob.end))
        wrong = "the device tree does not lie in the RAM that it lists";
    if (wrong)
        boot_fails(wrong);
}

static void find_harts(void)
{
    static struct devtree_hart harts[HARTS_MAX];
    size_t n = devtree_harts(harts, HARTS_MAX), unused = 0;

    for (size_t i = 0; i < n; i++) {
        struct cpu *c = this_cpu;

        if (harts[i].hartid != c->hartid)
            c = cpu_add(harts[i].hartid);
        if (c)
            c->sstc_listed = harts[i].has_sstc;
        else
            unused++;
    }
    if (unused)
        printk("boot: %zu harts more than %d are left unused\n", unused, NCPU_MAX);
}

static void start_sched(void)
{
    irq_off();
    timer_init_hart();
    ticks_start();
    sched_init_hart();
    irq_on();
    this_cpu->online = true;
}

static void start_drivers(void)
{
    plic_init();
    console_init();
    virtio_probe();
    ramdisk_probe();
}

static void start_files(void)
{
    if (!blockdev_root())
        boot_fails("no disk and no RAM disk");
    if (fs_init(blockdev_root()) < 0)
        boot_fails("no root file system");
}

/* Starts them all, then waits for them all: nothing after this need expect a hart to come later. */
static void start_harts(void)
{
    bool started[NCPU_MAX] = {false};
    uint64_t patience;

    for (uint32_t i = 1; i < cpu_count; i++) {
        started[i] = hart_start(&cpus[i]) == 0;
        if (!started[i])
            printk("boot: the firmware does not start hart %lu\n", cpus[i].hartid);
    }
    patience = time_now() + HARTS_SECONDS * timebase_hz;
    for (uint32_t i = 1; i < cpu_count; i++) {
        while (started[i] && !cpu_is_online(&cpus[i]) && time_now() < patience)
            cpu_relax();
        if (started[i] && !cpu_is_online(&cpus[i]))
            printk("boot: hart %lu does not come\n", cpus[i].hartid);
    }
}

static void start_init(void)
{
    proc_init();
    if (proc_start_init("/init") < 0)
        boot_fails("/init cannot be run");
}

static const struct stage {
    const char *name;
    void (*run)(void);
} stages[] = {
    {"devtree", start_devtree}, {"memory", start_memory},   {"harts", find_harts},
    {"sched", start_sched},     {"drivers", start_drivers}, {"files", start_files},
    {"smp", start_harts},
#if SELFTEST
    {"selftest", selftest_run},
#endif
    {"init", start_init},
};

/* ---- Running them ---- */

static void run_stage(const struct stage *s)
{
    stage_name = s->name;
    printk("boot: stage %s\n", s->name);
    ktimer_cancel(&watchdog);
    ktimer_add(&watchdog, time_now() + STAGE_SECONDS * timebase_hz, stage_hangs);
    s->run();
    if (SELFTEST)
        selftest_hang(s->name);
}

void kernel_main(uint64_t hartid, paddr_t dtb)
{
    dtb_address = dtb;
    cpu_add(hartid);
    sbi_init(sbi_legacy_call);
    set_hooks();
    printk("\nLamina: a teaching kernel for RISC-V, on hart %lu\n", hartid);
    trap_init_hart();
    timer_init_hart(); /* the firmware's, until the device tree tells more */
    irq_on();          /* for the watchdog; no device may interrupt yet */
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        run_stage(&stages[i]);
    ktimer_cancel(&watchdog);
    sched_idle();
}

/* Every other hart; the kernel is up but for it. Interrupts are off until sched_idle(). */
void secondary_main(struct cpu *c)
{
    trap_init_hart();
    timer_init_hart();
    sched_init_hart();
    printk("hart %lu starting\n", c->hartid);
    __atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
    sched_idle();
}
