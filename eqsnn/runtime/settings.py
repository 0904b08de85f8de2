"""What a user may choose about the engine: backend, threads, size of blocks. Environment variables bind when set."""

from __future__ import annotations

import os
from dataclasses import dataclass

from eqsnn.backends.backend import backend as known_backend
from eqsnn.errors import EqsnnError
from eqsnn.network.base import SLOTS


@dataclass
class Settings:
    """Process-wide choices.

    ``backend``: 'cython' (default), 'c', 'numpy', 'cuda' or 'cuda-host'. ``threads``: how many may work on a step. ``neurons_per_block`` and
    ``synapses_per_block`` say into how many blocks work is cut; synapses into no more than there are threads. Results do not depend on them.
    ``schedule``: the slots of a step, for networks that were given none. ``all_threads``: let all of them work even where one would be faster
    (runtime/team.py says where), or other processes need the processors: for tests of the engine. ``deterministic``: on a GPU, what synapses bring
    to a neuron is added in their order, which gives the bits of the other backends; it takes longer.
    """

    backend: str = "cython"
    threads: int = 1
    neurons_per_block: int = 1024
    synapses_per_block: int = 1 << 18
    schedule: tuple[str, ...] = SLOTS
    all_threads: bool = False
    deterministic: bool = False

    def block_for(self, n: int) -> int:
        """How many of ``n`` neurons make a block: so few that two or three threads get about as many each, and at most ``neurons_per_block``."""
        return min(self.neurons_per_block, max(64, 1 << max(n >> 5, 1).bit_length() - 1))

    def effective_backend(self) -> str:
        """The backend of the next run: EQSNN_BACKEND if set, else ``backend``."""
        return os.environ.get("EQSNN_BACKEND") or self.backend

    def effective_threads(self) -> int:
        """The number of threads of the next run: EQSNN_NUM_THREADS if set, else ``threads``. A GPU has its own, and gets all work in one piece."""
        if self.effective_backend().startswith("cuda"):
            return 1
        text = os.environ.get("EQSNN_NUM_THREADS")
        if text:
            if not text.isdigit() or not 1 <= int(text) <= 256:
                raise EqsnnError(f"EQSNN_NUM_THREADS must be an integer from 1 to 256; it is {text!r}")
            return int(text)
        if isinstance(self.threads, bool) or not isinstance(self.threads, int) or not 1 <= self.threads <= 256:
            raise EqsnnError(f"settings.threads must be an integer from 1 to 256; it is {self.threads!r}")
        return self.threads


settings = Settings()


def backend(name: str, deterministic: bool | None = None) -> None:
    """Choose what the next runs are done with: 'cython', 'c', 'numpy', 'cuda' (a GPU) or 'cuda-host' (its kernels on the CPU, for checking).

    ``deterministic``: see :class:`Settings`; None leaves it as it is. Raises EqsnnError if there is no such backend, or no GPU for it.
    """
    known_backend(name).prepare()
    if deterministic is not None:
        if not isinstance(deterministic, bool):
            raise EqsnnError(f"backend(): deterministic is True or False; got {deterministic!r}")
        settings.deterministic = deterministic
    settings.backend = name
