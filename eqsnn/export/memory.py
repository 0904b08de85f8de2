"""The memory of an exported network: every array that a plan works on is a field of a struct, under names that the user knows.

Kernels are bound to numpy arrays. Two bindings that share memory (a variable of a group and a part of it that belongs to a subgroup) must
share it in the program, too: so fields are found by where an array lies, and a part of one is its field and an offset.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import InternalError
from eqsnn.export.names import Names
from eqsnn.network.base import SimObject
from eqsnn.network.group import Group
from eqsnn.network.synaptic_storage import SynapticArrays

C_TYPES = {
    "f8": "double",
    "f4": "float",
    "f2": "uint16_t",
    "i8": "int64_t",
    "i4": "int32_t",
    "i2": "int16_t",
    "i1": "int8_t",
    "u8": "uint64_t",
    "u2": "uint16_t",
    "b1": "int8_t",
}
"""The type in C of an element, by that of numpy. Numbers of 16 bits are kept as their bits."""


@dataclass(eq=False)
class Field:
    """One array of the program: ``values`` are those at the start. ``written``: operations change it; ``kept``: it is part of the state
    or of the connectivity, and not room that the program needs for itself (``values`` are then only its shape). ``single``: it is a
    number and no array."""

    struct: str
    name: str
    values: np.ndarray
    about: str = ""
    written: bool = False
    kept: bool = True
    single: bool = False

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def type(self) -> str:
        """The type of an element in C."""
        return C_TYPES[self.dtype.str[1:]]

    @property
    def count(self) -> int:
        """How many elements there are; in C at least one."""
        return max(self.values.size, 1)

    @property
    def dimensions(self) -> str:
        """What stands behind the name in its declaration."""
        if self.single:
            return ""
        return "".join(f"[{n}]" for n in self.values.shape) if self.values.size else "[1]"

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize

    @property
    def path(self) -> str:
        """The name by which the program finds it, and that of its file."""
        return f"{self.struct}.{self.name}"

    @property
    def start(self) -> str:
        """What it holds at the start: 'zero', 'fill' (one value in all elements) or 'data'."""
        flat = np.ascontiguousarray(self.values).reshape(-1)
        if not self.kept or not flat.size or not flat.view(np.uint8).any():
            return "zero"
        same = self.values.ndim == 1
        return (
            "fill" if same and np.all(flat.view(_BITS[flat.itemsize]) == flat.view(_BITS[flat.itemsize])[0]) else "data"
        )


_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Ref:
    """A field from element ``offset`` on."""

    field: Field
    offset: int = 0


@dataclass(eq=False)
class Struct:
    """What belongs to one object of the network."""

    name: str
    about: str
    fields: list[Field] = field(default_factory=list)
    names: Names = field(default_factory=Names)


class Memory:
    """The structs of an exported network, filled as operations ask for their arrays."""

    def __init__(self, objects: Iterable[SimObject], taken: tuple[str, ...]):
        self._names = Names(taken)
        self._structs: dict[int, Struct] = {}
        self._alive: list[object] = []  # addresses mean something as long as the arrays live
        self._fields: list[tuple[int, int, Field]] = []
        self._made: dict[tuple, Field] = {}
        found = {_address(a): (o, name, a) for o in objects for name, a in _arrays_of(o) if a.size}
        self._starts = sorted(found)
        self._of_groups = [found[start] for start in self._starts]

    @property
    def structs(self) -> list[Struct]:
        """All structs, in the order in which they were needed."""
        return [s for s in self._structs.values() if s.fields]

    def struct(self, o: SimObject) -> Struct:
        """The struct of an object."""
        if id(o) not in self._structs:
            self._structs[id(o)] = Struct(self._names.new(o.name), about_object(o))
            self._alive.append(o)
        return self._structs[id(o)]

    def room(self, name: str, about: str) -> Struct:
        """A struct that belongs to no object, beside the others."""
        return Struct(self._names.new(name), about)

    def add(
        self, o: SimObject, name: str, values: np.ndarray, about: str = "", written: bool = True, kept: bool = True
    ) -> Field:
        """A new field of ``o``."""
        struct = self.struct(o)
        found = Field(struct.name, struct.names.new(name), values, about, written, kept)
        struct.fields.append(found)
        return found

    def number(self, o: SimObject, name: str, value: float | int, about: str, kept: bool = True) -> Field:
        """A number of ``o`` that changes."""
        found = self.add(
            o, name, np.array([value], np.float64 if isinstance(value, float) else np.int64), about, kept=kept
        )
        found.single = True
        return found

    def once(self, key: tuple, o: SimObject, name: str, make, about: str = "") -> Field:
        """A field that never changes and is made once for ``key``, by ``make()``."""
        if key not in self._made:
            self._made[key] = self.add(o, name, make(), about, written=False)
        return self._made[key]

    def ref(self, array: np.ndarray, o: SimObject, name: str, written: bool = False) -> Ref:
        """Where an array is found; ``o`` and ``name`` are those of its field if nobody else has it."""
        if not array.size:
            return Ref(self.add(o, name, np.zeros(1, array.dtype), written=written))
        if not array.flags.c_contiguous:
            raise InternalError(f"'{name}' of {o.name} does not lie in one piece")
        array = array.reshape(-1)
        first, last = _address(array), _address(array) + array.nbytes
        for start, stop, known in self._fields:
            if start <= first and last <= stop and known.dtype == array.dtype and (first - start) % array.itemsize == 0:
                known.written |= written
                return Ref(known, (first - start) // array.itemsize)
            if start < last and first < stop:
                raise InternalError(f"'{name}' of {o.name} shares a part of its memory with {known.path}")
        owner, title, whole = self._of_group(first, last) or (o, name, array)
        found = self.add(owner, title, whole, _unit_of(owner, title), written)
        start = _address(whole)
        self._fields.append((start, start + whole.nbytes, found))
        self._alive.append(whole)
        return Ref(found, (first - start) // array.itemsize)

    def _of_group(self, first: int, last: int) -> tuple[SimObject, str, np.ndarray] | None:
        """The variable of a group in whose memory something lies."""
        k = bisect.bisect_right(self._starts, first) - 1
        if k < 0:
            return None
        array = self._of_groups[k][2]
        return self._of_groups[k] if last <= _address(array) + array.nbytes else None


def _arrays_of(o: SimObject):
    """The arrays that an object keeps its variables in, by name."""
    arrays = o.__dict__.get("arrays")
    if not isinstance(o, Group) or arrays is None:
        return
    if isinstance(arrays, SynapticArrays):
        yield from ((n, dict.__getitem__(arrays, n)) for n in arrays.own())
        if arrays.once is not None:
            for side, found in arrays.once.arrays.items():
                yield from ((f"{n}_of_each_{side}", a) for n, a in found.items())
    else:
        yield from arrays.items()


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _unit_of(o: SimObject, name: str) -> str:
    known = getattr(o, "variables", {}).get(name.partition("_of_each_")[0])
    return "" if known is None or not hasattr(known, "dim") else str(known.dim)


def about_object(o: SimObject) -> str:
    """One line about an object."""
    kind = type(o).__name__
    try:
        return f"{kind} '{o.name}', {len(o)} elements" if isinstance(o, Group) else f"{kind} '{o.name}'"
    except TypeError:
        return f"{kind} '{o.name}'"
