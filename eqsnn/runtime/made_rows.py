"""The rows of procedural synapses, made for the events of each step (network/row_rules.py)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from eqsnn.backends.backend import backend
from eqsnn.errors import EqsnnError
from eqsnn.kernel.ir import Kernel
from eqsnn.network.base import SimObject
from eqsnn.network.hostkernel import result_name
from eqsnn.network.procedural import MadeEnds, MadeValue
from eqsnn.network.row_rules import RowMaker, RowRule, Value
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.plan import RowBlock
from eqsnn.runtime.questions import root_of

_TYPES = ("f8", "f4", "i8", "i4", "i2", "i1")  # as the enumeration of row_maker.c.j2


@dataclass(frozen=True, eq=False)
class MadeRows:
    """How the rows of a pathway are made: by ``rule`` between parts of groups that begin at ``first_near`` and ``first_far``; ``number``: the
    first synapse of each source of the whole group; ``values``: what the kernel reads of the synapses, by the names of its buffers."""

    rule: RowRule
    number: np.ndarray
    first_near: int
    first_far: int
    far_type: type
    values: Mapping[str, MadeValue]

    @property
    def span(self) -> tuple[int, int]:
        """The neurons that may be reached."""
        return self.first_far, self.first_far + self.rule.n_far

    def of(self, events: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """The rows of some sources: where each begins, the targets, and the values by buffer."""
        length = self.number[events + 1] - self.number[events]
        start = np.append(0, np.cumsum(length))
        rows = np.unique(events) - self.first_near
        _, far = self.rule.rows(rows)  # each once, and the events ascend
        values = {
            name: np.concatenate([v.of_range(self.number[e], self.number[e + 1]) for e in events] or [np.empty(0)])
            for name, v in self.values.items()
        }
        return start, (far + self.first_far).astype(self.far_type), values

    def maker(self, places: Mapping[str, int], alive: list) -> RowMaker:
        """The compiled maker; ``places``: where the address of each buffer of the pathway's kernel stands. ``alive`` keeps what it points to."""
        values = [self._value(v, places[name], alive) for name, v in self.values.items()]
        return RowMaker(self.rule, self.number, self.far_type, self.first_near, self.first_far, values)

    @staticmethod
    def _value(v: MadeValue, slot: int, alive: list) -> Value:
        known = Value(type=_TYPES.index(v.constant.dtype.str[1:]), constant=v.constant.tobytes(), slot=slot)
        if v.kernel is None:
            return known
        arrays = [np.ascontiguousarray(v.buffers[b.name]) for b in v.kernel.buffers]
        pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        real = np.array([v.scalars[s.name] for s in v.kernel.scalars if s.type in ("f64", "f32")] or [0.0])
        integer = np.array(
            [int(v.scalars[s.name]) for s in v.kernel.scalars if s.type not in ("f64", "f32")] or [0], np.int64
        )
        alive += [arrays, pointers, real, integer]
        known.kernel = backend("c").build([v.kernel])(v.kernel.name)
        known.ctx.buffer, known.ctx.real, known.ctx.integer = (
            ctypes.addressof(pointers),
            real.ctypes.data,
            integer.ctypes.data,
        )
        known.result = [b.name for b in v.kernel.buffers].index(result_name(v.kernel))
        return known


def made_rows(o: Synapses, kernel: Kernel) -> tuple[RowBlock, ...]:
    """The one block of a pathway's rows."""
    ends: MadeEnds = o.ends
    far_type = np.uint16 if len(root_of(o.target)) <= 1 << 16 else np.int32
    values = {b.name: ends.made.values[b.variable] for b in kernel.buffers if b.extent == "self"}
    made = MadeRows(ends.rule, ends.rows, ends.first_pre, ends.first_post, far_type, values)
    return (RowBlock(ends.rows, np.empty(0, far_type), None, None, made=made),)


def refuse_what_looks(o: Synapses, objects: Iterable[SimObject]) -> None:
    """Procedural synapses have nothing that another object of a run could read or write."""
    for x in objects:
        sides = (getattr(x, side, None) for side in ("source", "target", "group"))
        if x is not o and any(root_of(side) is o for side in sides if side is not None):
            raise EqsnnError(
                f"'{x.name}' reads or writes the synapses {o.name}, which are procedural and keep nothing; "
                "leave procedural=True out, and they are kept"
            )
