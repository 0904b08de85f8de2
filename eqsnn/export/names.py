"""Names in an exported program: those that the user knows, as far as C has no other use for them."""

from __future__ import annotations

import re

from eqsnn.kernel.ir import identifier

_TAKEN = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "asm",
        "typeof",
        "NULL",
        "NAN",
        "INFINITY",
        "HUGE_VAL",
        "EOF",
        "RAND_MAX",
        "BUFSIZ",
        "errno",
        "stdin",
        "stdout",
        "stderr",
        "assert",
        "offsetof",
        "isnan",
        "isinf",
        "isfinite",
        "signbit",
        "bool",
        "true",
        "false",
        "threadIdx",
        "blockIdx",
        "blockDim",
        "gridDim",
        "warpSize",
        "linux",
        "unix",
        "i386",
        "class",
        "new",
        "delete",
        "this",
        "template",
        "namespace",
        "operator",
        "private",
        "public",
        "protected",
        "try",
        "catch",
        "throw",
        "and",
        "or",
        "not",
        "xor",
        "bitand",
        "bitor",
        "compl",
        "and_eq",
        "or_eq",
        "xor_eq",
        "not_eq",
    ]
)
"""Words of C99, of its common headers, of the GNU dialect, and of C++ and CUDA, whose programs may include the header, too."""


def safe(name: str) -> str:
    """``name`` as an identifier that neither C nor C++ uses for anything else."""
    found = identifier(name) or "_"
    found = f"n{found}" if found[0].isdigit() else found
    reserved = (
        found in _TAKEN
        or _TYPE.fullmatch(found) is not None
        or _MACRO.fullmatch(found) is not None
        or found.startswith(("EQ_", "__"))
        or (found[0] == "_" and found[1:2].isupper())
    )
    return f"{found.lstrip('_') if found.startswith('_') else found}_" if reserved else found


_TYPE = re.compile(r"(?:u?int(?:_least|_fast)?\d*|u?intptr|u?intmax|s?size|ptrdiff|wchar|float|double)_t")
_MACRO = re.compile(
    r"(?:M|FP|SEEK|CLOCKS|EXIT|PROT|MAP|SA|REG|_SC)_[A-Z0-9_]+|SIG[A-Z0-9_]+|s[aigv]_[a-z]+|[A-Z0-9_]+_(?:MAX|MIN)|PRI[diouxX]\w+"
)
"""Macros of the headers that a program includes, in the GNU dialect, too."""


class Names:
    """Names that differ from each other; ``taken``: what is not given to anyone."""

    def __init__(self, taken: tuple[str, ...] = ()):
        self._taken = set(taken)

    def new(self, name: str) -> str:
        """``name``, or one like it that nobody has yet."""
        wanted = found = safe(name)
        number = 2
        while found in self._taken:
            found, number = f"{wanted}_{number}", number + 1
        self._taken.add(found)
        return found
