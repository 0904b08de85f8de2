"""What lies in the memory of the device, as templates/cuda/eq_device.h declares it: every field has 64 bits, so that names are places."""

from __future__ import annotations

import functools
import re

import numpy as np

from eqsnn.backends.render import templates

_STRUCT = re.compile(r"struct (\w+) \{\n(.*?)\n\};", re.DOTALL)
_FIELD = re.compile(r"^    ([\w ]+?[ *]+(?:const \*)?)(\w+);", re.MULTILINE)
STATUS = ("running", "done", "full", "not finite", "unmet")
EVERYTHING_MET = (1 << 63) - 1


@functools.cache
def types(struct: str) -> dict[str, str]:
    """The type of each field of a structure, as it is declared: 'int64_t', 'int32_t *', 'void *const *'."""
    text = (templates() / "cuda" / "eq_device.h").read_text(encoding="utf-8")
    body = dict(_STRUCT.findall(text))[struct]
    return {name: type_.strip() for type_, name in _FIELD.findall(body)}


@functools.cache
def fields(struct: str) -> dict[str, int]:
    """The number of each field of a structure."""
    return {name: k for k, name in enumerate(types(struct))}


class Words:
    """Structures of one kind, one after the other, as the host sees them: ``words[k, 'name']``, and where they lie on the device."""

    def __init__(self, struct: str, n: int = 1):
        self.places = fields(struct)
        self.words = np.zeros((n, len(self.places)), np.int64)
        self.address = 0

    def __getitem__(self, key: tuple[int, str]) -> int:
        return int(self.words[key[0], self.places[key[1]]])

    def __setitem__(self, key: tuple[int, str], value: int) -> None:
        self.words[key[0], self.places[key[1]]] = value

    def fill(self, k: int, **values: int) -> None:
        """Set some fields of the structure ``k``."""
        for name, value in values.items():
            self[k, name] = value

    def of(self, k: int) -> int:
        """The address of the structure ``k``."""
        return self.address + 8 * k * len(self.places)
