"""What was derived from a model, for people: the update of one step, as text and as LaTeX, and the kernels."""

from __future__ import annotations

from dataclasses import replace

from eqsnn import pipeline
from eqsnn.errors import InternalError
from eqsnn.kernel.ir import Kernel, identifier
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.synapses import Synapses
from eqsnn.update_map import UpdateMap

Parts = list[tuple[str, str | None, UpdateMap]]
"""(heading, message about the method, map)"""


def maps_of(o: NeuronGroup | Synapses) -> Parts:
    """The update maps of a group, as far as they can be known before a run."""
    from eqsnn.integrators import discretise

    held = discretise.held_map(o.model)
    parts: Parts = [] if held is None else [("at the start of each step", None, held)]
    if isinstance(o, Synapses):
        step = discretise.synapse_step_map(o.model, o.method)
        if step is not None:
            parts.append(("in each step", step.message, step.map))
        for v in o.model.variables:
            if "summed" in v.flags:
                parts.append((f"in each step, summed into {v.name}", None, discretise.summed_map(o.model, v.name)))
        for p in o.pathways.values():
            heading = f"when {_event(p.event)} arrives (on_{p.prepost}{'' if p.name == p.prepost else ', ' + p.name})"
            parts.append((heading, None, discretise.pathway_map(o.model, p.name, p.statements)))
    elif isinstance(o, NeuronGroup):
        step = discretise.step_map(o.model, o.method)
        parts.append(("in each step", step.message, step.map))
        for event in o.model.events:
            if event.name != "spike":
                check = discretise.step_map(o.model, o.method, update=False, event=event.name)
                parts.append((f"for {_event(event.name)}", None, check.map))
            if event.reset is not None:
                code = discretise.statements_map("reset", event.reset, o.model.scope)
                parts.append((f"after {_event(event.name)}", None, code))
    else:
        raise InternalError(f"{type(o).__name__} has no maps")
    return parts


def _event(name: str) -> str:
    return "a spike" if name == "spike" else f"the event '{name}'"


def update_text(o: NeuronGroup | Synapses) -> str:
    """The derived update as readable equations."""
    lines = []
    for heading, message, map_ in maps_of(o):
        lines += [f"{heading}{f' ({message})' if message else ''}:"]
        lines += [f"    {line}" for line in str(map_).splitlines()] or ["    nothing"]
        for p in map_.propagators:
            lines += [f"    where propagator = expm(dt*A) with A = {[list(map(str, row)) for row in p.matrix]}"]
    return "\n".join(lines)


def update_latex(o: NeuronGroup | Synapses) -> str:
    """The derived update as LaTeX, one aligned environment a map."""
    import sympy

    blocks = []
    for heading, _, map_ in maps_of(o):
        names = {s: sympy.Symbol(_tex_name(s.name)) for a in map_.flat() for s in a.expr.free_symbols}
        rows = [f"{_tex_name(a.target)} &= {_latex(a.expr.xreplace(names))}" for a in map_.flat()]
        if rows:
            body = " \\\\ ".join(rows)
            blocks.append(f"\\text{{{heading}:}}\\quad\\begin{{aligned}}{body}\\end{{aligned}}")
    return " \\\\ ".join(blocks)


def equations_latex(o: NeuronGroup | Synapses) -> str:
    """The user's equations with their units as LaTeX."""
    import sympy

    from eqsnn.integrators.builder import MapBuilder
    from eqsnn.model.rules import noise_scope

    rows = []
    for v in o.model.visible:
        left = _tex_name(v.name)
        unit = f"\\text{{({v.dim if v.dtype == 'float' else v.dtype})}}"
        flags = f"\\;\\text{{{', '.join(sorted(v.flags))}}}" if v.flags else ""
        if v.expr is None:
            rows.append(f"{left} &: {unit}{flags}")
            continue
        builder = MapBuilder("latex", _flat(noise_scope(v.expr, o.model.scope)))
        expr = builder.translate(v.expr)
        names = {s: sympy.Symbol(_tex_name(s.name)) for s in expr.free_symbols}
        left = {"state": f"\\frac{{d{left}}}{{dt}}", "recurrence": f"{left}[n+1]"}.get(v.kind, left)
        rows.append(f"{left} &= {_latex(expr.xreplace(names))} && {unit}{flags}")
    body = " \\\\ ".join(rows)
    return f"\\begin{{aligned}}{body}\\end{{aligned}}"


def _latex(expr) -> str:
    """LaTeX of an expression with the heads of our vocabulary: comparisons, conditions and choices."""
    from sympy.printing.latex import LatexPrinter

    infix = {"Less": "<", "LessEqual": r"\le", "Equal": "=", "NotEqual": r"\ne", "And": r"\wedge", "Or": r"\vee", "Modulo": r"\bmod"}  # fmt: skip

    class Printer(LatexPrinter):
        printmethod = "_our_latex"

        def _print_Function(self, e, exp=None):
            name, args = type(e).__name__, [self._print(a) for a in e.args]
            if name in infix:
                text = f"\\left({args[0]} {infix[name]} {args[1]}\\right)"
            elif name == "Select":
                text = (
                    f"\\begin{{cases}}{args[1]} & \\text{{if }} {args[0]} \\\\ {args[2]} & \\text{{else}}\\end{{cases}}"
                )
            elif name == "Not":
                text = f"\\neg {args[0]}"
            elif name == "Truth":
                text = f"\\text{{{bool(e.args[0] != 0)}}}"
            else:
                head = {"ToInt": "int", "Table": args[0]}.get(name, name.lower())
                rest = args[1:] if name == "Table" else args
                text = f"\\operatorname{{{head}}}\\left({', '.join(rest)}\\right)"
            return f"{text}^{{{exp}}}" if exp is not None else text

        _print_And = _print_Or = _print_Not = _print_Function

    return Printer().doprint(expr)


def _flat(scope):
    """The scope with subexpressions as plain names: they are shown where they are defined."""
    plain = {
        n: replace(s, expr=None, owner="self" if s.owner == "function" else s.owner) for n, s in scope.symbols.items()
    }
    return replace(scope, symbols=plain)


def html(o: NeuronGroup | Synapses) -> str:
    """For notebooks: what it is, its equations and the derived update."""
    from html import escape

    update = escape(update_text(o))
    return f"<b>{escape(repr(o))}</b><br>${equations_latex(o)}$<details><summary>update</summary><pre>{update}</pre></details>"


_GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "theta",
    "kappa",
    "lambda",
    "mu",
    "rho",
    "sigma",
    "tau",
    "phi",
    "omega",
    "xi",
    "nu",
)


def _tex_name(name: str) -> str:
    stem, _, version = name.partition("@")
    head, *tail = stem.split("_")
    letter = next((g for g in _GREEK if head.startswith(g)), None)
    if letter is not None:
        tail = [t for t in (head[len(letter) :], *tail) if t]
        head = f"\\{letter}"
    elif len(head) > 1:
        head = f"\\mathrm{{{head}}}"
    text = f"{head}_{{{','.join(tail)}}}" if tail else head
    if not version or version in ("const", "noise"):
        return text
    return f"{{{text}}}^{{({version})}}"


def kernels_of(o: NeuronGroup | Synapses) -> list[Kernel]:
    """The kernels of a group, as a run without anything else would make them."""
    stem = f"eqk_{identifier(o.name)}"
    held = pipeline.held(o.model, f"{stem}_held")
    found: list[Kernel | None] = [held.own, held.shared]
    if isinstance(o, Synapses):
        step = pipeline.synapse_step(o.model, o.method, frozenset(), f"{stem}_step")
        found += [step.own, step.shared]
        found += [
            pipeline.summed(o.model, v.name, f"{stem}_{v.name}") for v in o.model.variables if "summed" in v.flags
        ]
        for p in o.pathways.values():
            name = f"{stem}_{identifier(p.name)}"
            found.append(pipeline.pathway(o.model, p.statements, p.prepost, name, False, frozenset()).own)
    else:
        step = pipeline.neuron_step(o.model, o.method, frozenset(), f"{stem}_step", True, True)
        found += [step.own, step.shared]
        for e in o.model.events:
            if e.name != "spike":
                name = f"{stem}_event_{e.name}"
                found.append(pipeline.neuron_step(o.model, o.method, frozenset(), name, False, True, event=e.name).own)
            if e.reset is not None:
                found.append(pipeline.reset(o.model, e.reset, f"{stem}_reset_{e.name}"))
    return [k for k in found if k is not None]
