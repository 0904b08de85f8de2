"""What a script did to its objects, kept in order so that all of it can be done again with other values.

Brian 2's standalone device runs a script's simulation again as often as it is asked to, random initial values and connections drawn anew.
Here the steps are calls that are kept while a :class:`Script` listens: assignments, connections, spikes, seeds and runs. Doing them again
begins with the state that each object had before the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, UnitError
from eqsnn.network.base import SimObject, registry, seed
from eqsnn.network.timedarray import TimedArray
from eqsnn.network.variables import VariableView
from eqsnn.runtime import checkpoint
from eqsnn.units import dimensions_of

if TYPE_CHECKING:
    from eqsnn.runtime.simulation import Network

_NAME = re.compile(r"[^\W\d]\w*")


class Script:
    """The steps of one script from now on, as soon as ``listen`` is called. One script is listened to at a time."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []
        self._first: dict[SimObject, checkpoint.State] = {}
        self._networks: list[tuple[Network, tuple[SimObject, ...]]] = []
        self._apply_at: int | None = None
        self._seeded = False

    def listen(self) -> None:
        """Keep what happens from now on."""
        registry.listener = self

    def forget(self) -> None:
        """Listen no more, and let go of all objects."""
        if registry.listener is self:
            registry.listener = None
        self.__init__()

    # -- what happens: called by the objects, before they change -------------------------------------------------------------------

    def assigned(self, view: VariableView, item, value) -> None:
        """``view[item] = value`` is about to happen. Names in strings keep the values that they have now."""
        group = view.group
        owner = getattr(group, "root", group)
        if not owner.__dict__.get("_sealed"):
            return  # its constructor does it
        texts = [x for x in (*(item if isinstance(item, tuple) else (item,)), value) if isinstance(x, str)]
        space = _named_in(texts, group.spaces()[1]) if texts else None
        if isinstance(value, VariableView):
            value = value.get()
        value = np.array(value, subok=True) if isinstance(value, np.ndarray) else value
        self._keep(owner, lambda: view.set_item(item, value, namespace=space))

    def called(self, owner: SimObject, step: Callable[[], None]) -> None:
        """``owner`` is about to be changed by something that ``step`` would do again."""
        if owner.__dict__.get("_sealed"):
            self._keep(owner, step)

    def seeded(self, value: int) -> None:
        """The random streams start with ``value``; objects keep the numbers that they have from then on."""
        self._seeded, epoch = True, registry.epoch

        def step() -> None:
            registry.seed_value, registry.epoch, registry.draws = value, epoch, 0

        self._steps.append(step)

    def ran(self, network: Network, space: Mapping[str, object], run: Callable[[Mapping[str, object]], None]) -> None:
        """``network`` is about to run with the names in ``space``; ``run(names)`` would do it again."""
        for o in network.objects:
            self._remember(o)
        if self._apply_at is None:
            self._apply_at = len(self._steps)
        objects = network.objects
        self._networks = [(n, have) for n, have in self._networks if n is not network] + [(network, objects)]
        names = {n: x for n, x in space.items() if not isinstance(x, (SimObject, ModuleType, type(network)))}

        def step() -> None:
            network._hold(objects)
            run(names)

        self._steps.append(step)

    def _keep(self, owner: SimObject, step: Callable[[], None]) -> None:
        self._remember(owner)
        self._steps.append(step)

    def _remember(self, o: SimObject) -> None:
        if o not in self._first:
            self._first[o] = checkpoint.state_of(o)

    # -- and again -----------------------------------------------------------------------------------------------------------------

    def apply_here(self) -> None:
        """Let changes take the place of values between the steps so far and those to come, not before the first run."""
        if self._apply_at is not None:
            raise EqsnnError("apply_run_args(): it is called once, and before the first run()")
        self._apply_at = len(self._steps)

    def again(self, changes: Mapping[VariableView | TimedArray, object]) -> None:
        """Do everything again, with ``changes``: new values by variable or TimedArray, for this time.

        Without a ``seed`` among the steps, random numbers are new ones. Raises EqsnnError where nothing has run, or for a key that is
        neither; UnitError for a value with another unit.
        """
        if not self._networks:
            raise EqsnnError("there is nothing to run again: run() has not been called since the device was chosen")
        tables = {key: _table(key, value) for key, value in changes.items() if isinstance(key, TimedArray)}
        views = {key: value for key, value in changes.items() if key not in tables}
        for key in views:
            if not isinstance(key, VariableView):
                raise EqsnnError(f"values are given for variables, as G.v, and for TimedArrays; got {key!r}")
        before = {table: table.values_ for table in tables}
        registry.listener = None
        try:
            self._begin_anew()
            for n, step in enumerate(self._steps):
                if n == self._apply_at:
                    _set(tables)
                    for view, value in views.items():
                        view[:] = value
                step()
        finally:
            _set(before)
            for network, _ in self._networks:
                if network.of_magic:
                    network._hold(())
            registry.listener = self

    def _begin_anew(self) -> None:
        for network, objects in self._networks:
            network._hold(objects)
            states = {o.name: self._first[o] for o in objects}
            checkpoint.bring_back(network, checkpoint.Snapshot(Fraction(0), {}, states), random=False)
            for o in objects:
                o._counts, o._counts_epoch = dict(self._first[o].values["counts"]), registry.epoch
        if not self._seeded:
            seed(None)


def _named_in(texts: list[str], space: Mapping[str, object]) -> dict[str, object]:
    return {name: space[name] for text in texts for name in _NAME.findall(text) if name in space}


def _table(table: TimedArray, value) -> np.ndarray:
    if dimensions_of(value) != table.dim:
        raise UnitError(f"'{table.name}' has values with unit {table.dim}; got {value!s}")
    array = np.ascontiguousarray(np.asarray(value), np.float64)
    if array.shape != table.values_.shape:
        raise EqsnnError(f"'{table.name}' has values of shape {table.values_.shape}; got {array.shape}")
    return array


def _set(tables: Mapping[TimedArray, np.ndarray]) -> None:
    for table, array in tables.items():
        table.values_ = array
