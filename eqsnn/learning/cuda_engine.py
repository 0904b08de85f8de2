"""A learner on a CUDA device: the memory of ``CompiledEngine`` there, and what is moved between there and here.

What only kernels read, the tape first of all, stays on the device; a batch brings what is presented, parameters and the states to begin with, and
takes what is read, events, and gradients. Losses and counts are done here, by the functions of ``CompiledEngine``.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np

from eqsnn.backends.cuda.device import Device
from eqsnn.backends.cuda.learner import learner_source, threads_for
from eqsnn.backends.learner import places
from eqsnn.kernel.learner import Learner
from eqsnn.learning.engine import CARRIED, CompiledEngine
from eqsnn.runtime.cuda_memory import Owned

_MADE = ("tape", "input", "echo", "scratch", "readout")
"""What kernels make: nothing of it is brought to the device before a batch."""
_PAST = ("bits", "sent")
"""What kernels make after the steps of an earlier window, which are brought."""
_ASKED = ("in_slope", "counted", "push")
"""Derivatives of what is presented and of events, for the way back alone; empty where there are none."""


_NOTHING = np.zeros(0, np.uint16)


class _There:
    """The arrays of one batch size and number of steps on the device, by the keys of ``Places``."""

    def __init__(self, device: Device):
        self.own = Owned(device)
        weakref.finalize(self, self.own.free).atexit = False  # also if there is no room for all
        self.at: dict[tuple, tuple[int, int]] = {}

    def address(self, key: tuple, array: np.ndarray) -> int:
        """Where there is room for an array."""
        address, nbytes = self.at.get(key, (0, -1))
        if nbytes != array.nbytes:
            address = self.own.new(array.nbytes) if nbytes < 0 else self.own.replace(address, array.nbytes)
            self.at[key] = address, array.nbytes
        return address


class CudaEngine(CompiledEngine):
    """As ``CompiledEngine``, on ``device``."""

    def __init__(self, device: Device, learner: Learner, n_in: int, sizes: Sequence[int], *rest):
        super().__init__(learner, n_in, sizes, *rest)
        self.device, self._kernels = device, device.compile(learner_source(learner))

    # -- a batch --------------------------------------------------------------------------------------------------------------

    def _steps_forward(self, m, blocks: int) -> None:
        m.elsewhere = there = m.elsewhere or _There(self.device)
        for key, a in m.by.items():
            if key[0] in _PAST:
                self._move(self.device.upload, there, m, key, 0)
            elif key[0] not in (*_MADE, *_ASKED, *CARRIED):
                self.device.upload(there.address(key, a), np.ascontiguousarray(a))
        self._launch("eq_learn_forward", there, m, blocks)
        for key, a in m.by.items():
            if key[0] in ("readout", "state", "bits"):
                self.device.download(there.address(key, a), a)
            elif key[0] == "sent":
                self._move(self.device.download, there, m, key, a.shape[1] - self._history(m))

    def _pushed(self, pushes, last: bool = True) -> list[np.ndarray]:
        kept, m = super()._pushed(pushes, last), self._now
        layers = {} if pushes is None else dict(zip(pushes.layers, kept[1:]))
        m.by["counted",] = kept[0] if kept else _NOTHING
        m.by |= {("push", k): layers.get(k, _NOTHING) for k in range(len(self.sizes))}
        return kept

    def _steps_back(self, m, blocks: int, slope: np.ndarray, presented: np.ndarray | None) -> None:
        there = m.elsewhere
        m.by["in_slope",] = _NOTHING if presented is None else presented
        given = {key: a for key, a in m.by.items() if key[0] in (*_ASKED, *CARRIED) and a.nbytes}
        for key, a in {("readout",): slope, **given}.items():
            self.device.upload(there.address(key, a), a)
        self._launch("eq_learn_backward", there, m, blocks)
        for key, a in given.items():
            if key[0] in ("in_slope", *CARRIED):
                self.device.download(there.address(key, a), a)

    def _move(self, way, there: _There, m, key: tuple, first: int) -> None:
        """As many steps as the past has, from ``first`` on, of each block."""
        a = m.by[key]
        address, each = there.address(key, a), a.itemsize * int(np.prod(a.shape[2:]))
        for block, part in enumerate(a):
            way(address + each * (block * a.shape[1] + first), part[first : first + self._history(m)])

    def _launch(self, name: str, there: _There, m, blocks: int) -> None:
        places_ = places(self.learner).arrays
        lying = [m.by.get(k) for k in places_]
        table = [0 if a is None or not a.nbytes else there.address(k, a) for k, a in zip(places_, lying)]
        table = np.array(table, np.int64)
        sizes = np.ctypeslib.as_array(m.sizes)
        addresses = [there.address(("at",), table), there.address(("size",), sizes)]
        for address, a in zip(addresses, (table, sizes)):
            self.device.upload(address, a)
        self.device.run([self._kernels.function(name).launch(blocks, threads_for(self.sizes, self.width), *addresses)])
