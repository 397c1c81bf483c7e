/*
 * Moving in time: to the next or the last instruction, line, trap, system call, switch, table store, frame.
 *
 * An event of step n lies between the instants n and n + 1. Each move goes to the instant behind an event. No DOM here.
 */
const CHUNK = 5000000;              // steps that a move forward may run in all
const WINDOW = 4000;                // steps in which a source line is looked for
const ECALL_USER = 8n;

/* The functions that give a frame out. The kernel has one of these at least. */
const FRAME_FUNCTIONS = ["page_alloc", "page_alloc_reserved", "page_try_alloc", "buddy_alloc", "frame_alloc"];

export const MOVES = ["instruction", "line", "trap", "system call", "switch", "table store", "frame"];

export class Time {
    constructor(machine, kernel) {
        this.machine = machine;
        this.kernel = kernel;
        this.allocators = FRAME_FUNCTIONS.map((name) => kernel.addressOf(name)).filter((at) => at !== null);
        this.allocators.forEach((at) => machine.probe(at));
        this.moves = {
            "trap": {kinds: ["trap"], wanted: () => true},
            "system call": {kinds: ["trap"], wanted: (e) => e.a === ECALL_USER},
            "switch": {kinds: ["switch"], wanted: () => true},
            "table store": {kinds: ["table"], wanted: () => true},
            "frame": {kinds: ["call"], wanted: (e) => this.allocators.includes(Number(BigInt.asIntN(64, e.a)))},
        };
    }

    /* => true: the machine stands at another instant */
    move(what, forward) {
        if (what === "instruction")
            return forward ? this.run(1) : this.machine.step > 0 && this.machine.seek(this.machine.step - 1);
        if (what === "line")
            return forward ? this.nextLine() : this.lastLine();
        return forward ? this.next(this.moves[what]) : this.last(this.moves[what]);
    }

    run(steps) {
        const before = this.machine.step;
        this.machine.run(steps);
        if (this.machine.step === before && this.machine.live)
            this.machine.skip();
        return this.machine.step !== before;
    }

    next({kinds, wanted}) {
        const start = this.machine.step;
        while (this.machine.step - start < CHUNK) {
            const before = this.machine.step, event = this.machine.runTo(kinds, CHUNK);
            if (event && wanted(event))
                return true;
            if (!event && this.machine.step === before && !this.run(1))
                break;
        }
        return this.machine.step !== start;
    }

    last({kinds, wanted}) {
        const start = this.machine.step;
        let event = start > 1 ? this.machine.before(kinds, start - 1) : null;
        while (event && !wanted(event))
            event = this.machine.before(kinds, event.step);
        return this.machine.seek(event ? event.step + 1 : start) && event !== null;
    }

    // ---- source lines, of the hart whose turn it is ----

    place(i) {
        const hart = this.machine.hart(i);
        const at = hart.mode === "S" ? this.kernel.line(hart.pc) : this.userLine(i, hart);
        return at ? `${at.file}:${at.line}` : `${hart.pc}`;
    }

    userLine(i, hart) {
        const known = this.kernel.harts().find((h) => h.hartid === hart.id);
        return known ? this.kernel.userSymbol(known, hart.pc) : null;
    }

    nextLine() {
        const hart = this.machine.turn, from = this.place(hart), start = this.machine.step;
        while (this.machine.step - start < CHUNK / 10 && this.run(1))
            if (this.place(hart) !== from)
                return true;
        return this.machine.step !== start;
    }

    /* To where the line began; from there, to where the line before it began. */
    lastLine() {
        const start = this.machine.step, hart = this.machine.turn, begins = [];
        this.machine.seek(Math.max(0, start - WINDOW));
        let before = null;
        while (this.machine.step < start) {
            const now = this.place(hart);
            if (now !== before)
                begins.push(this.machine.step);
            before = now;
            this.machine.run(1);
        }
        return begins.length > 0 && this.machine.seek(begins.at(-1));
    }
}
