/*
 * What lies at an address of RAM, in the kernel's own words: `slots[3].task.mm`, the count of a frame, an entry of a page
 * table, a field of a vma. For whoever has seen a store and wants to say to what.
 */

import {hex} from "./layout.js";

/* In bytes; whatever else is no struct and no array is an enum or an address. */
const SIZES = {u8: 1, i8: 1, char: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8};

/* The type that a field or a variable has, as layouts.py writes it: the elements of an array, or null. */
function element(type) {
    const found = /^\[(\d+)\](.*)$/.exec(type);
    return found ? {count: Number(found[1]), type: found[2]} : null;
}

export class Places {
    constructor(memory, tables, frames, spaces) {
        this.memory = memory;
        this.tables = tables;
        this.frames = frames;
        this.spaces = spaces;
        this.structs = memory.kernel.structs;
        this.objects = Object.entries(memory.kernel.objects)
            .map(([name, [start, type]]) => ({name, start, type, size: this.sizeof(type)}))
            .sort((a, b) => a.start - b.start);
        this.slot = memory.constant("KSTACK_SLOT");
        this.firstTask = memory.constant("KSTACK_SLOT_TASKS");
    }

    // ---- types ----

    sizeof(type) {
        const array = element(type);
        if (array)
            return array.count * this.sizeof(array.type);
        if (this.structs[type])
            return this.structs[type].size;
        return SIZES[type] ?? (type.startsWith("enum ") ? SIZES.u32 : SIZES.u64);
    }

    /* The way from a thing of a type to the byte at `offset` in it: ".task.mm", "[3].lock". */
    path(type, offset) {
        const array = element(type);
        if (array) {
            const size = this.sizeof(array.type), i = Math.floor(offset / size);
            return `[${i}]${this.path(array.type, offset - i * size)}`;
        }
        const fields = Object.entries(this.structs[type]?.fields ?? {});
        const found = fields.find(([, [at, text]]) => offset >= at && offset < at + this.sizeof(text));
        return found ? `.${found[0]}${this.path(found[1][1], offset - found[1][0])}` : "";
    }

    /* The fields of the struct at an address of the kernel's: [{name, type, value}]; of a struct or an array the address. */
    fields(type, at) {
        return Object.entries(this.structs[type]?.fields ?? {}).map(([name, [offset, text, bit, bits]]) =>
            ({name, type: text, value: this.memory.reader(offset, text, bit, bits)(at)}));
    }

    // ---- addresses ----

    /*
     * => {kind, words, ...} of the byte at physical address pa. `kind` is "variable", "stack", "page", "entry", "object",
     * "user", "cache" or "other"; what is known besides (name, pid, frame, va, field) stands beside it.
     */
    at(pa) {
        const m = this.memory, frame = this.frames.number(pa), va = pa + m.offset;
        if (va >= m.label("__kernel_start") && va < m.label("__kernel_end"))
            return va >= m.label("__stacks_start") ? this.stack(va) : this.variable(va);
        return this.structPage(pa) ?? this.inFrame(frame, pa % m.pageSize);
    }

    variable(va) {
        const o = this.objects.find((o) => va >= o.start && va < o.start + Math.max(1, o.size));
        const name = o ? o.name + this.path(o.type, va - o.start) : "the kernel's image: " + this.frames.imagePart(
            this.frames.number(this.memory.phys(va)));
        return {kind: "variable", name, words: name + this.processOfSlot(o, va)};
    }

    processOfSlot(o, va) {
        if (o?.name !== "slots")
            return "";
        const {proc} = this.spaces, at = o.start + Math.floor((va - o.start) / proc.sizeof) * proc.sizeof;
        const pid = this.spaces.pid(at);
        return pid ? ` (pid ${pid})` : "";
    }

    stack(va) {
        const slot = Math.floor((va - this.memory.label("__stacks_start")) / this.slot);
        const task = (p) => this.spaces.proc.task(p);
        const proc = this.spaces.procs().find((p) => this.spaces.task.kstack_slot(task(p)) === slot);
        const owner = proc ? `pid ${this.spaces.pid(proc)}` : slot < this.firstTask ? `hart ${slot}` : "nobody";
        return {kind: "stack", slot, pid: proc ? this.spaces.pid(proc) : 0, words: `kernel stack of ${owner}`};
    }

    structPage(pa) {
        const m = this.memory, frame = this.frames.number(pa), root = m.phys(m.s64(m.root));
        if (root < 0)
            return null;
        const leaf = this.tables.kernelHalf(root, m.pageArray).leaves
            .find(([first, count]) => frame >= first && frame < first + count);
        if (!leaf)
            return null;
        const offset = leaf[2] - m.pageArray + pa - leaf[0] * m.pageSize, size = this.frames.page.sizeof;
        const named = Math.floor(offset / size), field = this.path("struct page", offset % size).slice(1);
        const what = field === "refs" ? "the count" : `'${field}'`;
        return {kind: "page", frame: named, field, words: `${what} of frame ${hex(named)}`};
    }

    inFrame(frame, offset) {
        const holders = this.spaces.tableHolders(frame);
        if (holders.length > 0)
            return this.tableEntry(holders[0], Math.floor(offset / 8));
        const slab = this.frames.slabAt(frame);
        if (slab)
            return this.object(frame, slab, offset);
        const blocks = this.frames.cacheBuffers().get(frame);
        if (blocks)
            return this.block(frame, blocks, offset);
        const [mapping] = this.spaces.mappings(frame);
        if (mapping)
            return {kind: "user", pid: mapping.pid, va: mapping.va + offset,
                    words: `a program's memory: pid ${mapping.pid}, ${hex(mapping.va + offset)}`};
        return {kind: "other", frame, words: `frame ${hex(frame)}`};
    }

    tableEntry(holder, index) {
        const kernels = holder.level === this.tables.levels - 1 && index >= this.tables.entries / 2;
        const va = holder.start + index * this.tables.span(holder.level);
        const span = kernels ? "the kernel's half" : hex(va);
        return {kind: "entry", pid: holder.pid, level: holder.level, index, va: kernels ? null : va,
                words: `page table of pid ${holder.pid}, level ${holder.level}, entry ${index}: ${span}`};
    }

    /* A slab's name is that of the struct whose objects it holds, if there is one. */
    object(frame, slab, offset) {
        const m = this.memory, header = this.frames.slab.sizeof, type = "struct " + slab.name;
        if (offset < header)
            return {kind: "object", name: "slab", words: `header of a frame of "${slab.name}"`};
        const within = (offset - header) % slab.size, at = m.offset + frame * m.pageSize + offset - within;
        const field = this.path(type, within).slice(1);
        return {kind: "object", name: slab.name, address: at, field,
                words: `${slab.name}${field ? "." + field : ""}${this.whose(slab.name, at)}`};
    }

    whose(name, at) {
        const {spaces} = this;
        const mm = name === "vma" ? spaces.vma.mm(at) : name === "mm" ? at : 0;
        const found = mm ? spaces.all().find((a) => a.mm === mm) : null;
        const range = name === "vma" ? `, ${hex(spaces.vma.start(at))}-${hex(spaces.vma.end(at))}` : "";
        return found ? ` (pid ${found.pid}${range})` : "";
    }

    block(frame, buffers, offset) {
        const m = this.memory, va = m.offset + frame * m.pageSize + offset;
        const {buf} = this.frames;
        const starts = buffers.map((b) => [buf.data(b), buf.block(b)]).sort((a, b) => b[0] - a[0]);
        const [start, block] = starts.find(([start]) => start <= va) ?? [va, 0];
        return {kind: "cache", block, offset: va - start, words: `block cache: block ${block}, byte ${va - start}`};
    }

    // ---- locks ----

    /* Where the kernel's spin locks are, but for those in objects that come and go: [{address, path}]. */
    locks() {
        return this.known ??= this.objects.flatMap((o) => this.locksIn(o.type, o.start, o.name));
    }

    locksIn(type, at, path) {
        if (type === "struct spinlock")
            return [{address: at, path}];
        const array = element(type);
        if (array) {
            const size = this.sizeof(array.type), n = this.structs[array.type] ? array.count : 0;
            return Array.from({length: n}, (_, i) => this.locksIn(array.type, at + i * size, `${path}[${i}]`)).flat();
        }
        return Object.entries(this.structs[type]?.fields ?? {})
            .flatMap(([name, [offset, text]]) => this.locksIn(text, at + offset, `${path}.${name}`));
    }

    /* The same of address spaces and regions, at this instant. */
    livingLocks() {
        const {spaces} = this;
        const mms = spaces.all().map(({mm, pid}) => ({address: spaces.mm.lock(mm), path: `mm of pid ${pid}.lock`}));
        return mms.concat(spaces.regionList().map((r) => ({address: spaces.region.lock(r), path: "region.lock"})));
    }
}
