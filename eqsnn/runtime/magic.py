"""``run(...)`` without a Network: everything that the calling code can see by name runs together."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eqsnn.errors import EqsnnError, MagicError, UnknownNameError
from eqsnn.network.base import SimObject, registry
from eqsnn.network.namespace import user_namespace
from eqsnn.network.notices import tell_once
from eqsnn.runtime.profile import ProfilingSummary
from eqsnn.runtime.schedule import SchedulingSummary
from eqsnn.runtime.simulation import Network, missing_parts, running
from eqsnn.runtime.team import Team
from eqsnn.units import Quantity

if TYPE_CHECKING:
    from eqsnn.runtime.costs import KernelCost, KernelSummary


def collect(level: int = 0) -> set[SimObject]:
    """The objects that ``run()`` called here would run: those that the calling code can see by name, made since ``start_scope()``.

    Objects inside lists, dicts or attributes have no name here. ``level``: so many calls further out.
    """
    return {
        o
        for name, o in user_namespace(level).items()
        if isinstance(o, SimObject) and name.isidentifier() and o.add_to_magic_network and o._scope == registry.scope
    }


def _empty() -> Network:
    network = Network()
    network.of_magic = True
    return network


class MagicNetwork:
    """The network behind ``run()``, ``store()`` and ``restore()``. There is one, ``magic_network``.

    Before each of them it collects what the calling code can see. If none of these objects has run, a new simulation starts at t = 0; if
    all have run together before, that simulation goes on; a mixture raises MagicError, monitors aside. It holds nothing between runs: an
    object whose last name is gone is gone.
    """

    def __init__(self) -> None:
        self._network = _empty()
        self._ran: weakref.WeakSet[SimObject] = weakref.WeakSet()
        self._held: weakref.WeakSet[SimObject] = weakref.WeakSet()

    def _gather(self, level: int, strict: bool = True) -> Network:
        """The network of what can be seen, ready for use; unless ``strict``, without objects whose group cannot be seen."""
        objects = collect(level)
        for o in list(objects):
            objects.update(o.contained())
        if not objects:
            raise MagicError(
                "run(): there is nothing to run among the names here; make groups first, or use Network(...).run()"
            )
        if not strict:
            objects = self._without_incomplete(objects)
        ran = set(self._ran)
        deciding = {o for o in objects if o.invalidates_magic_network}
        known = sorted(o.name for o in deciding & ran)
        new = sorted(o.name for o in deciding - ran if o._network is None)
        if known and new:
            raise MagicError(
                f"run(): '{known[0]}' has run before and '{new[0]}' is new: is this a new simulation, or the old one with more in it? "
                f"Say so with a network: net = Network(...), and net.add({new[0]}) between two runs (collect() shows what run() would take)"
            )
        del ran, deciding
        self._free_others(objects)
        if new:
            self._restart()
        for o in sorted((set() if new else set(self._ran)) - objects, key=lambda o: o.name):
            if o._scope == registry.scope:
                tell_once(
                    f"'{o.name}' took part in the last run() and does not now: it cannot be seen where run() is called"
                )
        self._network._hold(objects)
        self._ran.update(objects)
        return self._network

    def _free_others(self, objects: set[SimObject]) -> None:
        """What took part in the last run and is out of sight is gone, unless somebody still holds it: circles of references do not count.

        Groups are such circles, and a network of gigabytes must not wait for Python to look for them. What stays is asked for once.
        """
        for generation in (0, 2):
            if any(o not in objects and o not in self._held for o in self._ran):
                gc.collect(generation)
        self._held.update(o for o in self._ran if o not in objects)

    def _restart(self) -> None:
        """A new simulation with the old one's schedule and snapshots."""
        before, self._network = self._network, _empty()
        self._network._schedule = before._schedule
        self._network._snapshots = before._snapshots
        self._ran = weakref.WeakSet()

    @staticmethod
    def _without_incomplete(objects: set[SimObject]) -> set[SimObject]:
        """Brian 2's manner: an object whose group cannot be seen is left out, with a notice."""
        while True:
            lacking = [(o, missing_parts(o, objects)) for o in objects]
            lacking = [(o, parts[0]) for o, parts in lacking if parts]
            if not lacking:
                return objects
            for o, part in lacking:
                tell_once(f"'{o.name}' does not run: it uses '{part.name}', which cannot be seen where run() is called")
            objects = objects - {o for o, _ in lacking}

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
        profile: bool | None = None,
        level: int = 0,
        strict: bool = True,
    ) -> None:
        """Run what the calling code can see. See :meth:`Network.run`.

        ``strict``: NaN and infinity stop the run, and an object whose group cannot be seen is an error; both are notices otherwise.
        """
        network = self._gather(level, strict)
        network.stop_if_not_finite = strict
        hidden_from(network)
        try:
            network.run(duration, report, report_period, namespace, profile, level)
        finally:
            self._release()

    def _release(self) -> None:
        self._network._hold(())
        gc.collect(0)

    def export(
        self,
        directory: str | Path,
        language: str = "c",
        profile: str | None = None,
        overwrite: bool = False,
        duration: Quantity | None = None,
        namespace: Mapping[str, object] | None = None,
        level: int = 0,
    ):
        """Export what the calling code can see. See :meth:`Network.export`. It begins no simulation: what has not run may run with other objects."""
        before, ran = self._network, weakref.WeakSet(self._ran)
        try:
            return self._gather(level).export(directory, language, profile, overwrite, duration, namespace, level)
        finally:
            self._release()
            self._network, self._ran = before, ran

    def store(self, name: str = "default", filename: str | Path | None = None, level: int = 0) -> None:
        """Keep the state of what the calling code can see. See :meth:`Network.store`."""
        try:
            self._gather(level).store(name, filename)
        finally:
            self._release()

    def restore(
        self,
        name: str = "default",
        filename: str | Path | None = None,
        restore_random_state: bool = False,
        level: int = 0,
    ) -> None:
        """Go back to a state that was kept. See :meth:`Network.restore`."""
        try:
            self._gather(level).restore(name, filename, restore_random_state)
        finally:
            self._release()

    def get_states(self, units: bool = True, level: int = 0, **options) -> dict[str, dict[str, object]]:
        """The values of the variables of what the calling code can see. See :meth:`Network.get_states`."""
        try:
            return self._gather(level).get_states(units, **options)
        finally:
            self._release()

    def set_states(self, values: Mapping[str, Mapping[str, object]], units: bool = True, level: int = 0, **options):
        """Set variables, as ``get_states`` gave them. See :meth:`Network.set_states`."""
        try:
            self._gather(level).set_states(values, units, **options)
        finally:
            self._release()

    def scheduling_summary(self, level: int = 0) -> SchedulingSummary:
        """The order of a step of what the calling code can see."""
        objects = collect(level)
        return SchedulingSummary([*objects, *(c for o in objects for c in o.contained())], self.schedule)

    def add(self, *objects) -> None:
        """Refused: what runs is what can be seen."""
        raise MagicError("what run() takes is what can be seen where it is called; use net = Network(...) to add to it")

    remove = add

    @property
    def schedule(self) -> list[str]:
        """The slots of a step, in order. See :attr:`Network.schedule`."""
        return self._network.schedule

    @schedule.setter
    def schedule(self, slots: list[str] | None) -> None:
        self._network.schedule = slots

    @property
    def team(self) -> Team:
        """How many threads worked in the last run, and why no more."""
        return self._network.team

    @property
    def profiling_info(self) -> list[tuple[str, Quantity]]:
        """The time of each operation in the last run with ``profile=True``."""
        return self._network.profiling_info

    @property
    def kernel_costs(self) -> list[KernelCost]:
        """What each operation did in the last run with ``profile=True``."""
        return self._network.kernel_costs

    @property
    def t(self) -> Quantity:
        """The time that has been simulated."""
        return self._network.t

    @property
    def t_(self) -> float:
        """The same in seconds."""
        return self._network.t_

    @property
    def objects(self) -> tuple[SimObject, ...]:
        """The objects of the current or last run that still exist, by name."""
        return tuple(sorted(self._ran, key=lambda o: o.name))

    def __getitem__(self, name: str) -> SimObject:
        for o in self._ran:
            if o.name == name:
                return o
        raise UnknownNameError(
            f"no '{name}' took part in the last run(); {', '.join(o.name for o in self.objects) or 'nothing did'}"
        )

    def __contains__(self, item: str | SimObject) -> bool:
        return any(item in (o, o.name) for o in self._ran)

    def __iter__(self) -> Iterator[SimObject]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self._ran)

    def stop(self) -> None:
        """End the current run after this step."""
        stop()

    def __repr__(self) -> str:
        return f"<magic_network at t = {self.t!s}: {', '.join(o.name for o in self.objects)}>"


magic_network = MagicNetwork()


def hidden_from(network: Network) -> None:
    """Mark the objects of this scope that a magic run does not see: they may be waiting in a list."""
    for o in list(registry.objects):
        if o._scope == registry.scope and o._network is None and o.name not in network and o.add_to_magic_network:
            o._watch.missed = (
                "run() did: it takes what has a name where it is called, not what a list, a dict or an attribute holds; "
                "use net = Network(collect()) and net.add(...)"
            )


def run(
    duration: Quantity,
    report=None,
    report_period: Quantity | None = None,
    namespace: Mapping[str, object] | None = None,
    profile: bool | None = None,
    level: int = 0,
) -> None:
    """Run all objects that the calling code can see by name (not those inside lists or dicts). See :meth:`Network.run`."""
    magic_network.run(duration, report, report_period, namespace, profile, level)


def store(name: str = "default", filename: str | Path | None = None, level: int = 0) -> None:
    """Keep the state of all objects that the calling code can see, for ``restore``. See :meth:`Network.store`."""
    magic_network.store(name, filename, level)


def restore(
    name: str = "default", filename: str | Path | None = None, restore_random_state: bool = False, level: int = 0
) -> None:
    """Go back to the state that ``store`` kept under ``name``. See :meth:`Network.restore`."""
    magic_network.restore(name, filename, restore_random_state, level)


def stop() -> None:
    """End the current run after this step; called from a network operation or a report."""
    if running:
        running[-1].stop()


def start_scope() -> None:
    """Leave the objects made so far out of what ``run()`` and ``collect()`` see."""
    registry.scope = next(registry.scopes)


def scheduling_summary(net: Network | None = None) -> SchedulingSummary:
    """The order in which the objects of ``net`` (default: those that the calling code can see) act in a step."""
    return magic_network.scheduling_summary() if net is None else net.scheduling_summary()


def profiling_summary(net: Network | None = None, show: int | None = None) -> ProfilingSummary:
    """Which operations took the time in the last run with ``profile=True``; ``show``: only so many, the longest."""
    if net is not None and not hasattr(net, "profiling_info"):
        raise EqsnnError(f"profiling_summary() takes a network, or nothing for that of run(); got {net!r}")
    return ProfilingSummary(magic_network if net is None else net, show)


def kernel_summary(net: Network | None = None, show: int | None = None) -> KernelSummary:
    """What each kernel did in the last run with ``profile=True``: its time, events and bytes a second, and how far it is from what this machine can
    do, which is measured when this is first shown (half a second). ``show``: only so many, the dearest."""
    from eqsnn.runtime.costs import KernelSummary

    if net is not None and not hasattr(net, "kernel_costs"):
        raise EqsnnError(f"kernel_summary() takes a network, or nothing for that of run(); got {net!r}")
    return KernelSummary(magic_network if net is None else net, show)
