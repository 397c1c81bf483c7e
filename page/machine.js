/*
 * The machine (machine/*.c, as WebAssembly) for JavaScript: run it, type, go back, look at its state.
 *
 * An instant is a count of steps, a number: exact up to 2^53. Addresses that come out are numbers with a sign, as in
 * layout.js. No DOM here: it runs in node as well.
 */
import {address} from "./layout.js";

export const STOP = {UNTIL: 0, IDLE: 1, OFF: 2, RESET: 3, EVENT: 4};
export const KINDS = ["trap", "return", "sbi", "call", "table", "store", "fence", "switch"];
export const KIND = Object.fromEntries(KINDS.map((name, i) => [name, i]));

const OPTIONS = ["harts", "slice", "stepsPerTime", "timebase", "unkind", "diskDelay", "ram", "seed", "diskIsRam"];
const DEFAULTS = {harts: 3, slice: 1000, stepsPerTime: 1, timebase: 10000000, unkind: 0, diskDelay: 1000,
                  ram: 128 << 20, seed: 0, diskIsRam: 0, bootargs: ""};
const FIELDS = ["x", "pc", "mode", "sstatus", "sie", "stvec", "sepc", "scause", "stval", "satp", "instret", "id", "state",
                "waiting", "tlb", "tlbSize", "vpn", "pa", "flags", "level", "tlbEntries"];
const RECORDS = 1 << 18;
const RECORD = 40;                  // bytes of a struct record
const RAM_BASE = 0x80000000;
const BOOTARGS_MAX = 255;

export class MachineError extends Error {}

export class Machine {
    /*
     * Makes a machine that is about to run its first instruction. `wasm` is the module's bytes, `kernel` an ELF file,
     * `image` the disk; `name` is a run's name, whose options and typing it takes.
     */
    static async create({wasm, kernel, image, options = {}, name}) {
        const {instance} = await WebAssembly.instantiate(wasm, {});
        const machine = new Machine(instance.exports);
        if (name)
            machine.parse(name);
        else
            machine.setOptions({...DEFAULTS, ...options});
        machine.begin(kernel, image);
        return machine;
    }

    constructor(exports) {
        this.wasm = exports;
        this.decoder = new TextDecoder();
        this.views();
        this.mem = {read8: (pa) => this.read8(pa), read32: (pa) => this.read32(pa)};
    }

    /* Memory that has grown has a new buffer. */
    views() {
        if (this.view?.buffer === this.wasm.memory.buffer)
            return;
        this.view = new DataView(this.wasm.memory.buffer);
        this.bytes = new Uint8Array(this.wasm.memory.buffer);
        this.words = new Int32Array(this.wasm.memory.buffer);
    }

    put(at, bytes) {
        this.views();
        this.bytes.set(bytes, at);
    }

    setOptions(options) {
        OPTIONS.forEach((name, i) => this.wasm.option(i, BigInt(options[name])));
        const args = new TextEncoder().encode(options.bootargs).slice(0, BOOTARGS_MAX);
        this.put(this.wasm.bootargs_room(), [...args, 0]);
    }

    parse(name) {
        this.put(this.wasm.name_room(), [...new TextEncoder().encode(name), 0]);
        if (!this.wasm.parse())
            throw new MachineError(`no run is called ${name}`);
    }

    begin(kernel, image) {
        this.put(this.wasm.kernel_room(kernel.length), kernel);
        this.put(this.wasm.image_room(image.length), image);
        if (!this.wasm.begin(BigInt(RECORDS)))
            throw new MachineError("the kernel does not fit this machine");
        this.views();
        this.memory = this.wasm.memory_at() >>> 0;
        this.size = Number(this.wasm.memory_size());
        const layout = this.wasm.hart_layout() >>> 0;
        this.layout = Object.fromEntries(FIELDS.map((name, i) => [name, this.view.getUint32(layout + 4 * i, true)]));
    }

    // ---- running ----

    get step() {
        return Number(this.wasm.step());
    }

    /* The latest instant that was reached. */
    get end() {
        return Number(this.wasm.end());
    }

    get live() {
        return this.step === this.end;
    }

    /* Runs so many steps. => one of STOP */
    run(steps) {
        const stop = this.wasm.run(BigInt(steps));
        this.views();
        return stop;
    }

    /* Runs until an event of these kinds has happened, at most so many steps. => the event, or null */
    runTo(kinds, steps, call = 0) {
        this.wasm.set_stop(mask(kinds), BigInt(call));
        const stop = this.run(steps);
        this.wasm.set_stop(0, 0n);
        return stop === STOP.EVENT ? this.event(this.wasm.last_at()) : null;
    }

    /* While all harts wait: lets time go on to whatever comes next. */
    skip() {
        return this.wasm.skip() !== 0;
    }

    /* Seconds until the machine goes on by itself; -1: not without a key. */
    waitTime() {
        return this.wasm.wait_time() / DEFAULTS.timebase;
    }

    /* Whoever runs it lets time pass while all harts wait, with skip(). */
    pace(on) {
        this.wasm.set_paced(on);
    }

    /* Types text. In the past this begins another future. => how many bytes were taken */
    type(text) {
        const bytes = new TextEncoder().encode(text);
        const taken = bytes.findIndex((byte) => !this.wasm.type(byte));
        this.views();
        return taken < 0 ? bytes.length : taken;
    }

    /* What was printed since the last call, and never before. */
    output() {
        const n = this.wasm.take_output(), at = this.wasm.output_at() >>> 0;
        return n ? this.decoder.decode(this.bytes.slice(at, at + n), {stream: true}) : "";
    }

    // ---- the past ----

    seek(step) {
        const there = this.wasm.seek(BigInt(step)) !== 0;
        this.views();
        return there;
    }

    /* The last event of these kinds before an instant, or null. The machine then stands at `instant`. */
    before(kinds, instant = this.step, call = 0) {
        return this.search(instant, () => this.wasm.before(mask(kinds), BigInt(instant), BigInt(call)));
    }

    /* The last store to [pa, pa + size) before an instant, or null. The machine then stands at `instant`. */
    writer(pa, size, instant = this.step) {
        return this.search(instant, () => this.wasm.writer(BigInt(pa), BigInt(size), BigInt(instant)));
    }

    search(instant, find) {
        const found = find() ? this.event(this.wasm.found_at()) : null;
        this.seek(instant);
        return found;
    }

    event(at) {
        const {view} = this;
        at >>>= 0;
        return {step: Number(view.getBigUint64(at, true)), a: view.getBigUint64(at + 8, true),
                b: view.getBigUint64(at + 16, true), pc: address(view.getBigUint64(at + 24, true)),
                hart: view.getUint16(at + 32, true), mode: view.getUint8(at + 34), kind: KINDS[view.getUint8(at + 35)]};
    }

    /* From now on, events of these kinds are kept when they happen first. */
    record(kinds) {
        this.wasm.set_recorded(mask(kinds));
    }

    /* The number of the first event that is kept, and the number behind the last. */
    get recorded() {
        const end = Number(this.wasm.records());
        return [Math.max(0, end - RECORDS), end];
    }

    /* Event number n of those. Its pc has the lower 32 bits alone, as the kernel's or a program's. */
    recordAt(n) {
        const {view} = this, at = (this.wasm.records_at() >>> 0) + n % RECORDS * RECORD;
        const mode = view.getUint8(at + 37), pc = view.getUint32(at + 32, true);
        return {step: Number(view.getBigUint64(at, true)), a: view.getBigUint64(at + 8, true), b: view.getBigUint64(at + 16, true),
                root: Number(view.getBigUint64(at + 24, true) & 0xfffffffffffn) * 4096, pc: mode === 1 ? pc - 0x4000000000 : pc,
                hart: view.getUint8(at + 36), mode, kind: KINDS[view.getUint8(at + 38)]};
    }

    /* The number of the first kept event at or after an instant. */
    recordFrom(step) {
        let [low, high] = this.recorded;
        while (low < high) {
            const middle = Math.floor((low + high) / 2);
            if (this.recordAt(middle).step < step)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /* Calls of this function become events. */
    probe(va) {
        this.wasm.probe(BigInt.asUintN(64, BigInt(va)));
    }

    /* Where the kernel keeps a frame's kind: then stores to page tables become events. */
    watchTables({pages, stride, offset, table}) {
        pages.forEach((pa, n) => this.wasm.frame_page(n, BigInt(pa)));
        this.wasm.frame_kind(stride, offset, table);
    }

    /* Letters that name this run up to now: whoever gets them gets it. */
    get name() {
        const n = this.wasm.run_name(), at = this.wasm.name_room() >>> 0;
        return this.decoder.decode(this.bytes.slice(at, at + n));
    }

    // ---- the state ----

    get hash() {
        return BigInt.asUintN(64, this.wasm.hash());
    }

    get replayed() {
        return Number(this.wasm.replayed());
    }

    get harts() {
        return this.wasm.harts();
    }

    /* The hart whose turn it is. */
    get turn() {
        return this.wasm.turn();
    }

    /* Seconds of the machine's time. */
    get seconds() {
        return Number(this.wasm.time()) / DEFAULTS.timebase;
    }

    read8(pa) {
        const at = pa - RAM_BASE;
        return at >= 0 && at < this.size ? this.bytes[this.memory + at] : 0;
    }

    read32(pa) {
        const at = pa - RAM_BASE;
        return at >= 0 && at + 4 <= this.size ? this.words[(this.memory + at) >> 2] : 0;
    }

    number(at) {
        return address(this.view.getBigUint64(at, true));
    }

    /* A hart's registers: {id, mode: "U" | "S", pc, x, satp, root, ...}; root is its table's physical address or 0. */
    hart(i) {
        const {layout, view} = this, at = this.wasm.hart_at(i) >>> 0;
        const satp = view.getBigUint64(at + layout.satp, true);
        const hart = {id: view.getUint32(at + layout.id, true), mode: view.getUint32(at + layout.mode, true) ? "S" : "U",
                      started: view.getUint32(at + layout.state, true) === 1, waiting: view.getUint8(at + layout.waiting) !== 0,
                      satp, root: Number(satp & 0xfffffffffffn) * 4096,
                      x: Array.from({length: 32}, (_, r) => this.number(at + layout.x + 8 * r))};
        for (const name of ["pc", "sstatus", "sie", "stvec", "sepc", "scause", "stval", "instret"])
            hart[name] = this.number(at + layout[name]);
        return hart;
    }

    /* What a hart's TLB remembers: [{va, pa, flags, level}]. */
    tlb(i) {
        const {layout, view} = this, start = (this.wasm.hart_at(i) >>> 0) + layout.tlb;
        const found = [];
        for (let n = 0; n < layout.tlbEntries; n++) {
            const at = start + n * layout.tlbSize, vpn = view.getBigUint64(at + layout.vpn, true);
            if (vpn !== 0xffffffffffffffffn)
                found.push({va: address(vpn << 12n), pa: this.number(at + layout.pa),
                            flags: view.getUint32(at + layout.flags, true), level: view.getUint32(at + layout.level, true)});
        }
        return found;
    }
}

function mask(kinds) {
    return kinds.reduce((bits, name) => bits | 1 << KIND[name], 0);
}
