/*
 * Every scene plays, and what it says must hold at each stop holds there: forwards, and again after going back.
 */
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import {fileURLToPath} from "node:url";

import {standing} from "../parts.js";
import {Player, SceneError, parseScene} from "../scenes.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));

const FOLDER = path.join(HERE, "../scenes");

for (const file of fs.readdirSync(FOLDER).sort()) {
    test(`scene ${file}`, async () => {
        const scene = parseScene(fs.readFileSync(path.join(FOLDER, file), "utf8"));
        const {machine, kernel, text} = await standing(scene.options);
        const player = new Player(machine, kernel, scene, text);
        const hashes = scene.stops.map((stop, i) => {
            assert(player.go(i), `stop ${i + 1}`);
            assert.deepEqual(player.broken(), [], `stop ${i + 1}, line ${stop.line}: ${stop.say}`);
            assert(stop.say.length > 20 && stop.must.length > 0, `stop ${i + 1} says something, and something must hold`);
            return machine.hash;
        });
        for (let i = scene.stops.length - 1; i >= 0; i--) {
            player.go(i);
            assert.equal(machine.hash, hashes[i], `back at stop ${i + 1}`);
            assert.deepEqual(player.broken(), []);
        }
    });
}

test("a scene that is wrong is told by line and word", () => {
    assert.throws(() => parseScene("title x\n\nfly away"), SceneError);
    assert.throws(() => parseScene("type ls"), SceneError);
});
