/*
 * The page: a machine that runs, and what there is to see of it.
 *
 * The machine runs here, in slices between two pictures; whatever is drawn is read out of its memory at that moment. In
 * the past nothing runs: then all that is drawn is of exactly that instant.
 */
import {Terminal} from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

import {compare, look} from "./compare.js";
import {COLOURS, escape, framesSvg, processesSvg, svgFile, timelineSvg, walkSvg} from "./draw.js";
import {FrameMap} from "./framemap.js";
import {listen} from "./hands.js";
import {Kernel, STATES, hex} from "./kernel.js";
import {Machine, STOP} from "./machine.js";
import {Player, parseScene} from "./scenes.js";
import {MOVES, Time} from "./time.js";
import {Why} from "./why.js";
import * as views from "./views.js";

const HINT = '<p class="dim">Click a frame, an area of a process, an entry of a table, a hart or an event.</p>';
const PANELS = ["console", "frames", "processes", "timeline", "harts", "regions", "source"];
const SLICE = 25;                   // milliseconds of running between two pictures
const BOOT_SLICE = 150;             // the same, until the first prompt is there
const STEPS = 20000;                // steps at once
const NAP = 0.02;                   // seconds
const LEAST = 80;                   // letters in a line of the console, when they can be read
const RECORDED = ["trap", "switch", "fence", "table", "call"];
const TIMELINE = 400;               // events that are drawn
const LISTED = 60;
const LECTURE_ZOOM = 1.25;

const $ = (id) => document.getElementById(id);

// ---- what lies in the page ----

async function asset(name) {
    const packed = Uint8Array.from(atob($(`asset-${name}`).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

class Page {
    constructor(parts) {
        Object.assign(this, parts);
        this.terminal = new Terminal({rows: 18, cols: LEAST, fontSize: 14, convertEol: true});
        this.terminal.open($("console"));
        this.terminal.onData((data) => this.type(data));
        this.terminal.attachCustomKeyEventHandler((event) => event.key !== "Escape");     // that leaves it: see listen()
        this.fitConsole();
        this.map = new FrameMap($("frames"), $("frames-all"), {open: (frame) => this.select({frame}), tell: (f) => this.tellFrame(f)});
        this.selected = null;
        this.marked = new Set();
        this.text = "";
    }

    /* Letters as large as a line of 80 allows, but not too small to read: then lines are shorter. */
    fitConsole() {
        const width = $("console").clientWidth, size = Math.max(11, Math.min(15, Math.floor(width / LEAST / 0.605)));
        this.terminal.options.fontSize = size;
        this.terminal.resize(Math.max(20, Math.floor(width / (size * 0.605))), this.terminal.rows);
    }

    // ---- a machine ----

    async begin(options = {}, name = undefined) {
        this.machine = await Machine.create({wasm: this.wasm, kernel: this.kernelFile, image: this.image, name,
                                             options: {...this.options, ...options}});
        this.kernel = new Kernel(this.machine.mem, this.layouts);
        this.time = new Time(this.machine, this.kernel);
        this.why = new Why(this.machine, this.kernel);
        this.machine.record(RECORDED);
        this.panicAt = this.kernel.addressOf("panic");
        if (this.panicAt !== null)
            this.machine.probe(this.panicAt);
        this.machine.pace(true);
        this.tablesWatched = false;
        this.text = "";
        this.queue = "";
        this.sleeps = this.looked = 0;
        this.before = this.panic = null;
        this.roots = new Map();
        this.running = true;
        this.stop = STOP.UNTIL;
        this.terminal.reset();
    }

    /* Once the kernel has its array of struct page, stores to page tables can be told from others. */
    watchTables() {
        const table = this.kernel.tableWatch();
        if (table && !this.tablesWatched) {
            this.machine.watchTables(table);
            this.tablesWatched = true;
        }
    }

    // ---- running ----

    frame(now) {
        if (this.running && now >= this.sleeps)
            this.runSlice();
        if (this.running ? now - (this.drawn ?? 0) >= 45 : this.stale) {
            this.drawn = now;
            this.draw();
        }
        requestAnimationFrame((t) => this.frame(t));
    }

    runSlice() {
        const end = performance.now() + (this.promptAt === undefined ? BOOT_SLICE : SLICE);
        do {
            if (this.queue && this.stop === STOP.IDLE)
                this.queue = this.queue.slice(this.machine.type(this.queue.slice(0, 64)));
            this.stop = this.machine.run(STEPS);
            this.print();
            if (this.stop === STOP.IDLE && this.panics())
                return this.ended();
            if (this.stop === STOP.IDLE && !this.queue && !this.nap())
                return this.sleep();
        } while (performance.now() < end && (this.stop === STOP.UNTIL || this.stop === STOP.IDLE));
        this.watchTables();
        if (this.stop === STOP.OFF || this.stop === STOP.RESET)
            this.ended();
    }

    /* Has the kernel called panic()? The event, or null. What the console says is looked at once. */
    panics() {
        if (this.panic || this.panicAt === null || !this.text.includes("\npanic: ", this.looked))
            return this.panic;
        this.looked = this.text.length;
        this.panic = this.machine.before(["call"], this.machine.end, this.panicAt);
        return this.panic;
    }

    /* The machine goes no further: it is off, or the kernel has panicked. Then the page stands where the first panic began. */
    ended() {
        const panic = this.panics();
        this.setRunning(false);
        if (!panic)
            return;
        this.seek(panic.step);
        this.selected = null;
        this.hart = panic.hart;
        this.draw();
        this.detail("The kernel panics here", views.panicHtml(/\npanic: (.*)/.exec(this.text)[1],
                                                              this.kernel.backtrace(this.machine.hart(panic.hart))));
    }

    /* A wait that is shorter than a picture lasts, as for the disk, is over at once. => false: it is longer */
    nap() {
        const wait = this.machine.waitTime();
        return wait >= 0 && wait < NAP && this.machine.skip();
    }

    sleep() {
        const wait = this.machine.waitTime();
        this.watchTables();
        if (wait < 0)
            return;
        this.sleeps = performance.now() + wait * 1000;
        if (this.machine.skip())
            this.stop = STOP.UNTIL;
    }

    print() {
        const output = this.machine.output();
        if (output) {
            this.text += output;
            this.terminal.write(output);
            if (this.promptAt === undefined && this.text.includes("$ "))
                this.promptAt = performance.now();      // for page/bench.js
        }
    }

    type(data) {
        if (!this.machine.live) {
            if (!confirm("Typing here, in the past, begins another future: what came after this instant is forgotten. Do it?"))
                return;
        }
        this.sleeps = 0;
        this.machine.type(data);
        this.setRunning(true);
    }

    setRunning(on) {
        if (on && !this.machine.live)
            this.machine.seek(this.machine.end);
        this.running = on;
        this.stale = true;
        $("run").textContent = on ? "Pause" : "Run";
    }

    // ---- time ----

    seek(step) {
        this.setRunning(false);
        this.machine.seek(Math.min(Math.max(0, Math.round(step)), this.machine.end));
        this.stale = true;
    }

    move(forward) {
        this.setRunning(false);
        this.time.move($("unit").value, forward);
        this.print();
        this.stale = true;
    }

    // ---- drawing ----

    draw() {
        const {machine, kernel} = this;
        this.stale = false;
        this.pictures = (this.pictures ?? 0) + 1;       // for page/bench.js
        $("slider").max = machine.end;
        $("slider").value = machine.step;
        $("instant").textContent = `step ${machine.step.toLocaleString("en")} of ${machine.end.toLocaleString("en")}` +
            (machine.live ? "" : ": the past");
        this.banks = kernel.frames();
        this.processes = kernel.processes();
        this.drawFrames();
        this.put("processes", processesSvg(this.processes, {width: this.width("processes"), selected: this.selected?.vma}));
        this.put("harts", views.hartsHtml(this.hartList(), kernel, !this.running) + (this.running ? "" : views.locksHtml(kernel.locks())));
        this.watchRoots();
        this.put("regions", views.regionsHtml(kernel.regions()));
        this.drawTimeline();
        if (!this.running) {
            this.drawSelected();
            this.drawSource();
        }
    }

    /* How wide a drawing is in there: less than the panel in a lecture, so that it is drawn larger. */
    width(id) {
        return ($(id).clientWidth || 700) / (this.player && window.innerWidth > 800 ? LECTURE_ZOOM : 1);
    }

    /* New content for a panel. What was open there stays open, and what had the keyboard's focus keeps it. */
    put(id, html) {
        const panel = $(id), open = [...panel.querySelectorAll("details")].map((d) => d.open);
        const focus = panel.contains(document.activeElement) ? {...document.activeElement.dataset} : null;
        panel.innerHTML = html;
        if (id === "harts")
            panel.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? false; });
        for (const [name, value] of Object.entries(focus ?? {}).slice(0, 1))
            panel.querySelector(`[data-${name}="${CSS.escape(value)}"]`)?.focus({preventScroll: true});
    }

    drawFrames() {
        this.map.draw(this.banks, this.marked);
        $("frames-sum").textContent = views.sumWords(this.banks);
    }

    tellFrame(f) {
        $("frame-under").textContent = f ? `frame ${hex(f.frame)}: ${f.state}, ${f.refs} holder${f.refs === 1 ? "" : "s"}` : "\u00a0";
    }

    hartList() {
        const {machine, kernel} = this;
        const registers = Array.from({length: machine.harts}, (_, index) => ({...machine.hart(index), index}));
        const known = kernel.harts((id) => registers.find((r) => r.id === id));
        return registers.map((r) => ({...r, hartid: r.id, where: kernel.symbolize(r.pc), ...known.find((k) => k.hartid === r.id),
                                      pageTable: r.root, tlb: this.running ? [] : machine.tlb(r.index)}));
    }

    /* Whose a root was is known from the pictures that were drawn: a process that came and went between two is unnamed. */
    watchRoots() {
        for (const p of this.processes) {
            const seen = p.mm && this.roots.get(p.mm.root);
            if (p.mm && seen?.at(-1)?.pid !== p.pid)
                this.roots.set(p.mm.root, [...seen ?? [], {pid: p.pid, name: p.name, step: this.machine.step}]);
        }
    }

    whose({root, step}) {
        const seen = this.roots.get(root);
        const found = seen?.findLast((r) => r.step <= step) ?? seen?.[0];
        return found ? `${found.name} (${found.pid})` : "";
    }

    drawTimeline() {
        const {machine} = this, [first, end] = machine.recorded;
        const upTo = machine.live ? end : Math.min(end, machine.recordFrom(machine.step) + TIMELINE / 2);
        const from = Math.max(first, upTo - TIMELINE), events = [];
        for (let n = from; n < upTo; n++)
            events.push(machine.recordAt(n));
        const span = {from: events[0]?.step ?? 0, to: Math.max(machine.step, events.at(-1)?.step ?? 1)};
        this.span = span;
        $("timeline").innerHTML = timelineSvg(events, {...span, harts: machine.harts, now: machine.step, who: (e) => this.whose(e),
                                                       width: $("timeline").clientWidth || 700});
        if (!this.running) {
            const here = events.findIndex((e) => e.step >= machine.step), mid = here < 0 ? events.length : here;
            $("events").innerHTML = views.eventsHtml(events.slice(Math.max(0, mid - LISTED / 2), mid + LISTED / 2), this.kernel, (e) => this.whose(e));
        }
    }

    // ---- the detail ----

    select(what) {
        this.setRunning(false);
        this.selected = what;
        this.marked = new Set();
        this.draw();
        if (!this.player)
            $("panel-detail").scrollIntoView({block: "nearest"});
    }

    detail(title, html) {
        $("detail-title").textContent = title;
        $("detail").innerHTML = html;
    }

    drawSelected() {
        const s = this.selected;
        if (!s)
            return;
        if (s.frame !== undefined)
            this.showFrame(s.frame);
        else if (s.pte !== undefined)
            this.showEntry(s.pte);
        else if (s.vma !== undefined)
            this.showVma(s.vma);
        else if (s.pid !== undefined)
            this.showProcess(s.pid);
        else if (s.walk)
            this.showWalk(s.walk.pid, s.walk.va);
    }

    showFrame(frame) {
        const info = this.kernel.whoMaps(frame);
        this.light([frame]);
        this.detail(`Frame ${hex(frame)}`, views.frameHtml(info));
        const mark = (h, how) => document.querySelector(h.vma ? `[data-vma="${h.vma.address}"]`
            : `[data-region="${h.region}"]`)?.classList.add(how);
        info.holders.forEach((h) => mark(h, "marked"));
        info.borrowers.forEach((h) => mark(h, "borrowing"));
    }

    light(frames) {
        this.marked = new Set(frames);
        this.drawFrames();
    }

    /* The walk that an entry, at this physical address, is part of. */
    showEntry(at) {
        for (const p of this.processes) {
            let va = null;
            if (p.mm)
                this.kernel.tables.visit(p.mm.root, (page, frame, flags, pte) => { if (pte === at) va ??= page; },
                                         (start, table, level, pte) => { if (pte === at) va ??= start; });
            if (va !== null)
                return this.showWalk(p.pid, va, at);
        }
        return this.detail(`Entry at ${hex(at)}`, `<p>No process's table has an entry there now.</p>${this.whyButton(at)}`);
    }

    whyButton(at) {
        return `<p><button data-why="${at}" data-size="8">Who wrote the entry at ${hex(at)} last?</button></p>`;
    }

    showWalk(pid, va, at) {
        const p = this.processes.find((q) => q.pid === pid);
        if (!p?.mm)
            return this.detail(`pid ${pid}`, "<p>It has no memory now.</p>");
        const walk = this.kernel.walk(p.mm.root, va);
        this.light(walk.steps.map((s) => Math.floor(s.table / 4096)).concat(walk.leaf ? [walk.leaf.frame] : []));
        this.detail(`${p.name} (pid ${pid}): the walk to ${hex(va)}`,
                    walkSvg(walk, this.kernel.tables.bits, {width: this.width("detail")}) + this.whyButton(at ?? walk.steps.at(-1).at));
        return null;
    }

    showVma(address) {
        for (const p of this.processes) {
            const v = p.mm?.vmas.find((w) => w.address === address);
            if (v) {
                const frames = [];
                this.kernel.tables.visit(p.mm.root, (va, frame) => { if (va >= v.start && va < v.end) frames.push(frame); }, () => {});
                this.light(frames);
                return this.detail(`An area of ${p.name}`, views.vmaHtml(p, v));
            }
        }
        return this.detail("An area", "<p>It is gone at this instant.</p>");
    }

    showProcess(pid) {
        const p = this.processes.find((q) => q.pid === pid);
        if (!p)
            return this.detail(`pid ${pid}`, "<p>There is no such process at this instant.</p>");
        const frames = [];
        if (p.mm)
            this.kernel.tables.visit(p.mm.root, (va, frame) => frames.push(frame), (va, table) => frames.push(table));
        this.light(frames);
        return this.detail(`${p.name} (pid ${p.pid}), ${p.state}`,
                           p.mm ? `<p>root ${views.frameLink(p.mm.root / 4096)}</p>${views.treeHtml(this.kernel.tree(p.mm.root), this.kernel.tables.bits)}`
                                : "<p>It has no memory of its own.</p>");
    }

    // ---- why ----

    explain(at, size) {
        this.setRunning(false);
        if (typeof at === "string" && at.startsWith("v"))
            at = this.kernel.memory.phys(Number(at.slice(1)));
        this.found = this.why.writer(Number(at), Number(size || 64));
        this.showWhy();
    }

    showWhy() {
        const what = this.found && this.kernel.placeAt(this.found.pa);
        this.detail("Why", views.whyHtml(this.found, `${what?.words ?? "This"} was written last by`));
        const top = this.found?.frames.find((f) => f.file);
        if (top)
            this.source(top.file, top.line);
    }

    // ---- source ----

    drawSource() {
        const hart = this.hartList()[this.hart ?? this.machine.turn];
        const at = hart?.where;
        if (at?.file)
            this.source(at.file, at.line, `hart ${hart.hartid} is at`);
    }

    source(file, line, words = "") {
        const text = this.sources[file];
        $("source-title").textContent = `${words} ${file}:${line}`;
        if (!text) {
            $("source").textContent = "The source of this file is not in the page.";
            return;
        }
        $("source").innerHTML = text.split("\n").map((l, i) => `<span class="${i + 1 === line ? "here" : ""}">${
            String(i + 1).padStart(4)}  ${escape(l)}\n</span>`).join("");
        const here = $("source").querySelector(".here");
        if (here)
            $("source").scrollTop = here.offsetTop - $("source").offsetTop - $("source").clientHeight / 2;
    }

    // ---- before and after ----

    markBefore() {
        this.setRunning(false);
        if (!this.before) {
            this.before = look(this.machine, this.kernel);
            $("mark").textContent = "Compare with mark";
            return;
        }
        const now = look(this.machine, this.kernel);
        const [a, b] = this.before.step <= now.step ? [this.before, now] : [now, this.before];
        const groups = compare(this.kernel, a, b);
        this.selected = null;
        this.detail("Before and after", views.differencesHtml(groups, a.step, b.step));
        this.light(groups.flatMap((g) => g.lines).filter((l) => l.frame !== undefined).map((l) => l.frame));
        this.before = null;
        $("mark").textContent = "Mark as before";
    }

    // ---- scenes ----

    async startScene(name) {
        const scene = parseScene(this.scenes[name]);
        await this.begin(scene.options);
        this.setRunning(false);
        this.machine.pace(false);
        this.player = new Player(this.machine, this.kernel, scene, () => { this.print(); return this.text; });
        $("lecture").hidden = false;
        document.body.classList.add("lecture");
        document.activeElement?.blur();
        window.scrollTo(0, 0);
        $("lecture-title").textContent = scene.title;
        this.stopAt(0);
    }

    stopAt(index) {
        try {
            this.watchTables();
            const stop = this.player.go(index);
            this.print();
            if (stop)
                this.showStop(stop);
        } catch (error) {
            $("lecture-say").textContent = `This scene does not play: ${error.message}`;
        }
    }

    showStop(stop) {
        $("lecture-say").textContent = stop.say;
        $("lecture-at").textContent = `${this.player.at + 1} of ${this.player.scene.stops.length}`;
        this.selected = null;
        this.marked = new Set();
        this.lead(stop.show.filter((words) => PANELS.includes(words)));
        this.detail("Detail", "");
        this.draw();
        for (const words of stop.show)
            this.show(words);
        document.body.classList.toggle("no-detail", !$("detail").innerHTML);
        const marks = stop.mark.map((expression) => this.player.evaluate(expression)).flat().filter((f) => f !== null);
        if (marks.length > 0)
            this.light([...this.marked, ...marks]);
    }

    /* The panels that the sentence speaks of come first. */
    lead(names) {
        document.querySelectorAll(".panel").forEach((p) => p.classList.toggle("first", names.includes(p.id.replace("panel-", ""))));
    }

    /* show console, harts, ...: see lead() */
    /* show process WHO, walk WHO, VA, frame NUMBER, why ADDRESS: the words behind are expressions */
    show(words) {
        const [, what, expression] = /^(\S+)\s*(.*)$/.exec(words);
        if (PANELS.includes(words))
            return;
        const value = expression ? this.player.evaluate(`[${expression}]`) : [];
        const pid = (who) => this.processes.find((p) => p.pid === who || p.name === who)?.pid;
        if (what === "process")
            this.selected = {pid: pid(value[0])};
        else if (what === "walk")
            this.selected = {walk: {pid: pid(value[0]), va: value[1]}};
        else if (what === "frame")
            this.selected = {frame: value[0]};
        else if (what === "why")
            this.explain(value[0], value[1] ?? 8);
        if (this.selected)
            this.drawSelected();
    }

    endScene() {
        this.player = null;
        $("lecture").hidden = true;
        $("scene").value = "";
        document.body.classList.remove("lecture", "no-detail");
        this.lead([]);
        this.detail("Detail", HINT);
        this.machine.pace(true);
        this.setRunning(true);
    }

    // ---- links and print ----

    link() {
        const url = `${location.href.split("#")[0]}#run=${this.machine.name}&at=${this.machine.step}`;
        navigator.clipboard?.writeText(url).catch(() => {});
        history.replaceState(null, "", `#run=${this.machine.name}&at=${this.machine.step}`);
        $("instant").textContent = "The address bar names this run at this instant.";
    }

    /* Repeats a run up to an instant of it. */
    replayTo(step) {
        this.machine.pace(false);
        while (this.machine.step < step && this.machine.run(Math.min(1000000, step - this.machine.step)) === STOP.UNTIL)
            this.print();
        this.print();
        this.machine.pace(true);
        this.watchTables();
        this.setRunning(false);
    }

    /* The drawing in a panel, or the map of frames, as a file for print. */
    savePanel(panel) {
        if (panel.id === "panel-frames")
            return this.savePicture(framesSvg(this.banks, {marked: this.marked}), "frames.svg");
        const drawing = panel.querySelector("svg");
        return drawing && this.savePicture(drawing.outerHTML, `${panel.id.replace("panel-", "")}.svg`);
    }

    savePicture(drawing, name) {
        const a = document.createElement("a");
        a.href = URL.createObjectURL(new Blob([svgFile(drawing)], {type: "image/svg+xml"}));
        a.download = name;
        a.click();
    }
}

async function main() {
    const [wasm, kernelFile, image, layouts, sources, texts] = await Promise.all(
        ["wasm", "kernel", "image", "layouts", "sources", "scenes"].map(asset));
    const {options, scenes} = json(texts);
    const page = new Page({wasm, kernelFile, image, layouts: json(layouts), sources: json(sources), options, scenes});
    window.lamina = page;
    $("unit").innerHTML = MOVES.map((m) => `<option>${m}</option>`).join("");
    $("scene").innerHTML += Object.entries(scenes).map(([name, text]) => `<option value="${name}">${escape(parseScene(text).title)}</option>`).join("");
    $("legend").innerHTML = STATES.map((s) => `<span><i style="background:${COLOURS[s]}"></i>${s}</span>`).join("");
    page.detail("Detail", HINT);
    listen(page);
    const hash = new URLSearchParams(location.hash.slice(1));
    await page.begin({}, hash.get("run") ?? undefined);
    if (hash.get("run"))
        page.replayTo(Number(hash.get("at")));
    if (hash.get("cmd"))
        page.queue = hash.get("cmd").split(";").map((c) => c + "\n").join("");
    if (hash.get("scene"))
        await page.startScene(hash.get("scene"));
    requestAnimationFrame((t) => page.frame(t));
}

main().catch((error) => {
    document.querySelector("main").innerHTML = `<p>This page does not run here: ${escape(error.message)}</p>`;
    throw error;
});
