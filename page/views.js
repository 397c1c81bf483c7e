/*
 * What the page shows of the kernel, as HTML text; app.js puts it into place. data-* attributes say what a click means:
 * data-frame a frame, data-pte an entry's physical address, data-vma, data-pid, data-root, data-hart, data-step an instant.
 * No DOM here.
 */
import {STATES, hex} from "./kernel.js";
import {escape, flagWords} from "./draw.js";
import {whyWords} from "./why.js";

const LEAVES_MAX = 300;

const pick = (what, value, words, more = "") => `<span class="pick ${more}" tabindex="0" data-${what}="${value}">${words}</span>`;
export const frameLink = (frame) => pick("frame", frame, `frame ${hex(frame)}`, "mono");
const pidLink = (pid, name = "") => pid ? pick("pid", pid, `${escape(name)} pid ${pid}`) : "no process";
export const stepLink = (step) => pick("step", step, `step ${step.toLocaleString("en")}`);

// ---- tables ----

/* A table's tree, level by level; entries that lead to pages are listed with their flags spelt out. */
export function treeHtml(tree, bits, level = 2) {
    const rows = tree.entries.slice(0, LEAVES_MAX).map((e) => e.child
        ? `<details ${level > 0 ? "open" : ""}><summary>${pick("pte", e.at, `[${e.index}]`, "mono")} level ${level}: from
           ${hex(e.va)}, table ${frameLink(e.child.table / 4096)}</summary>${treeHtml(e.child, bits, level - 1)}</details>`
        : `<div class="mono ${e.shared ? "shared" : ""}">${pick("pte", e.at, `[${e.index}] ${hex(e.va)}`)}
           ${frameLink(e.frame)} ${escape(flagWords({...e, valid: (e.flags & bits.V) !== 0}, bits))}</div>`);
    const more = tree.entries.length > LEAVES_MAX ? `<div class="dim">and ${tree.entries.length - LEAVES_MAX} more</div>` : "";
    return `<div style="margin-left:1rem">${rows.join("")}${more}</div>`;
}

// ---- one frame, one vma ----

function holderHtml(h) {
    if (h.by === "process")
        return `${pidLink(h.pid, h.name)} at ${pick("pte", h.at, hex(h.va), "mono")}, ${h.own ? "its own"
            : '<span class="shared">borrowed</span>'} <code>${h.text}</code>${h.vma ? ` in its ${escape(h.vma.kind)}` : ""}`;
    if (h.by === "region")
        return `region <code>${hex(h.region)}</code>, its page ${h.index}`;
    return escape(h.what ?? (h.by === "root" ? `the root of ${h.name} (pid ${h.pid})` : `a table of ${h.name} (pid ${h.pid})`));
}

export function frameHtml(info) {
    const list = (title, items) => items.length === 0 ? "" : `<p>${title}</p><ul>${items.map((h) => `<li>${holderHtml(h)}</li>`).join("")}</ul>`;
    return `<p class="words">${escape(info.state)}, count ${info.refs}${info.pins ? ` (${info.pins} pinned)` : ""}: ${escape(info.words)}</p>
        ${list("Holders, one for each of the count:", info.holders)}${list("Borrowers, which count for nothing:", info.borrowers)}
        <p><button data-why="${info.countAt}" data-size="4">Who wrote its count last?</button></p>`;
}

export function vmaHtml(process, v) {
    const pages = (v.end - v.start) / 4096;
    const shared = v.region ? `region <code>${hex(v.region)}</code>, ${v.owners.length
        ? `owned by ${v.owners.map((pid) => pidLink(pid)).join(", ")}` : "the owner is gone: the region alone holds its frames"}` : "no region: private";
    return `<p>${pidLink(process.pid, process.name)}: ${escape(v.kind)} <code>${hex(v.start)}..${hex(v.end)}</code>,
        ${pages} page${pages === 1 ? "" : "s"}, ${v.perms} (at most ${v.maxPerms})</p><p>${shared}</p>
        <p>${v.copies ? "A page that others hold is copied at the first store." : ""} ${v.promised ? "Its frames are promised." : ""}</p>
        <p><button data-walk="${process.pid}" data-va="${v.start}">Walk to its first page</button>
        <button data-why="v${v.address}">Who wrote this vma last?</button></p>`;
}

// ---- harts ----

function tlbHtml(entries, walk) {
    const rows = entries.map((e) => {
        const leaf = walk(e.va), wrong = !leaf || leaf.pa !== e.pa || ((leaf.flags ^ e.flags) & 0x1f) !== 0;
        return {wrong, text: `<tr class="${wrong ? "stale" : ""}"><td><code>${hex(e.va)}</code></td><td><code>${hex(e.pa)}</code></td>
            <td>${wrong ? "differs from the tables" : ""}</td></tr>`};
    });
    const stale = rows.filter((r) => r.wrong).length;
    return `<details><summary>TLB: ${rows.length} entries, ${stale} differ from the tables</summary><table>${
        rows.sort((a, b) => b.wrong - a.wrong).map((r) => r.text).join("")}</table></details>`;
}

/* `harts` as kernel.harts() gives them, with what machine.hart() and machine.tlb() say. */
export function hartsHtml(harts, kernel, open) {
    return harts.map((h) => {
        const who = h.pid ? pidLink(h.pid, h.name) : h.idle ? "idle" : "the kernel";
        const where = h.where?.function ? `${escape(h.where.function)} <small>${escape(h.where.file ?? "")}:${h.where.line}</small>` : hex(h.pc);
        const state = !h.started ? "not started" : h.waiting ? "waits (wfi)" : h.mode === "U" ? "user mode" : "supervisor mode";
        const walk = (va) => h.pageTable ? kernel.walk(h.pageTable, va).leaf : null;
        return `<div class="pick" tabindex="0" data-hart="${h.index}"><b>hart ${h.hartid}</b> ${state}, ${who}: ${where}</div>
            ${open ? tlbHtml(h.tlb, walk) : ""}`;
    }).join("");
}

/* Every lock that is a variable of its own, held ones first. */
export function locksHtml(locks) {
    const rows = locks.map((l) => `<tr><td><code>${escape(l.name)}</code></td><td>${l.locked ? `<b>held by hart ${l.holder ?? "?"}</b>` : "free"}</td>
        <td><button data-why="${l.pa}" data-size="4">Who wrote it last?</button></td></tr>`);
    return `<details><summary>Locks: ${locks.filter((l) => l.locked).length} of ${locks.length} held</summary><table>${rows.join("")}</table></details>`;
}

// ---- regions, why, differences, events ----

export function regionsHtml(regions) {
    if (regions.length === 0)
        return '<p class="dim">Nothing is shared now.</p>';
    return regions.map((r) => `<p data-region="${r.address}"><code>${hex(r.address)}</code>: ${r.frames.filter((f) => f).length} of ${r.frames.length} pages,
        ${r.owners.length ? `owned by ${r.owners.map((pid) => pidLink(pid)).join(", ")}` : "no owner: it alone holds them"};
        mapped by ${r.vmas.map((v) => pick("vma", v.address, `pid ${v.pid} at ${hex(v.start)} ${v.perms}`)).join(", ") || "nobody"}<br>
        ${r.frames.filter((f) => f).slice(0, 16).map(frameLink).join(" ")}</p>`).join("");
}

/* The calls of a backtrace; a click shows the line. */
function callsHtml(frames) {
    const calls = frames.flatMap((f) => f.calls?.length ? f.calls : [f]).filter((c) => c.function);
    return `<ol>${calls.map((c) => `<li class="pick mono" tabindex="0" data-file="${escape(c.file ?? "")}" data-line="${c.line}">${
        escape(c.function)} <small>${escape(c.file ?? "")}:${c.line}</small></li>`).join("")}</ol>`;
}

export function panicHtml(words, frames) {
    return `<p class="words">panic: ${escape(words)}</p>${callsHtml(frames)}<p>Step back from here to see how it came to this.</p>`;
}

export function whyHtml(found, title) {
    if (!found)
        return `<p>${escape(title)}: ${whyWords(null)}</p>`;
    return `<p>${escape(title)}: <span class="words">${escape(whyWords(found))}</span></p>
        <p><code>${hex(found.before)}</code> became <code>${hex(found.after)}</code> ${stepLink(found.step)}</p>
        ${callsHtml(found.frames)}<p><button data-earlier="1">And the store before that one?</button></p>`;
}

export function differencesHtml(groups, from, to) {
    if (groups.length === 0)
        return `<p>Nothing differs between ${stepLink(from)} and ${stepLink(to)}.</p>`;
    return `<p>From ${stepLink(from)} to ${stepLink(to)}:</p>` + groups.map((g) => `<p class="words">${escape(g.title)}</p><ul>${
        g.lines.slice(0, 60).map((l) => `<li>${l.frame !== undefined ? pick("frame", l.frame, escape(l.text)) : escape(l.text)}</li>`).join("")}${
        g.lines.length > 60 ? `<li>and ${g.lines.length - 60} more</li>` : ""}</ul>`).join("");
}

const TRAPS = {0: "fetch misaligned", 1: "no memory to fetch from", 2: "illegal instruction", 3: "breakpoint", 4: "load misaligned",
               5: "no memory to load from", 6: "store misaligned", 7: "no memory to store to", 8: "system call", 12: "page fault: fetch",
               13: "page fault: load", 15: "page fault: store"};
const INTERRUPTS = {1: "interrupt: another hart calls", 5: "interrupt: timer", 9: "interrupt: device"};

/* An event in words. */
export function eventWords(e, kernel) {
    if (e.kind === "trap")
        return e.a >> 63n ? INTERRUPTS[Number(e.a & 0xffn)] : `${TRAPS[Number(e.a)] ?? `trap ${e.a}`}${e.a > 8n ? ` at ${hex(e.b)}` : ""}`;
    if (e.kind === "return")
        return `return to ${Number(e.b) === 0 ? "the program" : "the kernel"} at ${hex(e.a)}`;
    if (e.kind === "switch")
        return `address space of root ${hex((e.a & 0xfffffffffffn) << 12n)}`;
    if (e.kind === "fence")
        return `${e.b ? "shootdown" : "fence"}: ${BigInt.asIntN(64, e.a) === -1n ? "all" : hex(e.a)}`;
    if (e.kind === "table")
        return `page table entry at ${hex(e.a)} becomes ${hex(e.b)}`;
    if (e.kind === "call")
        return `${kernel.symbolize(e.a)?.function ?? hex(e.a)}()`;
    return e.kind === "sbi" ? `call of the firmware ${hex(e.a)}` : e.kind;
}

/* `who` tells whose address space a root is at an instant. */
export function eventsHtml(events, kernel, who) {
    return `<table>${events.map((e) => `<tr class="pick" tabindex="0" data-step="${e.step}"><td>${e.step.toLocaleString("en")}</td>
        <td>hart ${e.hart}</td><td>${escape(who(e))}</td><td>${escape(eventWords(e, kernel))}</td></tr>`).join("")}</table>`;
}

export function sumWords(banks) {
    const sums = STATES.map(() => 0);
    for (const bank of banks)
        for (const state of bank.state)
            sums[state]++;
    return STATES.map((name, i) => `${sums[i]} ${name}`).filter((w) => !w.startsWith("0 ")).join(", ");
}
