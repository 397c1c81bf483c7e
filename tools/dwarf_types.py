"""Types and objects out of debug information: what tools/layouts.py says of structs, enums and variables.

A type is named by a short text:

    u8 u16 u32 u64 i8 i16 i32 i64 bool char void function    *TYPE    [N]TYPE    enum NAME    struct NAME    union NAME

Names that a typedef or `const` only hides are looked through. A struct without a name takes that of its typedef, or of
the field or variable that has it.
"""

from elftools.dwarf.dwarf_expr import DWARFExprParser

LOOKED_THROUGH = {"DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type", "DW_TAG_atomic_type"}
AGGREGATES = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}
SIGNED = {5, 6, 13}         # DW_ATE_signed, DW_ATE_signed_char, DW_ATE_signed_fixed
CHARS = {6, 8}
BOOLEAN = 2


def value(die, name, default=None):
    attribute = die.attributes.get(name)
    return default if attribute is None else attribute.value


def name_of(die):
    name = value(die, "DW_AT_name")
    return name.decode() if name is not None else None


def signed(address):
    """A 64-bit address as JavaScript holds it exactly: the kernel's are below 0."""
    return address - (1 << 64) if address >> 63 else address


class Types:
    def __init__(self):
        self.structs = {}       # "struct page" -> {"size": bytes, "fields": {name: [offset, type (, bit, bits)]}}
        self.enums = {}         # "page_kind" -> {name: value}
        self.constants = {}     # enumerators of enums without a name
        self.objects = {}       # "cpus" -> [address, type]
        self.several = set()    # structs of one name and different layouts
        self.known = {}         # offset of a type's entry -> its text

    # ---- types ----

    def text(self, die, hint):
        """The text of the type that `die` has; `hint` names a struct that has no name."""
        target = die.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in die.attributes else None
        return self.of(target, hint) if target is not None else "void"

    def of(self, die, hint):
        if die.offset not in self.known:
            self.known[die.offset] = self.work_out(die, hint)
        return self.known[die.offset]

    def work_out(self, die, hint):
        if die.tag in LOOKED_THROUGH:
            return self.text(die, hint)
        if die.tag == "DW_TAG_typedef":
            return self.text(die, name_of(die))
        if die.tag in AGGREGATES:
            return self.aggregate(die, hint)
        if die.tag == "DW_TAG_enumeration_type":
            return self.enum(die)
        if die.tag == "DW_TAG_pointer_type":
            return self.pointer(die, hint)
        if die.tag == "DW_TAG_array_type":
            return self.array(die, hint)
        if die.tag == "DW_TAG_base_type":
            return self.base(die)
        return "function" if die.tag == "DW_TAG_subroutine_type" else "void"

    @staticmethod
    def base(die):
        bits = value(die, "DW_AT_byte_size") * 8
        encoding = value(die, "DW_AT_encoding")
        if encoding == BOOLEAN:
            return "bool"
        if name_of(die) == "char" and encoding in CHARS:
            return "char"
        return ("i" if encoding in SIGNED else "u") + str(bits)

    def pointer(self, die, hint):
        """Only the name of what it points to: following it would never end."""
        target = die
        while target is not None and (target is die or target.tag in LOOKED_THROUGH):
            target = target.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in target.attributes else None
        if target is not None and target.tag in AGGREGATES:
            return f"*{AGGREGATES[target.tag]} {name_of(target) or hint}"
        return "*" + (self.of(target, hint) if target is not None else "void")

    def array(self, die, hint):
        bounds = []
        for child in die.iter_children():
            if child.tag == "DW_TAG_subrange_type":
                count = value(child, "DW_AT_count")
                bounds.append(count if count is not None else value(child, "DW_AT_upper_bound", -1) + 1)
        return "".join(f"[{n}]" for n in bounds) + self.text(die, hint)

    def enum(self, die):
        name = name_of(die)
        values = {name_of(c): value(c, "DW_AT_const_value") for c in die.iter_children()}
        if name:
            self.enums[name] = values
            return "enum " + name
        self.constants.update(values)
        return "u32"

    def aggregate(self, die, hint):
        text = f"{AGGREGATES[die.tag]} {name_of(die) or hint}"
        if "DW_AT_declaration" in die.attributes:
            return text
        self.known[die.offset] = text
        layout = {"size": value(die, "DW_AT_byte_size", 0), "fields": self.fields(die, 0, name_of(die) or hint)}
        if self.structs.setdefault(text, layout) != layout:
            self.several.add(text)
        return text

    def fields(self, die, base, owner):
        """Those of a struct; the fields of a member without a name are its own."""
        found = {}
        for member in die.iter_children():
            if member.tag != "DW_TAG_member":
                continue
            name = name_of(member)
            offset = base + value(member, "DW_AT_data_member_location", 0)
            if name is None:
                inner = member.get_DIE_from_attribute("DW_AT_type")
                found.update(self.fields(inner, offset, owner))
            else:
                found[name] = self.field(member, offset, f"{owner}.{name}")
        return found

    def field(self, member, offset, hint):
        text = self.text(member, hint)
        bits = value(member, "DW_AT_bit_size")
        if bits is None:
            return [offset, text]
        bit = value(member, "DW_AT_data_bit_offset", 0)
        return [offset + bit // 8, text, bit % 8, bits]

    # ---- objects ----

    def collect(self, dwarf):
        """All of a program's file-scope types and variables."""
        for cu in dwarf.iter_CUs():
            top = cu.get_top_DIE()
            for die in top.iter_children():
                if die.tag == "DW_TAG_variable":
                    self.variable(die, cu, name_of(top))
                elif die.tag in AGGREGATES and name_of(die):
                    self.of(die, name_of(die))
                elif die.tag in ("DW_TAG_enumeration_type", "DW_TAG_typedef"):
                    self.of(die, None)

    @staticmethod
    def address(operations, cu):
        """Of a variable that stays at one place. clang writes an index of the unit's list of addresses."""
        if len(operations) != 1 or operations[0].op_name not in ("DW_OP_addr", "DW_OP_addrx"):
            return None
        number = operations[0].args[0]
        if operations[0].op_name == "DW_OP_addr":
            return number
        at = value(cu.get_top_DIE(), "DW_AT_addr_base") + 8 * number
        section = cu.dwarfinfo.debug_addr_sec
        section.stream.seek(at)
        return int.from_bytes(section.stream.read(8), "little")

    def variable(self, die, cu, file):
        where = value(die, "DW_AT_location")
        if "DW_AT_specification" in die.attributes:
            declared = die.get_DIE_from_attribute("DW_AT_specification")
        else:
            declared = die
        name = name_of(declared)
        text = self.text(die if "DW_AT_type" in die.attributes else declared, name)
        if not isinstance(where, list) or not name:
            return
        address = self.address(DWARFExprParser(cu.structs).parse_expr(where), cu)
        if address is None:
            return
        entry = [signed(address), text]
        if self.objects.setdefault(name, entry) != entry:
            self.objects[f"{name} of {file}"] = entry
