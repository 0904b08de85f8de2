"""Linked variables: a parameter of one group that is a variable of another. ``G.x = linked_var(H, 'v')``.

Which element of the source an element of the group reads: the same one where both groups have one size; the only one where the source is
shared or has one element; else that which ``index=`` says. What is read is the source's value at that moment, never a copy that ages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, UnitError, WrongValueError
from eqsnn.network.variables import VariableInfo, VariableView

if TYPE_CHECKING:
    from eqsnn.network.group import Group


@dataclass(frozen=True)
class LinkedVariable:
    """What ``linked_var`` returns: variable ``name`` of ``group``, element ``index[k]`` for element k."""

    group: Group
    name: str
    index: object = None


def linked_var(group_or_variable, name: str | None = None, index=None) -> LinkedVariable:
    """A variable of a group, to be assigned to a parameter declared ``(linked)``: ``linked_var(H, 'v')`` or ``linked_var(H.v)``.

    ``index``: integers, one for each element of the group that links, or the name of an integer variable of that group.
    """
    from eqsnn.network.group import Group

    if isinstance(group_or_variable, VariableView):
        if name is not None:
            raise EqsnnError("linked_var() takes a group and a name, or a variable such as G.v; not both")
        return LinkedVariable(group_or_variable.group, group_or_variable.name, index)
    if not isinstance(group_or_variable, Group):
        raise EqsnnError(f"linked_var() takes a group and the name of its variable; got {group_or_variable!r}")
    if name is None:
        raise EqsnnError(f"linked_var() needs the name of a variable, as in linked_var({group_or_variable.name}, 'v')")
    group_or_variable.state(name)  # raises for a name that is not there
    return LinkedVariable(group_or_variable, name, index)


@dataclass(frozen=True)
class Link:
    """``target.name`` is variable ``variable`` of ``source`` (a whole group).

    ``place``: the element of the source for each element of the target, one number for all, or the name of the target's integer variable
    that says it, counted from ``start``.
    """

    target: Group
    name: str
    source: Group
    variable: str
    place: np.ndarray | int | str
    start: int = 0

    @property
    def info(self) -> VariableInfo:
        """The variable that is read."""
        return self.source.variables[self.variable]

    @property
    def is_scalar(self) -> bool:
        """Whether there is one value for a target of several elements, or by declaration."""
        return self.info.shared or (isinstance(self.place, int) and len(self.target) > 1)

    def places(self, index: np.ndarray | None) -> np.ndarray:
        """The elements of the source that the elements ``index`` of the target (None: all) read."""
        if isinstance(self.place, str):
            return self.checked(self.target.variables[self.place].read(index) + self.start)
        n = len(self.target) if index is None else len(index)
        if isinstance(self.place, int):
            return np.full(n, self.place, np.int64)
        return self.place if index is None else self.place[index]

    def checked(self, places: np.ndarray) -> np.ndarray:
        """``places`` inside the source; an integer variable may say anything."""
        bad = (places < 0) | (places >= len(self.source))
        if np.any(bad):
            raise EqsnnError(
                f"'{self.place}' of {self.target.name} says where '{self.name}' is read, and has the value "
                f"{int(places[bad][0]) - self.start}; {self.source.name} has {len(self.source)} elements"
            )
        return places

    def read(self, index: np.ndarray | None) -> np.ndarray:
        """The values for some elements of the target, in base SI."""
        places = self.places(index)
        if self.info.shared:
            return np.repeat(self.info.read(None), len(places))
        return self.info.read(places)


def make_link(target: Group, name: str, given: LinkedVariable) -> Link:
    """The link of ``target.name`` to what was given. Raises EqsnnError or UnitError if the two do not fit."""
    source = given.group
    info, wanted = source.variables[given.name], target.variables[name]
    where = f"'{name}' of {target.name} cannot be linked to '{given.name}' of {source.name}"
    if given.name in ("t", "dt", "t_in_timesteps"):
        raise EqsnnError(f"{where}: write {given.name} itself in the equations")
    if info.dim != wanted.dim:
        raise UnitError(f"{where}: their units are {wanted.dim} and {info.dim}")
    if info.dtype != wanted.dtype:
        raise EqsnnError(f"{where}: one is {_article(wanted.dtype)} and the other {_article(info.dtype)}")
    if not hasattr(source, "root"):
        raise EqsnnError(f"{where}: the number of synapses may change; link to a variable of a group of neurons")
    root, start, n = source.root, source.start, len(source)
    return Link(target, name, root, given.name, _place(target, given, info.shared, n, start, where), start)


def _article(dtype: str) -> str:
    return {"float": "a number", "integer": "an integer", "boolean": "a condition"}[dtype]


def _place(target: Group, given: LinkedVariable, shared: bool, n: int, start: int, where: str):
    index = given.index
    if isinstance(index, str):
        info = target.variables.get(index)
        if info is None or info.dtype != "integer" or info.shared:
            raise EqsnnError(
                f"{where}: index='{index}' must name an integer variable of {target.name} ('{index} : integer (constant)')"
            )
        return index
    if index is None:
        if shared or n == 1:
            return start if not shared else 0
        if not hasattr(target, "root"):
            raise EqsnnError(f"{where}: synapses need index=, the name of an integer variable that says which element")
        if n != len(target):
            raise WrongValueError(f"{where}: they have {len(target)} and {n} elements; give index=")
        return np.arange(start, start + n)
    array = np.asarray(index)
    if not hasattr(target, "root"):
        raise EqsnnError(f"{where}: synapses need index=, the name of an integer variable that says which element")
    if array.dtype.kind not in "iu" or array.shape not in ((), (len(target),)):
        raise WrongValueError(f"{where}: index must be {len(target)} integers; got {index!r}")
    if array.size and (array.min() < 0 or array.max() >= n):
        raise WrongValueError(f"{where}: index must lie between 0 and {n - 1}; got {index!r}")
    return np.ascontiguousarray(np.broadcast_to(array, len(target)), np.int64) + (0 if shared else start)
