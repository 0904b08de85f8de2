"""A step in two parts: what depends on parameters, constants and dt alone, made once for many steps, and what is left.

``step`` after ``prepare`` is the map itself, so the adjoint of the whole is the adjoint of ``step``, summed over steps, followed by that of
``prepare`` once.
"""

from __future__ import annotations

from dataclasses import replace

import sympy

from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, Input, Repeat, UpdateMap, Write, symbol

_DRAWING = (voc.Poisson, voc.UserCall)


def split(map_: UpdateMap, changing: frozenset[str]) -> tuple[UpdateMap, UpdateMap]:
    """(prepare, step) of ``map_``, in which the inputs of variables in ``changing`` change from step to step; the others, propagators and dt do not.

    ``prepare`` writes variables ``p1``, ``p2``, ...; ``step`` reads them.
    """
    return _Split(map_, changing).parts()


class _Split:
    def __init__(self, map_: UpdateMap, changing: frozenset[str]):
        self.map, self.changing = map_, changing
        self.constant = {symbol(i.name) for i in map_.inputs if i.variable not in changing}
        self.constant |= {symbol(e) for p in map_.propagators for row in p.entries for e in row if e is not None}
        self.before: list[Assignment] = []
        self.made: dict[sympy.Expr, sympy.Symbol] = {}
        self.literal: dict[sympy.Symbol, sympy.Expr] = {}
        self.source = None

    def parts(self) -> tuple[UpdateMap, UpdateMap]:
        step: list[Assignment | Repeat] = []
        for a in self.map.assignments:
            if isinstance(a, Assignment):
                self.source = a.source
                a = replace(a, expr=a.expr.xreplace(self.literal)) if self.literal else a
                if not a.expr.free_symbols and a.expr.is_Number:  # a number that the user wrote needs no place
                    self.literal[symbol(a.target)] = a.expr
                if self._rests(a.expr) and self.map.types.get(a.target, "float") == "float":
                    self.before.append(a)
                    self.constant.add(symbol(a.target))
                    continue
                a = replace(a, expr=self._rest(a.expr))
            step.append(a)
        written = []
        for w in self.map.writes:
            if symbol(w.value) in self.constant:
                copy = f"{w.variable}@copy"
                number = self.literal.get(symbol(w.value))
                step.append(Assignment(copy, self._named(symbol(w.value)) if number is None else number, w.source))
                w = replace(w, value=copy)
            written.append(w)
        names = {s.name for s in self.made.values()}
        prepare = replace(
            self.map,
            name=f"parameters of {self.map.name}",
            inputs=tuple(i for i in self.map.inputs if i.variable not in self.changing),
            assignments=tuple(self.before),
            writes=tuple(Write("self", n.partition("@")[0], n) for n in sorted(names, key=lambda n: int(n[1:-2]))),
            noise=(),
            event=None,
        )
        inputs = [i for i in self.map.inputs if i.variable in self.changing]
        inputs += [Input(w.variable, "self", w.variable) for w in prepare.writes]
        back = {symbol(w.value): symbol(w.variable) for w in prepare.writes}
        return prepare, replace(
            self.map,
            inputs=tuple(inputs),
            assignments=tuple(a if isinstance(a, Repeat) else replace(a, expr=a.expr.xreplace(back)) for a in step),
            writes=tuple(written),
            propagators=(),
        )

    def _named(self, expr: sympy.Expr) -> sympy.Symbol:
        if expr not in self.made:
            name = f"p{len(self.made) + 1}@1"
            self.before.append(Assignment(name, expr, self.source))
            self.made[expr] = symbol(name)
        return self.made[expr]

    def _rests(self, expr: sympy.Expr) -> bool:
        """Whether it is the same in all steps: it is made of what does not change, and draws no numbers."""
        return expr.free_symbols <= self.constant and not expr.has(*_DRAWING)

    def _rest(self, expr: sympy.Expr) -> sympy.Expr:
        """``expr`` with its largest constant parts as names."""
        if not expr.free_symbols or not expr.args:
            return self._named(expr) if expr in self.constant else expr
        if self._rests(expr) and not _is_condition(expr):
            return self._named(expr)
        if isinstance(expr, (sympy.Add, sympy.Mul)):
            still = [a for a in expr.args if a.free_symbols and self._rests(a)]
            moving = [a for a in expr.args if not a.free_symbols or not self._rests(a)]
            parts = [self._rest(a) for a in moving]
            return expr.func(*([self._named(expr.func(*still))] if still else []), *parts)
        return expr.func(*(self._rest(a) for a in expr.args))


def _is_condition(expr: sympy.Expr) -> bool:
    return isinstance(expr, voc.CONDITIONS)
