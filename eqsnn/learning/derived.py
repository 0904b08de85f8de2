"""What training derives from the equations of a group, for people: the map of one step, its adjoint, and its eligibility traces, as equations."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

import sympy

from eqsnn.derivations.adjoint import PREFIX, adjoint
from eqsnn.derivations.eligibility import GRADIENT, LEARNING, SIGNAL, jacobian, traces
from eqsnn.derivations.surrogate import SPIKE
from eqsnn.errors import EqsnnError
from eqsnn.learning.layers import _without_incoming, trainable_parameters
from eqsnn.learning.one_step import live, must_be_differentiable, one_step, whole_states
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.update_map import Assignment, UpdateMap, readable, symbol

HEADINGS = {"adjoint": "its adjoint", "eligibility": "its eligibility traces"}
_WIDTH = 150


def derived(group: NeuronGroup, *kinds: str) -> str:
    """The map of one step with event and reset, and beside it what ``kinds`` names: 'adjoint', 'eligibility', or both if none is given. Raises
    EquationError where there is no derivative."""
    kinds = kinds or tuple(HEADINGS)
    for kind in kinds:
        if kind not in HEADINGS:
            raise EqsnnError(f"derived() knows {' and '.join(map(repr, HEADINGS))}; got {kind!r}")
    if not isinstance(group, NeuronGroup):
        raise EqsnnError(f"derived() takes a NeuronGroup; got {group!r}")
    map_, states, inputs = _step_of(group)
    columns = [("one step", str(map_).splitlines())]
    for kind, heading in HEADINGS.items():
        if kind in kinds:
            lines = (_adjoint_lines if kind == "adjoint" else _trace_lines)(
                map_, states, inputs, trainable_parameters(group)
            )
            columns.append((heading, lines))
    notes = []
    if SPIKE in {w.variable for w in map_.writes}:
        given = group.surrogate
        what = f"the surrogate, {given.name}" if given is not None else "a surrogate, which the group has not got yet"
        notes = ["", f"spike(x) is 1 where x > 0, else 0; its derivative slope(x) is {what}"]
    return "\n".join([*_beside(columns), *notes])


def _step_of(group: NeuronGroup) -> tuple[UpdateMap, tuple[str, ...], tuple[str, ...]]:
    """The map, the states that it leaves, and the input variables."""
    map_ = one_step(group)
    must_be_differentiable(group, map_)
    inputs = tuple(v.name for v in group.model.of_kind("input"))
    map_ = live(replace(map_, writes=tuple(w for w in map_.writes if w.variable not in inputs)))
    whole = whole_states(map_)
    states = tuple(dict.fromkeys(w.variable for w in map_.writes if w.variable != SPIKE and w.variable not in whole))
    return map_, states, inputs


def _adjoint_lines(map_: UpdateMap, states, inputs, trained) -> list[str]:
    """From the derivatives after the step, adj(x), those before it. A state's is replaced, those of inputs and parameters are summed over steps."""
    back = _without_incoming(adjoint(map_), {f"{PREFIX}{n}" for n in (*inputs, *trained)})
    wanted = (*states, *inputs, *trained)
    back = live(replace(back, writes=tuple(w for w in back.writes if w.variable.removeprefix(PREFIX) in wanted)))
    own = _new(back, map_)
    names = {
        symbol(i.name): symbol(f"adj({i.variable.removeprefix(PREFIX)})")
        for i in back.inputs
        if i.name.startswith(PREFIX)
    }
    for a in own:
        told = next(
            (t for t in (a.target for a in map_.flat()) if a.target.startswith(f"{PREFIX}{t.replace('@', '_')}@")), None
        )
        names[symbol(a.target)] = symbol(f"adj({told})" if told else a.target)
    lines, last = [], {w.value: w.variable.removeprefix(PREFIX) for w in back.writes}
    for a in own:
        expr = readable(a.expr.xreplace(names))
        if a.target in last:
            lines.append(f"adj({last[a.target]}) {'<-' if last[a.target] in states else '+='} {expr}")
        else:
            lines.append(f"{names[symbol(a.target)].name} = {expr}")
    return lines


def _new(map_: UpdateMap, before: UpdateMap) -> list[Assignment]:
    """The assignments of ``map_`` that ``before`` has not got."""
    known = {a.target for a in before.flat()}
    return [a for a in map_.flat() if a.target not in known]


def _trace_lines(map_: UpdateMap, states, inputs, trained) -> list[str]:
    """The derivatives of the step that are not 0, and the recursions that they drive."""
    begins = (*inputs, *trained)
    found = jacobian(map_, (*states, *begins), (*states, *inputs), ())
    exprs = {a.target: a.expr for a in _new(found.map, map_)}
    values = {w.variable: w.value for w in found.map.writes}
    names = {symbol(e.name): symbol(f"D[{row},{column}]") for (row, column), e in found.entries.items()}
    lines = [
        f"{names[symbol(e.name)].name} = {readable(_inlined(exprs, values[e.name]))}" for e in found.entries.values()
    ]
    outputs = (SPIKE,) if any(row == SPIKE for row, _ in found.entries) else states[:1]
    for name in begins:
        made = traces(found.entries, states, name, outputs, presented=name in inputs)
        if made is not None:
            lines += [
                "",
                f"of {'a weight into' if name in inputs else 'the parameter'} {name}:",
                *_recursion(made.map, names),
            ]
    return lines


def _inlined(exprs: dict, name: str):
    """A derivative as one expression of names of the step."""
    expr = exprs[name]
    while any(s.name in exprs for s in expr.free_symbols):
        expr = expr.xreplace({s: exprs[s.name] for s in expr.free_symbols if s.name in exprs})
    return expr


def _recursion(map_: UpdateMap, names: dict) -> list[str]:
    """eps, e and the gradient as the papers call them."""
    names = dict(names)
    for i in map_.inputs:
        if i.variable.startswith("trace_"):
            names[symbol(i.name)] = symbol(f"eps[{i.variable.removeprefix('trace_')}]")
        elif i.variable.startswith(f"{LEARNING}_"):
            names[symbol(i.name)] = symbol("L")
    names |= {symbol(SIGNAL): symbol("x"), symbol(GRADIENT): sympy.S.Zero}
    last, lines = {w.value: w.variable for w in map_.writes}, []
    for a in map_.flat():
        names[symbol(a.target)] = symbol("e")
        expr = readable(a.expr.xreplace(names))
        to = last.get(a.target)
        left = "e =" if to is None else "gradient +=" if to == GRADIENT else f"eps[{to.removeprefix('trace_')}] <-"
        lines.append(f"  {left} {expr}")
    return lines


def _beside(columns: list[tuple[str, list[str]]]) -> list[str]:
    """Columns beside each other, or under each other where lines are too long for that."""
    blocks = [[f"{heading}:", *(f"  {line}" if line else "" for line in lines)] for heading, lines in columns]
    widths = [max(map(len, block)) for block in blocks]
    if sum(widths) + 3 * (len(blocks) - 1) > _WIDTH:
        return [line for block in blocks for line in (*block, "")][:-1]
    rows = zip_longest(*blocks, fillvalue="")
    return [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
