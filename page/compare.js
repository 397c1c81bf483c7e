/*
 * Before and after: two instants of a machine, and the difference in words. No DOM here.
 */
import {STATES, hex} from "./kernel.js";

/* What is compared: for each process its vmas and entries, and each frame's state and count. */
export function look(machine, kernel) {
    const processes = new Map();
    for (const p of kernel.processes()) {
        const entries = new Map();
        if (p.mm)
            kernel.tables.visit(p.mm.root, (va, frame, flags) => entries.set(va, {frame, flags}), () => {});
        processes.set(p.pid, {pid: p.pid, name: p.name, state: p.state, vmas: p.mm?.vmas ?? [], entries});
    }
    return {step: machine.step, processes, banks: kernel.frames()};
}

const page = (n, what = "entry", many = "entries") => `${n} ${n === 1 ? what : many}`;

/* What became of an entry, in words that equal changes share. */
function entryChange(bits, was, is) {
    if (!was)
        return is.flags & bits.S ? "mapped, borrowed" : "mapped";
    if (!is)
        return "unmapped";
    if (was.frame !== is.frame)
        return "to another frame";
    const lost = was.flags & ~is.flags, won = is.flags & ~was.flags;
    if (lost & bits.W)
        return "turned read only (copy-on-write)";
    if (won & bits.W)
        return "made writable";
    return won & (bits.A | bits.D) ? "touched (A, D)" : null;
}

function compareEntries(kernel, was, is) {
    const counts = new Map();
    for (const va of new Set([...was.keys(), ...is.keys()])) {
        const change = entryChange(kernel.tables.bits, was.get(va), is.get(va));
        const same = was.get(va)?.flags === is.get(va)?.flags && was.get(va)?.frame === is.get(va)?.frame;
        if (change && !same)
            counts.set(change, [...counts.get(change) ?? [], va]);
    }
    return [...counts].map(([change, vas]) => ({text: `${page(vas.length)} ${change}`, vas}));
}

function compareVmas(was, is) {
    const key = (v) => `${v.start}-${v.end} ${v.perms} ${v.kind}`;
    const before = new Set(was.map(key)), after = new Set(is.map(key));
    const words = (v) => `${v.kind} ${hex(v.start)}..${hex(v.end)} ${v.perms}`;
    return [...is.filter((v) => !before.has(key(v))).map((v) => ({text: `new vma: ${words(v)}`, vma: v})),
            ...was.filter((v) => !after.has(key(v))).map((v) => ({text: `vma gone: ${words(v)}`, vma: v}))];
}

function compareFrames(was, is) {
    const found = [];
    is.forEach((bank, b) => bank.state.forEach((state, i) => {
        const old = was[b];
        if (!old || (old.state[i] === state && old.refs[i] === bank.refs[i]))
            return;
        const from = STATES[old.state[i]], to = STATES[state], kind = from === to ? to : `${from} to ${to}`;
        found.push({frame: bank.first + i, text: `frame ${hex(bank.first + i)} ${old.refs[i]} -> ${bank.refs[i]} (${kind})`});
    }));
    return found;
}

/* => [{title, lines: [{text, ...}]}] of what differs. */
export function compare(kernel, was, is) {
    const found = [];
    for (const pid of new Set([...was.processes.keys(), ...is.processes.keys()])) {
        const a = was.processes.get(pid), b = is.processes.get(pid), name = `${(b ?? a).name} (pid ${pid})`;
        const lines = [...compareVmas(a?.vmas ?? [], b?.vmas ?? []),
                       ...compareEntries(kernel, a?.entries ?? new Map(), b?.entries ?? new Map())];
        if (!a || !b)
            found.push({title: `${name} ${a ? "is gone" : "is new"}`, lines});
        else if (lines.length > 0 || a.state !== b.state)
            found.push({title: a.state === b.state ? name : `${name}: ${a.state} -> ${b.state}`, lines});
    }
    const frames = compareFrames(was.banks, is.banks);
    if (frames.length > 0)
        found.push({title: page(frames.length, "frame differs", "frames differ"), lines: frames});
    return found;
}
