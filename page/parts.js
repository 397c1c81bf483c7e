/*
 * For node: the parts of the page that tools/page.py left unpacked in build/page/, and a machine made of them.
 */
import fs from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";

import {Kernel} from "./kernel.js";
import {Machine, STOP} from "./machine.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

export const FOLDER = process.env.LAMINA_PAGE ?? path.join(HERE, "../build/page");

export function part(name) {
    return fs.readFileSync(path.join(FOLDER, `${name}.part`));
}

export function partJson(name) {
    return JSON.parse(part(name).toString());
}

/* => {machine, kernel, text()}: text() is all that the console has printed. */
export async function standing(options = {}, name = undefined) {
    const machine = await Machine.create({wasm: part("wasm"), kernel: part("kernel"), image: part("image"), name,
                                          options: {...partJson("scenes").options, ...options}});
    let text = "";
    return {machine, kernel: new Kernel(machine.mem, partJson("layouts")), text: () => text += machine.output()};
}

/* Runs until all harts wait for a key. */
export function toPrompt({machine, text}) {
    let stop = STOP.UNTIL;
    while (stop === STOP.UNTIL || (stop === STOP.IDLE && machine.waitTime() >= 0)) {
        stop = machine.run(1000000);
        if (stop === STOP.IDLE && machine.waitTime() >= 0)
            machine.skip();
    }
    return text();
}
