/*
 * The frames of RAM: what each is used for, by its struct page and by what of the kernel can be found to hold it.
 */

/* What a frame can be. "reserved": the firmware's, the device tree's, an initrd's. */
export const STATES = ["free", "kernel", "table", "user", "pinned", "cache", "reserved"];

const FREE = 0, KERNEL = 1, TABLE = 2, USER = 3, PINNED = 4, CACHE = 5, RESERVED = 6;

export class Frames {
    constructor(memory, tables) {
        this.memory = memory;
        this.tables = tables;
        this.page = memory.struct("page", "refs kind next order head");
        this.kinds = memory.enum("page_kind");
        this.stateOf = this.statesByKind();
        this.extent = memory.struct("frame_extent", "first next end");
        this.range = memory.struct("phys_range", "start end");
        this.slab = memory.struct("slab", "magic used cache");
        this.cache = memory.struct("slab_cache", "name size objects frames");
        this.bcache = memory.struct({object: "bcache"}, "lru groups");
        this.buf = memory.struct("buf", "block lru group data");
        this.group = memory.struct("buf_group", "page buf");
    }

    statesByKind() {
        const states = {FREE, KERNEL, TABLE, USER};
        const found = [];
        for (const [name, value] of Object.entries(this.kinds.values))
            found[value] = states[name.replace("PAGE_", "")] ?? KERNEL;
        return found;
    }

    // ---- from one to another ----

    number(pa) {
        return Math.floor(pa / this.memory.pageSize);
    }

    /* Of a struct page at an address of the kernel's. */
    numberOfPage(page) {
        return (page - this.memory.pageArray) / this.page.sizeof;
    }

    /* The address of a frame's struct page. */
    structPage(frame) {
        return this.memory.pageArray + frame * this.page.sizeof;
    }

    // ---- what RAM there is ----

    /* [first frame, frames] of each range of RAM that the kernel uses. Before it has looked there are none. */
    banks() {
        const m = this.memory, ranges = m.object("ram_ranges");
        const n = Math.min(m.s64(m.object("ram_nranges")), m.count("ram_ranges"));
        const found = [];
        for (let i = 0; i < n; i++) {
            const at = ranges + i * this.range.sizeof;
            const first = this.number(this.range.start(at));
            found.push([first, this.number(this.range.end(at)) - first]);
        }
        return found;
    }

    /* [first, next, end] of each run of frames that the allocator has; from `next` on none was used yet. */
    extents() {
        const m = this.memory, extents = m.object("frame_extents");
        const n = Math.min(m.s64(m.object("frame_nextents")), m.count("frame_extents"));
        const found = [];
        for (let i = 0; i < n; i++) {
            const at = extents + i * this.extent.sizeof;
            found.push([this.extent.first(at), this.extent.next(at), this.extent.end(at)]);
        }
        return found;
    }

    // ---- the map ----

    /*
     * All frames: [{first, count, state, refs, pins}] for each bank, where state[i] is an index of STATES, refs[i] the
     * number of holders and pins[i] how many of them are regions; i counts from frame `first`.
     * `banks` as banks() gives them; the machine knows them before the kernel does.
     */
    all(banks = this.banks()) {
        const found = banks.map(([first, count]) => ({first, count, state: new Uint8Array(count).fill(RESERVED),
                                                      refs: new Uint32Array(count), pins: new Uint32Array(count)}));
        for (const bank of found) {
            for (const [first, next, end] of this.extents()) {
                this.fill(bank, next, end, FREE);
                this.readPages(bank, Math.max(first, bank.first), Math.min(next, bank.first + bank.count));
            }
            this.markKernel(bank);
        }
        return found;
    }

    fill(bank, first, end, state) {
        const from = Math.max(0, first - bank.first), to = Math.min(bank.count, end - bank.first);
        if (from < to)
            bank.state.fill(state, from, to);
    }

    /* Reads the struct pages of [first, end), which lie one after the other within each page of the kernel's map. */
    readPages(bank, first, end) {
        const {memory, page} = this, size = page.sizeof, perPage = memory.pageSize / size;
        for (let frame = first; frame < end;) {
            const stop = Math.min(end, (Math.floor(frame / perPage) + 1) * perPage);
            const pa = memory.phys(this.structPage(frame));
            if (pa >= 0)
                this.readRun(bank, frame - bank.first, stop - bank.first, pa);
            frame = stop;
        }
    }

    readRun(bank, from, to, pa) {
        const mem = this.memory.mem, size = this.page.sizeof, {refs, kind} = this.page.offsetof;
        for (let i = from; i < to; i++, pa += size) {
            const state = this.stateOf[mem.read8(pa + kind)] ?? KERNEL;
            const pins = mem.read32(pa + refs + 4);
            bank.state[i] = state === USER && pins !== 0 ? PINNED : state;
            bank.refs[i] = mem.read32(pa + refs);
            bank.pins[i] = pins;
        }
    }

    markKernel(bank) {
        const own = this.kernelOwn();
        this.fill(bank, ...own.image, KERNEL);
        for (const [first, count] of own.pages)
            this.fill(bank, first, first + count, KERNEL);
        for (const frame of own.tables)
            this.fill(bank, frame, frame + 1, TABLE);
        for (const frame of this.cacheFrames())
            this.fill(bank, frame, frame + 1, CACHE);
    }

    /*
     * What the kernel took before there was an allocator: image [first, end), tables, and pages of struct pages as
     * [first, count, va].
     */
    kernelOwn() {
        const m = this.memory, root = m.s64(m.root);
        const image = ["__kernel_start", "__kernel_end"].map((name) => this.number(m.label(name) - m.offset));
        if (m.phys(root) < 0)
            return {image, tables: [], pages: []};
        const {tables, leaves} = this.tables.kernelHalf(m.phys(root), m.pageArray);
        return {image, tables: [this.number(m.phys(root)), ...tables], pages: leaves};
    }

    // ---- who in the kernel has a frame ----

    /* {frame: addresses of its struct bufs} of the block cache. */
    cacheBuffers() {
        const m = this.memory, found = new Map();
        for (const buf of m.list(this.bcache.lru(m.object("bcache")), this.buf.offsetof.lru)) {
            const frame = this.number(m.phys(this.buf.data(buf)));
            if (!found.has(frame))
                found.set(frame, []);
            found.get(frame).push(buf);
        }
        return found;
    }

    cacheFrames() {
        return this.cacheBuffers().keys();
    }

    /* Which cache's objects a frame holds: {name, used, size}; null when it is no slab. */
    slabAt(frame) {
        const m = this.memory, at = m.offset + frame * m.pageSize;
        if (this.slab.magic(at) !== m.constant("SLAB_MAGIC"))
            return null;
        const cache = this.slab.cache(at);
        return {name: m.text(this.cache.name(cache), 32), used: this.slab.used(at), size: this.cache.size(cache)};
    }

    /* What the kernel has in a frame of the kernel's, in words. */
    kernelUse(frame) {
        const buffers = this.cacheBuffers().get(frame);
        if (buffers) {
            const blocks = buffers.map((b) => this.buf.block(b)).filter((n) => n !== 0).sort((a, b) => a - b);
            return `block cache: ${blocks.length > 0 ? "blocks " + blocks.join(", ") : "no block"}`;
        }
        const slab = this.slabAt(frame);
        return slab ? `objects of the kernel: ${slab.used} of "${slab.name}", ${slab.size} bytes each`
                    : "a buffer of the kernel";
    }

    /* The same for what is no frame of the allocator's. */
    outsideUse(frame) {
        const own = this.kernelOwn();
        if (frame >= own.image[0] && frame < own.image[1])
            return "the kernel's image: " + this.imagePart(frame);
        if (own.tables.includes(frame))
            return "a page table of the kernel's own map";
        if (own.pages.some(([first, count]) => frame >= first && frame < first + count))
            return "the array of struct page";
        return "reserved: firmware, device tree or initrd";
    }

    imagePart(frame) {
        const m = this.memory, va = m.offset + frame * m.pageSize;
        if (va < m.label("__text_end"))
            return "text";
        if (va < m.label("__rodata_end"))
            return "rodata";
        return va < m.label("__stacks_start") ? "data" : "stacks";
    }
}
