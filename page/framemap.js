/*
 * The map of all frames: one cell a frame, on a canvas, for the mouse and for keys.
 */
import {COLOURS} from "./draw.js";
import {STATES} from "./kernel.js";

const COLUMNS = 128;                // frames in a row
const CELL = 8;                     // pixels
const EDGE = 6;                     // pixels around the map, for the marks of frames that lie there

const PIXELS = STATES.map((name) => {
    const value = parseInt(COLOURS[name].slice(1), 16);
    return 0xff000000 | (value & 0xff) << 16 | value & 0xff00 | value >> 16;
});

export class FrameMap {
    /* `all` is the box that says whether to draw all rows; open(frame) and tell(frame or null) are what the keys do. */
    constructor(canvas, all, {open, tell}) {
        Object.assign(this, {canvas, all, open, tell, banks: [], marked: new Set()});
    }

    /* The map's rows: all of them, or without those that are free from end to end, of which one is left for each run. */
    mapRows() {
        const cells = this.banks.flatMap((bank) => Array.from({length: Math.ceil(bank.count / COLUMNS)}, (_, row) =>
            ({bank, from: row * COLUMNS, to: Math.min(bank.count, (row + 1) * COLUMNS)})));
        if (this.all.checked)
            return cells;
        const free = cells.map(({bank, from, to}) => bank.state.subarray(from, to).every((state) => state === 0));
        return cells.filter((_, i) => !free[i] || !free[i - 1]);
    }

    draw(banks = this.banks, marked = this.marked) {
        Object.assign(this, {banks, marked});
        const rows = this.rows = this.mapRows(), {canvas} = this, cell = CELL;
        canvas.width = COLUMNS * cell + 2 * EDGE;
        canvas.height = Math.max(1, rows.length) * cell + 2 * EDGE;
        this.small ??= document.createElement("canvas");
        this.small.width = COLUMNS;
        this.small.height = Math.max(1, rows.length);
        const picture = this.small.getContext("2d").createImageData(COLUMNS, Math.max(1, rows.length));
        const pixels = new Uint32Array(picture.data.buffer), context = canvas.getContext("2d");
        rows.forEach(({bank, from, to}, row) => {
            for (let i = from; i < to; i++)
                pixels[row * COLUMNS + i - from] = PIXELS[bank.state[i]];
        });
        this.small.getContext("2d").putImageData(picture, 0, 0);
        context.imageSmoothingEnabled = false;
        context.drawImage(this.small, EDGE, EDGE, COLUMNS * cell, rows.length * cell);
        for (const [colour, width] of [["#fff", 7], ["#000", 3]])
            for (const frame of this.marked)
                this.outline(context, frame, cell, colour, width);
        if (this.cursor !== undefined && document.activeElement === canvas)
            this.outline(context, this.cursor, cell, "#d55e00", 4);
    }

    outline(context, frame, cell, colour, width) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        this.rows.forEach(({bank, from, to}, row) => {
            const i = frame - bank.first;
            if (i >= from && i < to)
                context.strokeRect(EDGE + (i - from) * cell - 1, EDGE + row * cell - 1, cell + 2, cell + 2);
        });
    }

    /* The frame under a mouse, or null. */
    at(event) {
        const {canvas} = this, box = canvas.getBoundingClientRect();
        const y = (event.clientY - box.top) / box.height * canvas.height - EDGE;
        const x = (event.clientX - box.left) / box.width * canvas.width - EDGE;
        return this.cellAt(Math.floor(y / CELL), Math.floor(x / CELL));
    }

    cellAt(number, column) {
        const row = this.rows[number], i = row ? row.from + column : 0;
        if (!row || column < 0 || column >= COLUMNS || i >= row.to)
            return null;
        const {bank} = row;
        return {frame: bank.first + i, state: STATES[bank.state[i]], refs: bank.refs[i], pins: bank.pins[i]};
    }

    /* The arrows go from frame to frame, Enter opens one. => true: that was such a key */
    key(key) {
        const ways = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
        if (key === "Enter" && this.cursor !== undefined)
            this.open(this.cursor);
        if (!ways[key])
            return key === "Enter";
        const at = this.rows.findIndex(({bank, from, to}) => this.cursor >= bank.first + from && this.cursor < bank.first + to);
        const column = at < 0 ? -1 : this.cursor - this.rows[at].bank.first - this.rows[at].from;
        const found = this.cellAt(Math.max(0, at) + (at < 0 ? 0 : ways[key][0]), at < 0 ? 0 : column + ways[key][1]);
        this.cursor = found?.frame ?? this.cursor;
        this.draw();
        this.tell(found);
        return true;
    }
}
