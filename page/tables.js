/*
 * Sv39, as mm/pgtable.h walks it: three tables of 512 entries, nine bits of the address for each.
 *
 *     38      30 29      21 20      12 11        0
 *    +----------+----------+----------+-----------+
 *    |  level 2 |  level 1 |  level 0 |   offset  |
 *    +----------+----------+----------+-----------+
 */

import {TWO_32} from "./layout.js";

const SPAN_39 = 0x8000000000;

/* The flags by the kernel's names, in the order in which they are spelt. */
const FLAGS = ["R", "W", "X", "U", "G", "A", "D", "S", "H", "V"];

export class Tables {
    constructor(memory) {
        this.mem = memory.mem;
        this.pageSize = memory.pageSize;
        this.levels = memory.constant("PT_LEVELS");
        this.entries = memory.constant("PT_ENTRIES");
        this.bits = Object.fromEntries(FLAGS.map((f) => [f, memory.constant("PTE_" + f)]));
    }

    span(level) {
        return this.pageSize * this.entries ** level;
    }

    index(va, level) {
        const low = va < 0 ? va + SPAN_39 : va;
        return Math.floor(low / this.span(level)) % this.entries;
    }

    /* The entry at physical address `at`, taken apart. `next` is the frame that it names, as a number. */
    entry(at) {
        const low = this.mem.read32(at) >>> 0, high = this.mem.read32(at + 4) >>> 0;
        const flags = low & 1023;
        return {at, low, high, flags, next: ((high & 0x3fffff) * TWO_32 + low - flags) / 1024,
                valid: (flags & this.bits.V) !== 0,
                leaf: (flags & (this.bits.R | this.bits.W | this.bits.X)) !== 0,
                present: low !== 0 || high !== 0};
    }

    /* "RWXUGADS", with - for what is not set; H (PROT_NONE) and no V are said behind it. */
    flagText(flags) {
        const text = FLAGS.slice(0, 8).map((f) => flags & this.bits[f] ? f : "-").join("");
        return text + (flags & this.bits.H ? " H" : "") + (flags & this.bits.V ? "" : " (invalid)");
    }

    /*
     * The walk to va from the root at physical address `root`.
     * => {va, offset, steps, leaf}; a step is {level, table, index, at, value, flags, text, next, valid}; leaf is null, or
     *    {frame, pa, level, flags, text, shared} where the walk came to a page.
     */
    walk(root, va) {
        const steps = [];
        let table = root, leaf = null;
        for (let level = this.levels - 1; level >= 0; level--) {
            const index = this.index(va, level), e = this.entry(table + 8 * index);
            const value = "0x" + (BigInt(e.high) << 32n | BigInt(e.low)).toString(16).padStart(16, "0");
            steps.push({level, table, index, at: e.at, value, flags: e.flags, text: this.flagText(e.flags),
                        next: e.next, valid: e.valid});
            if (e.valid && e.leaf)
                leaf = this.leafOf(e, level, va);
            if (!e.valid || e.leaf)
                break;
            table = e.next * this.pageSize;
        }
        return {va, root, offset: this.within(va, 0), steps, leaf};
    }

    within(va, level) {
        return (va < 0 ? va + SPAN_39 : va) % this.span(level);
    }

    leafOf(e, level, va) {
        const pa = e.next * this.pageSize + this.within(va, level);
        return {frame: Math.floor(pa / this.pageSize), pa, level, flags: e.flags, text: this.flagText(e.flags),
                shared: (e.flags & this.bits.S) !== 0};
    }

    /*
     * The user half as a tree: {table, level, va, entries}. An entry is {index, va, at, flags, text, shared} and either
     * `frame`, or `child` with the table below.
     */
    tree(root, level = this.levels - 1, base = 0) {
        const entries = [];
        this.each(root, level, (index, e) => {
            const va = base + index * this.span(level);
            const entry = {index, va, at: e.at, flags: e.flags, text: this.flagText(e.flags),
                           shared: (e.flags & this.bits.S) !== 0};
            if (level > 0 && e.valid && !e.leaf)
                entry.child = this.tree(e.next * this.pageSize, level - 1, va);
            else
                entry.frame = e.next;
            entries.push(entry);
        });
        return {table: root, level, va: base, entries};
    }

    /* Each entry of a table that holds something; of the root only those of the user half. */
    each(table, level, visit) {
        const end = level === this.levels - 1 ? this.entries / 2 : this.entries;
        for (let i = 0; i < end; i++)
            if (this.mem.read32(table + 8 * i) !== 0)
                visit(i, this.entry(table + 8 * i));
    }

    /*
     * Visits the user half: page(va, frame, flags, at) for each page, table(va, frame, level, at) for each table below
     * the root, with `at` the physical address of the entry above.
     */
    visit(root, page, table, level = this.levels - 1, base = 0) {
        this.each(root, level, (index, e) => {
            const va = base + index * this.span(level);
            if (level > 0 && e.valid && !e.leaf) {
                table(va, e.next, level - 1, e.at);
                this.visit(e.next * this.pageSize, page, table, level - 1, va);
            } else {
                page(va, e.next, e.flags, e.at);
            }
        });
    }

    /* The frames of the kernel half's tables below the root, and its leaves from `from` on as [frame, frames, va]. */
    kernelHalf(root, from) {
        const tables = [], leaves = [];
        const look = (table, level, base, first) => {
            for (let i = first; i < this.entries; i++) {
                const e = this.entry(table + 8 * i), va = base + i * this.span(level);
                if (!e.valid)
                    continue;
                if (e.leaf) {
                    if (va >= from)
                        leaves.push([e.next, this.entries ** level, va]);
                } else {
                    tables.push(e.next);
                    look(e.next * this.pageSize, level - 1, va, 0);
                }
            }
        };
        look(root, this.levels - 1, -SPAN_39, this.entries / 2);
        return {tables, leaves};
    }
}
