/*
 * How fast the machine is here: natively, in node, in the page. Host times: read them when nothing else runs.
 *
 *     node page/bench.js GLASS KERNEL IMAGE PAGE
 */
import {spawnSync} from "node:child_process";

import {standing, toPrompt} from "./parts.js";

const STEPS = 100000000;
const COMMAND = "stressfs; forktest\n";

function line(what, value, unit) {
    console.log(`${what.padEnd(44)} ${value.toFixed(1).padStart(9)} ${unit}`);
}

/* The machine's own line says it: "glass: N instructions, X million a second". */
function native([glass, kernel, image]) {
    const run = spawnSync(glass, ["-f", "-l", String(STEPS), kernel, image], {input: COMMAND.repeat(20), encoding: "utf8"});
    line("native, with snapshots", Number(/([\d.]+) million/.exec(run.stderr)[1]), "million instructions a second");
}

async function inNode() {
    const stand = await standing(), {machine} = stand;
    toPrompt(stand);
    machine.type(COMMAND);
    const before = machine.step, start = performance.now();
    toPrompt(stand);
    line("WebAssembly, in node", (machine.step - before) / (performance.now() - start) / 1000, "million instructions a second");
    jumps(machine);
}

/* Jumps all over the session. */
function jumps(machine) {
    let longest = 0, most = 0;
    for (let i = 0; i < 20; i++) {
        const start = performance.now(), replayed = machine.replayed;
        machine.seek(Math.floor(machine.end * (i * 7 % 20) / 20));
        longest = Math.max(longest, performance.now() - start);
        most = Math.max(most, machine.replayed - replayed);
    }
    line(`longest of 20 jumps in ${(machine.end / 1e6).toFixed(0)} million`, longest, "ms");
    line("most that a jump replayed", most / 1e6, "million instructions");
}

async function inChromium(page) {
    const {chromium} = await import("playwright-core");
    const browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"]});
    const tab = await browser.newPage();
    await tab.goto(`file://${page}`);
    await tab.waitForFunction(() => window.lamina?.text.includes("$ "));
    line("page: from opening to the prompt", await tab.evaluate(() => lamina.promptAt), "ms");
    const busy = await tab.evaluate(async (command) => {
        const start = performance.now(), before = lamina.machine.step;
        lamina.pictures = 0;
        lamina.type(command);
        await new Promise((done) => setTimeout(done, 5000));
        return {pictures: lamina.pictures / 5, steps: (lamina.machine.step - before) / (performance.now() - start) / 1000};
    }, COMMAND);
    line("page: pictures while it runs", busy.pictures, "a second");
    line("page: beside drawing", busy.steps, "million instructions a second");
    await browser.close();
}

const args = process.argv.slice(2);
native(args);
await inNode();
await inChromium(args[3]);
