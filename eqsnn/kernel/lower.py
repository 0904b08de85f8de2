"""Update map to kernel: its expressions become typed (``kernel/convert.py``), a map's parts become statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eqsnn.errors import InternalError
from eqsnn.kernel.convert import TYPES, Conversion, cast, times
from eqsnn.kernel.gaps import by_gaps
from eqsnn.kernel.ir import (
    Binary,
    Call,
    Carried,
    CheckFinite,
    Compare,
    Const,
    DomainKind,
    Emit,
    Expr,
    HoistedPropagator,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Require,
    Select,
    Statement,
    Store,
    Type,
)
from eqsnn.kernel.passes import optimise
from eqsnn.update_map import Assignment, Input, Repeat, UpdateMap, Write


def lower(
    map_: UpdateMap,
    domain: DomainKind,
    *,
    name: str,
    owner: str,
    rows: str = "pre",
    check: bool = False,
    unchecked: frozenset[tuple[str, str]] = frozenset(),
    writes: Iterable[Write] | None = None,
    event: bool = True,
) -> Kernel:
    """The kernel that does ``map_`` for each element of ``domain``.

    ``check``: raise the flag where a float that is written is not finite, but for the (owner, variable) pairs in ``unchecked``. ``writes``: only
    these writes of the map; ``event``: with its event.
    """
    lowering = _Lowering(map_, domain)
    kept = map_.writes if writes is None else tuple(writes)
    checked = frozenset((w.owner, w.variable) for w in kept) - unchecked if check else frozenset()
    body = lowering.body(kept, checked, event)
    kernel = Kernel(
        name=name,
        owner=owner,
        domain=domain,
        buffers=tuple(lowering.buffers.values()),
        scalars=tuple(lowering.scalars.values()),
        hoisted=tuple(lowering.hoisted),
        body=tuple(body),
        rows=rows,
    )
    return optimise(by_gaps(kernel))


class _Lowering(Conversion):
    def body(self, writes: tuple[Write, ...], checked: frozenset[tuple[str, str]], event: bool) -> list[Statement]:
        for source in self.map.inputs:
            self._input(source)
        for p in self.map.propagators:
            self._propagator(p)
        for noise in self.map.noise:
            key = self.scalar("random", "key", "i64")
            count = self.scalar("random", "count", "i64")
            element = Const(0, "i64") if noise.shared else self._element()
            call = Call(noise.kind, (key, element, count, Const(noise.draw, "i64")), "f64")
            self._let(noise.name, call, 2)
        for a in self.map.assignments:
            if isinstance(a, Repeat):
                self._repeat(a)
            else:
                self._assignment(a)
        for w in writes:
            self._write(w, (w.owner, w.variable) in checked)
        for r in self.map.requirements:
            if any(w.variable in r.variables for w in writes):
                self._statements.append(Require(cast(self.values[r.condition], "b8"), r.message))
        if event and self.map.event is not None:
            self._statements.append(Emit(cast(self.values[self.map.event], "b8")))
        return self._statements

    def _assignment(self, a: Assignment) -> None:
        self._source = a.source
        expr, level = self.convert(a.expr)
        wanted = TYPES[self.map.types.get(a.target, "float")]
        self._let(a.target, cast(expr, wanted), level, a.source)

    def _repeat(self, repeat: Repeat) -> None:
        firsts = []
        for c in repeat.carried:
            type_ = TYPES[self.map.types.get(c.name, "float")]
            firsts.append(cast(self.convert(c.first)[0], type_))
        for c, first in zip(repeat.carried, firsts):
            self.values[c.name], self.constness[c.name] = Local(self._fresh(c.name), first.type), 2
        again = cast(self.convert(repeat.again)[0], "b8")
        outside, self._statements = self._statements, []
        for a in repeat.body:
            self._assignment(a)
        body, self._statements = tuple(self._statements), outside
        carried = tuple(
            Carried(self.values[c.name].name, first, cast(self.values[c.next], first.type))
            for c, first in zip(repeat.carried, firsts)
        )
        self._statements.append(Loop(carried, again, body))

    def _let(self, name: str, expr: Expr, level: int, source=None) -> None:
        local = self._fresh(name)
        self._statements.append(Let(local, expr, source))
        self.values[name] = Local(local, expr.type)
        self.constness[name] = level

    def _input(self, source: Input) -> None:
        type_ = TYPES[source.dtype]
        level = 2
        if source.owner == "external":
            value, level = self.scalar("external", source.variable, type_), 0
        elif source.owner == "clock":
            type_ = "i64" if source.variable == "step" else "f64"
            value, level = self.scalar("clock", source.variable, type_), 0 if source.variable == "dt" else 2
        elif source.owner == "index":
            count = source.variable.partition("@")[0] in ("N", "N_pre", "N_post")
            value, level = self._index(source.variable), 0 if count else 2
        elif source.linked:
            value = self._linked(source, type_)
        else:
            far = "." in source.owner and not source.shared  # a variable of a neuron that a connected synapse connects
            extent = "shared" if source.shared else "table" if far else _extent(source.owner)
            name = self.buffer(source.owner, source.variable, type_, extent)
            value = Load(name, type_, self._element_of(source.owner) if far else None)
            if source.constant:
                level = 0 if source.shared else 1 if source.owner == "self" else 2
        if isinstance(value, Load):
            local = self._fresh(source.name)
            self._statements.append(Let(local, value))
            self.loads[source.name] = value
            value = Local(local, type_)
        self.values[source.name], self.constness[source.name] = value, level

    def _linked(self, source: Input, type_: Type) -> Load:
        """A variable of another group, at the place that the element's index says (held within that group)."""
        index = Load(self.buffer(source.owner, f"{source.variable}@index", "i64", source.owner), "i64")
        last = self.scalar("linked", f"{source.owner}.{source.variable}", "i64")
        zero = Const(0, "i64")
        place = Select(Compare("<", index, zero), zero, index, "i64")
        place = Select(Compare(">", place, last), last, place, "i64")
        return Load(self.buffer(source.owner, f"{source.variable}@source", type_, "table"), type_, place)

    def _element_of(self, owner: str) -> Expr:
        """The number of the element of ``owner``: 'pre', or 'post.pre' for the source of the synapse that is the target."""
        outer, _, side = owner.rpartition(".")
        if not outer:
            return Local(f"@{side}", "i64")
        ends, far = "@sources" if side == "pre" else "@targets", "." in outer
        name = self.buffer(outer, ends, "i64", "table" if far else outer)
        return Load(name, "i64", self._element_of(outer) if far else None)

    def _index(self, variable: str) -> Expr:
        if variable.partition("@")[0] in ("N", "N_pre", "N_post"):
            return self.scalar("index", variable, "i64")
        if "@" in variable:
            return self._element_of(variable.partition("@")[2])
        if variable in ("N_incoming", "N_outgoing"):
            side = "post" if variable == "N_incoming" else "pre"
            return Load(self.buffer("index", variable, "i64", side), "i64")
        if self.domain != "pathway":
            if variable != "i":
                raise InternalError(f"{self.map.name} uses '{variable}' outside a pathway")
            return Local("@i", "i64")
        side, offset = ("@pre", "i_offset") if variable == "i" else ("@post", "j_offset")
        return Binary("-", Local(side, "i64"), self.scalar("index", offset, "i64"), "i64")

    def _propagator(self, p) -> None:
        named, self.values = (
            self.values,
            {**self.values, **self.loads},
        )  # the matrix is evaluated where no Let of the body exists
        rows = [[self.convert(e) for e in row] for row in p.matrix]
        self.values = named
        level = max((k for row in rows for _, k in row), default=0)
        dt = self.scalar("clock", "dt", "f64")
        matrix = tuple(tuple(times(cast(e, "f64"), dt) for e, _ in row) for row in rows)
        entries = []
        for row in p.entries:
            names = []
            for entry in row:
                if entry is None:
                    names.append(None)
                    continue
                if level == 0:
                    local = self.scalar("derived", entry, "f64")
                    self.values[entry] = local
                    names.append(local.name)
                else:
                    buffer = self.buffer("derived", entry, "f64", "self")
                    self.values[entry] = Load(buffer, "f64")
                    names.append(buffer)
                self.constness[entry] = level
            entries.append(tuple(names))
        self.hoisted.append(HoistedPropagator(matrix, tuple(entries), per_element=level > 0))

    def _write(self, w: Write, check: bool) -> None:
        known = next((i for i in self.map.inputs if (i.owner, i.variable) == (w.owner, w.variable)), None)
        value = self.values[w.value]
        shared = known is not None and known.shared
        buffer = self.buffer(
            w.owner,
            w.variable,
            value.type if known is None else TYPES[known.dtype],
            "shared" if shared else _extent(w.owner),
        )
        self.buffers[buffer] = replace(self.buffers[buffer], writable=True)
        if check and value.type == "f64" and isinstance(value, Local):
            self._statements.append(CheckFinite(value.name))
        guard = None if w.guard is None else cast(self.values[w.guard], "b8")
        self._statements.append(Store(buffer, cast(value, self.buffers[buffer].type), guard, w.kind == "add", w.source))


def _extent(owner: str) -> str:
    """Where the values of an owner lie: what synapses have once for each source lies where the source's own do."""
    return owner.removeprefix("each_")
