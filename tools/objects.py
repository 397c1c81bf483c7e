"""What the object files say: which file defines a symbol, and which needs it."""

import collections
import os
import subprocess

from csource import KERNEL_DIRECTORIES, ROOT, c_files

OBJECTS = ROOT / "build/kobj"                   # those of the default kernel


def tool(name, *arguments, text=None):
    """Run a cross tool, as nm. => what it printed."""
    prefix = os.environ.get("TOOLPREFIX") or subprocess.run(
        [ROOT / "tools/find-toolchain.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return subprocess.run([prefix + name, *map(str, arguments)], input=text, stdout=subprocess.PIPE, text=True,
                          check=True).stdout


class Objects:
    def __init__(self, sources=None):
        self.defined = {}                       # symbol -> the source that defines it
        self.functions = set()                  # those symbols that are functions
        self.needed = []                        # (source, symbol of another file)
        self.read = set()                       # the sources whose objects there are
        objects = {str(OBJECTS / (os.path.splitext(source)[0] + ".o")): source for source in sources or kernel_sources()}
        there = [obj for obj in objects if os.path.exists(obj)]
        self.read.update(objects[obj] for obj in there)
        for line in tool("nm", "-A", "-g", *there).splitlines() if there else ():
            obj, _, rest = line.rpartition(":")
            kind, name = rest.split()[-2:]
            if kind == "U":
                self.needed.append((objects[obj], name))
            elif kind.isupper():
                self.defined[name] = objects[obj]
                if kind in "TW":
                    self.functions.add(name)

    def calls(self):
        """=> source -> source -> the functions of the second that the first calls, or hands on as a pointer"""
        graph = collections.defaultdict(lambda: collections.defaultdict(set))
        for source, name in self.needed:
            if name in self.functions:
                graph[source][self.defined[name]].add(name)
        return graph

    def users(self):
        """=> source -> the sources that use a function or a variable of it"""
        found = collections.defaultdict(set)
        for source, name in self.needed:
            if name in self.defined:
                found[self.defined[name]].add(source)
        return found


def kernel_sources():
    return [str(path) for path in c_files(KERNEL_DIRECTORIES, "*.[cS]")]


def knots(graph, nodes):
    """The sets of two or more nodes of which each leads to each (Tarjan's strongly connected components)."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other in nodes and other not in order:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == order[node]:
            knot = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(knot) > 1:
                found.append(sorted(knot))

    for node in sorted(nodes):
        if node not in order:
            visit(node)
    return found
