/*
 * Drawings as SVG text: in the page, on paper, and without a browser. Each takes what kernel.js gives. No DOM here.
 *
 * A class on an element is a colour of the page's style; SVG that leaves the page carries the style with it (svgFile()).
 */
import {STATES, hex} from "./kernel.js";

export const COLOURS = {            // Okabe and Ito's: told apart by the colour-blind
    free: "#e4e4e0", kernel: "#0072b2", table: "#e69f00", user: "#009e73", pinned: "#cc79a7", cache: "#56b4e9",
    reserved: "#8a8a8a", shared: "#d55e00",
};
const KINDS = {image: "#009e73", heap: "#56b4e9", stack: "#e69f00", guard: "#b0b0b0", shared: "#d55e00", file: "#cc79a7"};

export function escape(text) {
    return String(text).replace(/[&<>"]/g, (c) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);
}

export function tag(name, attributes, content = "") {
    const written = Object.entries(attributes).filter(([, v]) => v !== undefined)
        .map(([k, v]) => ` ${k}="${escape(v)}"`).join("");
    return content === "" ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

const text = (x, y, words, more = {}) => tag("text", {x, y, ...more}, escape(words));

export function svg(width, height, content, label) {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
        `role="img" aria-label="${escape(label)}" font-family="sans-serif" font-size="13">${content}</svg>`;
}

/* A file for print: white ground, black letters. */
export function svgFile(drawing) {
    const style = "<style>text{fill:#111}.line{stroke:#555;fill:none}.dim{fill:#666}.box{fill:#fff;stroke:#555}</style>";
    return drawing.replace(/>/, `>${style}<rect width="100%" height="100%" fill="#fff"/>`);
}

// ---- all frames ----

export function framesSvg(banks, {columns = 256, cell = 4, marked = new Set()} = {}) {
    let y = 0, content = "";
    for (const bank of banks) {
        for (let i = 0; i < bank.count;) {
            let n = 1;
            while (i + n < bank.count && (i + n) % columns !== 0 && bank.state[i + n] === bank.state[i])
                n++;
            content += tag("rect", {x: i % columns * cell, y: y + Math.floor(i / columns) * cell, width: n * cell, height: cell,
                                    fill: COLOURS[STATES[bank.state[i]]]});
            i += n;
        }
        for (const frame of marked)
            if (frame >= bank.first && frame < bank.first + bank.count)
                content += tag("rect", {x: (frame - bank.first) % columns * cell - 2, width: cell + 4, height: cell + 4,
                                        y: y + Math.floor((frame - bank.first) / columns) * cell - 2, fill: "none",
                                        stroke: COLOURS.shared, "stroke-width": 2});
        y += Math.ceil(bank.count / columns) * cell + 8;
    }
    let x = 0;
    for (const state of STATES) {
        content += tag("rect", {x, y, width: 12, height: 12, fill: COLOURS[state]}) + text(x + 16, y + 11, state);
        x += 40 + 8 * state.length;
    }
    return svg(columns * cell, y + 20, content, "all frames of RAM by what they are used for");
}

// ---- processes and their vmas, on one scale ----

/*
 * The scale: what no process maps is narrow; what is mapped is wide by the logarithm of its pages. So all of them fit,
 * and equal addresses are above each other.
 */
export function scale(processes, width) {
    const marks = [...new Set(processes.flatMap((p) => (p.mm?.vmas ?? []).flatMap((v) => [v.start, v.end])))].sort((a, b) => a - b);
    const mapped = (a) => processes.some((p) => p.mm?.vmas.some((v) => v.start <= a && a < v.end));
    const weights = marks.slice(1).map((end, i) => mapped(marks[i]) ? 2 + Math.log2(1 + (end - marks[i]) / 4096) : 0.7);
    const sum = weights.reduce((a, b) => a + b, 0) || 1;
    let x = 0;
    const at = new Map([[marks[0], 0]]);
    weights.forEach((w, i) => at.set(marks[i + 1], x += w / sum * width));
    return at;
}

function band(v, x, y, width, selected) {
    const kind = width > 6 * v.kind.length + 4 ? v.kind : v.kind.slice(0, Math.max(0, Math.floor(width / 6) - 1));
    const line = (y, words) => text(x + 3, y, words, {style: "fill:#000", "font-size": 11});
    const title = `${v.kind} ${hex(v.start)}..${hex(v.end)} ${v.perms}, ${(v.end - v.start) / 4096} pages` +
        (v.region ? `, region ${hex(v.region)}${v.owners.length ? `, owned by pid ${v.owners.join(", ")}` : ", its owner is gone"}` : "");
    return tag("g", {"data-vma": v.address, class: "pick", tabindex: 0},
               tag("title", {}, escape(title)) +
               tag("rect", {x, y, width: Math.max(2, width), height: 30, fill: KINDS[v.kind.split(" ")[0]] ?? COLOURS.shared,
                            stroke: selected ? "#d00" : "#333", "stroke-width": selected ? 3 : 0.7}) +
               line(y + 12, kind) + (width > 22 ? line(y + 25, v.perms) : ""));
}

export function processesSvg(processes, {width = 760, selected} = {}) {
    const left = width < 400 ? 88 : 112, at = scale(processes, width - left - 4);
    let content = "";
    processes.forEach((p, i) => {
        const y = 8 + i * 40;
        content += tag("g", {"data-pid": p.pid, class: "pick", tabindex: 0},
                       text(0, y + 12, `${p.pid} ${p.name}`, {"font-weight": "bold"}) + text(0, y + 27, p.state, {class: "dim", "font-size": 11}));
        for (const v of p.mm?.vmas ?? [])
            content += band(v, left + at.get(v.start), y, at.get(v.end) - at.get(v.start), v.address === selected);
    });
    return svg(width, 16 + processes.length * 40, content, "processes and their areas of memory");
}

// ---- one walk ----

/* The address in its pieces of nine bits, the three entries, the page. */
export function walkSvg(walk, bits, {width = 760} = {}) {
    const pieces = [...walk.steps.map((s) => [`level ${s.level}`, s.index]), ["offset", walk.offset]];
    const step = width / 4, own = (value) => `0x${BigInt(value).toString(16)}`;
    let content = text(0, 16, `address ${hex(walk.va)}`, {"font-weight": "bold"});
    pieces.forEach(([name, value], i) => {
        content += tag("rect", {x: i * step, y: 24, width: step - 6, height: 40, class: "box", fill: "none", stroke: "#888"}) +
            text(i * step + 8, 40, name, {class: "dim"}) + text(i * step + 8, 57, `${value} = 0x${value.toString(16)}`);
    });
    walk.steps.forEach((s, i) => {
        const y = 76 + i * 46, shared = s.flags & bits.S && s.valid;
        content += tag("g", {"data-pte": s.at, class: "pick", tabindex: 0},
            tag("rect", {x: i * 12 + 1, y, width: width - 2 - i * 12, height: 40, rx: 4, class: "box", fill: "none",
                         stroke: shared ? COLOURS.shared : "#888", "stroke-width": shared ? 3 : 1}) +
            text(i * 12 + 8, y + 16, `table ${hex(s.table)}, entry ${s.index} at ${hex(s.at)}: ${own(s.value)}`) +
            text(i * 12 + 8, y + 33, flagWords(s, bits), {"font-weight": "bold"}));
    });
    const y = 76 + walk.steps.length * 46;
    content += walk.leaf
        ? tag("g", {"data-frame": walk.leaf.frame, class: "pick", tabindex: 0},
              text(0, y + 16, `frame ${hex(walk.leaf.frame)}, byte ${hex(walk.leaf.pa)}`, {"font-weight": "bold"}))
        : text(0, y + 16, "no page: a touch would fault", {"font-weight": "bold"});
    return svg(width, y + 28, content, `the walk to ${hex(walk.va)}`);
}

const FLAG_WORDS = {V: "valid", R: "read", W: "write", X: "execute", U: "user", G: "global", A: "accessed", D: "dirty",
                    S: "SHARED: borrowed, not owned"};

/* The flags of an entry, spelt out. */
export function flagWords(entry, bits) {
    const words = Object.keys(FLAG_WORDS).filter((f) => entry.flags & bits[f]).map((f) => FLAG_WORDS[f]);
    if (entry.valid && !(entry.flags & (bits.R | bits.W | bits.X)))
        words.push("leads to a table");
    return words.join(", ") || "empty";
}

// ---- what happened, by hart and by process ----

export const EVENT_COLOURS = {trap: "#d55e00", return: "#999999", sbi: "#cc79a7", switch: "#0072b2", fence: "#e69f00",
                              table: "#009e73", call: "#56b4e9", store: "#000000"};

export const TIMELINE_LEFT = 110;          // for the rows' names
const ROWS_MAX = 12;

/* A row for each hart, and one for each process that did something, in the order of their first events. */
export function timelineSvg(events, {from, to, harts, width = 760, now, who = () => ""}) {
    const row = 20, x = (step) => TIMELINE_LEFT + (step - from) / Math.max(1, to - from) * (width - TIMELINE_LEFT);
    const names = [...new Set(events.map(who))].filter((name) => name).slice(0, ROWS_MAX - harts);
    const rows = [...Array.from({length: harts}, (_, i) => `hart ${i}`), ...names], height = rows.length * row;
    const mark = (e, i) => tag("rect", {x: x(e.step) - 1, y: i * row + 4, width: 2.5, height: 12, fill: EVENT_COLOURS[e.kind]});
    let content = rows.map((name, i) => tag("line", {x1: TIMELINE_LEFT, x2: width, y1: i * row + 10, y2: i * row + 10, stroke: "#888"}) +
                                        text(0, i * row + 14, name, {"font-size": 12})).join("");
    for (const e of events)
        content += mark(e, e.hart) + (names.includes(who(e)) ? mark(e, harts + names.indexOf(who(e))) : "");
    if (now >= from && now <= to)
        content += tag("line", {x1: x(now), x2: x(now), y1: 0, y2: height, stroke: "#d00", "stroke-width": 2});
    return svg(width, height + 20, content + eventLegend(height + 14), "what happened, by hart and by process");
}

function eventLegend(y) {
    let x = TIMELINE_LEFT, content = "";
    for (const [kind, words] of Object.entries({trap: "trap", switch: "switch", fence: "fence", table: "page table", call: "call"})) {
        content += tag("rect", {x, y: y - 10, width: 4, height: 12, fill: EVENT_COLOURS[kind]}) + text(x + 8, y, words, {"font-size": 11, class: "dim"});
        x += 22 + 7 * words.length;
    }
    return content;
}
