"""What every object of a network has: a name, a place in the order of a step, a clock, a namespace and a random stream."""

from __future__ import annotations

import gc
import itertools
import os
import weakref
from collections.abc import Mapping

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.network.clock import Clock, EventClock, defaultclock
from eqsnn.units import Quantity

SLOTS = ("start", "groups", "thresholds", "synapses", "resets", "end")
"""The default schedule of a step, Brian 2's: within a slot, objects go by ``order``, then by name."""


class _Registry:
    """The live objects, their names, and the random seed with the ordinals that key each object's stream."""

    def __init__(self) -> None:
        self.objects: weakref.WeakSet[SimObject] = weakref.WeakSet()
        self.names: weakref.WeakValueDictionary[str, SimObject] = weakref.WeakValueDictionary()
        self.seed_value = int.from_bytes(os.urandom(8), "little")
        self.epoch = 0
        self.since_seed = itertools.count()
        self.ever = itertools.count()
        self.draws = itertools.count()

    def unique_name(self, wanted: str) -> str:
        """``wanted``; a trailing ``*`` stands for a number that makes it unique."""
        if not wanted.endswith("*"):
            if wanted in self.names:
                gc.collect()  # an object that nobody holds may live on in a cycle
            if wanted in self.names:
                raise EqsnnError(
                    f"an object called '{wanted}' exists already; choose another name=, or delete that one"
                )
            return wanted
        stem = wanted[:-1]
        candidates = itertools.chain([stem], (f"{stem}_{k}" for k in itertools.count(1)))
        return next(name for name in candidates if name not in self.names)


registry = _Registry()


def seed(value: int | None = None) -> None:
    """Start all random streams anew: the same ``value`` and the same script give the same numbers, whatever the number of threads.

    ``None`` draws a seed from the operating system.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
        raise EqsnnError(f"seed() takes an integer or None; got {value!r}")
    registry.seed_value = int.from_bytes(os.urandom(8), "little") if value is None else int(value)
    registry.epoch += 1
    registry.since_seed = itertools.count()
    registry.draws = itertools.count()


def host_site() -> tuple:
    """The key of one random assignment made from Python: assignments are numbered since ``seed()``."""
    return (registry.seed_value, "assignment", next(registry.draws))


class SimObject:
    """An object that takes part in a run.

    ``when`` is its slot of the schedule (or ``before_<slot>``, ``after_<slot>``), ``order`` its rank there; ``namespace`` holds external
    constants; those that it lacks are looked up where ``run`` is called.
    """

    takes_event_clock = False
    """Whether the object can do without a time step."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        dt: Quantity | None = None,
        when: str = "start",
        order: int = 0,
        namespace: Mapping[str, object] | None = None,
    ):
        if clock is not None and dt is not None:
            raise EqsnnError(f"{name}: give dt= or clock=, not both")
        if isinstance(clock, EventClock) and not self.takes_event_clock:
            raise EqsnnError(f"{name}: an EventClock is for monitors of states and operations; this needs a time step")
        check_slot(when)
        if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
            raise EqsnnError(f"{name}: order must be an integer, the rank within a slot; got {order!r}")
        if not isinstance(name, str) or not name.rstrip("*").replace("_", "a").isalnum():
            raise EqsnnError(f"a name must be letters, digits and underscores; got {name!r}")
        self.name = registry.unique_name(name)
        registry.names[self.name] = self
        registry.objects.add(self)
        self.clock = clock or (Clock(dt, f"{self.name}_clock") if dt is not None else defaultclock)
        self.when, self.order = when, int(order)
        if namespace is not None and not isinstance(namespace, Mapping):
            raise EqsnnError(f"{name}: namespace must be a dict of names and values; got {namespace!r}")
        self.namespace = dict(namespace or {})
        self.active = True
        self._epoch, self._ordinal, self._age = registry.epoch, next(registry.since_seed), next(registry.ever)
        self._counts: dict[str, int] = {}
        self._counts_epoch = registry.epoch

    def site(self, label: str) -> tuple:
        """The key of the random stream of one call site of this object.

        Objects made since the last ``seed()`` are numbered from it; older ones keep their number since the start of the process.
        """
        fresh = self._epoch == registry.epoch
        return (registry.seed_value, "new" if fresh else "old", self._ordinal if fresh else self._age, label)

    def updates(self, label: str) -> int:
        """How many updates this call site has made since ``seed()``."""
        if self._counts_epoch != registry.epoch:
            self._counts, self._counts_epoch = {}, registry.epoch
        return self._counts.get(label, 0)

    def set_count(self, label: str, value: int) -> None:
        """Remember the number of updates at the end of a run."""
        self.updates(label)
        self._counts[label] = value

    @property
    def dt(self) -> Quantity:
        """The time step of the object's clock."""
        return self.clock.dt

    def contained(self) -> tuple[SimObject, ...]:
        """Objects that belong to this one and run with it."""
        return ()


def check_slot(when: str) -> None:
    """Refuse what is not a slot of the schedule."""
    slot = when.removeprefix("before_").removeprefix("after_") if isinstance(when, str) else None
    if slot not in SLOTS:
        raise EqsnnError(
            f"when='{when}' is not a slot of the schedule; there are {', '.join(SLOTS)} (and before_..., after_...)"
        )


def slot_rank(when: str) -> int:
    """The position of a slot in the schedule, with ``before_`` and ``after_`` around each."""
    slot = when.removeprefix("before_").removeprefix("after_")
    return 3 * SLOTS.index(slot) + (0 if when.startswith("before_") else 2 if when.startswith("after_") else 1)
