/*
 * The kernel's memory, read by the kernel's own names.
 *
 * Layouts come from the kernel's debug information (tools/layouts.py), so no offset stands here. Whoever reads a
 * struct says which fields it needs; one that the kernel does not have any more is named at once, not read wrongly.
 *
 * Addresses are numbers with a sign: the kernel's, the upper half of Sv39, lie between -2^38 and 0 and are exact in
 * JavaScript. A 64-bit field is read with a sign, too: what the kernel calls ~0 is -1.
 *
 * `mem` is the machine's RAM: read8(pa) and read32(pa), which give 0 where there is none and never throw.
 */

export const TWO_32 = 0x100000000;
const LIST_MAX = 100000;

/* A 64-bit value of the machine, as a BigInt or a number, as a number with a sign. */
export function address(value) {
    return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : value;
}

/* As the kernel prints it: 0x1000, 0xffffffc080200000. */
export function hex(value) {
    return "0x" + BigInt.asUintN(64, BigInt(value)).toString(16);
}

export class MissingName extends Error {}

export class Memory {
    constructor(mem, layouts) {
        if (layouts.format !== 1)
            throw new MissingName(`layouts of format ${layouts.format}, not 1: run tools/layouts.py again`);
        this.mem = mem;
        this.kernel = layouts.kernel;
        this.offset = this.constant("KERNEL_OFFSET");
        this.pageArray = this.constant("PAGE_ARRAY");
        this.pageSize = this.constant("PAGE_SIZE");
        this.root = this.object("kmap_root");
        this.next = this.struct("list", "next").next;
    }

    // ---- names ----

    need(table, name, kind) {
        if (!Object.hasOwn(this.kernel[table], name))
            throw new MissingName(`the kernel has no ${kind} '${name}', which the page reads`);
        return this.kernel[table][name];
    }

    constant(name) {
        return this.need("constants", name, "constant");
    }

    label(name) {
        return this.need("labels", name, "label");
    }

    /* The address of a variable of the kernel. */
    object(name) {
        return this.need("objects", name, "variable")[0];
    }

    /* How many elements a variable that is an array has. */
    count(name) {
        const bound = /^\[(\d+)\]/.exec(this.need("objects", name, "variable")[1]);
        if (!bound)
            throw new MissingName(`the kernel's variable '${name}' is no array, as which the page reads it`);
        return Number(bound[1]);
    }

    /* {name: value} of an enum, and the function from a value to its name in small letters: PAGE_USER is "user". */
    enum(name) {
        const values = this.need("enums", name, "enum");
        const words = new Map();
        for (const [word, value] of Object.entries(values))
            words.set(value, word.slice(word.indexOf("_") + 1).toLowerCase().replaceAll("_", " "));
        return {values, word: (value) => words.get(value) ?? `unknown ${value}`};
    }

    /*
     * A function for each field, from the address of a struct to what is there: a number, or of a struct or an array its
     * address. Besides: sizeof, and offsetof.FIELD. A variable names its struct by `{object: "bcache"}`.
     */
    struct(name, fields) {
        const text = typeof name === "string" ? "struct " + name : this.need("objects", name.object, "variable")[1];
        const layout = this.need("structs", text, "type");
        if (this.kernel.several.includes(text))
            throw new MissingName(`the kernel has several types '${text}', and the page cannot tell them apart`);
        const reader = {sizeof: layout.size, offsetof: {}};
        for (const field of fields.split(" ")) {
            if (!Object.hasOwn(layout.fields, field))
                throw new MissingName(`the kernel's ${text} has no field '${field}', which the page reads`);
            const [offset, type, bit, bits] = layout.fields[field];
            reader.offsetof[field] = offset;
            reader[field] = this.reader(offset, type, bit, bits);
        }
        return reader;
    }

    reader(offset, type, bit, bits) {
        if (bits !== undefined)
            return (va) => this.u8(va + offset) >> bit & (1 << bits) - 1;
        if (/^(u8|char|bool)$/.test(type))
            return (va) => this.u8(va + offset);
        if (type === "i32")
            return (va) => this.u32(va + offset) | 0;
        if (type === "u32" || type.startsWith("enum "))
            return (va) => this.u32(va + offset);
        if (/^([ui]64|\*.*)$/.test(type))
            return (va) => this.s64(va + offset);
        if (/^(\[|struct |union )/.test(type))
            return (va) => va + offset;
        throw new MissingName(`the page cannot read a field of type '${type}'`);
    }

    // ---- addresses ----

    /* Where an address of the kernel's lies in RAM; -1: nowhere. */
    phys(va) {
        if (va >= this.offset && va < this.pageArray)
            return va - this.offset;
        return va >= this.pageArray && va < 0 ? this.mapped(va) : -1;
    }

    /* The struct pages are no part of the linear map: the kernel's own table says where they are. */
    mapped(va) {
        let table = this.s64(this.root) - this.offset;
        const low = va + 0x8000000000;      // the lower 39 bits
        for (let level = 2; level >= 0; level--) {
            const span = this.pageSize * 512 ** level;
            const at = table + 8 * (Math.floor(low / span) % 512);
            const word = this.mem.read32(at), above = this.mem.read32(at + 4);
            if (!(word & 1))
                return -1;
            table = (above * TWO_32 + word - (word & 1023)) * 4;
            if (word & 14)
                return table + low % span;
        }
        return -1;
    }

    // ---- values ----

    u8(va) {
        const pa = this.phys(va);
        return pa < 0 ? 0 : this.mem.read8(pa);
    }

    u32(va) {
        const pa = this.phys(va);
        return pa < 0 ? 0 : this.mem.read32(pa) >>> 0;
    }

    s64(va) {
        const pa = this.phys(va);
        return pa < 0 ? 0 : (this.mem.read32(pa + 4) | 0) * TWO_32 + (this.mem.read32(pa) >>> 0);
    }

    /* The string of at most `max` bytes at an address. */
    text(va, max) {
        let found = "";
        for (let i = 0; i < max; i++) {
            const byte = this.u8(va + i);
            if (byte === 0)
                break;
            found += String.fromCharCode(byte);
        }
        return found;
    }

    /*
     * The addresses of what is chained in a struct list; `offset` is where in each the chain lies. Ends early where the
     * chain leads to nothing, to itself, or `good(address)` says that this is no such thing.
     */
    list(head, offset, good = () => true) {
        const found = [];
        let before = head;
        for (let at = this.next(head); at !== head && at !== before && found.length < LIST_MAX; at = this.next(at)) {
            if (this.phys(at) < 0 || !good(at - offset))
                break;
            found.push(at - offset);
            before = at;
        }
        return found;
    }
}
