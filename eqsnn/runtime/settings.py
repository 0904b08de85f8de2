"""What a user may choose about the engine: backend, threads, size of blocks. Environment variables bind when set."""

from __future__ import annotations

import os
from dataclasses import dataclass

from eqsnn.errors import EqsnnError
from eqsnn.network.base import SLOTS


@dataclass
class Settings:
    """Process-wide choices.

    ``backend``: 'cython' (default), 'c' or 'numpy'. ``threads``: how many may work on a step. ``neurons_per_block`` and ``synapses_per_block``
    say into how many blocks work is cut; synapses into no more than there are threads. Results do not depend on them. ``schedule``: the slots of a
    step, for networks that were given none. ``all_threads``: let all of them work even where one would be faster (runtime/team.py says where),
    or other processes need the processors: for tests of the engine.
    """

    backend: str = "cython"
    threads: int = 1
    neurons_per_block: int = 1024
    synapses_per_block: int = 1 << 18
    schedule: tuple[str, ...] = SLOTS
    all_threads: bool = False

    def block_for(self, n: int) -> int:
        """How many of ``n`` neurons make a block: so few that two or three threads get about as many each, and at most ``neurons_per_block``."""
        return min(self.neurons_per_block, max(64, 1 << max(n >> 5, 1).bit_length() - 1))

    def effective_backend(self) -> str:
        """The backend of the next run: EQSNN_BACKEND if set, else ``backend``."""
        return os.environ.get("EQSNN_BACKEND") or self.backend

    def effective_threads(self) -> int:
        """The number of threads of the next run: EQSNN_NUM_THREADS if set, else ``threads``."""
        text = os.environ.get("EQSNN_NUM_THREADS")
        if text:
            if not text.isdigit() or not 1 <= int(text) <= 256:
                raise EqsnnError(f"EQSNN_NUM_THREADS must be an integer from 1 to 256; it is {text!r}")
            return int(text)
        if isinstance(self.threads, bool) or not isinstance(self.threads, int) or not 1 <= self.threads <= 256:
            raise EqsnnError(f"settings.threads must be an integer from 1 to 256; it is {self.threads!r}")
        return self.threads


settings = Settings()
