"""The adjoint of a step: an update map that carries derivatives backwards, from what the step wrote to what it read.

Reverse accumulation over the ordered list of assignments (Griewank & Walther 2008, chapter 3.2). With L a function of the values after the
step, the adjoint
map reads dL/dy for every variable y that the step writes and writes dL/dx for every float variable x that it reads. It knows no neuron
model and is lowered and compiled like any other map.
"""

from __future__ import annotations

from dataclasses import replace

import sympy

from eqsnn.errors import EqsnnError, InternalError
from eqsnn.update_map import Assignment, Input, Propagator, Repeat, UpdateMap, Write, symbol

PREFIX = "adj_"
"""The derivative with respect to a variable is the variable of that name with this prefix."""


def adjoint(map_: UpdateMap) -> UpdateMap:
    """The adjoint of ``map_``, which has no event (see ``smooth_event``). Booleans and integers carry no derivative."""
    if any(isinstance(a, Repeat) for a in map_.assignments):
        raise EqsnnError(
            f"{map_.name}: the adjoint of an adaptive method is not known, since the number of its steps depends on the values; "
            "use a method of fixed step, such as exponential_euler or rk4"
        )
    if map_.event is not None:
        raise InternalError(f"{map_.name}: an event has no derivative; take its smooth twin first")
    return _Adjoint(map_).build()


class _Adjoint:
    def __init__(self, map_: UpdateMap):
        self.map = map_
        self.inputs = list(map_.inputs)
        self.assignments = list(map_.assignments)
        self.propagators = list(map_.propagators)
        self.bar: dict[str, list[sympy.Expr]] = {}
        self.count = 0
        self.differentiable = {
            i.name: i for i in map_.inputs if i.dtype == "float" and i.owner in ("self", "pre", "post")
        }

    def build(self) -> UpdateMap:
        self._outputs()
        for a in reversed(self.map.assignments):
            self._reverse(a)
        self._through_propagators()
        writes = []
        for name, source in self.differentiable.items():
            total = self._assign(f"{PREFIX}{name}", sympy.Add(*self.bar.get(name, [])), None)
            writes.append(Write(source.owner, f"{PREFIX}{source.variable}", total.name))
        return replace(
            self.map,
            name=f"adjoint of {self.map.name}",
            inputs=tuple(self.inputs),
            assignments=tuple(self.assignments),
            propagators=tuple(self.propagators),
            writes=tuple(writes),
        )

    def _assign(self, base: str, expr, source) -> sympy.Symbol:
        self.count += 1
        name = f"{base}@a{self.count}"
        self.assignments.append(Assignment(name, expr, source))
        return symbol(name)

    def _outputs(self) -> None:
        """dL/dy comes in; a variable that is set passes none of it on to its value before, one that is added to passes all."""
        written = {(w.owner, w.variable) for w in self.map.writes}
        for w in self.map.writes:
            if self.map.types.get(w.value, "float") != "float":
                continue
            incoming = self._incoming(w.owner, w.variable)
            self.bar.setdefault(w.value, []).append(incoming)
            if w.kind == "add":
                before = next((i.name for i in self.map.inputs if (i.owner, i.variable) == (w.owner, w.variable)), None)
                if before is not None:
                    self.bar.setdefault(before, []).append(incoming)
        for name, i in self.differentiable.items():
            if (i.owner, i.variable) not in written:
                self.bar.setdefault(name, []).append(self._incoming(i.owner, i.variable))

    def _incoming(self, owner: str, variable: str) -> sympy.Symbol:
        name = f"{PREFIX}{variable}" if owner == "self" else f"{PREFIX}{variable}_{owner}"
        if all(i.name != name for i in self.inputs):
            self.inputs.append(Input(name, owner, f"{PREFIX}{variable}"))
        return symbol(name)

    def _reverse(self, a: Assignment) -> None:
        arrived = self.bar.get(a.target)
        if not arrived or self.map.types.get(a.target, "float") != "float":
            return
        total = self._assign(f"{PREFIX}{a.target.replace('@', '_')}", sympy.Add(*arrived), a.source)
        for s in sorted(a.expr.free_symbols, key=lambda s: s.name):
            if self.map.types.get(s.name, "float") != "float":
                continue
            slope = a.expr.diff(s)
            if slope != 0:
                self.bar.setdefault(s.name, []).append(total * slope)

    def _through_propagators(self) -> None:
        """dP/dp of P = expm(A dt) is the upper right block of expm([[A, dA/dp], [0, A]] dt) (Van Loan 1978, eq. 1.3)."""
        for p in self.map.propagators:
            n = len(p.matrix)
            used = [
                (r, c, e)
                for r, row in enumerate(p.entries)
                for c, e in enumerate(row)
                if e is not None and e in self.bar
            ]
            parameters = {s.name for row in p.matrix for e in row for s in e.free_symbols} & set(self.differentiable)
            for name in sorted(parameters, key=list(self.differentiable).index):
                zero = [sympy.S.Zero] * n
                top = [(*row, *(e.diff(symbol(name)) for e in row)) for row in p.matrix]
                bottom = [(*zero, *row) for row in p.matrix]
                entries: list[list[str | None]] = [[None] * (2 * n) for _ in range(2 * n)]
                for r, c, e in used:
                    entries[r][n + c] = f"d_{e.replace('@', '_')}_d@{name}"
                    self.bar.setdefault(name, []).append(sympy.Add(*self.bar[e]) * symbol(entries[r][n + c]))
                self.propagators.append(Propagator((*map(tuple, top), *map(tuple, bottom)), tuple(map(tuple, entries))))
