/*
 * A view as SVG, without a browser: node page/picture.js PROGRAM 'FUNCTION [returns]' [processes | frames | walk:VA]
 */
import fs from "node:fs";
import path from "node:path";

import {framesSvg, processesSvg, svgFile, walkSvg} from "./draw.js";
import {FOLDER, standing, toPrompt} from "./parts.js";
import {Player, parseScene} from "./scenes.js";

function fail(words) {
    console.error(`picture: ${words}`);
    process.exit(1);
}

function draw(kernel, player, view) {
    if (view === "processes")
        return processesSvg(kernel.processes());
    if (view === "frames")
        return framesSvg(kernel.frames());
    const [, va] = /^walk:(.+)$/.exec(view) ?? fail(`VIEW=${view} is none of processes, frames, walk:ADDRESS`);
    const {pid, proc} = player.scope();
    return walkSvg(kernel.walk(proc(pid)?.mm?.root ?? fail("no process is on the hart there"), Number(va)), kernel.tables.bits);
}

const [, , program, at, view = "processes"] = process.argv;
if (!program || !at)
    fail("say which and when, as make picture PROGRAM=shmem_test AT='map_shared_pages returns'");
const stand = await standing();
toPrompt(stand);
const [name, returns] = at.split(/\s+/);
const scene = parseScene(`title ${program}\n\ntype ${program}\nto ${name}\n${returns ? "out" : ""}\n`);
const player = new Player(stand.machine, stand.kernel, scene, stand.text);
try {
    player.go(0);
} catch (error) {
    fail(error.message);
}
const file = path.join(FOLDER, "../picture.svg");
fs.writeFileSync(file, svgFile(draw(stand.kernel, player, view)));
console.log(`${path.relative(process.cwd(), file)}: ${view} of ${program} at step ${stand.machine.step}`);
