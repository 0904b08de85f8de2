"""The backend without a compiler: kernels are interpreted."""

from __future__ import annotations

from collections.abc import Sequence

from eqsnn.backends.backend import Backend
from eqsnn.kernel.ir import Kernel


class NumpyBackend(Backend):
    """Interprets the kernel IR: slow, and the reference for all others."""

    name = "numpy"
    compiled = False

    def build(self, kernels: Sequence[Kernel]) -> None:
        return None
