"""What every object of a network has: a name, a place in the order of a step, a clock, a namespace and a random stream."""

from __future__ import annotations

import gc
import itertools
import os
import weakref
from abc import ABCMeta
from collections.abc import Mapping, Sequence

import numpy as np

from eqsnn.errors import EqsnnError, WrongTypeError, WrongValueError
from eqsnn.network.clock import Clock, EventClock, defaultclock
from eqsnn.network.watch import Watch
from eqsnn.units import Quantity, second

SLOTS = ("start", "groups", "thresholds", "synapses", "resets", "end")
"""The default schedule of a step, Brian 2's: within a slot, objects go by ``order``, then by name."""


class _Registry:
    """The live objects, their names, and the random seed with the ordinals that key each object's stream."""

    def __init__(self) -> None:
        self.objects: weakref.WeakSet[SimObject] = weakref.WeakSet()
        self.networks: weakref.WeakSet = weakref.WeakSet()
        self.names: dict[str, weakref.WeakSet[SimObject]] = {}
        self.seed_value = int.from_bytes(os.urandom(8), "little")
        self.epochs = itertools.count(1)
        self.epoch = 0
        self.since_seed = 0
        self.ever = 0
        self.draws = 0
        self.trial = 0
        self.in_trial: object = None
        self.listener: object = None  # a runtime.script.Script that keeps what happens to objects
        self.scopes = itertools.count(1)
        self.scope = 0

    def is_taken(self, name: str) -> bool:
        """Whether a live object has that name."""
        return bool(self.names.get(name))

    def name_for(self, wanted: str) -> str:
        """``wanted``; a trailing ``*`` stands for a number that makes it unique.

        A name given in full may be that of an object that still lives, as when a cell of a notebook runs again: names must differ within
        a network, which is checked there.
        """
        if not wanted.endswith("*"):
            return wanted
        stem = wanted[:-1]
        if self.is_taken(stem):
            gc.collect(0)  # an object that nobody holds may live on in a cycle for a while
        candidates = itertools.chain([stem], (f"{stem}_{k}" for k in itertools.count(1)))
        return next(name for name in candidates if not self.is_taken(name))

    def of_trial(self) -> tuple:
        """What the keys of random streams end with in a trial (runtime/trials.py); those of the first are the ones without trials."""
        return ("trial", self.trial) if self.trial else ()

    def refuse_in_a_trial(self, what: str) -> None:
        """Raise EqsnnError while a trial is looked at."""
        if self.in_trial is not None:
            raise EqsnnError(
                f"{what} within a trial: trials have their synapses and delays in common; do it before you make them"
            )

    def enter(self, o: SimObject) -> None:
        """Know a new object, and give it its numbers since ``seed()`` and since the start of the process."""
        self.objects.add(o)
        self.names.setdefault(o.name, weakref.WeakSet()).add(o)
        o._epoch, o._ordinal, o._age, o._scope = self.epoch, self.since_seed, self.ever, self.scope
        self.since_seed += 1
        self.ever += 1


registry = _Registry()
_PROCESS = os.urandom(16)  # forked processes have it in common


def of_this_process(process: bytes, number: int, what: str) -> object:
    """The living object that was pickled: worker processes that were forked after it was made have it already.

    Objects of a network are memory and compiled code, so they go nowhere else. Raises EqsnnError in a process that has them not.
    """
    found = next((o for o in (*registry.objects, *registry.networks) if id(o) == number), None)
    if process != _PROCESS or found is None:
        raise EqsnnError(
            f"{what} is not in this process: it can be sent only to workers that were forked after it was made "
            "(multiprocessing.get_context('fork')); make the model in a function that the worker calls"
        )
    return found


def seed(value: int | None = None) -> None:
    """Start all random streams anew: the same ``value`` and the same script give the same numbers, whatever the number of threads.

    ``None`` draws a seed from the operating system.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
        raise WrongTypeError(f"seed() takes an integer or None; got {value!r}")
    registry.seed_value = int.from_bytes(os.urandom(8), "little") if value is None else int(value)
    registry.epoch = next(registry.epochs)
    registry.since_seed = registry.draws = 0
    if registry.listener is not None and value is not None:
        registry.listener.seeded(registry.seed_value)


def host_site() -> tuple:
    """The key of one random assignment made from Python: assignments are numbered since ``seed()``."""
    registry.draws += 1
    return (registry.seed_value, "assignment", registry.draws - 1, *registry.of_trial())


class _Finished(ABCMeta):
    """Begins to watch an object when its constructor has finished: what raised half-way is nobody's object."""

    def __call__(cls, *args, **kwargs):
        o = super().__call__(*args, **kwargs)
        o._watch.begin(o)
        return o


class SimObject(metaclass=_Finished):
    """An object that takes part in a run.

    ``when`` is its slot of the schedule (or ``before_<slot>``, ``after_<slot>``), ``order`` its rank there; ``namespace`` holds external
    constants; those that it lacks are looked up where ``run`` is called.
    """

    takes_event_clock = False
    """Whether the object can do without a time step."""
    add_to_magic_network = True
    """Whether ``run()`` without a network takes it where it can be seen."""
    invalidates_magic_network = True
    """Whether a new one among objects that have run makes ``run()`` ask what is meant; a monitor may be added at any time."""

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
            raise WrongValueError(f"{name}: give dt= or clock=, not both")
        if isinstance(clock, EventClock) and not self.takes_event_clock:
            raise EqsnnError(f"{name}: an EventClock is for monitors of states and operations; this needs a time step")
        check_slot(when)
        if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
            raise EqsnnError(f"{name}: order must be an integer, the rank within a slot; got {order!r}")
        if not isinstance(name, str) or not name.rstrip("*").isidentifier():
            raise WrongValueError(
                f"a name must be letters, digits and underscores, and begin with no digit; got {name!r}"
            )
        self.name = registry.name_for(name)
        self._stem = name[:-1] if name.endswith("*") else None  # without a name of its own
        registry.enter(self)
        self.clock = clock or (Clock(dt, f"{self.name}_clock") if dt is not None else defaultclock)
        self.when, self.order = when, int(order)
        if namespace is not None and not isinstance(namespace, Mapping):
            raise EqsnnError(f"{name}: namespace must be a dict of names and values; got {namespace!r}")
        self.namespace = dict(namespace or {})
        self.active = True
        self._counts: dict[str, int] = {}
        self._counts_epoch = registry.epoch
        self._network: object = None  # the network in which it ran, once it has
        self._watch = Watch(type(self).__name__, self.name)

    def site(self, label: str) -> tuple:
        """The key of the random stream of one call site of this object.

        Objects made since the last ``seed()`` are numbered from it; older ones keep their number since the start of the process.
        """
        fresh = self._epoch == registry.epoch
        return (
            registry.seed_value,
            "new" if fresh else "old",
            self._ordinal if fresh else self._age,
            label,
            *registry.of_trial(),
        )

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

    @property
    def t(self) -> Quantity:
        """The time up to which the object has run."""
        return self.t_ * second

    @property
    def t_(self) -> float:
        """The time up to which the object has run, in seconds."""
        return self.__dict__.get("_time", 0.0)

    def __reduce__(self):
        return of_this_process, (_PROCESS, id(self), f"{type(self).__name__} '{self.name}'")

    def contained(self) -> tuple[SimObject, ...]:
        """Objects that belong to this one and run with it."""
        return ()


def check_slot(when: object) -> None:
    """Refuse what cannot be a slot of any schedule; whether the network's schedule has it is known when it runs."""
    if not isinstance(when, str) or not when.isidentifier():
        raise WrongValueError(
            f"when= is the name of a slot of the schedule, such as {', '.join(map(repr, SLOTS))}; got {when!r}"
        )


def slot_rank(when: str, slots: Sequence[str] = SLOTS) -> int:
    """The position of a slot in a schedule, with ``before_`` and ``after_`` around each; ValueError if it is not there."""
    for rank, prefix in ((1, ""), (0, "before_"), (2, "after_")):
        if when.startswith(prefix) and when.removeprefix(prefix) in slots:
            return 3 * list(slots).index(when.removeprefix(prefix)) + rank
    raise ValueError(when)
