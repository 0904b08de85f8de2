"""Eligibility: the derivatives of one step, and the traces that carry them forwards from step to step.

With h_t the states of a neuron, x_t what arrives and theta its parameters, a step h_t = M(h_{t-1}, x_t; theta), o_t = O(h_{t-1}, x_t; theta) has the
local derivatives D = dh_t/dh_{t-1}, J = dh_t/dx_t (or dh_t/dtheta) and psi = do_t/dh_{t-1}, the pseudo-derivative of spikes among them. The
eligibility vector eps_t = D eps_{t-1} + J x_t is dh_t/dw along all ways that stay inside the neuron, and the eligibility trace
e_t = psi eps_{t-1} + (do/dx) x_t that of what it tells others (Bellec et al. 2020, Nat. Commun. 11:3625, eqs. 13 and 14; for one layer it is
real-time recurrent learning with a Jacobian of blocks). ``jacobian`` writes the local derivatives of any step as a map, ``traces`` the recursions.
No neuron model is known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from eqsnn.derivations.surrogate import SPIKE, Slope
from eqsnn.errors import EqsnnError
from eqsnn.integrators import vocabulary as voc
from eqsnn.update_map import Assignment, Input, Repeat, UpdateMap, Write, symbol

SIGNAL = "signal"
"""The variable of a trace's map with what arrives, x."""
LEARNING = "learning"
"""The variable of a trace's map with the derivative of the loss with respect to what the trace is about, followed by the output's name."""
GRADIENT = "gradient"
"""The variable of a trace's map to which the gradient is added."""


@dataclass(frozen=True)
class Entry:
    """A derivative, in the map's variable ``name``. ``constant``: the same in all steps; ``alike``: the same for all neurons; ``eventful``: it has a
    pseudo-derivative in it; ``one``: it is 1."""

    name: str
    constant: bool
    alike: bool
    eventful: bool
    one: bool = False


@dataclass(frozen=True)
class Jacobian:
    """``map`` leaves the derivatives that are not 0, by (what the step leaves, what it reads)."""

    map: UpdateMap
    entries: Mapping[tuple[str, str], Entry]

    def diagonal(self, states: Collection[str]) -> bool:
        """Whether each of these states depends on no other of them."""
        return all(a == b for a, b in self.entries if a in states and b in states)

    def of(self, rows: Collection[str], columns: Collection[str]) -> list[Entry]:
        """The derivatives of ``rows`` with respect to ``columns`` that are not 0."""
        return [e for (row, column), e in self.entries.items() if row in rows and column in columns]


def jacobian(
    step: UpdateMap, columns: Sequence[str], changing: Collection[str], differing: Collection[str]
) -> Jacobian:
    """The derivatives of all that ``step`` writes with respect to its inputs ``columns``: tangents along the list of assignments (Griewank & Walther
    2008, chapter 3.1). ``changing``: the inputs that are others in each step; ``differing``: those that are not the same for all neurons."""
    if any(isinstance(a, Repeat) for a in step.assignments):
        raise EqsnnError(
            f"{step.name}: the derivatives of an adaptive method are not known; use euler, rk4 or exponential_euler"
        )
    return _Tangents(step, columns, frozenset(changing), frozenset(differing)).build()


class _Tangents:
    def __init__(self, step: UpdateMap, columns: Sequence[str], changing: frozenset[str], differing: frozenset[str]):
        self.step, self.columns = step, columns
        names = {symbol(i.name): i.variable for i in step.inputs}
        self.moves = {s for s, v in names.items() if v in changing}
        self.differs = {s for s, v in names.items() if v in differing or v in changing}
        for known in (self.moves, self.differs):
            known |= {symbol(n.name) for n in step.noise}
        self.eventful: set[sympy.Symbol] = set()
        self.tangent = {c: {s: sympy.S.One for s, v in names.items() if v == c} for c in columns}
        self.out: list[Assignment | Repeat] = []
        self.count = 0

    def build(self) -> Jacobian:
        for a in self.step.flat():
            target = symbol(a.target)
            self.out.append(a)
            self._know(target, a.expr)
            if self.step.types.get(a.target, "float") != "float":
                continue
            slopes = {s: a.expr.diff(s) for s in a.expr.free_symbols if any(s in t for t in self.tangent.values())}
            for column in self.columns:
                along = self.tangent[column]
                made = sympy.Add(*(slopes[s] * along[s] for s in sorted(slopes, key=lambda s: s.name) if s in along))
                if made != 0:
                    along[target] = self._named(f"d_{a.target}_d_{column}", made, a)
        return self._entries()

    def _know(self, name: sympy.Symbol, expr: sympy.Expr) -> None:
        """What ``name`` inherits from its expression."""
        free = expr.free_symbols
        for known in (self.moves, self.differs, self.eventful):
            if free & known:
                known.add(name)
        if expr.has(Slope):
            self.eventful.add(name)
        if expr.has(voc.Poisson):
            self.moves.add(name)
            self.differs.add(name)

    def _named(self, base: str, expr: sympy.Expr, a: Assignment) -> sympy.Expr:
        """A name for a derivative that is no name or number already."""
        if expr.is_Number or expr.is_Symbol:
            return expr
        self.count += 1
        name = f"{base.replace('@', '_')}@j{self.count}"
        self.out.append(Assignment(name, expr, a.source))
        self._know(symbol(name), expr)
        return symbol(name)

    def _entries(self) -> Jacobian:
        entries: dict[tuple[str, str], Entry] = {}
        writes = []
        for w in self.step.writes:
            if self.step.types.get(w.value, "float") != "float":
                continue
            for column in self.columns:
                value = self.tangent[column].get(symbol(w.value), sympy.S.Zero)
                if value == 0:
                    continue
                variable = f"d_{w.variable}_d_{column}"
                self.out.append(Assignment(f"{variable}@entry", value, w.source))
                writes.append(Write("self", variable, f"{variable}@entry", source=w.source))
                free = value.free_symbols
                entries[w.variable, column] = Entry(
                    variable,
                    not free & self.moves,
                    not free & self.differs,
                    bool(free & self.eventful) or value.has(Slope),
                    value == 1,
                )
        return Jacobian(
            replace(
                self.step,
                name=f"derivatives of {self.step.name}",
                assignments=tuple(self.out),
                writes=tuple(writes),
                event=None,
            ),
            entries,
        )


def without_reset(step: UpdateMap, keep: Collection[str] = ()) -> UpdateMap:
    """``step`` with its event as a constant in what the reset does to variables that are not in ``keep``."""
    event = next((symbol(w.value) for w in step.writes if w.variable == SPIKE), None)
    if event is None:
        return step
    changed = {w.value for w in step.writes if w.variable != SPIKE and w.variable not in keep}
    stopped = {event: voc.Stop(event)}
    return replace(
        step,
        assignments=tuple(
            replace(a, expr=a.expr.xreplace(stopped)) if a.target in changed and isinstance(a, Assignment) else a
            for a in step.assignments
        ),
    )


@dataclass(frozen=True)
class Filter:
    """How what a layer reads of another, by its input ``arrives``, comes into its variable ``reads``: states with constant derivatives
    (``entries`` of its Jacobian) that are the same for all neurons. Without ``states`` it has no memory."""

    states: tuple[str, ...]
    entries: Mapping[tuple[str, str], Entry]
    arrives: str
    reads: str


def memory_of(
    entries: Mapping[tuple[str, str], Entry], states: Collection[str], begins: str, reads: Iterable[str]
) -> tuple[str, ...]:
    """The states that have a trace: those that what ``begins`` changes, and on which one of ``reads`` depends in a later step."""
    reached, needed = {begins}, set(reads)
    while True:
        more = {row for row, column in entries if column in reached and row in states} - reached
        if not more:
            break
        reached |= more
    while True:
        more = {column for row, column in entries if row in needed and column in states} - needed
        if not more:
            break
        needed |= more
    later = {column for row, column in entries if row in needed and column in states}  # what of it the next step reads
    return tuple(s for s in states if s in reached and s in later)


@dataclass(frozen=True)
class Traces:
    """``map``: one step of the traces of ``states`` and of the gradient, and of the filter's, for each of what ``begins`` them (an input, whose
    signal is x, a parameter, or a state's start).

    eps <- D eps + J x; e_o = psi_o eps + (do/dx) x with the eps of before; f_o <- R f_o + r e_o; gradient += sum over o of L_o e_o, or of L_o f_o.
    """

    map: UpdateMap
    states: tuple[str, ...]

    @property
    def traces(self) -> tuple[str, ...]:
        """The variables that go from step to step."""
        return tuple(w.variable for w in self.map.writes if w.variable != GRADIENT)


def traces(
    entries: Mapping[tuple[str, str], Entry],
    states: Sequence[str],
    begins: str,
    outputs: Sequence[str],
    through: Filter | None = None,
    name: str = "traces",
    presented: bool = True,
) -> Traces | None:
    """The traces by which the gradient of ``begins`` comes from the learning signals of ``outputs``, ``through`` a filter if there is one; None if no
    output depends on it. ``presented``: with a signal x, else x is 1."""
    made = _Trace(entries, states, begins, outputs, through, presented)
    map_ = made.build(name)
    return None if all(w.variable != GRADIENT for w in map_.writes) else Traces(map_, made.states)


def shared_traces(
    entries: Mapping[tuple[str, str], Entry],
    states: Sequence[str],
    begins: str,
    outputs: Sequence[str],
    through: Filter | None = None,
    name: str = "traces",
) -> tuple[Traces, UpdateMap] | None:
    """As ``traces`` where the recursion is the same for all targets: eps depends on the source alone. The second map leaves for each
    target what eps and x are worth, ``row_trace_*`` and ``row_signal``; None where the recursion differs between neurons or steps, or a filter has
    a memory."""
    made = _Trace(entries, states, begins, outputs, through)
    own = [entries[row, c] for row in made.states for c in (*made.states, begins) if (row, c) in entries]
    if (through is not None and through.states) or not all(e.constant and e.alike for e in own):
        return None
    rows = made.rows(f"rows of {name}")
    if not rows.writes:
        return None
    made = _Trace(entries, states, begins, outputs, through)
    for s in made.states:
        made.assign(f"new_{s}", made.along(s), f"trace_{s}")
    return Traces(made.map(name), made.states), rows


class _Trace:
    def __init__(self, entries, states, begins, outputs, through, presented=True):
        self.presented = presented
        self.entries, self.begins, self.outputs, self.through = entries, begins, outputs, through
        self.states = memory_of(entries, states, begins, outputs)
        self.inputs: dict[str, Input] = {}
        self.assignments: list[Assignment] = []
        self.writes: list[Write] = []

    def read(self, variable: str) -> sympy.Symbol:
        self.inputs.setdefault(variable, Input(variable, "self", variable))
        return symbol(variable)

    def factor(self, e: Entry, prefix: str = "") -> sympy.Expr:
        return sympy.S.One if e.one else self.read(prefix + e.name)

    def assign(self, name: str, expr: sympy.Expr, writes: str | None = None) -> sympy.Symbol:
        target = f"{name}@1"
        self.assignments.append(Assignment(target, expr))
        if writes is not None:
            self.read(writes)
            self.writes.append(Write("self", writes, target))
        return symbol(target)

    def map(self, name: str) -> UpdateMap:
        return UpdateMap(name, tuple(self.inputs.values()), tuple(self.assignments), tuple(self.writes))

    def along(self, row: str) -> sympy.Expr:
        """The derivative of ``row`` after the step."""
        terms = [
            self.factor(self.entries[row, s]) * self.read(f"trace_{s}") for s in self.states if (row, s) in self.entries
        ]
        if (row, self.begins) in self.entries and self.begins not in self.states:
            x = self.read(SIGNAL) if self.presented else sympy.S.One
            terms.append(self.factor(self.entries[row, self.begins]) * x)
        return sympy.Add(*terms)

    def build(self, name: str) -> UpdateMap:
        total = sympy.S.Zero
        for o in self.outputs:
            e = self.along(o)
            if e == 0:
                continue
            e = self.assign(f"e_{o}", e)
            total += self.read(f"{LEARNING}_{o}") * (e if self.through is None else self.filtered(o, e))
        for s in self.states:
            self.assign(f"new_{s}", self.along(s), f"trace_{s}")
        if total != 0:
            self.assign(GRADIENT, self.read(GRADIENT) + total, GRADIENT)
        return self.map(name)

    def rows(self, name: str) -> UpdateMap:
        """What each trace and the signal are worth for a target: its outputs' derivatives times their learning signals."""
        worth = {o: self.read(f"{LEARNING}_{o}") * self.without_memory() for o in self.outputs}
        for s in self.states:
            terms = [worth[o] * self.factor(self.entries[o, s]) for o in self.outputs if (o, s) in self.entries]
            if terms:
                self.leave(f"row_trace_{s}", sympy.Add(*terms))
        terms = [
            worth[o] * self.factor(self.entries[o, self.begins])
            for o in self.outputs
            if (o, self.begins) in self.entries
        ]
        if terms and self.begins not in self.states:
            self.leave(f"row_{SIGNAL}", sympy.Add(*terms))
        return self.map(name)

    def leave(self, variable: str, expr: sympy.Expr) -> None:
        self.assignments.append(Assignment(f"{variable}@1", expr))
        self.writes.append(Write("self", variable, f"{variable}@1"))

    def without_memory(self) -> sympy.Expr:
        """What a filter without states makes of 1."""
        t = self.through
        return sympy.S.One if t is None else self.factor(t.entries[t.reads, t.arrives], "read_")

    def filtered(self, o: str, e: sympy.Symbol) -> sympy.Expr:
        t = self.through

        def after(row: str) -> sympy.Expr:
            terms = [
                self.factor(t.entries[row, s], "read_") * self.read(f"filter_{o}_{s}")
                for s in t.states
                if (row, s) in t.entries
            ]
            if (row, t.arrives) in t.entries:
                terms.append(self.factor(t.entries[row, t.arrives], "read_") * e)
            return sympy.Add(*terms)

        made = {s: self.assign(f"filtered_{o}_{s}", after(s), f"filter_{o}_{s}") for s in t.states}
        return made[t.reads] if t.reads in made else after(t.reads)


def errors(
    entries: Mapping[tuple[str, str], Entry], outputs: Sequence[str], inputs: Sequence[str], name: str
) -> UpdateMap:
    """The way of errors through the step: ``error_I`` = sum over outputs of learning_o do/dI."""
    made = _Trace(entries, (), "", outputs, None)
    for i in inputs:
        terms = [made.read(f"{LEARNING}_{o}") * made.factor(entries[o, i]) for o in outputs if (o, i) in entries]
        made.leave(f"error_{i}", sympy.Add(*terms))
    return made.map(name)
