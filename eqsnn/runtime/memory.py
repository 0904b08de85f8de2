"""What outlives a run in an engine's memory: the events of the last steps, and records. Kept through a change of engine or of dt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.runtime.npyfile import NpyFile

if TYPE_CHECKING:
    from eqsnn.network.neurongroup import SpikeSource
    from eqsnn.runtime.plan import Spikes


@dataclass(frozen=True)
class KeptSpikes:
    """The events of the last steps outside any engine: ``past[0]`` of the last step, ``past[1]`` of the one before, and so on."""

    n: int
    past: tuple[np.ndarray, ...]

    @property
    def depth(self) -> int:
        return len(self.past)

    def read(self, back: int) -> np.ndarray:
        """The indices that were emitted ``back`` steps ago."""
        return self.past[back] if back < len(self.past) else np.empty(0, np.int32)


@dataclass
class KeptRecord:
    """A record outside any engine; with a ``file`` its values are there."""

    values: np.ndarray
    file: NpyFile | None = None

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def array(self) -> np.ndarray:
        """A copy of what was recorded, or the file's memory map."""
        return self.values.copy() if self.file is None else self.file.array()

    def append(self, values: np.ndarray) -> None:
        """Add values at the end."""
        self.values = np.concatenate([self.values, np.asarray(values, self.values.dtype)])

    def settle(self) -> None:
        """Nothing is written late."""

    def __len__(self) -> int:
        return len(self.values)


def spikes_for(engine, o: SpikeSource, event: str, depth: int) -> Spikes:
    """The memory of an event of ``o`` for a run: the one it has, if the engine made it and dt is the same; else a new one.

    After a change of dt it begins empty: what is still on its way has moved to the pathways (see in_flight.py).
    """
    old, new = o._last_events.get(event), engine.new_spikes(len(o), depth)
    before = o.__dict__.get("_spikes_dt")
    if old is None or (before is not None and before != o.clock.dt_):
        return new
    if type(old) is type(new):
        old.deepen(depth)
        return old
    new.deepen(old.depth)
    for back in reversed(range(old.depth)):
        new.append(old.read(back))
    return new


def kept_in_file(values: np.ndarray, path: Path, width: int) -> KeptRecord:
    """A record whose values are written to a file anew."""
    file = NpyFile(path, values.dtype, width)
    file.write(values)
    file.describe(len(values))
    return KeptRecord(values, file)
