"""Rules of ``connect`` that make the synapses of each source by themselves, from a counter of random numbers: any row can be made at any time.

So the synapses need no memory (``procedural=True``). The same rules make those that are kept, hence the two are the same. Rows are made by
compiled loops (templates/c/row_maker.c.j2) or, of few synapses and without a compiler, here in numpy, with the same bits.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char, c_double, c_int64, c_void_p
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from eqsnn.backends import compiler
from eqsnn.backends.c.build import EXPORT
from eqsnn.backends.render import environment, prelude
from eqsnn.errors import CompileError, InternalError
from eqsnn.kernel import functions
from eqsnn.network import hostrun, sampling
from eqsnn.network.rowpairs import Gathering, RowPairs, narrowest

Kind = Literal["all", "gaps", "repeated", "distinct"]
_AT_ONCE = 1 << 20
_COMPILED_FROM = 1 << 18


@dataclass(frozen=True, eq=False)
class RowRule:
    """Which targets each of ``n_near`` sources has among ``n_far``, ascending.

    'all' of them; 'gaps': each with probability ``p``, found by the geometric gaps between those that are taken; 'repeated': ``size[r]``
    independent draws; 'distinct': the first ``size[r]`` different ones of a sequence of draws. ``shift``: row r has no synapse to the target
    r + shift, which is the neuron itself; None where all may be reached.
    """

    kind: Kind
    key: int
    n_near: int
    n_far: int
    p: float = 1.0
    size: np.ndarray | None = None
    shift: int | None = None

    def own(self, rows: np.ndarray) -> np.ndarray:
        """The target that each row leaves out; ``n_far`` for none."""
        at = rows + self.shift if self.shift is not None else np.full(len(rows), self.n_far)
        return np.where((at >= 0) & (at < self.n_far), at, self.n_far)

    @property
    def scale(self) -> float:
        """1/log(1 - p), by which the logarithm of a uniform number becomes a gap; 0 where p is 1."""
        if self.kind != "gaps" or not 0 < self.p < 1:
            return 0.0
        return float(1.0 / functions.log1p(np.array(-self.p)))

    def rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The synapses of some rows, as (row, target), both int64: rows in their order, the targets of each ascending."""
        own = self.own(rows)
        lengths = np.where(own < self.n_far, self.n_far - 1, self.n_far)
        if self.kind == "gaps" and self.p <= 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if self.kind == "gaps" and self.p < 1:
            n = len(rows)
            index, far = sampling.bernoulli(self.key, rows, np.full(n, self.n_far), np.full(n, self.p))
            keep = far != own[np.searchsorted(rows, index)]
            return index[keep], far[keep]
        if self.kind in ("all", "gaps"):
            index = np.repeat(np.arange(len(rows)), lengths)
            far = np.arange(len(index)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            return rows[index], far + (far >= own[index])
        choose = sampling.repeated if self.kind == "repeated" else sampling.distinct
        index, far = choose(self.key, rows, lengths, self.size[rows])
        return index, far + (far >= own[np.searchsorted(rows, index)])

    def parts(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """All rows in parts: the first of the part, how many synapses each has, and their targets, of the narrowest type."""
        expected = self.n_near * self.n_far * self.p if self.size is None else float(self.size.sum())
        if expected > 0 and expected >= _COMPILED_FROM and hostrun.may_compile():
            yield from self._compiled_parts()
            return
        step = max(1, int(_AT_ONCE * self.n_near / max(expected, 1)))
        for lo in range(0, self.n_near, step):
            rows = np.arange(lo, min(lo + step, self.n_near))
            index, far = self.rows(rows)
            yield lo, np.bincount(index - lo, minlength=len(rows)), far.astype(narrowest(self.n_far))

    def _compiled_parts(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        maker = RowMaker(self, np.zeros(self.n_near + 1, np.int64), narrowest(self.n_far))
        longest = max(self.n_far, int(self.size.max(initial=0)) if self.size is not None else 0)
        far, count = np.empty(max(_AT_ONCE, longest), narrowest(self.n_far)), np.zeros(self.n_near, np.int64)
        lo = 0
        while lo < self.n_near:
            hi = maker.listed(lo, far, count)
            yield lo, count[lo:hi], far[: count[lo:hi].sum()]
            lo = hi

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many synapses each source has, and how many each target."""
        out, into = np.zeros(self.n_near, np.int64), np.zeros(self.n_far, np.int64)
        for lo, count, far in self.parts():
            out[lo : lo + len(count)] = count
            into += np.bincount(far, minlength=self.n_far)
        return out, into

    def pairs(self) -> RowPairs:
        """All synapses, to be kept."""
        found = Gathering(self.n_near, self.n_far)
        for lo, count, far in self.parts():
            found.add_rows(lo, count, far)
        return found.rows()


# -- the compiled twin -----------------------------------------------------------------------------------------------------------------


class Value(Structure):
    """``eq_value`` of row_maker.c.j2."""

    _fields_ = [
        ("kernel", c_void_p),
        ("ctx", hostrun.Context),
        ("result", c_int64),
        ("type", c_int64),
        ("constant", c_char * 8),
        ("slot", c_void_p),
        ("array", c_void_p),
    ]


class _Maker(Structure):
    _fields_ = [
        ("kind", c_int64),
        ("key", c_int64),
        ("n_near", c_int64),
        ("first_near", c_int64),
        ("n_far", c_int64),
        ("first_far", c_int64),
        ("leaves_out", c_int64),
        ("shift", c_int64),
        ("width", c_int64),
        ("scale", c_double),
        ("size", c_void_p),
        ("number", c_void_p),
        ("values", POINTER(Value)),
        ("n_values", c_int64),
        *((name, c_void_p) for name in ("far", "start", "near", "order", "row", "sorted", "seen", "computed")),
        ("room", c_int64),
        ("rows_room", c_int64),
        ("longest", c_int64),
    ]


class RowMaker:
    """The compiled maker of a rule's rows. ``number``: the first synapse of each neuron of the whole source group, closed by the number of all;
    ``far_type``: of the targets; ``first_near``, ``first_far``: where the connected neurons begin in their groups."""

    def __init__(
        self, rule: RowRule, number: np.ndarray, far_type: type, first_near: int = 0, first_far: int = 0, values=()
    ):
        self._library = _library()
        self._size = None if rule.size is None else np.ascontiguousarray(rule.size, np.int64)
        self._number, self._values = np.ascontiguousarray(number, np.int64), (Value * len(values))(*values)
        kind = "all" if rule.kind == "gaps" and rule.p >= 1 else rule.kind
        m = self._maker = _Maker(
            kind=get_args(Kind).index(kind),
            key=rule.key,
            n_near=rule.n_near,
            first_near=first_near,
            n_far=rule.n_far,
            first_far=first_far,
            leaves_out=rule.shift is not None,
            shift=rule.shift or 0,
            width=np.dtype(far_type).itemsize,
            scale=rule.scale,
            size=None if self._size is None else self._size.ctypes.data,
            number=self._number.ctypes.data,
            values=self._values,
            n_values=len(values),
        )
        self.address = ctypes.addressof(m)
        self.make = ctypes.cast(self._library.eq_rows_make, c_void_p).value

    def __del__(self):
        if hasattr(self, "_maker"):
            self._library.eq_rows_free(c_void_p(self.address))

    def listed(self, lo: int, far: np.ndarray, count: np.ndarray) -> int:
        """Make rows from ``lo`` on into ``far``; returns the first that did not fit."""
        arguments = (self.address, lo, len(count), far.ctypes.data, len(far), count.ctypes.data)
        types = (c_void_p, c_int64, c_int64, c_void_p, c_int64, c_void_p)
        hi = self._library.eq_rows_listed(*(t(a) for t, a in zip(types, arguments)))
        if hi < 0:
            raise MemoryError("there is no memory for a row of synapses")
        return hi


@functools.cache
def _library() -> ctypes.CDLL:
    abi, mathematics = prelude()
    text = environment().get_template("c/row_maker.c.j2").render(abi=abi, math=mathematics, export=EXPORT)
    try:
        path = compiler.start(
            "row_maker.c", text, suffix=".so", options=("-shared", "-fvisibility=hidden", "-std=c99")
        ).finish()
    except compiler.BuildFailure as failure:
        raise CompileError(f"the loops that make rows of synapses did not compile.\n{failure}") from None
    library = ctypes.CDLL(str(path))
    library.eq_rows_listed.restype = library.eq_rows_make.restype = c_int64
    sizes = (c_int64 * 2)()
    library.eq_rows_layout(sizes)
    if list(sizes) != [ctypes.sizeof(_Maker), ctypes.sizeof(Value)]:
        raise InternalError(f"the structures of row_maker.c have sizes {list(sizes)}")
    return library
