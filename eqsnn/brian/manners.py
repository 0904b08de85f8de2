"""Running as Brian 2 runs: the arguments of its ``run``, and a warning, not an error, where a variable became NaN or infinite."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from eqsnn.brian.preferences import prefs
from eqsnn.errors import EqsnnError
from eqsnn.network import base
from eqsnn.network.clock import defaultclock
from eqsnn.runtime.magic import MagicNetwork as NativeMagicNetwork
from eqsnn.runtime.magic import magic_network as native_magic_network
from eqsnn.runtime.magic import start_scope
from eqsnn.runtime.simulation import Network as NativeNetwork
from eqsnn.units import Quantity, ms, second


def get_local_namespace(level: int) -> dict[str, object]:
    """The names visible ``level`` frames above the innermost frame that is not eqsnn's own."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "eqsnn":
        frame = frame.f_back
    for _ in range(level):
        if frame is None or frame.f_back is None:
            raise EqsnnError(f"level={level}: the call stack has fewer frames")
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


class Network(NativeNetwork):
    """A network that warns at the end of a run if a variable became NaN or infinite."""

    def __init__(self, *objs, name: str = "network"):
        super().__init__(*objs, name=name)
        self.stop_if_not_finite = False

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity = 10 * second,
        namespace: Mapping[str, object] | None = None,
        profile: bool | None = None,
        level: int = 0,
    ) -> None:
        """Simulate for ``duration``; ``level`` says how many frames up external constants are looked up. See the native ``Network.run``."""
        super().run(duration, report, report_period, namespace, profile, level)


class MagicNetwork(NativeMagicNetwork):
    """The network behind ``run()``: the simulation is the native face's, the manners are Brian 2's."""

    def __init__(self) -> None:
        self.__dict__ = native_magic_network.__dict__  # there is one such simulation in a process

    def _gather(self, level: int, strict: bool = False) -> NativeNetwork:
        return super()._gather(level, strict)

    def run(
        self,
        duration: Quantity,
        report=None,
        report_period: Quantity = 10 * second,
        namespace: Mapping[str, object] | None = None,
        profile: bool | None = None,
        level: int = 0,
    ) -> None:
        """Run what the calling code can see. See the native ``Network.run``."""
        super().run(duration, report, report_period, namespace, profile, level, strict=False)


magic_network = MagicNetwork()


def run(
    duration: Quantity,
    report=None,
    report_period: Quantity = 10 * second,
    namespace: Mapping[str, object] | None = None,
    profile: bool | None = None,
    level: int = 0,
) -> None:
    """Run all objects that the code ``level`` frames above the call can see by name; one that lacks its group is left out with a notice."""
    magic_network.run(duration, report, report_period, namespace, profile, level)


def seed(seed: int | None = None) -> None:
    """Start all random streams anew, numpy's too, which scripts draw from: the same number gives the same results."""
    base.seed(seed)
    np.random.seed(None if seed is None else seed % 2**32)


def store(name: str = "default", filename: str | Path | None = None, level: int = 0) -> None:
    """Keep the state of all objects that the calling code can see, for ``restore``. See the native ``Network.store``."""
    magic_network.store(name, filename, level)


def restore(
    name: str = "default", filename: str | Path | None = None, restore_random_state: bool = False, level: int = 0
) -> None:
    """Go back to the state that ``store`` kept under ``name``. See the native ``Network.restore``."""
    magic_network.restore(name, filename, restore_random_state, level)


def schedule_propagation_offset(net=None) -> Quantity:
    """How long after a spike it reaches its targets without a delay: 0 s, or a time step where the schedule of ``net`` (default: that of
    ``run()``) has its slot ``synapses`` before ``thresholds``."""
    slots = (magic_network if net is None else net).schedule
    return 0 * second if slots.index("thresholds") < slots.index("synapses") else defaultclock.dt


def restore_initial_state() -> None:
    """The default time step and preferences, and no memory of objects made so far."""
    prefs.reset_to_defaults()
    defaultclock.dt = 0.1 * ms
    start_scope()
    gc.collect()
