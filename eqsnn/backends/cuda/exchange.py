"""Arrays of other libraries on a GPU, and ours for them: DLPack (https://dmlc.github.io/dlpack) and the CUDA array interface, version 3.

Both are descriptions of memory: an address of the device, a shape, a type. Here neither needs the other library, nor a copy on the way.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint64, c_void_p, py_object

import numpy as np

from eqsnn.backends.cuda.device import Device, DeviceError

CPU, GPU, PINNED, MANAGED = 1, 2, 3, 13
"""Kinds of devices in DLPack: kDLCPU, kDLCUDA, kDLCUDAHost, kDLCUDAManaged."""
_CODES = {"i": 0, "u": 1, "f": 2, "b": 6}
_KINDS = {code: kind for kind, code in _CODES.items()}
_NAME, _USED = b"dltensor", b"used_dltensor"


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", c_void_p), ("deleter", c_void_p)]


class GpuArray:
    """A copy of an array on the GPU, for CuPy, PyTorch, JAX ...: ``cupy.asarray(x)``, ``torch.from_dlpack(x)``. It is given back when neither this
    nor anything made of it is held any more."""

    def __init__(self, device: Device, values: np.ndarray):
        values = np.ascontiguousarray(values)
        self.device, self.shape, self.dtype = device, values.shape, values.dtype
        self.address = device.allocate(max(values.nbytes, 1))
        device.upload(self.address, values)

    def __del__(self):
        if hasattr(self, "address"):
            self.device.free(self.address)

    @property
    def __cuda_array_interface__(self) -> dict:
        """Nothing is to be waited for: the copy was made."""
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "version": 3,
            "stream": None,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return GPU, self.device.number

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(
                f"this array is on GPU {self.device.number}; it was asked for on the device {tuple(dl_device)}"
            )
        if copy:
            raise BufferError("this array is a copy already; take it without copy=True, and copy it there")
        return _capsule(self)


_exported: dict[int, tuple] = {}
"""What others hold, by the address of its description."""


def _capsule(array: GpuArray):
    shape = (c_int64 * max(len(array.shape), 1))(*array.shape)
    made = _Managed(deleter=ctypes.cast(_delete, c_void_p).value)
    t = made.tensor
    t.data, t.device_type, t.device_id, t.ndim = array.address, GPU, array.device.number, len(array.shape)
    t.code, t.bits, t.lanes, t.shape = _CODES[array.dtype.kind], 8 * array.dtype.itemsize, 1, shape
    _exported[ctypes.addressof(made)] = (made, shape, array)
    return _new_capsule(ctypes.addressof(made), _NAME, _drop)


@ctypes.CFUNCTYPE(None, c_void_p)
def _delete(managed: int) -> None:
    _exported.pop(managed, None)


@ctypes.CFUNCTYPE(None, c_void_p)
def _drop(capsule: int) -> None:
    """A capsule that nobody took."""
    if _is_valid(capsule, _NAME):
        _exported.pop(_pointer_of(capsule, _NAME), None)


def _api(name: str, result, *arguments):
    function = ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))
    return function


_new_capsule = _api("PyCapsule_New", py_object, c_void_p, c_char_p, c_void_p)
_is_valid = _api("PyCapsule_IsValid", ctypes.c_int, c_void_p, c_char_p)
_pointer_of = _api("PyCapsule_GetPointer", c_void_p, c_void_p, c_char_p)
_pointer = _api("PyCapsule_GetPointer", c_void_p, py_object, c_char_p)
_rename = _api("PyCapsule_SetName", ctypes.c_int, py_object, c_char_p)


def is_on_gpu(value: object) -> bool:
    """Whether an object of another library describes memory of a GPU."""
    if hasattr(value, "__dlpack_device__"):
        return int(value.__dlpack_device__()[0]) in (GPU, MANAGED)
    return hasattr(value, "__cuda_array_interface__")


def fetched(value: object, device: Device) -> np.ndarray:
    """What an array on the GPU holds, after all work that was enqueued there. Raises DeviceError."""
    device.settle()
    if hasattr(value, "__cuda_array_interface__"):
        told = value.__cuda_array_interface__
        dtype, shape = np.dtype(told["typestr"]), tuple(told["shape"])
        _check_order(told.get("strides"), shape, dtype.itemsize)
        return _read(device, told["data"][0], shape, dtype)
    capsule = value.__dlpack__(stream=int(device.stream))
    managed = _Managed.from_address(_pointer(capsule, _NAME))
    _rename(capsule, _USED)
    try:
        t = managed.tensor
        shape = tuple(t.shape[: t.ndim])
        if t.code not in _KINDS or t.lanes != 1:
            raise DeviceError(
                f"an array with numbers of DLPack's type {t.code} with {t.bits} bits is not understood; convert it to float64"
            )
        dtype = np.dtype(f"{_KINDS[t.code]}{t.bits // 8}")
        _check_order([s * dtype.itemsize for s in t.strides[: t.ndim]] if t.strides else None, shape, dtype.itemsize)
        return _read(device, t.data + t.byte_offset, shape, dtype)
    finally:
        if managed.deleter:
            ctypes.CFUNCTYPE(None, c_void_p)(managed.deleter)(ctypes.addressof(managed))


def _read(device: Device, address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    values = np.empty(shape, dtype)
    if values.size:
        device.download(address, values)
    return values


def _check_order(strides, shape: tuple[int, ...], itemsize: int) -> None:
    wanted = itemsize
    for n, stride in reversed(list(zip(shape, strides or ()))):
        if n > 1 and stride != wanted:
            raise DeviceError("the numbers of an array on the GPU do not lie one after the other; make it contiguous")
        wanted *= n
