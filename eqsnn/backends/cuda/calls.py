"""Calls into NVIDIA's libraries through cuda-bindings, and what to do about each way in which they can fail.

Every function of the bindings returns a tuple: a result code, and what the function gives. A library that cannot be loaded is a RuntimeError of
theirs, at the first call. Both become a DeviceError here that quotes them.
"""

from __future__ import annotations

from collections.abc import Callable

from eqsnn.backends.cuda.device import DeviceError

INSTALL = "pip install 'eqsnn[cuda]'"

_BUG = (
    "this is a bug of eqsnn, please report it; with eqsnn.settings.backend = 'cuda-host' the same kernels run on the CPU, which tells where. Until "
    "Python is started anew nothing can be done on this GPU"
)
_VISIBLE = (
    "nvidia-smi shows the GPUs of this machine; CUDA_VISIBLE_DEVICES, where it is set, hides all but those it names"
)
_NEW_DRIVER = "install a newer NVIDIA driver, and start the machine anew where it was updated while running"
_ADVICE = {
    "CUDA_ERROR_OUT_OF_MEMORY": "make the network smaller, or end what else holds memory of the GPU (nvidia-smi shows it)",
    "CUDA_ERROR_NO_DEVICE": _VISIBLE,
    "CUDA_ERROR_INVALID_DEVICE": _VISIBLE,
    "CUDA_ERROR_DEVICE_UNAVAILABLE": "another process has this GPU for itself (nvidia-smi shows it): end it, or see CUDA_VISIBLE_DEVICES",
    "CUDA_ERROR_DEVICE_NOT_LICENSED": "this virtual GPU has no licence; ask whoever runs the machine",
    "CUDA_ERROR_STUB_LIBRARY": "the libcuda that was found is the toolkit's stub for linking; take its folder out of LD_LIBRARY_PATH",
    "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH": _NEW_DRIVER,
    "CUDA_ERROR_SYSTEM_NOT_READY": "on a machine with NVSwitch, start nvidia-fabricmanager",
    "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE": "take the folder of cuda-compat out of LD_LIBRARY_PATH, or "
    + _NEW_DRIVER,
    "CUDA_ERROR_NO_BINARY_FOR_GPU": "remove what was compiled (eqsnn cache clear) and run again",
    "CUDA_ERROR_INVALID_IMAGE": _NEW_DRIVER + "; or remove what was compiled (eqsnn cache clear) and run again",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": _NEW_DRIVER,
    "CUDA_ERROR_ECC_UNCORRECTABLE": "the memory of this GPU is damaged (nvidia-smi -q -d ECC); use another",
    "CUDA_ERROR_LAUNCH_TIMEOUT": "the display's watchdog stopped a kernel; use a GPU without a display, or a smaller network",
    "CUDA_ERROR_ILLEGAL_ADDRESS": _BUG,
    "CUDA_ERROR_MISALIGNED_ADDRESS": _BUG,
    "CUDA_ERROR_ILLEGAL_INSTRUCTION": _BUG,
    "CUDA_ERROR_LAUNCH_FAILED": _BUG,
    "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES": "a kernel needs more registers than a block may have: simplify the equations, or report this",
}


class DriverError(DeviceError):
    """A function of the driver did not succeed. ``code``: its name for that."""

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code


def driver_bindings():
    """The module cuda.bindings.driver. Raises ImportError."""
    from cuda.bindings import driver

    return driver


def nvrtc_bindings():
    """The module cuda.bindings.nvrtc. Raises ImportError."""
    from cuda.bindings import nvrtc

    return nvrtc


def version_of_bindings() -> str:
    """Of cuda-bindings. Raises ImportError, also for a part of them that cannot be loaded."""
    import cuda.bindings

    driver_bindings(), nvrtc_bindings()
    return cuda.bindings.__version__


def values_of(function: Callable, args: tuple, without: str) -> tuple:
    """The result code and the values of one call. ``without``: what to do if the library behind it cannot be loaded."""
    try:
        return function(*args)
    except RuntimeError as error:  # the library, or this function in it, is not there
        raise DeviceError(
            f"{function.__name__}: {type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}; {without}"
        ) from error


class Driver:
    """The driver API: ``driver.cuMemAlloc(n)`` is the value, or the tuple of values, of the function of that name; DeviceError otherwise."""

    def __init__(self):
        self.bindings = driver_bindings()

    def __getattr__(self, name: str):
        function = getattr(self.bindings, name)

        def call(*args):
            code, *values = values_of(function, args, "install the NVIDIA driver of this GPU, or a newer one")
            if code != self.bindings.CUresult.CUDA_SUCCESS:
                raise self.error(name, code)
            return values[0] if len(values) == 1 else tuple(values)

        call.__name__ = name
        setattr(self, name, call)
        return call

    def error(self, name: str, code) -> DriverError:
        """What went wrong in the function called ``name``, and what to do."""
        word, text = (self._said(f, code) for f in ("cuGetErrorName", "cuGetErrorString"))
        word = word or f"error {int(code)}"
        advice = _ADVICE.get(word)
        return DriverError(f"{name}: {word}{f' ({text})' if text else ''}{f'; {advice}' if advice else ''}", word)

    def _said(self, name: str, code) -> str:
        try:
            _, text = getattr(self.bindings, name)(code)
        except RuntimeError:
            return ""
        return text.decode(errors="replace") if text else ""
