/*
 * The page in headless Chromium: it opens without an error, runs, shows the truth, and goes back.
 */
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import test, {after, before} from "node:test";
import {fileURLToPath} from "node:url";

import {chromium} from "playwright-core";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const PAGE = process.env.LAMINA_HTML ?? path.join(HERE, "../../build/lamina.html");
const SCENES = fs.readdirSync(path.join(HERE, "../scenes")).map((name) => name.replace(".scene", "")).sort();
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync"];
const PATIENCE = 240000;

let browser;

before(async () => {
    browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS});
});

after(() => browser.close());

/* A page that is open: errors and requests to anywhere fail the test. */
async function open(hash = "", viewport = {width: 1400, height: 1000}) {
    const page = await browser.newPage({viewport}), wrong = [];
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on("request", (request) => /^https?:/.test(request.url()) && wrong.push(request.url()));
    await page.goto(`file://${PAGE}${hash}`);
    await page.waitForFunction(() => window.lamina?.text.includes("$ "));
    return {page, wrong};
}

const waitForText = (page, words) => page.waitForFunction((w) => window.lamina.text.includes(w), words);

test("it runs a command from its link, and shows what the kernel's memory says", async () => {
    const {page, wrong} = await open("#cmd=shmem_test");
    await waitForText(page, "shmem_test: OK");
    const seen = await page.evaluate(() => {
        lamina.setRunning(false);
        lamina.draw();
        return {processes: document.querySelectorAll("#processes g[data-pid]").length, kernel: lamina.kernel.processes().length,
                vmas: document.querySelectorAll("#processes g[data-vma]").length,
                there: lamina.kernel.processes().reduce((n, p) => n + (p.mm?.vmas.length ?? 0), 0),
                harts: document.querySelectorAll("#harts [data-hart]").length, sum: document.querySelector("#frames-sum").textContent,
                free: lamina.kernel.frames()[0].state.filter((s) => s === 0).length, rows: document.querySelectorAll("#events tr").length};
    });
    assert.equal(seen.processes, seen.kernel);
    assert.equal(seen.vmas, seen.there);
    assert.equal(seen.harts, 3);
    assert(seen.sum.startsWith(`${seen.free} free`), seen.sum);
    assert(seen.rows > 20);
    assert.deepEqual(wrong, []);
    await page.close();
});

test("the console takes typing", async () => {
    const {page, wrong} = await open();
    await page.click("#console");
    await page.keyboard.type("echo typed by hand\n");
    await waitForText(page, "\ntyped by hand");
    assert.deepEqual(wrong, []);
    await page.close();
});

test("it goes back to the identical state, and says who wrote an entry", async () => {
    const {page, wrong} = await open("#cmd=scene fork");
    await waitForText(page, "scene: OK");
    const found = await page.evaluate(async () => {
        lamina.setRunning(false);
        const {machine, kernel} = lamina, end = machine.step, half = Math.floor(end / 2);
        machine.seek(half);
        const there = machine.hash;
        machine.seek(end);
        const last = machine.hash;
        machine.seek(half);
        const again = machine.hash === there;
        machine.seek(end);
        const sh = kernel.processes().find((p) => p.name === "sh"), walk = kernel.walk(sh.mm.root, sh.mm.vmas[0].start);
        lamina.explain(walk.steps.at(-1).at, 8);
        return {again, end: machine.hash === last, words: document.querySelector("#detail .words").textContent,
                lines: document.querySelectorAll("#detail ol li").length, source: document.querySelectorAll("#source .here").length};
    });
    assert(found.again && found.end);
    assert.match(found.words, /\(pid \d+\) on hart \d, in .*, at step/);
    assert(found.lines >= 3);
    assert.equal(found.source, 1);
    assert.deepEqual(wrong, []);
    await page.close();
});

test("a run's link gives the same run", async () => {
    const {page} = await open("#cmd=echo once");
    await waitForText(page, "\nonce");
    const first = await page.evaluate(() => {
        lamina.setRunning(false);
        lamina.link();
        return {hash: location.hash, state: String(lamina.machine.hash), step: lamina.machine.step};
    });
    await page.close();
    const second = await browser.newPage();
    await second.goto(`file://${PAGE}${first.hash}`);
    await second.waitForFunction((step) => window.lamina?.machine?.step === step, first.step);
    assert.equal(await second.evaluate(() => String(lamina.machine.hash)), first.state);
    await second.close();
});

/* What of a lecture's stop a projector of 1280 x 720 shows without scrolling. */
function inSight() {
    const bottom = (id) => document.querySelector(id).getBoundingClientRect().bottom;
    const led = [...document.querySelectorAll(".panel.first")].sort((a, b) => a.offsetTop - b.offsetTop || a.offsetLeft - b.offsetLeft);
    const panels = led.length ? led.slice(0, 2).map((p) => `#${p.id} h2`) : [document.body.classList.contains("no-detail") ? "#processes" : "#detail"];
    return {letters: parseFloat(getComputedStyle(document.querySelector("#lecture-say")).fontSize),
            hidden: [...panels, "#lecture-say", ...lamina.marked.size ? ["#frames"] : []].filter((id) => bottom(id) > innerHeight)};
}

test("scenes play by the arrow keys, and a projector shows what the sentence speaks of", async () => {
    const {page, wrong} = await open("", {width: 1280, height: 720});
    for (const scene of SCENES) {
        await page.evaluate((name) => lamina.startScene(name), scene);
        const stops = await page.evaluate(() => lamina.player.scene.stops.map((stop) => stop.say));
        for (let i = 0; i < stops.length; i++) {
            assert.equal(await page.textContent("#lecture-say"), stops[i], scene);
            const sight = await page.evaluate(inSight);
            assert(sight.letters >= 28, `letters of ${sight.letters} pixels`);
            assert.deepEqual(sight.hidden, [], `${scene}, stop ${i + 1}`);
            await page.keyboard.press("ArrowRight");
        }
        await page.keyboard.press("Escape");
    }
    assert.deepEqual(wrong, []);
    await page.close();
});

test("the keyboard alone suffices", async () => {
    const {page, wrong} = await open("#cmd=scene fork");
    await waitForText(page, "scene: OK");
    await page.keyboard.press("c");
    await page.keyboard.type("echo by key\n");
    await waitForText(page, "\nby key");
    await page.keyboard.press("Escape");
    await page.keyboard.press(" ");
    assert.equal(await page.evaluate(() => lamina.running), false);
    await page.focus("#frames");
    for (const key of ["ArrowRight", "ArrowRight", "Enter"])
        await page.keyboard.press(key);
    assert.match(await page.textContent("#detail"), /count 1/);
    for (const unit of ["7", "6", "5", "4", "3", "2", "1"]) {
        await page.evaluate(() => { document.activeElement.blur(); lamina.seek(lamina.machine.end); });
        const steps = [];
        for (const key of [unit, "ArrowLeft", "ArrowLeft", "ArrowRight"]) {
            await page.keyboard.press(key);
            steps.push(await page.evaluate(() => lamina.machine.step));
        }
        assert(steps[2] < steps[1] && steps[1] < steps[0], `unit ${unit}: ${steps}`);
        assert.equal(steps[3], steps[1], `unit ${unit}`);
    }
    assert.deepEqual(wrong, []);
    await page.close();
});

test("the slider comes back to the identical state; a phone is wide enough", async () => {
    const {page} = await open();
    const slide = (step) => page.evaluate((s) => {
        const slider = document.querySelector("#slider");
        slider.value = s;
        slider.dispatchEvent(new Event("input"));
        return [lamina.machine.step, String(lamina.machine.hash)];
    }, step);
    const end = await page.evaluate(() => { lamina.setRunning(false); lamina.draw(); return lamina.machine.end; });
    const there = [end, end / 2, end / 3].map(Math.floor), first = [], again = [];
    for (const step of there)
        first.push(await slide(step));
    for (const step of there)
        again.push(await slide(step));
    assert.deepEqual(again, first);
    assert.deepEqual(first.map(([step]) => step), there);
    await page.setViewportSize({width: 390, height: 800});
    assert(await page.evaluate(() => document.documentElement.scrollWidth) <= 400);
    await page.close();
});

test("why for a lock, and the store before that; stores to page tables are told from others", async () => {
    const {page, wrong} = await open("#cmd=scene fork");
    await waitForText(page, "scene: OK");
    await page.keyboard.press(" ");
    await page.evaluate(() => { lamina.draw(); document.querySelector("#harts > details:last-child").open = true; });
    await page.focus("#harts > details:last-child [data-why]");
    await page.keyboard.press("Enter");
    const last = await page.textContent("#detail"), stored = await page.evaluate(() => lamina.found.step);
    assert.match(last, /^buddy_lock\S* was written last by: .* on hart \d/);
    assert.match(last, /0x1 became 0x0/);
    await page.focus("[data-earlier]");
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#detail"), /0x0 became 0x1/);
    assert(await page.evaluate(() => lamina.found.step) < stored);
    const strange = await page.evaluate(() => {
        const {machine, kernel} = lamina, [first, end] = machine.recorded, {bits} = kernel.tables, found = [];
        for (let n = first; n < end; n++) {
            const e = machine.recordAt(n), flags = Number(e.b & 0x3ffn);
            if (e.kind === "table" && (e.b >> 54n || (e.b && !(flags & bits.V))))
                found.push(`0x${e.a.toString(16)} = 0x${e.b.toString(16)}`);
        }
        return found;
    });
    assert.deepEqual(strange, []);
    assert.deepEqual(wrong, []);
    await page.close();
});

/* An instruction that is none, where a function of the kernel begins. */
function breakKernel() {
    const file = lamina.kernelFile = lamina.kernelFile.slice(), view = new DataView(file.buffer), at = BigInt(lamina.kernel.addressOf("sys_uptime"));
    const headers = Number(view.getBigUint64(32, true));
    for (let i = 0; i < view.getUint16(56, true); i++) {
        const h = headers + i * view.getUint16(54, true), va = view.getBigInt64(h + 16, true), size = view.getBigInt64(h + 32, true);
        if (view.getUint32(h, true) === 1 && at >= va && at < va + size)
            view.setUint16(Number(view.getBigInt64(h + 8, true) + at - va), 0, true);
    }
    return lamina.begin();
}

test("a kernel that panics: the page stands at the panic", async () => {
    const {page, wrong} = await open();
    await page.evaluate(breakKernel);
    await page.waitForFunction(() => lamina.panic && !lamina.running);
    const seen = await page.evaluate(() => ({back: lamina.machine.end - lamina.machine.step, title: document.querySelector("#detail-title").textContent,
                                             words: document.querySelector("#detail").textContent,
                                             at: lamina.kernel.symbolize(lamina.machine.hart(lamina.panic.hart).pc).function}));
    assert.equal(seen.title, "The kernel panics here");
    assert.match(seen.words, /^panic: .*sys_uptime/s);
    assert(seen.back > 0);
    const before = await page.evaluate(() => lamina.machine.step);
    await page.keyboard.press("3");
    await page.keyboard.press("ArrowLeft");
    assert(await page.evaluate(() => lamina.machine.step) < before);
    assert.deepEqual(wrong, []);
    await page.close();
});

/* The contrast of an element's letters with its ground, as WCAG computes it. */
function contrasts(selectors) {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = (colour) => channels(colour).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (e) => { const c = getComputedStyle(e).backgroundColor; return channels(c)[3] === 0 ? ground(e.parentElement) : c; };
    return selectors.map((s) => {
        const e = document.querySelector(s), [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
        return [s, (a + 0.05) / (b + 0.05)];
    });
}

test("letters can be read, in light and dark", async () => {
    const {page} = await open("#scene=6-owner");
    for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({colorScheme});
        for (const [selector, ratio] of await page.evaluate(contrasts, ["#lecture-say", "#lecture h2", "#detail .words", "#detail .shared", "small", "button"]))
            assert(ratio >= 4.5, `${selector} in ${colorScheme}: ${ratio}`);
    }
    await page.close();
});
