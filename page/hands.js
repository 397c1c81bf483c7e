/*
 * Mouse and keys: what a click or a key means to the page.
 */
import {TIMELINE_LEFT} from "./draw.js";
import {MOVES} from "./time.js";

const $ = (id) => document.getElementById(id);

/* A click, or Enter, on something with a meaning. */
function act(page, element) {
    const at = element.closest("[data-frame],[data-pte],[data-vma],[data-pid],[data-hart],[data-step],[data-why],[data-walk],[data-earlier],[data-file]");
    if (!at)
        return;
    const d = at.dataset;
    if (d.why !== undefined)
        page.explain(d.why, d.size);
    else if (d.walk !== undefined)
        page.select({walk: {pid: Number(d.walk), va: Number(d.va)}});
    else if (d.earlier !== undefined) {
        page.found = page.why.earlier(page.found);
        page.showWhy();
    } else if (d.file !== undefined)
        page.source(d.file, Number(d.line));
    else if (d.step !== undefined)
        page.seek(Number(d.step));
    else if (d.hart !== undefined) {
        page.hart = Number(d.hart);
        page.select(null);
    } else
        for (const what of ["frame", "pte", "vma", "pid"])
            if (d[what] !== undefined)
                return page.select({[what]: Number(d[what])});
}

const KEYS = {
    " ": (p) => p.setRunning(!p.running), ArrowLeft: (p) => p.player ? p.stopAt(p.player.at - 1) : p.move(false),
    ArrowRight: (p) => p.player ? p.stopAt(p.player.at + 1) : p.move(true), m: (p) => p.markBefore(), l: (p) => p.link(),
    End: (p) => p.seek(p.machine.end), Escape: (p) => p.player && p.endScene(), c: (p) => p.terminal.focus(),
    PageUp: (p) => p.player && p.stopAt(p.player.at - 1), PageDown: (p) => p.player && p.stopAt(p.player.at + 1),
};
MOVES.forEach((_, i) => { KEYS[i + 1] = () => { $("unit").selectedIndex = i; }; });

function key(page, event) {
    if (event.key === "Escape" && event.target.closest("#console"))
        return event.target.blur();
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("#console, select, input"))
        return undefined;
    if (["Enter", " "].includes(event.key) && event.target.closest("button, summary"))
        return undefined;       // they know what these keys mean
    if (event.target.id === "frames" && !page.player && page.map.key(event.key))
        return event.preventDefault();
    if (event.key === "Enter")
        return act(page, event.target);
    if (!KEYS[event.key])
        return undefined;
    event.preventDefault();
    return KEYS[event.key](page);
}

export function listen(page) {
    $("run").onclick = () => page.setRunning(!page.running);
    $("back").onclick = () => page.move(false);
    $("forward").onclick = () => page.move(true);
    $("live").onclick = () => page.seek(page.machine.end);
    $("mark").onclick = () => page.markBefore();
    $("link").onclick = () => page.link();
    $("slider").oninput = () => page.seek(Number($("slider").value));
    $("scene").onchange = () => $("scene").value && page.startScene($("scene").value);
    $("lecture-back").onclick = () => page.stopAt(page.player.at - 1);
    $("lecture-next").onclick = () => page.stopAt(page.player.at + 1);
    $("lecture-end").onclick = () => page.endScene();
    $("frames").onmousemove = (event) => page.tellFrame(page.map.at(event));
    $("frames-all").onchange = () => page.drawFrames();
    $("frames").onclick = (event) => {
        const f = page.map.at(event);
        if (f)
            page.select({frame: f.frame});
    };
    $("timeline").onclick = (event) => {
        const box = $("timeline").getBoundingClientRect(), {from, to} = page.span;
        page.seek(from + Math.max(0, event.clientX - box.left - TIMELINE_LEFT) / (box.width - TIMELINE_LEFT) * (to - from));
    };
    document.querySelectorAll("[data-save]").forEach((button) => {
        button.onclick = () => page.savePanel(button.closest(".panel"));
    });
    document.querySelector("main").addEventListener("click", (event) => act(page, event.target));
    document.addEventListener("keydown", (event) => key(page, event));
    window.addEventListener("resize", () => { page.fitConsole(); page.stale = true; });
}
