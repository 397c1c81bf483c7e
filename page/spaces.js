/*
 * Address spaces: processes, their vmas, the regions that several share, and who maps a frame.
 */

const NAME_MAX = 16;

export class Spaces {
    constructor(memory, tables, frames) {
        this.memory = memory;
        this.tables = tables;
        this.frames = frames;
        this.proc = memory.struct("proc", "task state exit_status parent");
        this.task = memory.struct("task", "ctx state pending on_cpu current idle cpu pid kstack_slot mm name");
        this.mm = memory.struct("mm", "lock magic holders closed root vmas size nvmas cpus family link");
        this.vma = memory.struct("vma", "link kind prot max_prot start end promised private_copy region first mm region_link");
        this.region = memory.struct("region", "lock holders on_demand barred revocable ops npages promised frames parent " +
                                              "vmas link");
        this.procStates = memory.enum("proc_state");
        this.taskStates = memory.enum("task_state");
        this.vmaKinds = memory.enum("vma_kind");
        this.prots = memory.enum("prot").values;
        this.pendingKill = memory.enum("task_pending").values.TASK_PENDING_KILL;
    }

    // ---- processes ----

    /* The addresses of the struct procs of all processes. */
    procs() {
        const slots = this.memory.object("slots"), n = this.memory.count("slots");
        const found = [];
        for (let i = 0; i < n; i++) {
            const proc = slots + i * this.proc.sizeof;
            if (this.proc.state(proc) !== this.procStates.values.PROC_FREE)
                found.push(proc);
        }
        return found;
    }

    pid(proc) {
        return this.task.pid(this.proc.task(proc));
    }

    name(task) {
        return this.memory.text(this.task.name(task), NAME_MAX);
    }

    /* What it does, as `ps` says it. */
    activity(proc) {
        const task = this.proc.task(proc), {PROC_LIVE} = this.procStates.values;
        const {TASK_SLEEPING, TASK_SLEEPING_KILLABLE, TASK_DEAD} = this.taskStates.values;
        if (this.proc.state(proc) !== PROC_LIVE)
            return this.procStates.word(this.proc.state(proc));
        if (this.task.current(task))
            return "running";
        const state = this.task.state(task);
        if (state === TASK_DEAD)
            return "dead";
        return state === TASK_SLEEPING || state === TASK_SLEEPING_KILLABLE ? "sleeping" : "runnable";
    }

    describeProc(proc, owners) {
        const task = this.proc.task(proc), mm = this.task.mm(task), parent = this.proc.parent(proc);
        return {
            address: proc, pid: this.pid(proc), name: this.name(task), state: this.activity(proc),
            parent: parent ? this.pid(parent) : 0, cpu: this.task.cpu(task), slot: this.task.kstack_slot(task),
            killed: (this.task.pending(task) & this.pendingKill) !== 0,
            exitStatus: this.proc.exit_status(proc), mm: mm && this.alive(mm) ? this.describeMm(mm, owners) : null,
        };
    }

    describeMm(mm, owners) {
        return {
            address: mm, root: this.rootOf(mm), size: this.mm.size(mm), family: this.mm.family(mm),
            cpus: this.mm.cpus(mm), holders: this.mm.holders(mm), closed: this.mm.closed(mm) !== 0,
            vmas: this.vmasOf(mm).map((v) => this.describeVma(v, owners)),
        };
    }

    /* The physical address of an address space's root. */
    rootOf(mm) {
        return this.memory.phys(this.mm.root(mm));
    }

    alive(mm) {
        return this.mm.magic(mm) === this.memory.constant("MM_MAGIC");
    }

    /* Every address space that there is: [{mm, pid, name}]; pid 0: no process has it just now. */
    all() {
        const found = this.memory.list(this.memory.object("mm_list"), this.mm.offsetof.link, (mm) => this.alive(mm));
        const byMm = new Map(this.procs().map((proc) => [this.task.mm(this.proc.task(proc)), proc]));
        return found.map((mm) => {
            const proc = byMm.get(mm);
            return {mm, pid: proc ? this.pid(proc) : 0, name: proc ? this.name(this.proc.task(proc)) : "no process"};
        });
    }

    processes() {
        const owners = this.owners();
        return this.procs().map((proc) => this.describeProc(proc, owners)).sort((a, b) => a.pid - b.pid);
    }

    // ---- vmas ----

    vmasOf(mm) {
        return this.memory.list(this.mm.vmas(mm), this.vma.offsetof.link, (v) => this.vma.start(v) < this.vma.end(v));
    }

    /* "rw-" */
    protText(prot) {
        const {PROT_READ, PROT_WRITE, PROT_EXEC} = this.prots;
        return (prot & PROT_READ ? "r" : "-") + (prot & PROT_WRITE ? "w" : "-") + (prot & PROT_EXEC ? "x" : "-");
    }

    /* `owners` as owners() gives them: whose frames the region of a shared vma has. */
    describeVma(v, owners) {
        const region = this.vma.region(v);
        return {
            address: v, start: this.vma.start(v), end: this.vma.end(v), kind: this.vmaKinds.word(this.vma.kind(v)),
            perms: this.protText(this.vma.prot(v)), maxPerms: this.protText(this.vma.max_prot(v)),
            promised: this.vma.promised(v) !== 0, copies: this.vma.private_copy(v) !== 0,
            region: region || null, first: this.vma.first(v),
            owners: region && owners ? this.ownersOf(region, owners) : [],
        };
    }

    // ---- regions ----

    regionList() {
        return this.memory.list(this.memory.object("region_list"), this.region.offsetof.link);
    }

    /* The frame numbers of a region, 0 for what has not come yet. */
    regionFrames(r) {
        const table = this.region.frames(r), n = this.region.npages(r), dirty = this.memory.constant("REGION_DIRTY");
        const found = [];
        for (let i = 0; i < n && this.memory.phys(table + 4 * i) >= 0; i++)
            found.push(this.memory.u32(table + 4 * i) % dirty);
        return found;
    }

    /* {frame: [pid, ...]} of all pages that processes map as their own, without PTE_S. */
    owners() {
        const found = new Map(), shared = this.tables.bits.S;
        for (const {mm, pid} of this.all())
            this.tables.visit(this.rootOf(mm), (va, frame, flags) => {
                if (!(flags & shared))
                    found.set(frame, [...found.get(frame) ?? [], pid]);
            }, () => {});
        return found;
    }

    /* The pids that own a frame of the region; none: it alone holds them, its owner is gone. */
    ownersOf(region, owners) {
        return [...new Set(this.regionFrames(region).flatMap((frame) => owners.get(frame) ?? []))];
    }

    regions() {
        const owners = this.owners();
        const byMm = new Map(this.all().map(({mm, pid}) => [mm, pid]));
        return this.regionList().map((r) => ({
            address: r, ops: this.region.ops(r), holders: this.region.holders(r), onDemand: this.region.on_demand(r) !== 0,
            barred: this.region.barred(r) !== 0, revocable: this.region.revocable(r) !== 0,
            parent: this.region.parent(r) || null, promised: this.region.promised(r),
            frames: this.regionFrames(r), owners: this.ownersOf(r, owners),
            vmas: this.memory.list(this.region.vmas(r), this.vma.offsetof.region_link)
                .map((v) => ({pid: byMm.get(this.vma.mm(v)) ?? 0, ...this.describeVma(v)})),
        }));
    }

    // ---- one frame ----

    /* Each entry of a process that leads to a frame: {pid, name, va, at, flags, text, own, vma}. */
    mappings(frame) {
        const found = [];
        for (const {mm, pid, name} of this.all())
            this.tables.visit(this.rootOf(mm), (va, mapped, flags, at) => {
                if (mapped === frame)
                    found.push({by: "process", pid, name, va, at, flags, text: this.tables.flagText(flags),
                                own: !(flags & this.tables.bits.S), vma: this.vmaAt(mm, va)});
            }, () => {});
        return found;
    }

    vmaAt(mm, va) {
        const v = this.vmasOf(mm).find((v) => this.vma.start(v) <= va && va < this.vma.end(v));
        return v ? this.describeVma(v) : null;
    }

    /* Each region that holds a frame, and at which of its pages. */
    pins(frame) {
        const found = [];
        for (const region of this.regionList())
            this.regionFrames(region).forEach((has, index) => {
                if (has === frame)
                    found.push({by: "region", region, index});
            });
        return found;
    }

    /* What a page table is: whose root, or which entry leads to it. */
    tableHolders(frame) {
        const found = [], size = this.memory.pageSize;
        for (const {mm, pid, name} of this.all()) {
            const root = this.rootOf(mm);
            if (root === frame * size)
                found.push({by: "root", pid, name, level: this.tables.levels - 1, start: 0, end: this.tables.span(3) / 2});
            this.tables.visit(root, () => {}, (va, table, level, at) => {
                if (table === frame)
                    found.push({by: "entry", pid, name, level, at, start: va, end: va + this.tables.span(level + 1)});
            });
        }
        return found;
    }

    /* Whose table of frames it is: a region with many pages keeps them in frames of their own. */
    regionTable(frame) {
        const size = this.memory.pageSize;
        return this.regionList().find((r) => {
            const first = this.frames.number(this.memory.phys(this.region.frames(r)));
            const few = this.region.frames(r) >= r && this.region.frames(r) < r + this.region.sizeof;
            return !few && frame >= first && frame * size < first * size + 4 * this.region.npages(r);
        });
    }
}
