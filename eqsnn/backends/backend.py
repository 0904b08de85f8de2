"""The contract of a backend: kernels in, addresses out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from eqsnn.errors import EqsnnError
from eqsnn.kernel.ir import Kernel

Addresses = Callable[[str], int]
"""The entry point of a kernel by its name."""


class Backend(ABC):
    """Builds kernels. ``compiled`` says whether the engine that runs them is the compiled one."""

    name: str
    compiled: bool = True

    def prepare(self) -> None:  # noqa: B027
        """Begin, in the background, whatever does not depend on the model."""

    @abstractmethod
    def build(self, kernels: Sequence[Kernel]) -> Addresses | None:
        """The kernels, ready to be called. Raises CompileError."""


def backend(name: str) -> Backend:
    """The backend called ``name``."""
    if name == "cython":
        from eqsnn.backends.cython.build import CythonBackend

        return CythonBackend()
    if name == "c":
        from eqsnn.backends.c.build import CBackend

        return CBackend()
    if name == "numpy":
        from eqsnn.backends.numpy.build import NumpyBackend

        return NumpyBackend()
    if name in ("cuda", "cuda-host"):
        from eqsnn.backends.cuda.build import CudaBackend, HostBackend

        return CudaBackend() if name == "cuda" else HostBackend()
    raise EqsnnError(
        f"there is no backend '{name}'; there are 'cython' (the default), 'c', 'numpy', 'cuda' and, to check its kernels without a GPU, 'cuda-host'"
    )
