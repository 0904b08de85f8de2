"""Groups of neurons, and slices of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, OutOfRangeError, Span, UnitError, WrongTypeError, WrongValueError
from eqsnn.integrators.names import check_method
from eqsnn.language.ast import Call, Name, walk
from eqsnn.language.ast import Equations as EquationsAst
from eqsnn.language.parse import parse, parse_expression, parse_statements
from eqsnn.model.model import Model, Scope
from eqsnn.model.resolve import resolve, statement_scope, with_event_code
from eqsnn.network.base import SimObject, check_slot
from eqsnn.network.clock import Clock
from eqsnn.network.equations import Equations, functions_used
from eqsnn.network.events import EventCheck, EventCode, conditions, known_event
from eqsnn.network.group import NUMPY_TYPES, Group, clock_variables, zeros
from eqsnn.network.methods import method_of, native_name
from eqsnn.network.notices import tell_once
from eqsnn.network.storage import fitting, readable, storage_types
from eqsnn.network.surrogate import Surrogate, surrogate_of
from eqsnn.network.variables import VariableInfo
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of, second

NEVER = -1e4
"""``lastspike`` (seconds) of a neuron that has not spiked yet, as in Brian 2."""


class SpikeSource:
    """An object whose elements emit events: itself or a slice of another. ``root`` owns the events, ``start`` and ``stop`` delimit."""

    root: SpikeSource
    start: int
    stop: int
    _last_events: dict[str, object]  # for each event an engine's Spikes, made at the first run

    @property
    def event_names(self) -> tuple[str, ...]:
        """The events that the elements emit; 'spike' is that of the threshold."""
        return tuple(e.name for e in self.root.model.events if e.condition is not None)

    @property
    def spikes(self) -> np.ndarray:
        """Which elements spiked in the latest step, ascending, int32: what a network operation behind the thresholds asks for."""
        past = self.root._last_events.get("spike")
        indices = np.empty(0, np.int32) if past is None else past.read(0)
        return indices[(indices >= self.start) & (indices < self.stop)] - np.int32(self.start)

    def place_of_event(self, event: str) -> tuple[str, int]:
        """The slot and order in which the elements that emit the event become known."""
        return self.root.when, self.root.order


class NeuronGroup(Group, SpikeSource):
    """``N`` neurons that follow the same equations.

    ``model``: equations, a string or :class:`Equations`. ``method``: name of an integrator, several (the first that can integrate the
    equations is taken), or None for the automatic choice; ``method_options``: the options of an adaptive one (see ``network/methods.py``).
    ``threshold``: condition of a spike; ``reset``: statements after it; ``refractory``: a time, an expression for one, or a condition
    that keeps the neuron refractory while true (True: for ever after its first spike). ``events``: conditions of further events by name,
    checked after the threshold; they do not respect refractoriness unless they name ``not_refractory``; what follows them:
    :meth:`run_on_event`. ``surrogate``: what gradients see in place of the spike's derivative, a name, an expression of x or a
    :class:`Surrogate`. ``namespace``: external constants. ``dtype``: the type that values have, float32 or float64 (the default), for all
    floats, or a dict by variable. ``dt`` or ``clock``: the time step. Raises EquationError or UnitError at construction for what can be
    decided then.
    """

    def __init__(
        self,
        N: int,
        model: str | Equations = "",
        method: str | Sequence[str] | None = None,
        method_options: Mapping[str, object] | None = None,
        threshold: str | None = None,
        reset: str | None = None,
        refractory: Quantity | str | bool = False,
        events: Mapping[str, str] | None = None,
        namespace: Mapping[str, object] | None = None,
        dtype=None,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        order: int = 0,
        name: str = "neurongroup*",
        *,
        surrogate: str | Surrogate | None = None,
    ):
        self._n = _count(N)
        super().__init__(name, clock=clock, dt=dt, when="groups", order=order, namespace=namespace)
        checks = conditions(self.name, threshold, events)
        if reset is not None and "spike" not in checks:
            raise EquationError(
                f"{self.name} has a reset but no threshold", None, "give threshold='...', the condition of a spike"
            )
        ast: EquationsAst = model.ast if isinstance(model, Equations) else parse(_text(model, "model"))
        statements = parse_statements(_text(reset, "reset"), "reset") if reset else None
        refractory_expr, self.refractory_constant = _refractory(refractory)
        functions = functions_used(ast, list(checks.values()), statements, refractory_expr, spaces=self.spaces())
        self._equations = Equations(ast)
        chosen = method_of(method, method_options, ast)
        self.method, self.method_constants = chosen.name, dict(chosen.constants)
        self.model: Model = resolve(
            ast,
            name=self.name,
            threshold=checks.pop("spike", None),
            reset=statements,
            refractory=refractory_expr,
            functions=functions,
            events=checks,
            hidden=chosen.variables,
        )
        check_method(native_name(method), self.name, next((v.span for v in self.model.of_kind("state")), None))
        self.surrogate = surrogate_of(surrogate)
        self.root, self.start, self.stop, self._last_events = self, 0, self._n, {}
        self.thresholder = {e: EventCheck(self.name, e, self.order) for e in self.event_names}
        self.resetter = {}
        if statements is not None:
            self.resetter["spike"] = EventCode(self.name, "spike", reset, "resets", self.order)
        self._types = storage_types(self.model, dtype, self.name)
        self._make_variables()
        self._tell_what_lacks(threshold, reset)
        self._sealed = True

    def _tell_what_lacks(self, threshold: str | None, reset: str | None) -> None:
        """Notices about what is legal, and was most likely forgotten. A random threshold is one of a Poisson process."""
        drawn = threshold is not None and any(
            isinstance(n, Call) and n.function in ("rand", "randn") for n in walk(self.model.events[0].condition)
        )
        if threshold is not None and reset is None and not self.has_refractory and not drawn:
            tell_once(
                f"{self.name} has a threshold and neither a reset nor a refractory period: it spikes in every step in which "
                f"{threshold.strip()}; give reset='' if that is meant"
            )
        resting = [v.name for v in self.model.variables if "unless refractory" in v.flags]
        if resting and not self.has_refractory:
            tell_once(
                f"{self.name}: {', '.join(resting)} would rest while a neuron is refractory, and it never is; give refractory="
            )

    @property
    def equations(self) -> Equations:
        """The equations that the group was made with."""
        return self._equations

    @property
    def events(self) -> dict[str, str]:
        """The conditions of the events by name."""
        return {e.name: e.condition.span.text for e in self.model.events if e.condition is not None}

    def place_of_event(self, event: str) -> tuple[str, int]:
        check = self.thresholder[event]
        return check.when, check.order

    def run_on_event(self, event: str, code: str, when: str = "after_resets", order: int | None = None) -> EventCode:
        """Run statements for the elements at which ``event`` holds, in the slot ``when``; one piece of code an event.

        Returns a handle: with ``active = False`` the code is left out. Raises EquationError or UnitError for wrong code.
        """
        known_event(self, event, f"{self.name}: run_on_event() follows")
        if event in self.resetter:
            known = "its reset" if event == "spike" else "code"
            raise EqsnnError(f"{self.name}: the event '{event}' has {known} already: {self.resetter[event].code!r}")
        statements = parse_statements(_text(code, "the code"), f"code for the event '{event}'")
        handle = EventCode(self.name, event, code, when, self.order if order is None else order)
        functions = functions_used(statements, spaces=self.spaces())
        self.model = with_event_code(self.model, event, statements, functions)
        self.resetter[event] = handle
        return handle

    def set_event_schedule(self, event: str, when: str = "after_thresholds", order: int | None = None) -> None:
        """Check the condition of ``event`` in the slot ``when``. Monitors made before keep their place."""
        known_event(self, event, f"{self.name}: set_event_schedule() is about")
        check_slot(when)
        check = self.thresholder[event]
        check.when, check.order = when, self.order if order is None else int(order)

    @property
    def has_refractory(self) -> bool:
        return self.model.refractory is not None

    def _make_variables(self) -> None:
        self.arrays, self.variables, self.links = {}, {}, {}
        for v in self.model.variables:
            if v.linked:
                self._add_linked(v.name, v.dim, v.dtype)
            elif v.held:
                self._add_array(v.name, v.dim, v.dtype, v.shared, why="it is computed at the start of each step")
            elif v.kind == "subexpression":
                self._add_subexpression(v.name, v.dim, v.dtype, v.shared)
            else:
                self._add_array(v.name, v.dim, v.dtype, v.shared)
        if self.has_refractory:
            self._add_array("lastspike", second.dim, "float", False)
            self.arrays["lastspike"][:] = NEVER
            self._add_array("not_refractory", DIMENSIONLESS, "boolean", False)
            self.arrays["not_refractory"][:] = 1
        self._add_fixed("i", DIMENSIONLESS, "integer", lambda index: np.arange(self._n) if index is None else index)
        self._add_fixed("N", DIMENSIONLESS, "integer", lambda index: np.array([self._n]), shared=True)
        self.variables |= clock_variables(self)

    def _add_array(self, name: str, dim: Dimension, dtype: str, shared: bool, why: str = "") -> None:
        self.arrays[name] = zeros(1 if shared else self._n, self._types.get(name, NUMPY_TYPES[dtype]))

        def read(index):
            array = self.arrays[name]
            values = array if index is None or shared else array[index]
            return values.astype(bool) if dtype == "boolean" else readable(values)

        def write(index, values):
            array = self.arrays[name]
            array[slice(None) if index is None else index] = fitting(values, array.dtype, name, self.name)

        self.variables[name] = VariableInfo(name, dim, dtype, shared, read, None if why else write, why)

    def _add_subexpression(self, name: str, dim: Dimension, dtype: str, shared: bool) -> None:
        def read(index):
            index = np.zeros(1, np.int64) if shared else index
            return self.evaluate_text(name, index, f"subexpression '{name}'", None)

        self.variables[name] = VariableInfo(
            name, dim, dtype, shared, read, None, "it is a subexpression of the equations"
        )

    def _add_fixed(self, name: str, dim: Dimension, dtype: str, read, shared: bool = False) -> None:
        self.variables[name] = VariableInfo(name, dim, dtype, shared, read, None, "it is fixed by the group")

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, item) -> Subgroup:
        return Subgroup(self, item)

    def expression_scope(self) -> Scope:
        return statement_scope(self.model)

    def host_values(self, owner: str, variable: str, index: np.ndarray | None):
        if owner == "clock":
            return {"t": self.time(), "dt": self.clock.dt_}[variable]
        if owner == "index":
            return self._n if variable == "N" else np.arange(self._n) if index is None else index
        array = self.arrays.get(variable)
        if array is None:  # a linked variable
            return self.variables[variable].read(index)
        return array if index is None or len(array) != self._n or array.size == 1 else array[index]

    def time(self) -> float:
        """The time in seconds up to which the group has run."""
        return self.__dict__.get("_time", 0.0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self._n} neurons, {', '.join(v.name for v in self.model.visible) or 'no variables'}>"

    def _repr_latex_(self) -> str:
        from eqsnn.network.describe import equations_latex

        return f"${equations_latex(self)}$"

    def _repr_html_(self) -> str:
        from eqsnn.network.describe import html

        return html(self)


class Subgroup(Group, SpikeSource):
    """A contiguous part of a group, ``G[3:7]``, ``G[3]`` or ``G[[3, 4, 5]]``: usable as a source, as a target and in monitors.

    Its elements are counted from 0; it has no values of its own.
    """

    add_to_magic_network = False

    def __init__(self, parent: NeuronGroup | Subgroup, item, name: str | None = None):
        start, stop = _bounds(parent, item)
        SimObject.__init__(self, name or f"{parent.name}_subgroup*", clock=parent.clock, when="groups")
        self.parent = parent
        self.root = parent.root
        self.start, self.stop = parent.start + start, parent.start + stop
        self._offset, self._n = start, stop - start
        self.variables = {n: self._shifted(v) for n, v in parent.variables.items() if n != "N"}
        self.variables["N"] = VariableInfo(
            "N", DIMENSIONLESS, "integer", True, lambda i: np.array([self._n]), None, "it is fixed"
        )
        self._sealed = True

    @property
    def arrays(self):
        return self.parent.arrays

    @property
    def links(self):
        return self.parent.links

    @property
    def source(self) -> NeuronGroup:
        """The whole group."""
        return self.root

    @property
    def model(self) -> Model:
        return self.parent.model

    def spaces(self) -> list[Mapping[str, object]]:
        """Those of the whole group."""
        return self.parent.spaces()

    @property
    def event_names(self) -> tuple[str, ...]:
        return self.root.event_names

    def place_of_event(self, event: str) -> tuple[str, int]:
        return self.root.place_of_event(event)

    def _shifted(self, v: VariableInfo) -> VariableInfo:
        if v.shared:
            return v

        def up(index):
            return (
                np.arange(self._offset, self._offset + self._n) if index is None else np.asarray(index) + self._offset
            )

        if v.name == "i":
            return VariableInfo(
                "i", v.dim, v.dtype, False, lambda index: v.read(up(index)) - self._offset, None, v.why_read_only
            )
        write = None if v.write is None else (lambda index, values: v.write(up(index), values))
        return VariableInfo(v.name, v.dim, v.dtype, False, lambda index: v.read(up(index)), write, v.why_read_only)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, item) -> Subgroup:
        return Subgroup(self, item)

    def free_to_change(self, name: str, index: np.ndarray | None) -> np.ndarray | None:
        index = np.arange(self._n) if index is None else index
        return self.parent.free_to_change(name, index + self._offset) - self._offset

    def expression_scope(self) -> Scope:
        return self.parent.expression_scope()

    def host_values(self, owner: str, variable: str, index: np.ndarray | None):
        local = np.arange(self._n) if index is None else np.asarray(index)
        if owner == "index":
            return self._n if variable == "N" else local
        return self.parent.host_values(owner, variable, local + self._offset)

    def __repr__(self) -> str:
        return f"<Subgroup {self.name!r} of {self.root.name!r} from {self.start} to {self.stop}>"


def _count(n: object) -> int:
    if isinstance(n, (float, np.floating)) and n == int(n):
        n = int(n)  # such as 1e4
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise WrongValueError(f"the number of elements must be a positive integer; got {n!r}")
    return int(n)


def _bounds(parent: NeuronGroup | Subgroup, item) -> tuple[int, int]:
    """The first element of a contiguous part, and the one after its last. Raises EqsnnError or IndexError."""
    n = len(parent)
    wanted = f"a subgroup is contiguous: a slice such as {parent.name}[0:{min(n, 100)}], an index, or indices such as [3, 4, 5]"
    if isinstance(item, slice):
        if item.step not in (None, 1):
            raise OutOfRangeError(f"{wanted}; got a step of {item.step}")
        start, stop, _ = item.indices(n)
        if stop <= start:
            raise OutOfRangeError(f"{parent.name}[{item.start}:{item.stop}] is empty; it has {n} elements")
        return start, stop
    index = np.asarray(item)
    if index.dtype.kind not in "iu" or index.ndim > 1 or index.size == 0:
        raise WrongTypeError(f"{wanted}; got {item!r}")
    if np.any(np.diff(np.atleast_1d(index)) != 1):
        raise OutOfRangeError(f"{wanted}; got {np.array2string(index, threshold=6)}")
    start, stop = int(np.atleast_1d(index)[0]), int(np.atleast_1d(index)[-1]) + 1
    if index.ndim == 0 and start < 0:
        start, stop = start + n, stop + n
    if start < 0 or stop > n:
        raise IndexError(f"{parent.name} has {n} elements; {item!r} is out of range")
    return start, stop


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise EquationError(f"{what} must be a string; got {value!r}")
    return value


def _refractory(value):
    """The refractory expression, and the constant behind it where the user gave a Quantity."""
    if value is False or value is None:
        return None, None
    if value is True:
        return parse_expression("True", "refractory"), None
    if isinstance(value, str):
        return parse_expression(value, "refractory"), None
    if dimensions_of(value) != second.dim:
        raise UnitError(f"refractory must be a time such as 5*ms, or a string; got {value!r}")
    seconds = float(value / second)
    if not seconds >= 0:
        raise EqsnnError(f"refractory cannot be negative; got {value!s}")
    text = "refractory"  # not the value: it stands in comments of the generated code, which must not change with it
    return Name("_refractory", Span(text, 0, len(text), "refractory period")), seconds
