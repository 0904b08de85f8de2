"""What neuron groups, synapses and inputs share: named variables that read as attributes, and string expressions over elements."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, UnknownNameError
from eqsnn.language.parse import parse_expression
from eqsnn.model.model import Scope
from eqsnn.model.statements import differing_name
from eqsnn.network import exchange
from eqsnn.network.base import SimObject, host_site
from eqsnn.network.clock import Clock, EventClock, steps_in, unique_times
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.linked import Link, LinkedVariable, make_link
from eqsnn.network.namespace import user_namespace
from eqsnn.network.variables import VariableInfo, VariableView
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, second

if TYPE_CHECKING:
    from eqsnn.network.regular import CodeRunner

NUMPY_TYPES = {"float": np.float64, "integer": np.int64, "boolean": np.int64}
"""Booleans are as wide as floats: a loop that mixes widths needs twice the time (docs/decisions/0004-booleans.md)."""


def zeros(n: int, dtype) -> np.ndarray:
    """An array of zeros that begins on a cache line, so that vector loads never straddle two."""
    size = n * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype)


def own_array(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The array of a variable that Python is about to write; one that trials have in common (runtime/trials.py) is copied first."""
    if not arrays[name].flags.writeable:
        arrays[name] = arrays[name].copy()
    return arrays[name]


def clock_variables(group: Group) -> dict[str, VariableInfo]:
    """``t``, ``dt`` and ``t_in_timesteps``: the time up to which the group has run, and its clock's step."""

    def info(name: str, dim: Dimension, dtype: str, value: Callable[[], float]) -> VariableInfo:
        return VariableInfo(name, dim, dtype, True, lambda index: np.array([value()]), None, "it is fixed by the group")

    return {
        "dt": info("dt", second.dim, "float", lambda: group.clock.dt_),
        "t": info("t", second.dim, "float", lambda: group.t_),
        "t_in_timesteps": info("t_in_timesteps", DIMENSIONLESS, "integer", lambda: steps_in(group.t_, group.clock.dt_)),
    }


class Indices:
    """The numbers of the elements of a group, by any index that the group takes."""

    def __init__(self, group: Group):
        self._group = group

    def __getitem__(self, item) -> np.ndarray:
        return np.atleast_1d(self._group.indices_of(item))


class Group(SimObject):
    """A set of elements with variables. ``arrays`` holds the values that kernels work on, by variable name, in base SI.

    ``links`` says which variables of other groups its linked variables are.
    """

    arrays: dict[str, np.ndarray]
    variables: dict[str, VariableInfo]
    links: dict[str, Link]

    def __len__(self) -> int:
        raise EqsnnError(f"{type(self).__name__} has no length")

    # -- attributes ---------------------------------------------------------------------------------------------------------

    def _lookup(self, name: str) -> VariableView | None:
        variables = self.__dict__.get("variables")
        if variables is None:
            return None
        if name in variables:
            return VariableView(self, variables[name])
        if name.endswith("_") and name[:-1] in variables:
            return VariableView(self, variables[name[:-1]], unitless=True)
        return None

    def known_variable(self, name: str) -> VariableInfo | None:
        """What Python may do with a variable, also one that only has a name in statements (``v_post``); None if there is none."""
        return self.variables.get(name)

    def free_to_change(self, name: str, index: np.ndarray | None) -> np.ndarray | None:
        """Which of the elements ``index`` (None: all) an assignment with a string, of a condition or a value, changes: all."""
        return index

    def __getattr__(self, name: str):
        view = self._lookup(name)
        if view is None:
            raise UnknownNameError(self._no_such(name))
        if view.info.name in ("N", "N_pre", "N_post", "t", "dt", "t_in_timesteps"):
            value = view.get()
            return int(value) if view.info.dtype == "integer" else value
        return view

    def __setattr__(self, name: str, value) -> None:
        view = self._lookup(name)
        if view is not None and name not in self.__dict__:
            if isinstance(value, LinkedVariable):
                self._link(view.info.name, value)
                return
            if isinstance(value, VariableView) and value.group is self and value.info.name == view.info.name:
                return  # G.v += x has already written in place
            view[:] = value
            return
        if view is not None and self.__dict__.get("_sealed") and not isinstance(value, type(self.__dict__[name])):
            raise AttributeError(
                f"'{name}' is what every {type(self).__name__} has, and a variable of {self.name} as well; "
                f"set the variable by {self.name}.state({name!r})[:] = ..., or give it another name"
            )
        if (
            not name.startswith("_")
            and self.__dict__.get("_sealed")
            and not hasattr(type(self), name)
            and name not in self.__dict__
        ):
            raise UnknownNameError(self._no_such(name))
        object.__setattr__(self, name, value)

    # -- linked variables ----------------------------------------------------------------------------------------------------

    def _add_linked(self, name: str, dim: Dimension, dtype: str) -> None:
        def read(index):
            if name not in self.links:
                raise EqsnnError(
                    f"'{name}' of {self.name} is not linked yet: {self.name}.{name} = linked_var(group, 'variable')"
                )
            return self.links[name].read(index)

        why = "it is linked to a variable of another group; set it there"
        self.variables[name] = VariableInfo(name, dim, dtype, False, read, None, why)

    def _link(self, name: str, given: LinkedVariable) -> None:
        known = next((v for v in self.model.variables if v.name == name), None)
        if known is None or not known.linked or "links" not in self.__dict__:
            what = "of the whole group" if known is not None and known.linked else f"'{name} : ... (linked)'"
            raise EqsnnError(f"'{name}' of {self.name} is no linked variable; link one that is declared so, {what}")
        link = self.links[name] = make_link(self, name, given)
        if link.is_scalar:
            first = np.zeros(1, np.int64)
            self.variables[name] = replace(self.variables[name], shared=True, read=lambda index: link.read(first))

    def add_attribute(self, name: str) -> None:
        """Let the group have an attribute of the user's own, which is no variable: ``G.add_attribute('note'); G.note = 'layer 4'``."""
        if name in self.variables or hasattr(type(self), name):
            raise EqsnnError(f"{self.name} has '{name}' already")
        self.__dict__[name] = None

    def _no_such(self, name: str) -> str:
        known = sorted(n for n in self.__dict__.get("variables", {}) if not n.startswith("_"))
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; its variables are {', '.join(known)}" if known else ""
        return f"{self.__dict__.get('name', type(self).__name__)} has no variable or attribute '{name}'{hint}"

    def __dir__(self):
        return [*super().__dir__(), *self.__dict__.get("variables", {})]

    def state(self, name: str, use_units: bool = True) -> VariableView:
        """The variable called ``name``, also where an attribute of the object hides it."""
        if name not in self.variables:
            raise UnknownNameError(self._no_such(name))
        return VariableView(self, self.variables[name], unitless=not use_units)

    def get_states(
        self,
        vars: Iterable[str] | None = None,
        units: bool = True,
        format: str = "dict",
        subexpressions: bool = False,
        read_only_variables: bool = True,
        level: int = 0,
    ):
        """Copies of the values of several variables by name (``vars``; default: all that are stored).

        ``units=False`` gives plain arrays; ``format='pandas'`` a DataFrame of them. ``subexpressions``: their values too;
        ``read_only_variables=False`` leaves out what ``set_states`` cannot set. ``level``: see :meth:`looking_up`.
        """
        with self.looking_up(None, level):
            return exchange.values_of(self, vars, units, format, subexpressions, read_only_variables)

    def set_states(self, values, units: bool = True, format: str = "dict", level: int = 0) -> None:
        """Set several variables at once, as ``get_states`` gave them; nothing is set if one of the names is wrong."""
        with self.looking_up(None, level):
            exchange.set_values(self, values, units, format)

    def looking_up(self, namespace: Mapping[str, object] | None, level: int = 0):
        """While this holds, string expressions find external names in ``namespace``, else where the user's code called eqsnn, or ``level``
        calls further out."""
        if namespace is None and not level:
            return nullcontext()
        # Found here: the frames of a context manager lie between the user's and those of its body.
        return self._with_space(dict(namespace) if namespace is not None else user_namespace(level))

    @contextmanager
    def _with_space(self, space: Mapping[str, object]):
        before = self.__dict__.get("_space")
        self.__dict__["_space"] = space
        try:
            yield
        finally:
            self.__dict__["_space"] = before

    def spaces(self) -> list[Mapping[str, object]]:
        """Where external names are looked up outside a run."""
        given = self.__dict__.get("_space")
        return [self.namespace, given if given is not None else user_namespace()]

    # -- what runs with the group ----------------------------------------------------------------------------------------------

    def run_regularly(
        self,
        code: str,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        when: str = "start",
        order: int = 0,
        name=None,
    ) -> CodeRunner:
        """Run statements for every element, in every step of ``clock`` (or every ``dt``; default: the group's clock), in the slot ``when``.

        They may assign to shared variables too. Variables that rest while a neuron is refractory rest here as well. Returns an object that can
        be made inactive. Raises EquationError or UnitError for wrong statements.
        """
        from eqsnn.network.regular import CodeRunner

        runner = CodeRunner(self, code, kind="run_regularly", dt=dt, clock=clock, when=when, order=order, name=name)
        return self._take(runner)

    def run_at(self, code: str, times, when: str = "start", order: int = 0, name: str | None = None) -> CodeRunner:
        """As :meth:`run_regularly`, but only at ``times``; one that lies within a step comes between the steps around it."""
        from eqsnn.network.regular import CodeRunner

        clock = EventClock(unique_times(times), f"{self.name}_run_at_clock")
        return self._take(CodeRunner(self, code, kind="run_at", clock=clock, when=when, order=order, name=name))

    def _take(self, runner: CodeRunner) -> CodeRunner:
        owner = self.__dict__.get("root", self)
        owner.__dict__.setdefault("_runners", []).append(runner)
        return runner

    def contained(self) -> tuple[SimObject, ...]:
        return tuple(self.__dict__.get("_runners", ()))

    @property
    def active(self) -> bool:
        """Whether the group, and what belongs to it, takes part in a run."""
        return self.__dict__.get("_active", True)

    @active.setter
    def active(self, value: bool) -> None:
        self.__dict__["_active"] = bool(value)
        for o in self.contained():
            o.active = bool(value)

    # -- indices and expressions ---------------------------------------------------------------------------------------------

    @property
    def indices(self) -> Indices:
        """``G.indices[...]``: the numbers of the elements that an index, a slice, a mask or a condition stands for."""
        return Indices(self)

    def indices_of(self, item) -> np.ndarray | int:
        """The element numbers that ``item`` (an index, slice, array, mask or condition in a string) stands for."""
        n = len(self)
        if isinstance(item, Group):
            return self._elements_of_part(item)
        if isinstance(item, str):
            mask = self.evaluate_text(item, None, "condition", expected="boolean")
            return np.flatnonzero(mask)
        if isinstance(item, slice):
            return np.arange(n)[item]
        index = np.asarray(item)
        if index.dtype.kind == "b":
            if index.shape != (n,):
                raise IndexError(f"a mask for {self.name} must have {n} values; got shape {index.shape}")
            return np.flatnonzero(index)
        if index.dtype.kind not in "iu":
            raise IndexError(
                f"{self.name} is indexed by integers, slices, masks or a condition in a string; got {item!r}"
            )
        if index.size and (index.min() < -n or index.max() >= n):
            raise IndexError(
                f"{self.name} has {n} elements; index {int(index.max() if index.max() >= n else index.min())} is out of range"
            )
        index = np.where(index < 0, index + n, index)
        return index if index.ndim else int(index)

    def _elements_of_part(self, part: Group) -> np.ndarray:
        """The element numbers that a subgroup has in this group."""
        root, first = getattr(part, "root", part), getattr(self, "start", 0)
        if root is not getattr(self, "root", self):
            raise IndexError(f"{part.name} is no part of {self.name}")
        index = np.arange(getattr(part, "start", 0), getattr(part, "start", 0) + len(part)) - first
        if index[0] < 0 or index[-1] >= len(self):
            raise IndexError(f"{part.name} reaches beyond {self.name}")
        return index

    def expression_scope(self) -> Scope:
        """The names that a string expression about this group's elements may use."""
        raise EqsnnError(f"{type(self).__name__} takes no string expressions")

    def host_values(self, owner: str, variable: str, index: np.ndarray | None):
        """The values of a variable for some elements, as an expression evaluated from Python reads them."""
        raise EqsnnError(f"{type(self).__name__} takes no string expressions")

    def evaluate_text(self, text: str, index: np.ndarray | None, origin: str, expected) -> np.ndarray:
        """The values of a string expression for the elements ``index`` (None: all).

        ``expected`` is a Dimension, 'boolean' or None (any).
        """
        expr = HostExpression(parse_expression(text, origin), self.expression_scope(), expected)
        n = len(self) if index is None else len(index)
        return expr.values(
            n, lambda owner, variable: self.host_values(owner, variable, index), self.spaces(), host_site()
        )

    def takes_in_parts(self, info: VariableInfo) -> bool:
        """Whether there are so many elements that an expression for all of them is evaluated part by part."""
        return False

    def evaluate(self, text: str, index: np.ndarray | None, info: VariableInfo, units: bool = True) -> np.ndarray:
        """The values of ``text`` as new values for the variable ``info``. ``units=False``: of any unit, in base SI."""
        if info.shared:
            index = np.zeros(1, np.int64)
            differs = differing_name(
                parse_expression(text, f"expression for {self.name}.{info.name}"), self.expression_scope()
            )
            if differs is not None:
                raise EquationError(
                    f"'{info.name}' is shared, and '{differs.id}' differs between elements",
                    differs.span,
                    "use shared values",
                )
        expected = "boolean" if info.dtype == "boolean" else info.dim if units else None
        try:
            return self.evaluate_text(text, index, f"expression for {self.name}.{info.name}", expected)
        except EquationError as error:
            raise error.with_traceback(None) from error.__cause__
