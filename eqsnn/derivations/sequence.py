"""Maps that are done one after the other in a step as one map: names and random numbers of the second that are not those of the first."""

from __future__ import annotations

from dataclasses import replace

import sympy

from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, UpdateMap, symbol


def draws_of(map_: UpdateMap) -> int:
    """The number that no draw of the map has reached."""
    called = [int(p.args[1]) for a in map_.flat() for p in a.expr.atoms(voc.Poisson)]
    return 1 + max((*(n.draw for n in map_.noise), *called), default=-1)


def renumbered(map_: UpdateMap, first: int, prefix: str) -> UpdateMap:
    """``map_`` whose draws are counted from ``first`` on and have names of their own."""
    if not draws_of(map_):
        return map_
    names = {symbol(n.name): symbol(prefix + n.name) for n in map_.noise}

    def change(expr):
        calls = {
            p: p.func(p.args[0], sympy.Integer(int(p.args[1]) + first), p.args[2]) for p in expr.atoms(voc.Poisson)
        }
        return expr.xreplace(calls).xreplace(names)

    return replace(
        map_,
        assignments=tuple(replace(a, expr=change(a.expr)) for a in map_.flat()),
        noise=tuple(replace(n, name=prefix + n.name, draw=n.draw + first) for n in map_.noise),
    )


def one_after_the_other(first: UpdateMap, second: UpdateMap, prefix: str) -> UpdateMap:
    """``first``, whose names get the ``prefix``, and then ``second``, which reads what ``first`` has written. Both set variables of their own
    elements alone, ``first`` without repetitions."""
    first = renumbered(first, draws_of(second), prefix)
    names = {symbol(a.target): symbol(prefix + a.target) for a in first.flat()}
    written = {w.variable: prefix + w.value if symbol(w.value) in names else w.value for w in first.writes}
    read = {
        symbol(i.name): symbol(written[i.variable])
        for i in second.inputs
        if i.owner == "self" and i.variable in written
    }
    inputs = {i.name: i for i in first.inputs} | {i.name: i for i in second.inputs if symbol(i.name) not in read}
    types = {(prefix + n if symbol(n) in names else n): t for n, t in first.types.items()}
    later = {w.variable for w in second.writes}
    return replace(
        second,
        inputs=tuple(inputs.values()),
        assignments=(
            *(Assignment(prefix + a.target, a.expr.xreplace(names), a.source) for a in first.flat()),
            *(replaced(a, read) for a in second.assignments),
        ),
        writes=(
            *(replace(w, value=written[w.variable]) for w in first.writes if w.variable not in later),
            *second.writes,
        ),
        noise=(*first.noise, *second.noise),
        types={**{n: t for n, t in second.types.items() if symbol(n) not in read}, **types},
        lookups={**first.lookups, **second.lookups},
    )


def replaced(a, names: dict[sympy.Symbol, sympy.Expr]):
    """An assignment, or a repetition, with other names in what it reads."""
    if isinstance(a, Assignment):
        return replace(a, expr=a.expr.xreplace(names))
    return replace(
        a,
        carried=tuple(replace(c, first=c.first.xreplace(names)) for c in a.carried),
        again=a.again.xreplace(names),
        body=tuple(replaced(b, names) for b in a.body),
    )
