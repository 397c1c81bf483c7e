/*
 * The machine goes back exactly, finds the last store, and a run's name repeats it. And a jump replays little.
 */
import assert from "node:assert";
import test from "node:test";

import {STOP} from "../machine.js";
import {standing, toPrompt} from "../parts.js";
import {MOVES, Time} from "../time.js";
import {Why} from "../why.js";
import {compare, look} from "../compare.js";

const JUMP_MAX = 3000000;

async function afterFork(options = {harts: 3}) {
    const stand = await standing(options);
    toPrompt(stand);
    stand.machine.type("scene fork\n");
    toPrompt(stand);
    return stand;
}

/* Instants all over the session, and around a snapshot. */
function instants(end) {
    const found = [0, 1, end, end - 1];
    for (let i = 1; i < 12; i++)
        found.push(Math.floor(end * i / 12));
    for (const border of [2097152, 4194304])
        if (border < end)
            found.push(border - 1, border, border + 1);
    return found;
}

test("every instant is reached again, with the same state", async () => {
    const stand = await afterFork(), {machine} = stand;
    machine.run(5000000);       // some snapshots' worth, most of it idle
    machine.type("shmem_test\n");
    toPrompt(stand);
    const end = machine.end, known = new Map();
    for (const step of instants(end).sort((a, b) => a - b)) {
        assert(machine.seek(step));
        known.set(step, machine.hash);
    }
    for (const step of instants(end)) {
        const before = machine.replayed;
        assert(machine.seek(step));
        assert.equal(machine.hash, known.get(step), `step ${step}`);
        assert(machine.replayed - before <= JUMP_MAX, `a jump to ${step} replays ${machine.replayed - before}`);
    }
    assert.equal(new Set(known.values()).size, known.size, "instants differ");
});

test("a run's name gives the run", async () => {
    const first = await afterFork();
    const again = await standing({}, first.machine.name);
    assert.notEqual(again.machine.run(first.machine.end), STOP.OFF);
    assert.equal(again.machine.step, first.machine.step);
    assert.equal(again.machine.hash, first.machine.hash);
    assert.equal(again.text(), first.text());
});

test("the last store is what a look at each instant finds", async () => {
    const {machine, kernel} = await afterFork({harts: 1});
    const sh = kernel.processes().find((p) => p.name === "sh"), why = new Why(machine, kernel);
    const at = kernel.walk(sh.mm.root, sh.mm.vmas[0].start).steps.at(-1).at, value = () => why.value(at, 8);
    const end = machine.step, found = why.writer(at, 8);
    assert.equal(machine.step, end, "it stands where it stood");
    assert(found.step < end && found.after === value());
    for (let step = found.step + 1; step <= end; step += Math.ceil((end - found.step) / 300)) {
        machine.seek(step);
        assert.equal(value(), found.after, `nothing changes it until ${step}`);
    }
    machine.seek(found.step);
    assert.equal(value(), found.before);
    assert(found.frames.length > 2 && found.call !== "");
    assert(why.earlier(found) === null || why.earlier(found).step < found.step);
});

test("each move goes on, and back to where it came from", async () => {
    const {machine, kernel} = await afterFork({harts: 1});
    const time = new Time(machine, kernel);
    machine.watchTables(kernel.tableWatch());
    machine.seek(Math.floor(machine.end * 0.9));
    for (const what of MOVES) {
        assert(time.move(what, true), what);
        const first = machine.step;
        assert(time.move(what, true), what);
        assert(machine.step > first, what);
        assert(time.move(what, false), what);
        assert.equal(machine.step, first, `back by ${what}`);
    }
});

test("typing in the past begins another future", async () => {
    const stand = await afterFork(), {machine} = stand;
    machine.seek(machine.end - 1000);
    const before = machine.step;
    machine.type("echo other\n");
    assert.equal(machine.end, before);
    assert(toPrompt(stand).includes("\nother"));
});

test("before and after fork in words", async () => {
    const stand = await standing({harts: 1}), {machine, kernel} = stand;
    toPrompt(stand);
    const at = kernel.addressOf("sys_fork");
    machine.probe(at);
    machine.type("scene fork\n");
    let event = machine.runTo(["call"], 10000000, at);
    event = machine.runTo(["call"], 10000000, at);     // the first is the shell's
    const before = look(machine, kernel), parent = kernel.harts()[0].pid;
    machine.runTo(["return"], 10000000);
    const words = compare(kernel, before, look(machine, kernel)).flatMap((g) => [g.title, ...g.lines.map((l) => l.text)]);
    assert(event && parent > 0);
    assert(words.some((w) => /scene \(pid \d+\) is new/.test(w)), words.join("; "));
    assert(words.some((w) => /turned read only \(copy-on-write\)/.test(w)));
    assert(words.some((w) => /^frame 0x[0-9a-f]+ 1 -> 2 \(user\)/.test(w)));
});
