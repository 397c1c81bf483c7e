/*
 * Why: who wrote a page table's entry, a frame's count, a vma or a lock last; with the kernel's calls at that moment.
 * No DOM here.
 */

/* The call that a process had made, by the functions on its kernel's stack. */
function callOf(frames) {
    const names = frames.flatMap((f) => f.calls?.length ? f.calls.map((c) => c.function) : [f.function]);
    const call = names.find((name) => name?.startsWith("sys_"));
    if (call)
        return `${call.slice(4)}()`;
    return names.some((name) => name === "mm_fault" || name === "trap_fault") ? "a page fault" : "no call: the kernel's own work";
}

export class Why {
    constructor(machine, kernel) {
        this.machine = machine;
        this.kernel = kernel;
    }

    /*
     * The last store to [pa, pa + size) before an instant: {step, hart, pid, name, call, frames, before, after}, or null
     * when nobody has stored there since the machine began. The machine stands where it stood.
     */
    writer(pa, size, instant = this.machine.step) {
        const stood = this.machine.step;
        const event = this.machine.writer(pa, size, instant);
        const found = event && this.describe(event, pa, size);
        this.machine.seek(stood);
        return found;
    }

    /* The writer before that one. */
    earlier(found) {
        return this.writer(found.pa, found.size, found.step);
    }

    describe(event, pa, size) {
        const {machine, kernel} = this;
        machine.seek(event.step);
        const regs = machine.hart(event.hart), frames = kernel.backtrace(regs);
        const hart = kernel.harts().find((h) => h.hartid === regs.id);
        const before = this.value(pa, size);
        machine.seek(event.step + 1);
        return {pa, size, step: event.step, hart: event.hart, pid: hart?.pid ?? 0, name: hart?.name ?? "", frames,
                call: regs.mode === "S" ? callOf(frames) : "its own store", before, after: this.value(pa, size)};
    }

    value(pa, size) {
        const {mem} = this.machine;
        if (size <= 4)
            return BigInt(mem.read32(pa) >>> 0);
        return BigInt(mem.read32(pa + 4) >>> 0) << 32n | BigInt(mem.read32(pa) >>> 0);
    }
}

/* One line for people. */
export function whyWords(found) {
    if (!found)
        return "nobody has written it since the machine began";
    const who = found.pid ? `${found.name} (pid ${found.pid})` : "the kernel, for no process";
    return `${who} on hart ${found.hart}, in ${found.call}, at step ${found.step.toLocaleString("en")}`;
}
