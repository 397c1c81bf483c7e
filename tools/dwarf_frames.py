"""How to find the caller at each instruction: the rules of .debug_frame (DWARF 5, 6.4).

A rule is (register, offset, ra, fp): the frame ends at register + offset, which is the caller's sp; `ra` and `fp` say how
far below that end the return address and the caller's s0 are kept, as negative numbers, and 0 that they are still in their
registers. That is all a backtrace needs. Assembly that describes itself in other ways has no rule.
"""

RA, SP, FP = 1, 2, 8        # registers by their numbers
NO_RULE = None

# Operands of the instructions in their short form: u = uleb, s = sleb, a digit = bytes, b = a block.
OPERANDS = {0x00: "", 0x01: "8", 0x02: "1", 0x03: "2", 0x04: "4", 0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu",
            0x0a: "", 0x0b: "", 0x0c: "uu", 0x0d: "u", 0x0e: "u", 0x0f: "b", 0x10: "ub", 0x11: "us", 0x12: "us",
            0x13: "s", 0x14: "uu", 0x15: "us", 0x16: "ub", 0x2e: "u"}
ADVANCES = {0x02, 0x03, 0x04}


class Bytes:
    def __init__(self, data, at, end):
        self.data, self.at, self.end = data, at, end

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def uleb(self):
        result = shift = 0
        while True:
            byte = self.number(1)
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    def sleb(self):
        start = self.at
        result = self.uleb()
        bits = 7 * (self.at - start)
        return result - (1 << bits) if result >> (bits - 1) else result

    def operand(self, kind):
        if kind == "b":
            self.at += self.uleb()
            return None
        return self.uleb() if kind == "u" else self.sleb() if kind == "s" else self.number(int(kind))

    def text(self):
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at:end], end + 1
        return found


class Head:
    """What functions of one compilation have in common (a CIE)."""

    def __init__(self, reader):
        version = reader.number(1)
        augmentation = reader.text()
        if version >= 4:
            reader.number(2)
        self.code_unit, self.data_unit = reader.uleb(), reader.sleb()
        column = reader.number(1) if version == 1 else reader.uleb()
        self.usual = augmentation == b"" and column == RA
        self.rules = Rules(self)
        self.rules.run(reader, 0)


class Rules:
    """The columns while a function's instructions run."""

    def __init__(self, head, initial=None):
        self.head = head
        self.cfa = initial.cfa if initial else (SP, 0)
        self.places = dict(initial.places) if initial else {}
        self.initial, self.kept = initial, []
        self.rows = []

    def rule(self):
        """NO_RULE when something needed lies where no rule of ours can say: None marks it."""
        register, offset = self.cfa
        places = self.places.get(RA, 0), self.places.get(FP, 0)
        if register not in (SP, FP) or None in places:
            return NO_RULE
        return (register, offset, *places)

    def run(self, reader, address):
        self.rows = [(address, None)]
        while reader.at < reader.end:
            code = reader.number(1)
            high, low = code >> 6, code & 63
            if high == 1 or code in ADVANCES:
                step = low if high == 1 else reader.operand(OPERANDS[code])
                self.close_row(address)
                address += step * self.head.code_unit
            elif high == 2:
                self.places[low] = reader.uleb() * self.head.data_unit
            elif high == 3:
                self.restore(low)
            else:
                self.other(code, [reader.operand(kind) for kind in OPERANDS[code]])
        self.close_row(address)
        self.rows = self.rows[1:]

    def close_row(self, address):
        self.rows.append((address, self.rule()))

    def restore(self, register):
        before = self.initial.places if self.initial else {}
        self.places.pop(register, None)
        if register in before:
            self.places[register] = before[register]

    def other(self, code, operands):
        if code in (0x05, 0x11):                # offset, long and signed
            self.places[operands[0]] = operands[1] * self.head.data_unit
        elif code == 0x06:
            self.restore(operands[0])
        elif code == 0x08:                      # same value
            self.places.pop(operands[0], None)
        elif code in (0x07, 0x09, 0x10, 0x14, 0x15, 0x16):
            self.places[operands[0]] = None
        elif code == 0x0a:
            self.kept.append((self.cfa, dict(self.places)))
        elif code == 0x0b:
            self.cfa, self.places = self.kept.pop()
        elif code in (0x0c, 0x12):
            self.cfa = operands[0], operands[1] * (self.head.data_unit if code == 0x12 else 1)
        elif code == 0x0d:
            self.cfa = operands[0], self.cfa[1]
        elif code in (0x0e, 0x13):
            self.cfa = self.cfa[0], operands[0] * (self.head.data_unit if code == 0x13 else 1)
        elif code == 0x0f:
            self.cfa = None, 0


def functions_of(data):
    """(start, end, [(address, rule), ...]) of each function that describes itself."""
    heads, at = {}, 0
    while at + 4 <= len(data):
        reader = Bytes(data, at, len(data))
        length = reader.number(4)
        reader.end = reader.at + length
        head = reader.number(4)
        if head == 0xffffffff:
            heads[at] = Head(reader)
        elif length:
            start, size = reader.number(8), reader.number(8)
            rules = Rules(heads[head], heads[head].rules)
            rules.run(reader, start)
            yield start, start + size, rules.rows if heads[head].usual else [(start, NO_RULE)]
        at += 4 + length


def callers_of(elf):
    """(address, rule) wherever the rule changes, sorted. Behind the code that has rules there is NO_RULE."""
    section = elf.get_section_by_name(".debug_frame")
    rows, covered = [], None
    for start, end, mine in sorted(functions_of(section.data()) if section else []):
        if covered is not None and covered < start:
            rows.append((covered, NO_RULE))
        covered = end
        rows += mine
    return rows + ([(covered, NO_RULE)] if rows else [])
