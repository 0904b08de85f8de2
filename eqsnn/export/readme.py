"""The network in words and equations, for the README of an exported project."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import numpy as np

from eqsnn.network.base import SimObject
from eqsnn.network.group import Group
from eqsnn.network.inputs import PoissonGroup, PoissonInput, SpikeGeneratorGroup
from eqsnn.network.monitors import EventMonitor, PopulationRateMonitor
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.pathway import Pathway
from eqsnn.network.regular import CodeRunner
from eqsnn.network.statemonitor import StateMonitor
from eqsnn.network.synapses import Synapses


def description(objects: Iterable[SimObject], constants: dict[SimObject, dict], messages: Iterable[str]) -> str:
    """A section for each object, in Markdown."""
    parts = ["\n".join(_section(o, constants.get(o, {}))) for o in objects]
    methods = [f"- {m}" for m in messages]
    return "\n\n".join(
        [p for p in parts if p] + (["### How equations are integrated\n\n" + "\n".join(methods)] if methods else [])
    )


def _section(o: SimObject, constants: dict) -> Iterator[str]:
    yield f"### `{o.name}`: {_what(o)}"
    code = list(code_of(o))
    if code:
        yield from ["", "```", *code, "```"]
    shown = {n: v for n, v in constants.items() if not n.startswith("_") and "@" not in n}
    if shown:
        yield ""
        yield "Constants, in SI units: " + ", ".join(f"{n} = {v!r}" for n, v in sorted(shown.items())) + "."


def _what(o: SimObject) -> str:
    match o:
        case SpikeGeneratorGroup():
            return f"{len(o)} neurons that spike at given times"
        case PoissonGroup():
            return f"{len(o)} neurons that spike at random"
        case NeuronGroup():
            return f"{len(o)} neurons"
        case Synapses():
            return f"{len(o)} synapses from `{o.source.name}` to `{o.target.name}`"
        case PoissonInput():
            return f"{o.n} sources of {o.rate_:g} Hz for each neuron of `{o.target.name}`, to `{o.target_var}`"
        case PopulationRateMonitor():
            return f"the rate of `{o.source.name}`"
        case EventMonitor():
            return f"the {'spikes' if o.event == 'spike' else 'events ' + repr(o.event)} of `{o.source.name}`"
        case StateMonitor():
            return f"{', '.join(f'`{n}`' for n in o.names)} of {len(o.record)} elements of `{o.source.name}`"
        case CodeRunner():
            return f"statements that run regularly for `{o.group.name}`"
    return type(o).__name__


def code_of(o: SimObject) -> Iterator[str]:
    """The equations and statements of an object, a line each."""
    if isinstance(o, CodeRunner):
        yield from _lines("", o.statements)
        return
    if not isinstance(o, Group):
        return
    if o.model.text.strip():
        yield from inspect.cleandoc(o.model.text).splitlines()
    if isinstance(o, Synapses):
        for p in o.pathways.values():
            name = "" if p.name == p.prepost else f" ({p.name})"
            yield from _lines(f"on_{p.prepost}{name}, {_delay(o, p)}: ", p.statements)
    elif not isinstance(o, (SpikeGeneratorGroup, PoissonGroup)):
        for e in o.model.events:
            if e.condition is not None:
                yield f"{'threshold' if e.name == 'spike' else e.name}: {e.condition}"
            if e.reset is not None:
                yield from _lines(f"{'reset' if e.name == 'spike' else 'after ' + e.name}: ", e.reset)
        if o.model.refractory is not None:
            constant = getattr(o, "refractory_constant", None)
            yield f"refractory: {o.model.refractory if constant is None else _time(constant)}"


def _lines(label: str, statements) -> list[str]:
    first, *rest = str(statements).splitlines() or [""]
    return [label + first, *(" " * len(label) + line for line in rest)]


def _delay(o: Synapses, p: Pathway) -> str:
    one = p.one_delay()
    if one is not None:
        return f"after {_time(one)}" if one else "at once"
    each = p.delays(len(o), None)
    return f"after {_time(float(np.min(each)))} to {_time(float(np.max(each)))}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:g} ms"
