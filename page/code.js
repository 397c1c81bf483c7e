/*
 * What an address of code stands for: function, file and line, calls that were inlined; and who called it.
 *
 * A program's code is made of parts (tools/dwarf_code.py says how they are written). A part is decoded when it is first
 * asked for.
 */

const RA = 1, SP = 2, FP = 8;
const FRAMES_MAX = 64;

/* The index of the last number that is not above x; -1: all are. */
function last(numbers, x) {
    let low = -1, high = numbers.length;
    while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (numbers[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

function sums(differences) {
    let sum = 0;
    return differences.map((d) => sum += d);
}

class Part {
    constructor(written) {
        const [lineAt, lineFile, line] = written.lines;
        const [start, size, name] = written.functions;
        const [inAt, inSize, inName, inFile, inLine, depth] = written.inlined;
        const [ruleAt, rule] = written.callers;
        this.size = written.size;
        this.lines = {at: sums(lineAt), file: sums(lineFile), line: sums(line)};
        this.functions = {at: sums(start), size, name: sums(name)};
        this.inlined = {at: sums(inAt), size: inSize, name: inName, file: sums(inFile), line: sums(inLine), depth};
        this.rules = {at: sums(ruleAt), rule};
    }

    /* The inlined calls around an offset, innermost first. */
    inlinedAt(offset) {
        const {at, size, depth} = this.inlined;
        const found = [];
        for (let i = last(at, offset); i >= 0; i--) {
            if (offset < at[i] + size[i])
                found.push(i);
            if (depth[i] === 0)     // all others lie in this one, or before it
                break;
        }
        return found;
    }
}

/* All code that there is: of the kernel and of every program. */
export class Code {
    constructor(written) {
        this.written = written;
        this.files = written.files;
        this.names = written.names;
        this.decoded = [];
    }

    part(number) {
        return this.decoded[number] ??= new Part(this.written.parts[number]);
    }

    /* `entry` is where a program begins: nobody has called that. */
    image(parts, entry = null) {
        return new Image(this, parts, entry);
    }
}

/* The code of one program, at its addresses. */
class Image {
    constructor(code, parts, entry) {
        this.code = code;
        this.entry = entry;
        this.starts = parts.map(([start]) => start);
        this.numbers = parts.map(([, number]) => number);
    }

    find(pc) {
        const i = last(this.starts, pc);
        if (i < 0)
            return null;
        const part = this.code.part(this.numbers[i]), offset = pc - this.starts[i];
        return offset < part.size ? {part, offset, start: this.starts[i]} : null;
    }

    /* => {file, line}, or null. */
    line(pc) {
        const found = this.find(pc);
        const i = found ? last(found.part.lines.at, found.offset) : -1;
        return i < 0 ? null : {file: this.code.files[found.part.lines.file[i]], line: found.part.lines.line[i]};
    }

    /* => {name, start, size} of the function that the linker placed there, or null. */
    function(pc) {
        const found = this.find(pc);
        const i = found ? last(found.part.functions.at, found.offset) : -1;
        if (i < 0 || found.offset >= found.part.functions.at[i] + found.part.functions.size[i])
            return null;
        const {at, name, size} = found.part.functions;
        return {name: this.code.names[name[i]], start: found.start + at[i], size: size[i]};
    }

    /*
     * => null, or {pc, function, file, line, start, offset, calls}. `calls` are the functions that pc is in, innermost first,
     * each with the file and line it has got to: the last is the function itself, those before were inlined in it.
     * `function`, `file` and `line` are the innermost's; `start` and `offset` are the function's own.
     */
    symbolize(pc) {
        const found = this.find(pc), own = this.function(pc);
        if (!own)
            return null;
        let at = this.line(pc) ?? {file: null, line: 0};
        const calls = [];
        for (const i of found.part.inlinedAt(found.offset)) {
            const {name, file, line} = found.part.inlined;
            calls.push({function: this.code.names[name[i]], ...at});
            at = {file: this.code.files[file[i]], line: line[i]};
        }
        calls.push({function: own.name, ...at});
        return {pc, ...calls[0], start: own.start, offset: pc - own.start, calls};
    }

    /* The first address of a function by its name; null: it has none of its own. */
    address(name) {
        const wanted = this.code.names.indexOf(name);
        for (let i = 0; i < this.starts.length && wanted >= 0; i++) {
            const {functions} = this.code.part(this.numbers[i]);
            const k = functions.name.indexOf(wanted);
            if (k >= 0)
                return this.starts[i] + functions.at[k];
        }
        return null;
    }

    /* Where the code of a source line begins, every time the compiler has placed some. */
    addresses(file, line) {
        const wanted = this.code.files.indexOf(file);
        const found = [];
        for (let i = 0; i < this.starts.length; i++) {
            const {lines} = this.code.part(this.numbers[i]);
            for (let k = 0; k < lines.at.length; k++)
                if (lines.line[k] === line && lines.file[k] === wanted)
                    found.push(this.starts[i] + lines.at[k]);
        }
        return found;
    }

    rule(pc) {
        const found = this.find(pc);
        const i = found ? last(found.part.rules.at, found.offset) : -1;
        return i < 0 ? null : this.code.written.rules[found.part.rules.rule[i]];
    }

    /*
     * The registers {pc, ra, sp, fp} of the caller. `called` says that pc is a return address, which may lie behind the
     * end of its function. read64(va) reads the stack. => null when nobody knows.
     */
    caller(regs, called, read64) {
        const rule = this.rule(called ? regs.pc - 1 : regs.pc);
        if (!rule)
            return called ? null : {...regs, pc: regs.ra};     // assembly that calls nobody
        const [register, offset, ra, fp] = rule;
        if (called && !ra)
            return null;
        const end = (register === SP ? regs.sp : regs.fp) + offset;
        const back = ra ? read64(end + ra) : regs.ra;
        return {pc: back, ra: back, sp: end, fp: fp ? read64(end + fp) : regs.fp};
    }
}

/*
 * The calls that led to regs, innermost first, each as symbolize() gives it: until `stop(regs)` says so, or nobody knows.
 * => the frames, and the registers that it ended with.
 */
export function unwind(image, regs, called, read64, stop) {
    const frames = [];
    while (regs && frames.length < FRAMES_MAX && !stop(regs, called)) {
        const found = image.symbolize(called ? regs.pc - 1 : regs.pc);
        if (!found)
            break;
        frames.push({...found, pc: regs.pc, sp: regs.sp});
        const next = image.caller(regs, called, read64);
        regs = next && (next.sp > regs.sp || (next.sp === regs.sp && !called)) ? next : null;
        called = true;
    }
    return {frames, regs, called};
}

/* Registers as a machine has them, x0 to x31, as the few that a backtrace needs. */
export function fewRegisters(pc, x) {
    return {pc, ra: x[RA], sp: x[SP], fp: x[FP]};
}
