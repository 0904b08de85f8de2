"""How many threads share the work of a step, and how: by the model and its connectivity alone, never by a clock.

Results are the same bits for any number of threads, so that this decides about time only. What a step costs is estimated in nanoseconds from the
equations, the numbers of neurons and synapses, and the rates of spikes, where they are declared; 10 Hz where they are not. The figures are those
of one core of an AMD EPYC with AVX-512 and are right within a factor of two or so, which is enough: where one thread and two take equally long it
does not matter which it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from eqsnn.frozen import dataclass
from eqsnn.language.ast import Binary, Call, Expr, children, walk
from eqsnn.network.base import SimObject
from eqsnn.network.clock import Clock
from eqsnn.network.group import Group
from eqsnn.network.inputs import PoissonGroup, PoissonInput
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.notices import tell_once
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.synapses import Synapses
from eqsnn.runtime.processors import processors
from eqsnn.runtime.questions import root_of
from eqsnn.runtime.settings import Settings

PART = 2500.0
"""Nanoseconds that each thread has to do in a step at least. The team meets three times a step or so, which takes 1,000 to 1,500 in all."""
_NEW_TEAM = 40000.0
"""What it takes to begin threads anew after an operation in Python."""
_RATE = 10.0
_EVENT, _DRAW, _UPDATE = 2.5, 2.0, 0.08  # an arrival, a binomial number, a variable that is read and written
_OPERATION, _DIVISION, _FUNCTION = 0.03, 0.1, 0.8
_RANDOM = {"rand": 0.7, "randn": 2.0, "poisson": 5.0, "binomial": 5.0}
_STAGES = {"rk2": 2, "heun": 2, "milstein": 2, "rk4": 4, "rkf45": 6, "rk45": 6, "gsl": 6}

_EVEN = 0.75
"""A population gets so much of a thread's share of all synapses at most, where each is done by whoever is free."""


def pathways_stay_whole(objects: Iterable[SimObject], threads: int) -> bool:
    """Whether there are so many populations that threads find enough to do with a pathway each, so that no row has to be cut.

    Pathways onto one population follow on each other in one thread, those onto others may be done by another at the same time
    (runtime/conflicts.py). A row that is cut in two costs more than a whole one, almost twice as much where delays have cut it before.
    """
    onto: dict[SimObject, int] = {}
    for o in objects:
        if isinstance(o, Synapses) and o.active and o.pathways and not o.unconnected:
            target = root_of(o.target)
            onto[target] = onto.get(target, 0) + len(o)
    return threads > 1 and max(onto.values(), default=0) * threads < _EVEN * sum(onto.values())


@dataclass(frozen=True)
class Team:
    """``threads`` work where ``asked`` were wanted; ``step`` is the estimated nanoseconds of a step on one thread; ``why`` there are fewer, or ''."""

    asked: int
    threads: int
    step: float
    why: str = ""


def team_for(objects: Iterable[SimObject], settings: Settings) -> Team:
    """The threads that work in a run of these objects."""
    objects, asked = tuple(objects), settings.effective_threads()
    step = cost_of_a_step(objects) if asked > 1 else 0.0
    if asked == 1 or settings.all_threads:
        return Team(asked, asked, step)
    threads, why = within_processors(asked), ""
    if threads < asked:
        why = f"this process may use {_count(threads, 'processor')}"
    worth = max(1, int(step / PART))
    if worth < threads:
        threads = worth
        why = f"a step takes about {step / 1000:.2g} us on one thread, and each should have {PART / 1000:.2g} us to do"
    return Team(asked, threads, step, why)


def within_processors(asked: int) -> int:
    """As many threads as were asked for, but no more than there are processors for."""
    return min(asked, processors())


def say_if_fewer(settings: Settings) -> None:
    """Say, once, that more threads were asked for than there are processors."""
    asked, allowed = settings.effective_threads(), processors()
    if asked > allowed and not settings.all_threads:
        tell_once(
            f"{asked} threads were asked for, and this process may use {_count(allowed, 'processor')}: no more than that work; "
            "results do not depend on it"
        )


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def cost_of_a_step(objects: Iterable[SimObject]) -> float:
    """About how many nanoseconds one thread needs for a step of the fastest clock."""
    active = [o for o in objects if o.active]
    regular = {o: o.clock.dt_ for o in active if isinstance(o.clock, Clock)}  # an EventClock's steps are few
    fastest = min(regular.values(), default=1e-4)
    return sum(_cost(o, regular[o]) * fastest / regular[o] for o in regular)


def _cost(o: SimObject, dt: float) -> float:
    """Nanoseconds of one step of an object."""
    if isinstance(o, NetworkOperation):
        return -_NEW_TEAM
    if isinstance(o, PoissonInput):
        return _DRAW * len(o.target)
    if isinstance(o, PoissonGroup):
        return _UPDATE * len(o) * 2
    if isinstance(o, Synapses):
        return _of_synapses(o, dt)
    return _of_equations(o) * len(o) if isinstance(o, NeuronGroup) else 0.0


def _of_synapses(o: Synapses, dt: float) -> float:
    if o.unconnected:
        return 0.0
    ends = {"pre": o.source, "post": o.target}
    events = sum(len(o) * _rate(root_of(ends[p.prepost])) * dt for p in o.pathways.values())
    always = any(v.kind in ("state", "recurrence") and "event-driven" not in v.flags for v in o.model.variables)
    summed = sum("summed" in v.flags for v in o.model.variables)
    return _EVENT * events + len(o) * ((_of_equations(o) if always else 0.0) + _EVENT * summed)


def _rate(source: SimObject) -> float:
    """The mean rate of events of a group, in Hz: as declared, or a guess."""
    declared = source.arrays.get("rates") if isinstance(source, PoissonGroup) else None
    return float(np.mean(declared)) if declared is not None and len(declared) else _RATE


def _of_equations(o: Group) -> float:
    """Nanoseconds of the equations of one element, a threshold included."""
    stages = _STAGES.get(str(getattr(o, "method", "")), 1)
    code = [v.expr for v in o.model.variables if v.expr is not None and not v.shared]
    states = sum(v.kind in ("state", "recurrence") for v in o.model.variables)
    return _UPDATE * states + stages * sum(_of(e) for e in code)


def _of(expr: Expr) -> float:
    return sum(_of_node(e) for e in walk(expr))


def _of_node(e: Expr) -> float:
    if isinstance(e, Call):
        return _RANDOM.get(e.function, _FUNCTION)
    if isinstance(e, Binary):
        return _DIVISION if e.op in ("/", "//", "%", "**") else _OPERATION
    return _OPERATION if children(e) else 0.0
