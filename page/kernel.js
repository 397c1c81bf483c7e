/*
 * The kernel as the page sees it: plain objects out of the machine's RAM, at whatever instant it stands.
 *
 *     const kernel = new Kernel(mem, layouts);
 *     kernel.processes()[0].mm.vmas[0].kind       // "image"
 *
 * `mem` reads RAM (layout.js says how), `layouts` is what tools/layouts.py wrote. Nothing is remembered from one call to
 * the next, so every answer is of this instant. In the middle of a kernel function a list may be in two pieces: answers
 * are then incomplete, and never an exception. No DOM here: it runs in node as well.
 */
import {Memory, address, hex} from "./layout.js";
import {Code, fewRegisters, unwind} from "./code.js";
import {Tables} from "./tables.js";
import {Frames, STATES} from "./frames.js";
import {Spaces} from "./spaces.js";
import {Places} from "./places.js";

export {STATES, address, hex};

export class Kernel {
    constructor(mem, layouts) {
        this.memory = new Memory(mem, layouts);
        this.tables = new Tables(this.memory);
        this.pages = new Frames(this.memory, this.tables);
        this.spaces = new Spaces(this.memory, this.tables, this.pages);
        this.places = new Places(this.memory, this.tables, this.pages, this.spaces);
        this.code = new Code(layouts.code);
        this.image = this.code.image(layouts.kernel.parts);
        this.programs = layouts.programs;
        this.images = new Map();
        this.readStructs();
    }

    readStructs() {
        const m = this.memory;
        this.cpu = m.struct("cpu", "current hartid id irq_depth online mm in_interrupt nranks held");
        this.spinlock = m.struct("spinlock", "locked rank holder name");
        this.context = m.struct("context", "ra sp s");
        this.trapframe = m.struct("trapframe", "epc ra sp s0");
        this.ranks = m.enum("lock_rank");
        this.stacks = m.label("__stacks_start");
        this.slotSize = m.constant("KSTACK_SLOT");
    }

    // ---- memory ----

    /* See Frames.all(). */
    frames(banks) {
        return this.pages.all(banks);
    }

    /* For machine.watchTables(): where frames' kinds lie; null before the kernel has them. */
    tableWatch() {
        const {page, memory} = this.pages, [bank] = this.pages.banks(), pages = [];
        for (let frame = bank?.[0]; frame < bank?.[0] + bank?.[1]; frame += memory.pageSize / page.sizeof)
            pages.push(memory.phys(this.pages.structPage(frame)));
        return pages.length === 0 || pages.includes(-1) ? null
            : {pages, stride: page.sizeof, offset: page.offsetof.kind, table: this.pages.kinds.values.PAGE_TABLE};
    }

    processes() {
        return this.spaces.processes();
    }

    regions() {
        return this.spaces.regions();
    }

    /* See Tables.walk() and Tables.tree(). */
    walk(root, va) {
        return this.tables.walk(root, address(va));
    }

    tree(root) {
        return this.tables.tree(root);
    }

    /*
     * All about one frame: {frame, pa, state, refs, pins, countAt, holders, borrowers, found, agrees, words}.
     * Each of `holders` counts for one of refs; `borrowers` map the frame and count for nothing: their region does.
     * `countAt` is the physical address of the count. `agrees`: the holders that were found make up the count.
     */
    whoMaps(frame) {
        const {memory, pages} = this, page = pages.structPage(frame);
        const [bank] = pages.all([[frame, 1]]);
        const mine = pages.extents().some(([first, next]) => frame >= first && frame < next);
        const countAt = memory.phys(page + pages.page.offsetof.refs);
        const info = {frame, pa: frame * memory.pageSize, state: STATES[bank.state[0]], refs: bank.refs[0],
                      pins: bank.pins[0], countAt, holders: [], borrowers: []};
        this.findHolders(info, mine);
        info.found = info.holders.length;
        info.agrees = !mine || info.found === info.refs;
        info.words = this.countWords(info, mine);
        return info;
    }

    findHolders(info, mine) {
        const {spaces, pages} = this, {frame, state} = info;
        const mappings = spaces.mappings(frame);
        info.borrowers = mappings.filter((m) => !m.own);
        info.holders = mappings.filter((m) => m.own).concat(spaces.pins(frame));
        if (!mine)
            info.holders.push({by: "kernel", what: state === "free" ? "never used" : pages.outsideUse(frame)});
        else if (state === "table" && pages.kernelOwn().tables.includes(frame))
            info.holders.push({by: "kernel", what: pages.outsideUse(frame)});
        else if (state === "table")
            info.holders.push(...spaces.tableHolders(frame));
        else if (state === "kernel" || state === "cache")
            info.holders.push({by: "kernel", what: this.kernelUse(frame)});
    }

    kernelUse(frame) {
        const region = this.spaces.regionTable(frame);
        return region ? `the frame numbers of region ${hex(region)}` : this.pages.kernelUse(frame);
    }

    /* "2 holders: 1 own entry (pid 3), 1 region; borrowed by pid 4" */
    countWords(info, mine) {
        if (!mine)
            return info.holders[0].what;
        const pieces = holderWords(info.holders);
        const borrowed = info.borrowers.length > 0 ? `; borrowed by ${pidsOf(info.borrowers)}` : "";
        const wrong = info.agrees ? "" : `, but the count says ${info.refs}: somebody is in the middle of a change`;
        return several(info.found, "holder", "holders") + (pieces.length > 0 ? ": " + pieces.join(", ") : "") + borrowed + wrong;
    }

    /* What lies at a physical address: see Places.at(). */
    placeAt(pa) {
        return this.places.at(pa);
    }

    /* Every lock that is a variable of its own: as lock(), with its name in the source and its physical address. */
    locks() {
        const found = Object.entries(this.memory.kernel.objects).filter(([, [, type]]) => type === "struct spinlock");
        return found.map(([name, [at]]) => ({...this.lock(at), name, pa: this.memory.phys(at)}))
            .sort((a, b) => b.locked - a.locked || (a.name < b.name ? -1 : 1));
    }

    /* The locks that are held: as lock(), with `path`, where in the kernel they lie. */
    heldLocks() {
        return this.places.locks().concat(this.places.livingLocks())
            .map(({address: at, path}) => ({...this.lock(at), path})).filter((l) => l.locked);
    }

    // ---- harts ----

    /*
     * Each hart that the kernel knows. `machine` gives what only the machine knows: machine(hartid) => {mode, pc, ...} or
     * nothing; what it gives is in the answer, and `where` says in words of the source where pc is.
     */
    harts(machine = () => ({})) {
        const m = this.memory, cpus = m.object("cpus"), n = Math.min(m.u32(m.object("cpu_count")), m.count("cpus"));
        return Array.from({length: n}, (_, i) => this.describeHart(cpus + i * this.cpu.sizeof, machine));
    }

    describeHart(cpu, machine) {
        const {task} = this.spaces, current = this.cpu.current(cpu), hartid = this.cpu.hartid(cpu);
        const given = machine(hartid) ?? {}, mm = this.cpu.mm(cpu);
        const hart = {
            ...given, address: cpu, id: this.cpu.id(cpu), hartid, online: this.cpu.online(cpu) !== 0,
            pid: current ? task.pid(current) : 0, idle: current ? task.idle(current) !== 0 : true,
            name: current ? this.spaces.name(current) : "", mm: mm || null, root: mm ? this.spaces.rootOf(mm) : null,
            irqDepth: this.cpu.irq_depth(cpu), inInterrupt: this.cpu.in_interrupt(cpu) !== 0, held: this.heldBy(cpu),
        };
        if (given.pc !== undefined)
            hart.where = given.mode === "U" ? this.userSymbol(hart, given.pc) : this.symbolize(given.pc);
        return hart;
    }

    /* The locks that a hart has; only the checking build notes them. */
    heldBy(cpu) {
        const n = Math.min(this.cpu.nranks(cpu), this.memory.constant("CPU_RANKS_MAX"));
        return Array.from({length: n}, (_, i) => this.lock(this.memory.s64(this.cpu.held(cpu) + 8 * i)));
    }

    /* {address, name, rank, locked, holder} of the struct spinlock at an address; holder is a hart's index or null. */
    lock(at) {
        const cpu = this.spinlock.holder(at);
        return {address: at, name: this.memory.text(this.spinlock.name(at), 32), locked: this.spinlock.locked(at) !== 0,
                rank: this.ranks.word(this.spinlock.rank(at)), holder: cpu ? this.cpu.id(cpu) : null};
    }

    // ---- code ----

    /* Of the kernel: see Image.symbolize() and Image.line(). Before the MMU is on, pc is a physical address. */
    symbolize(pc) {
        return this.image.symbolize(this.linked(pc));
    }

    line(pc) {
        return this.image.line(this.linked(pc));
    }

    linked(pc) {
        const at = address(pc);
        return at < 0 ? at : at + this.memory.offset;
    }

    /* The address of a function or a variable of the kernel's; null: there is none. */
    addressOf(name) {
        const object = this.memory.kernel.objects[name];
        return object ? object[0] : this.image.address(name);
    }

    /* The name of the kernel's variable that begins at an address, or null. */
    objectAt(at) {
        return Object.entries(this.memory.kernel.objects).find(([, [start]]) => start === at)?.[0] ?? null;
    }

    /* The image of the program that a process runs, by its name, which the kernel keeps the first letters of. */
    program(proc) {
        const name = Object.hasOwn(this.programs, proc.name) ? proc.name
            : Object.keys(this.programs).find((n) => proc.name.length === 15 && n.startsWith(proc.name));
        if (name && !this.images.has(name))
            this.images.set(name, this.code.image(this.programs[name].parts, this.programs[name].entry));
        return name ? this.images.get(name) : null;
    }

    /* As symbolize(), in the program of `proc`, which has a name: a process or a hart of the lists above. */
    userSymbol(proc, pc) {
        return this.program(proc)?.symbolize(address(pc)) ?? null;
    }

    // ---- backtraces ----

    /*
     * Who called whom, innermost first: each as symbolize() gives it, with `sp`; `user: true` is the program's own, and
     * `trap: true` the assembly that a trap came through, behind which follows what it interrupted.
     * `x` are the registers x0 to x31. `hart`, one of harts(), is needed for what is the program's, and `sepc` at the first
     * instruction of a trap, where nothing is saved yet.
     */
    backtrace({pc, x, sepc}, hart = null) {
        const regs = fewRegisters(address(pc), x.map(address));
        if (regs.pc >= 0)
            return this.userFrames(regs, hart, false);
        const here = this.image.function(regs.pc);
        if (sepc === undefined || here?.name !== "trap_entry" || here.start !== regs.pc)
            return this.kernelFrames(regs, false);
        const trap = {...this.image.symbolize(regs.pc), sp: regs.sp, trap: true};
        return [trap, ...this.backtrace({pc: sepc, x}, hart)];
    }

    /* Of a process that no hart runs at the moment: where it left its own. */
    backtraceOf(proc) {
        const ctx = this.spaces.task.ctx(this.spaces.proc.task(proc.address));
        const fp = this.memory.s64(this.context.s(ctx));
        return this.kernelFrames({pc: this.context.ra(ctx), ra: 0, sp: this.context.sp(ctx), fp}, true);
    }

    kernelFrames(start, called) {
        const read = (va) => this.memory.s64(va);
        const found = [];
        for (let at = {regs: start, called}; at.regs;) {
            const {frames, regs, called: back} = unwind(this.image, at.regs, at.called, read, (r) => this.isTrap(r.pc));
            found.push(...frames);
            at = {regs: null};
            if (!regs || !this.isTrap(regs.pc))
                break;
            const interrupted = this.throughTrap(regs, back, found);
            if (interrupted && interrupted.pc >= 0)
                return found.concat(this.userFrames(interrupted, this.processOnStack(regs.sp), false));
            at = {regs: interrupted, called: false};
        }
        return found;
    }

    /* Whether pc is in the assembly that a trap comes through. */
    isTrap(pc) {
        const name = this.image.function(pc)?.name;
        return name === "trap_entry" || name === "from_kernel";
    }

    /*
     * The registers that a trap interrupted: its frame lies where sp is when C code is called. While the assembly itself
     * runs they are in no certain place.
     */
    throughTrap(regs, called, found) {
        found.push({...this.image.symbolize(regs.pc), pc: regs.pc, sp: regs.sp, trap: true});
        if (!called)
            return null;
        const frame = regs.sp, tf = this.trapframe;
        return {pc: tf.epc(frame), ra: tf.ra(frame), sp: tf.sp(frame), fp: tf.s0(frame)};
    }

    // ---- the program's part ----

    /* The process whose kernel stack an address is in: {name, root}, or null. */
    processOnStack(sp) {
        const slot = Math.floor((sp - 1 - this.stacks) / this.slotSize);
        const proc = this.spaces.procs().find((p) => this.spaces.task.kstack_slot(this.spaces.proc.task(p)) === slot);
        return proc ? this.runs(this.spaces.proc.task(proc)) : null;
    }

    runs(task) {
        const mm = this.spaces.task.mm(task);
        return {name: this.spaces.name(task), root: mm ? this.spaces.rootOf(mm) : null};
    }

    userFrames(regs, proc, called) {
        const image = proc && proc.root !== null ? this.program(proc) : null;
        if (!image)
            return [{...nowhere(regs.pc), user: true}];
        const read = (va) => this.userRead(proc.root, va);
        const {frames} = unwind(image, regs, called, read, () => false);
        const last = frames.findIndex((f) => f.start === image.entry);
        return (last < 0 ? frames : frames.slice(0, last + 1)).map((f) => ({...f, user: true}));
    }

    /* 8 bytes of a program's memory, with a sign; 0 where nothing is mapped. */
    userRead(root, va) {
        const {leaf} = this.tables.walk(root, va);
        return leaf ? this.memory.s64(leaf.pa + this.memory.offset) : 0;
    }
}

function several(n, one, more) {
    return `${n} ${n === 1 ? one : more}`;
}

/* Who holds a frame, in words: entries and regions are counted, others have words of their own. */
function holderWords(holders) {
    const own = holders.filter((h) => h.by === "process"), pins = holders.filter((h) => h.by === "region");
    const others = holders.filter((h) => h.by !== "process" && h.by !== "region");
    const words = others.map((h) => h.what ?? `${h.by === "root" ? "root" : "a table"} of ${pidsOf([h])}`);
    if (pins.length > 0)
        words.unshift(several(pins.length, "region", "regions"));
    if (own.length > 0)
        words.unshift(`${several(own.length, "own entry", "own entries")} (${pidsOf(own)})`);
    return words;
}

function pidsOf(list) {
    const pids = [...new Set(list.map((h) => h.pid))];
    return pids.map((pid) => pid ? `pid ${pid}` : "no process").join(", ");
}

function nowhere(pc) {
    return {pc, function: null, file: null, line: 0, offset: 0, calls: []};
}
