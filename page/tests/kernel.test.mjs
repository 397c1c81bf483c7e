/*
 * What page/kernel.js says of a machine's RAM is what gdb, QEMU and the kernel's own audit say of it.
 *
 *     node --test page/tests
 *
 * stand.py makes the machine and asks the others; it needs QEMU and gdb-multiarch. STAND=directory: look at what it wrote
 * there before, and boot nothing.
 */
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import {test} from "node:test";
import {Kernel, STATES, address, hex} from "../kernel.js";

const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");
const STAND = process.env.STAND ?? path.join(ROOT, "build/page-test");
const IMAGE = "build/page-test.img";
const RAM = 0x80000000;

function run(command, ...parameters) {
    return execFileSync(command, parameters, {cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28});
}

if (!process.env.STAND) {
    run("make", "-s", "EXTRA=page/tests/standing.c", `IMAGE=${IMAGE}`, "kernel-files", IMAGE);
    fs.mkdirSync(STAND, {recursive: true});
    run("/usr/bin/python3", "page/tests/stand.py", STAND);
}
const programs = ["init", "sh", "crypto_srv", "ls", "wc"].map((name) => `build/user/_${name}`);
run("/usr/bin/python3", "tools/layouts.py", "-o", path.join(STAND, "layouts.json"), "build/kernel", ...programs,
    `build/extra/${path.basename(IMAGE)}/_standing`);

const json = (name) => JSON.parse(fs.readFileSync(path.join(STAND, name), "utf8"));
const layouts = json("layouts.json"), gdb = json("gdb.json"), monitor = json("monitor.json"), stops = json("stops.json");
const said = fs.readFileSync(path.join(STAND, "standing.txt"), "utf8");

/* RAM out of a file; `over` is a piece that lies over it: {at, bytes}. */
function memory(over) {
    const {buffer, byteOffset, length} = ram;
    const bytes = new Uint8Array(buffer, byteOffset, length), words = new Uint32Array(buffer, byteOffset, length / 4);
    const view = over && new DataView(over.bytes.buffer, over.bytes.byteOffset, over.bytes.length);
    const inside = (pa) => view && pa >= over.at && pa < over.at + view.byteLength;
    return {
        read8: (pa) => inside(pa) ? view.getUint8(pa - over.at) : bytes[pa - RAM] ?? 0,
        read32: (pa) => inside(pa) ? view.getUint32(pa - over.at, true) : words[(pa - RAM) >>> 2] ?? 0,
    };
}

const ram = fs.readFileSync(path.join(STAND, "ram.bin"));
const kernel = new Kernel(memory(), layouts);

/* Who is who, as the programs said it: {owner: {pid, at}, ...}. */
function roles() {
    const found = {};
    for (const [, who, pid, at] of said.matchAll(/^(?:\$ .*)?(owner|borrower|copy|spinner|file) (\d+) (0x\w+)/gm))
        found[who] = {pid: Number(pid), at: Number(at)};
    return found;
}

const who = roles();
const byPid = (pid) => kernel.processes().find((p) => p.pid === pid);

// ---- against gdb ----

test("each frame has the kind and the count that gdb reads", () => {
    const [bank] = kernel.frames(), states = {1: ["kernel", "cache", "table"], 2: ["table"], 3: ["user", "pinned"]};
    for (const [number, refs, kind] of gdb.frames) {
        const i = number - bank.first;
        assert.ok(states[kind].includes(STATES[bank.state[i]]), `frame ${number}: ${STATES[bank.state[i]]}`);
        assert.equal(bank.refs[i] + bank.pins[i] * 2 ** 32, refs, `count of frame ${number}`);
    }
    const used = new Set(gdb.frames.map(([number]) => number));
    for (const [first, , end] of kernel.pages.extents())
        for (let number = first; number < end; number++)
            assert.equal(STATES[bank.state[number - bank.first]] === "free", !used.has(number), `frame ${number}`);
});

test("processes and their vmas are those that gdb reads", () => {
    const {values} = kernel.memory.enum("vma_kind"), mine = kernel.processes();
    assert.equal(mine.length, gdb.processes.length);
    for (const truth of gdb.processes) {
        const p = mine.find((p) => p.pid === truth.pid);
        assert.deepEqual([p.name, p.parent, p.mm.address, p.mm.size],
                         [truth.name, truth.parent, address(BigInt(truth.mm)), truth.size]);
        assert.deepEqual(p.mm.vmas.map((v) => [v.start, v.end, values["VMA_" + v.kind.toUpperCase()], v.region ?? 0]),
                         truth.vmas.map((v) => [v.start, v.end, v.kind, address(BigInt(v.region))]));
    }
});

test("regions, their frames and vmas are those that gdb reads", () => {
    assert.deepEqual(kernel.regions().map((r) => [r.address, r.holders, r.frames, r.vmas.map((v) => v.address)]),
                     gdb.regions.map((r) => [address(BigInt(r.address)), r.holders, r.frames,
                                             r.vmas.map((v) => address(BigInt(v)))]));
});

test("a backtrace is gdb's, at any instruction in the middle of the kernel", () => {
    let compared = 0;
    for (const stop of stops) {
        const at = address(BigInt(stop.stackAt)) - kernel.memory.offset;
        const here = new Kernel(memory({at, bytes: Buffer.from(stop.stack, "hex")}), layouts);
        const mine = here.backtrace({pc: BigInt(stop.pc), sepc: BigInt(stop.sepc), x: stop.x.map(BigInt)})
            .filter((f) => !f.user);
        if (mine.length === 1 && mine[0].trap)      // where a trap saves registers, nobody but gdb knows them
            continue;
        compared++;
        const truth = stop.frames.filter(([, , , inlined]) => !inlined);
        assert.deepEqual(mine.map((f) => [f.pc, f.calls.at(-1).function]),
                         truth.map(([pc, name]) => [address(BigInt(pc)), name]), JSON.stringify(stop.frames));
        assert.deepEqual(mine.slice(1).flatMap((f) => f.calls.map((c) => [c.function, c.line])),
                         stop.frames.filter(([pc]) => pc !== stop.pc).map(([, name, line]) => [name, line]));
    }
    assert.ok(compared > 60, `${compared} of ${stops.length}`);
});

// ---- against addr2line ----

/* [[function, "file:line"], ...] for each address, by binutils. */
function asked(pcs) {
    const tool = run("tools/find-toolchain.sh").trim() + "addr2line";
    const input = pcs.map((pc) => hex(pc)).join("\n");
    const text = execFileSync(tool, ["-ifae", "build/kernel"], {cwd: ROOT, encoding: "utf8", input, maxBuffer: 1 << 28});
    return text.split(/^0x\w+\n/m).slice(1).map((one) => {
        const lines = one.trim().split("\n").map((line) => line.replace(/ \(discriminator.*/, ""));
        return lines.filter((_, i) => i % 2 === 0).map((name, i) => [name, path.relative(ROOT, lines[2 * i + 1])]);
    });
}

test("functions, inlined calls and lines are addr2line's, all over the kernel's text", () => {
    const pcs = [];
    for (let pc = kernel.memory.label("__text_start"); pc < kernel.memory.label("__text_end"); pc += 26)
        if (kernel.image.function(pc))
            pcs.push(pc);
    assert.ok(pcs.length > 3000);
    asked(pcs).forEach((truth, i) => {
        const mine = kernel.symbolize(pcs[i]).calls.map((c) => [c.function, `${c.file}:${c.line}`]);
        assert.deepEqual(mine, truth, hex(pcs[i]));
    });
});

// ---- against QEMU ----

test("every page that QEMU says a hart's table maps is where the walk comes to, with these flags", () => {
    for (const {registers, mem} of monitor) {
        const root = Number(BigInt(registers.satp) & ((1n << 44n) - 1n)) * 4096;
        let user = 0;
        for (const [, va, pa, size, flags] of mem.matchAll(/^(\w{16}) (\w{16}) (\w{16}) ([-rwxugad]{7})$/gm)) {
            const start = address(BigInt("0x" + va)), pages = parseInt(size, 16) / 4096;
            for (let i = 0; i < pages; i += start < 0 ? Math.max(1, Math.floor(pages / 8)) : 1) {
                const {leaf} = kernel.walk(root, start + 4096 * i);
                assert.equal(leaf.pa, parseInt(pa, 16) + 4096 * i, va);
                assert.equal(leaf.text.slice(0, 7).toLowerCase(), flags, va);
            }
            user += start < 0 ? 0 : pages;
        }
        let mine = 0;
        kernel.tables.visit(root, (va, frame, bits) => mine += bits & 1, () => {});
        assert.equal(mine, user);
    }
});

// ---- against the audit ----

test("the holders of each frame are as many as the kernel's audit has counted", () => {
    for (const [number, , kind, seen, prev] of gdb.frames) {
        const info = kernel.whoMaps(number);
        assert.ok(info.agrees, `${number}: ${info.words}`);
        if (kind !== 1)
            assert.equal(info.found, seen, `${number}: ${info.words}`);
        if (kind === 3)
            assert.equal(info.holders.filter((h) => h.by === "region").length, prev, info.words);
    }
});

// ---- against what the programs did ----

test("owner and borrower share a pinned frame, and its count is explained", () => {
    const {owner, borrower} = who, root = byPid(borrower.pid).mm.root;
    const {leaf} = kernel.walk(root, borrower.at), info = kernel.whoMaps(leaf.frame);
    assert.ok(leaf.shared);
    assert.equal(kernel.walk(byPid(owner.pid).mm.root, owner.at).leaf.frame, leaf.frame);
    assert.equal(info.words, `2 holders: 1 own entry (pid ${owner.pid}), 1 region; borrowed by pid ${borrower.pid}`);
    const vma = byPid(borrower.pid).mm.vmas.find((v) => v.start === borrower.at);
    assert.deepEqual([vma.kind, vma.perms, vma.owners], ["shared", "rw-", [owner.pid]]);
});

test("fork's copy has a page of its own where it stored", () => {
    const frames = [who.owner, who.copy].map(({pid, at}) => kernel.walk(byPid(pid).mm.root, at + 4096).leaf.frame);
    assert.notEqual(frames[0], frames[1]);
});

test("a mapped file has one frame for two processes", () => {
    const file = kernel.regions().find((r) => r.onDemand);
    assert.deepEqual(new Set(file.vmas.map((v) => v.pid)), new Set([who.owner.pid, who.borrower.pid]));
    const frames = file.vmas.map((v) => kernel.walk(byPid(v.pid).mm.root, v.start).leaf.frame);
    assert.deepEqual(frames, [file.frames[0], file.frames[0]]);
    assert.match(kernel.whoMaps(frames[0]).words, /^1 holder: 1 region; borrowed by pid \d+, pid \d+$/);
});

test("a hart in a program is at that program's line", () => {
    const harts = kernel.harts((hartid) => {
        const {registers} = monitor[hartid];
        return {mode: BigInt(registers.pc) >> 63n ? "S" : "U", pc: BigInt(registers.pc)};
    });
    const spinning = harts.find((h) => h.pid === who.spinner.pid);
    assert.equal(spinning.where.function, "spin_in_user_mode");
    assert.deepEqual(harts.map((h) => [h.hartid, h.pid]), gdb.harts.map((h) => [h.hartid, h.pid]));
});

test("a sleeper's backtrace goes from the scheduler into its program", () => {
    const names = kernel.backtraceOf(byPid(who.borrower.pid)).flatMap((f) => f.calls.map((c) => c.function));
    assert.equal(names[0], "switch_to");
    assert.deepEqual(names.slice(names.indexOf("trap_entry")),
                     ["trap_entry", "pause", "stand", "borrow", "start", "main", "start"]);
});

test("an address of RAM is named by what lies there", () => {
    const m = kernel.memory, borrower = byPid(who.borrower.pid), vma = borrower.mm.vmas.find((v) => v.kind === "shared");
    const {leaf, steps} = kernel.walk(borrower.mm.root, who.borrower.at);
    const words = (pa) => kernel.placeAt(pa).words, pid = `pid ${borrower.pid}`;
    assert.equal(words(kernel.whoMaps(leaf.frame).countAt), `the count of frame ${hex(leaf.frame)}`);
    assert.equal(words(steps[2].at), `page table of ${pid}, level 0, entry 6: ${hex(who.borrower.at)}`);
    const prot = m.phys(vma.address + kernel.spaces.vma.offsetof.prot);
    const mm = m.phys(borrower.address + kernel.spaces.task.offsetof.mm);
    assert.match(words(prot), new RegExp(`^vma.prot \\(${pid}, 0x6000-0x8000`));
    assert.match(words(mm), new RegExp(`^slots\\[\\d+\\].task.mm \\(${pid}\\)$`));
    assert.equal(words(leaf.pa + 5), `a program's memory: pid ${who.owner.pid}, ${hex(who.owner.at + 5)}`);
    assert.equal(kernel.placeAt(m.phys(m.object("run_queue"))).name, "run_queue.lock.locked");
});

test("locks are found, and none is held while everybody sleeps", () => {
    assert.ok(kernel.places.locks().length > 20);
    assert.deepEqual(kernel.heldLocks(), []);
    assert.equal(kernel.lock(kernel.memory.object("proc_tree_lock")).name, "process tree");
});

// ---- by itself ----

test("what the kernel has no more is named", () => {
    const without = structuredClone(layouts);
    delete without.kernel.structs["struct vma"].fields.prot;
    assert.throws(() => new Kernel(memory(), without), /struct vma has no field 'prot'/);
    const renamed = structuredClone(layouts);
    delete renamed.kernel.objects.mm_list;
    assert.throws(() => new Kernel(memory(), renamed).processes(), /no variable 'mm_list'/);
});

test("RAM of zeros, of ones, and of noise gives answers, and no exception", () => {
    for (const byte of [() => 0, () => 255, () => Math.random() * 256]) {
        const noise = {read8: () => byte() & 255, read32: () => (byte() * 0x1010101) >>> 0};
        const k = new Kernel(noise, layouts);
        k.frames([[RAM / 4096, 64]]);
        k.harts();
        k.processes();
        k.regions();
        k.whoMaps(RAM / 4096);
        k.placeAt(RAM);
        k.symbolize(0);
    }
});

test("all frames are read in a small multiple of the time that reading them takes", (t) => {
    const {page, memory: m} = {page: kernel.pages.page, memory: kernel.memory};
    const plain = best(() => {
        let sum = 0;
        for (let pa = RAM, end = RAM + 32768 * page.sizeof; pa < end; pa += page.sizeof)
            sum += m.mem.read8(pa + 20) + m.mem.read32(pa) + m.mem.read32(pa + 4);
        return sum;
    });
    const mine = best(() => kernel.frames());
    t.diagnostic(`frames ${mine.toFixed(2)} ms, a plain loop ${plain.toFixed(2)} ms`);
    assert.ok(mine < 8 * plain + 1);
});

function best(what) {
    let least = Infinity;
    for (let i = 0; i < 40; i++) {
        const start = performance.now();
        what();
        least = Math.min(least, performance.now() - start);
    }
    return least;
}
