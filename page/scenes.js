/*
 * Scenes: a lecture as a small text. The page plays them with the arrow keys; tests play them without a page.
 *
 *     title First touch                 the scene's name
 *     options harts=1                   of the machine, which begins anew
 *
 *     type memsize                      a stop: what is done, ...
 *     to mm_fault if name === "memsize"
 *     out                               ... until the function that was entered has returned
 *     show walk pid va                  ... what is drawn, what is marked, ...
 *     mark frame(pid, va)
 *     must pte(pid, va).leaf            ... what must hold here, as a test checks, ...
 *     say The page is there.            ... and the sentence.
 *
 * Stops are divided by empty lines; # begins a comment. What can be done: type WORDS (and Enter), prompt (until all wait),
 * to FUNCTION [if EXPRESSION], out, trap [if EXPRESSION], return [if EXPRESSION] (from a trap), print WORDS (until the console has printed them), steps N,
 * let NAME EXPRESSION (kept for later expressions). Expressions are JavaScript's, over what Player.scope() gives.
 * What can be drawn: process WHO, walk WHO, VA, frame NUMBER, why ADDRESS; and a panel's name alone (console, frames, processes,
 * timeline, harts, regions, source) puts that panel first.
 * No DOM here.
 */
import {STOP} from "./machine.js";
import {address, hex} from "./kernel.js";

const FAR = 200000000;              // steps that a scene may run to reach something
const CHUNK = 1000000;
const DOING = ["type", "prompt", "to", "out", "trap", "return", "print", "steps", "let"];
const SAYING = ["show", "mark", "must", "say"];

export class SceneError extends Error {}

/* => {title, options, stops: [{doing: [[verb, words]], show, mark, must: [], say}]} */
export function parseScene(source) {
    const scene = {title: "", options: {}, stops: []};
    let stop = null;
    source.split("\n").forEach((line, i) => {
        const [, verb, words] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line);
        if (verb.startsWith("#"))
            return;
        if (verb === "") {
            stop = null;
        } else if (verb === "title") {
            scene.title = words;
        } else if (verb === "options") {
            for (const [name, value] of words.split(/\s+/).map((w) => w.split("=")))
                scene.options[name] = Number(value);
        } else if (DOING.includes(verb) || SAYING.includes(verb)) {
            if (!stop)
                scene.stops.push(stop = {doing: [], show: [], mark: [], must: [], say: "", line: i + 1});
            add(stop, verb, words);
        } else {
            throw new SceneError(`line ${i + 1}: no scene can do '${verb}'`);
        }
    });
    if (!scene.title || scene.stops.length === 0)
        throw new SceneError("a scene has a title and a stop at least");
    return scene;
}

function add(stop, verb, words) {
    if (DOING.includes(verb))
        stop.doing.push([verb, words]);
    else if (verb === "say")
        stop.say += (stop.say ? " " : "") + words;
    else
        stop[verb].push(words);
}

export class Player {
    /* `printed` gives all that the console has printed so far. */
    constructor(machine, kernel, scene, printed) {
        Object.assign(this, {machine, kernel, scene, printed});
        this.instants = [];         // of the stops that were reached
        this.kept = [];             // what `let` kept, by stop
        this.stopped = [];          // the event of the last `to` or `trap`, by stop
        this.at = -1;
    }

    /* Goes to a stop; the first time by doing what it says. => the stop */
    go(index) {
        if (index < 0 || index >= this.scene.stops.length)
            return null;
        while (this.instants.length <= index)
            this.reach(this.instants.length);
        this.machine.seek(this.instants[index]);
        this.at = index;
        this.entered = this.stopped[index];
        this.names = this.kept[index];
        return this.scene.stops[index];
    }

    reach(index) {
        if (index > 0)
            this.machine.seek(this.instants[index - 1]);
        const stop = this.scene.stops[index];
        this.kept[index] = {...this.kept[index - 1]};
        this.names = this.kept[index];
        for (const [verb, words] of stop.doing) {
            try {
                this[verb](words);
            } catch (error) {
                throw new SceneError(`${this.scene.title}, line ${stop.line}: ${verb} ${words}: ${error.message}`);
            }
        }
        this.instants[index] = this.machine.step;
        this.stopped[index] = this.entered;
    }

    // ---- what can be done ----

    type(words) {
        this.machine.type(words + "\n");
    }

    steps(n) {
        this.machine.run(Number(n));
    }

    prompt() {
        this.runUntil(() => this.machine.run(CHUNK) === STOP.IDLE && this.machine.waitTime() < 0);
    }

    print(words) {
        this.runUntil(() => {
            this.machine.run(200);
            return this.printed().includes(words);
        });
    }

    let(words) {
        const [, name, expression] = /^(\w+)\s+(.*)$/.exec(words);
        this.names[name] = this.evaluate(expression);
    }

    to(words) {
        const [, name, condition] = /^(\S+)(?:\s+if\s+(.*))?$/.exec(words);
        const at = this.kernel.addressOf(name);
        if (at === null)
            throw new SceneError(`the kernel has no function ${name}`);
        this.machine.probe(at);
        this.entered = this.event(["call"], at, condition);
        const {x} = this.machine.hart(this.entered.hart);
        this.entered.sp = x[2];
        this.entered.ra = x[1];
    }

    trap(words) {
        this.entered = this.event(["trap"], 0, words.replace(/^if\s+/, ""));
    }

    return(words) {
        this.entered = this.event(["return"], 0, words.replace(/^if\s+/, ""));
    }

    /* Until the function of the last `to` has returned, on its own stack. */
    out() {
        const {sp, ra} = this.entered, {machine} = this;
        this.runUntil(() => {
            machine.run(1);
            for (let i = 0; i < machine.harts; i++) {
                const hart = machine.hart(i);
                if (hart.pc === ra && hart.x[2] === sp) {
                    this.entered = {...this.entered, hart: i};
                    return true;
                }
            }
            return false;
        });
    }

    event(kinds, call, condition) {
        let found = null;
        this.runUntil(() => {
            const event = this.machine.runTo(kinds, CHUNK, call);
            if (!event)
                return false;
            const before = this.entered;
            this.entered = found = event;
            if (!condition || this.evaluate(condition))
                return true;
            this.entered = before;
            return false;
        });
        return found;
    }

    runUntil(reached) {
        const start = this.machine.step;
        while (!reached()) {
            if (this.machine.waitTime() < 0 && this.idle())
                throw new SceneError("all harts wait, and nothing will come");
            if (this.machine.step - start > FAR)
                throw new SceneError(`not reached in ${FAR} steps`);
        }
    }

    idle() {
        const before = this.machine.step;
        return this.machine.run(1) === STOP.IDLE && this.machine.step === before;
    }

    // ---- what expressions see ----

    /*
     * pid, name: of the process on the hart where the last `to` or `trap` stopped; cause, value: of that trap; arg(n): its
     * argument registers; proc(name or pid); pids(name); pte(pid, va): the walk; frame(pid, va): a number; count(frame);
     * vmas(pid); region(pid, va); holders(frame): kernel.whoMaps(); at(program, variable): its address; text(): what the
     * console printed; what `let` kept.
     */
    scope() {
        const {machine, kernel} = this, processes = kernel.processes();
        const find = (who) => processes.find((p) => p.pid === who || p.name === who);
        const hart = this.entered ? machine.hart(this.entered.hart) : machine.hart(machine.turn);
        const on = kernel.harts().find((h) => h.hartid === hart.id) ?? {};
        const walk = (who, va) => kernel.walk(find(who)?.mm?.root ?? 0, va);
        return {
            pid: on.pid, name: on.name, hart, cause: this.entered ? Number(this.entered.a & 0xffn) : -1,
            value: this.entered ? address(this.entered.b) : 0, arg: (n) => hart.x[10 + n], processes, kernel, machine,
            proc: find, pids: (name) => processes.filter((p) => p.name === name).map((p) => p.pid), pte: walk,
            frame: (who, va) => walk(who, va).leaf?.frame ?? null, count: (frame) => kernel.whoMaps(frame).refs,
            holders: (frame) => kernel.whoMaps(frame), vmas: (who) => find(who)?.mm?.vmas ?? [],
            region: (who, va) => find(who)?.mm?.vmas.find((v) => v.start <= va && va < v.end)?.region ?? null,
            at: (program, variable) => kernel.programs[program].objects[variable][0], hex,
            text: () => this.printed(), ...this.names,
        };
    }

    evaluate(expression) {
        const scope = this.scope();
        return new Function(...Object.keys(scope), `"use strict"; return (${expression});`)(...Object.values(scope));
    }

    /* What must hold at the stop where the player stands and does not: [expression]. */
    broken() {
        return this.scene.stops[this.at].must.filter((expression) => !this.evaluate(expression));
    }
}
