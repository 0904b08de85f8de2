"""What neuron groups, synapses and inputs share: named variables that read as attributes, and string expressions over elements."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError, EquationError
from eqsnn.language.parse import parse_expression
from eqsnn.model.model import Scope
from eqsnn.network.base import SimObject, host_site
from eqsnn.network.evaluate import HostExpression
from eqsnn.network.namespace import user_namespace
from eqsnn.network.variables import VariableInfo, VariableView

NUMPY_TYPES = {"float": np.float64, "integer": np.int64, "boolean": np.int64}
"""Booleans are as wide as floats: a loop that mixes widths needs twice the time (docs/decisions/0004-booleans.md)."""


def zeros(n: int, dtype) -> np.ndarray:
    """An array of zeros that begins on a cache line, so that vector loads never straddle two."""
    size = n * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype)


class Group(SimObject):
    """A set of elements with variables. ``arrays`` holds the values that kernels work on, by variable name, in base SI."""

    arrays: dict[str, np.ndarray]
    variables: dict[str, VariableInfo]

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

    def __getattr__(self, name: str):
        view = self._lookup(name)
        if view is None:
            raise AttributeError(self._no_such(name))
        if view.info.name in ("N", "N_pre", "N_post") or (view.info.shared and view.info.write is None):
            value = view.get()
            return int(value) if view.info.dtype == "integer" else value
        return view

    def __setattr__(self, name: str, value) -> None:
        view = self._lookup(name)
        if view is not None and name not in self.__dict__:
            if isinstance(value, VariableView) and value.group is self and value.info.name == view.info.name:
                return  # G.v += x has already written in place
            view[:] = value
            return
        if (
            not name.startswith("_")
            and self.__dict__.get("_sealed")
            and not hasattr(type(self), name)
            and name not in self.__dict__
        ):
            raise AttributeError(self._no_such(name))
        object.__setattr__(self, name, value)

    def _no_such(self, name: str) -> str:
        known = sorted(self.__dict__.get("variables", {}))
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; its variables are {', '.join(known)}" if known else ""
        return f"{self.__dict__.get('name', type(self).__name__)} has no variable or attribute '{name}'{hint}"

    def __dir__(self):
        return [*super().__dir__(), *self.__dict__.get("variables", {})]

    def state(self, name: str, use_units: bool = True) -> VariableView:
        """The variable called ``name``, also where an attribute of the object hides it."""
        if name not in self.variables:
            raise AttributeError(self._no_such(name))
        return VariableView(self, self.variables[name], unitless=not use_units)

    def get_states(self, names: list[str] | None = None, units: bool = True) -> dict[str, np.ndarray]:
        """The values of the variables that can be set, by name."""
        wanted = names if names is not None else [n for n, v in self.variables.items() if v.write is not None]
        return {n: VariableView(self, self.variables[n], unitless=not units)[:] for n in wanted}

    def set_states(self, values: Mapping[str, object], units: bool = True) -> None:
        """Set several variables at once, as ``get_states`` gave them."""
        for name, value in values.items():
            self.state(name, use_units=units)[:] = value

    def spaces(self) -> list[Mapping[str, object]]:
        """Where external names are looked up outside a run."""
        return [self.namespace, user_namespace()]

    # -- indices and expressions ---------------------------------------------------------------------------------------------

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

    def evaluate(self, text: str, index: np.ndarray | None, info: VariableInfo) -> np.ndarray:
        """The values of ``text`` as new values for the variable ``info``."""
        if info.shared:
            index = np.zeros(1, np.int64)
        expected = "boolean" if info.dtype == "boolean" else info.dim
        try:
            return self.evaluate_text(text, index, f"expression for {self.name}.{info.name}", expected)
        except EquationError as error:
            raise error.with_traceback(None) from error.__cause__
