"""Arrays of other libraries (CuPy, PyTorch, JAX ...) as values of variables, and variables for them.

What lies in memory that the CPU reads is taken through DLPack or ``__array__``; what lies on a GPU is copied from there, and to there.
"""

from __future__ import annotations

import numpy as np

from eqsnn.backends.backend import backend
from eqsnn.errors import EqsnnError


def plain(value: object) -> object:
    """What numpy understands: an array for an array of another library, anything else as it is. Raises EqsnnError that quotes the other library."""
    if isinstance(value, (np.ndarray, np.generic, int, float, list, tuple, str)):
        return value
    if not (hasattr(value, "__dlpack__") or hasattr(value, "__cuda_array_interface__")):
        return value
    from eqsnn.backends.cuda.exchange import CPU, PINNED, fetched, is_on_gpu

    kind = f"{type(value).__module__.split('.')[0]}.{type(value).__name__}"
    try:
        if is_on_gpu(value):
            return fetched(value, gpu())
        where = int(value.__dlpack_device__()[0])
        if where in (CPU, PINNED):
            return np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError, EqsnnError) as error:
        raise EqsnnError(f"the values of a {kind} cannot be read ({type(error).__name__}: {error})") from error
    raise EqsnnError(
        f"a {kind} lies on a device of another kind (DLPack's {where}); copy it to the memory of the CPU first"
    )


def on_gpu(values: np.ndarray):
    """A copy on the GPU (``eqsnn.backends.cuda.exchange.GpuArray``). Raises EqsnnError that says why there is none."""
    from eqsnn.backends.cuda.exchange import GpuArray

    return GpuArray(gpu(), values)


def gpu():
    """The GPU, whatever backend runs networks."""
    return backend("cuda").device()


def exported(values: np.ndarray, dl_device: tuple[int, int] | None, copy: bool | None):
    """A capsule of DLPack of a copy of values: on the CPU, or where ``dl_device`` says."""
    if copy is False:
        raise BufferError("the values of a variable are given as a copy; copy=False cannot be met")
    kind = 1 if dl_device is None else int(dl_device[0])
    if kind == 1:
        return np.array(values).__dlpack__()
    if kind == 2:
        return on_gpu(values).__dlpack__(dl_device=dl_device)
    raise BufferError(
        f"the values of a variable are on the CPU, or copied to a GPU of NVIDIA; not on the device {tuple(dl_device)}"
    )
