#!/usr/bin/python3
"""Make one web page of a kernel, a disk image, the machine, and what the page needs to explain them.

    tools/page.py --kernel build/kernel --image fs.img --wasm build/glass.wasm -o build/lamina.html PROGRAM...

    --own            the image as it is; else a small one is made of the programs, stripped
    --scenes FILE    scenes besides page/scenes/*.scene
    --harts N --ram SIZE --bootargs WORDS    of the machine

What goes into the page is left unpacked in the folder page/ beside it, for node. The page asks nothing of the network. All that it needs lies in it, compressed; the browser unpacks it.
"""

import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "page"
LIMIT = 2_500_000           # bytes
RAM_MAX = 1 << 30
OBJCOPY = os.environ.get("OBJCOPY", "riscv64-unknown-elf-objcopy")


def run(*command):
    try:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        sys.exit(f"page: {command[0]} is not installed; tools/setup.sh page installs it")
    except subprocess.CalledProcessError as error:
        sys.exit(f"page: {error}")


def stripped(path, folder):
    target = folder / path.name
    run(OBJCOPY, "--strip-all", path, target)
    return target


def small_image(programs, folder):
    """The programs without their debug information, on an image of their own."""
    (folder / "README").write_bytes((ROOT / "README.md").read_bytes())
    image = folder / "fs.img"
    run(ROOT / "build/tools/mkfs", image, folder / "README", *[stripped(path, folder) for path in programs])
    return image


def bundle(folder):
    """All of page/*.js, and the libraries that they use, as one script."""
    target = folder / "page.js"
    run(PAGE / "node_modules/.bin/esbuild", PAGE / "app.js", "--bundle", "--minify", "--format=esm",
        "--legal-comments=inline", f"--outfile={target}", "--log-level=error")
    return target.read_text(), (folder / "page.css").read_text() if (folder / "page.css").exists() else ""


def scenes(extra):
    files = sorted(PAGE.glob("scenes/*.scene")) + [pathlib.Path(name) for name in extra]
    return {path.stem: path.read_text() for path in files}


def assets(options, folder):
    layouts, sources = folder / "layouts.json", folder / "sources.json"
    run(sys.executable, ROOT / "tools/layouts.py", "-o", layouts, "--sources", sources, options.kernel, *options.programs)
    image = options.image if options.own else small_image(options.programs, folder)
    return {
        "wasm": options.wasm.read_bytes(),
        "kernel": stripped(options.kernel, folder).read_bytes(),
        "image": image.read_bytes(),
        "layouts": layouts.read_bytes(),
        "sources": sources.read_bytes(),
        "scenes": json.dumps({"options": machine(options), "scenes": scenes(options.scenes)}).encode(),
    }


def machine(options):
    units = {"K": 10, "M": 20, "G": 30}
    ram = int(options.ram.rstrip("KMG")) << units.get(options.ram[-1], 20)
    if ram > RAM_MAX:
        sys.exit(f"page: RAM of {options.ram} is more than a page can have; MEM=1G is the most")
    return {"harts": options.harts, "ram": ram, "bootargs": options.bootargs}


def pack(content):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(compressor.compress(content) + compressor.flush()).decode()


def make(options, folder):
    script, style = bundle(folder)
    parts = assets(options, folder)
    for name, content in parts.items():
        (folder / f"{name}.part").write_bytes(content)
    packed = {name: pack(content) for name, content in parts.items()}
    tags = "\n".join(f'<script type="application/octet-stream" id="asset-{name}">{text}</script>'
                     for name, text in packed.items())
    page = (PAGE / "page.html").read_text()
    for mark, text in (("/* STYLE */", style + (PAGE / "style.css").read_text()), ("<!-- ASSETS -->", tags),
                       ("/* SCRIPT */", script.replace("</script", "<\\/script"))):
        if page.count(mark) != 1:
            sys.exit(f"page: page/page.html has {page.count(mark)} marks {mark}, not one")
        page = page.replace(mark, text)
    options.output.write_text(page)
    pieces = {name: len(text) for name, text in packed.items()} | {"script": len(script)}
    return len(page.encode()), ", ".join(f"{name} {size // 1000}" for name, size in pieces.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--kernel", "--image", "--wasm"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--scenes", action="append", default=[])
    parser.add_argument("--harts", type=int, default=3)
    parser.add_argument("--ram", default="128M")
    parser.add_argument("--bootargs", default="")
    parser.add_argument("programs", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.output.parent / "page"
    folder.mkdir(parents=True, exist_ok=True)
    size, pieces = make(options, folder)
    print(f"{options.output}: {size / 1e6:.2f} MB ({pieces} KB)")
    if size > LIMIT and not options.own:
        sys.exit(f"page: more than {LIMIT / 1e6} MB")


if __name__ == "__main__":
    main()
