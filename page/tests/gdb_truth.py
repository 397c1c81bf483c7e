"""In gdb, at a machine that stands: read the kernel's memory by its types, and write gdb.json."""

import json
import os

import gdb


def value(text):
    return gdb.parse_and_eval(text)


def where(pointer):
    """An address as text: JavaScript's numbers are too short for it."""
    return str(int(pointer) & (1 << 64) - 1)


def container(text, type_name, field):
    """All objects on the struct list `text`, chained by `field`."""
    kind = gdb.lookup_type(f"struct {type_name}")
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == field)
    head = value(f"&{text}")
    found, at = [], head["next"]
    while int(at) != int(head):
        found.append(gdb.Value(int(at) - offset).cast(kind.pointer()))
        at = at["next"]
    return found


def in_the_kernel():
    """gdb reads through the page table in the mode of the hart: one in a program sees nothing of the kernel."""
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        if int(value("$priv")) == 1:
            return
    raise gdb.GdbError("no hart is in the kernel")


def frames():
    """[number, refs, kind, seen, prev] of each frame that was ever used; seen and prev are the audit's own count."""
    found = []
    for i in range(int(value("frame_nextents"))):
        extent = value(f"frame_extents[{i}]")
        first, end = int(extent["first"]), int(extent["next"])
        array = value(f"(struct page *){int(value('PAGE_ARRAY'))}")
        for number in range(first, end):
            page = array[number]
            if int(page["kind"]) != 0:
                found.append([number] + [int(page[f]) for f in ("refs", "kind", "seen", "prev")])
    return found


def vma(v):
    return {"start": int(v["start"]), "end": int(v["end"]), "kind": int(v["kind"]), "prot": int(v["prot"]),
            "region": where(v["region"])}


def processes():
    found = []
    for i in range(int(value("sizeof(slots) / sizeof(slots[0])"))):
        proc = value(f"slots[{i}]")
        if int(proc["state"]) == 0:
            continue
        task = proc["task"]
        mm = int(task["mm"])
        found.append({"pid": int(task["pid"]), "name": task["name"].string(), "mm": where(mm),
                      "parent": int(proc["parent"]["task"]["pid"]) if int(proc["parent"]) else 0,
                      "size": int(task["mm"]["size"]),
                      "vmas": [vma(v) for v in container(f"((struct mm *){mm})->vmas", "vma", "link")]})
    return found


def regions():
    found = []
    for r in container("region_list", "region", "link"):
        vmas = container(f"((struct region *){int(r)})->vmas", "vma", "region_link")
        found.append({"address": where(r), "holders": int(r["holders"]), "vmas": [where(v) for v in vmas],
                      "frames": [int(r["frames"][i]) & 0x7fffffff for i in range(int(r["npages"]))]})
    return found


def harts():
    return [{"hartid": int(value(f"cpus[{i}].hartid")), "pid": int(value(f"cpus[{i}].current->pid"))}
            for i in range(int(value("cpu_count")))]


in_the_kernel()
with open(os.environ["OUT"] + "/gdb.json", "w") as file:
    json.dump({"frames": frames(), "processes": processes(), "regions": regions(), "harts": harts()},
              file)
