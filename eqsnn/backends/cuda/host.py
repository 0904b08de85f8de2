"""The device that is this machine's CPU: CUDA text compiled by the C++ compiler behind ``templates/cuda/eq_host.h``, for checking.

Every block of memory ends at a closed page, so that what reads or writes behind it is caught, whichever kernel does. Nothing runs in parallel.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import platform
import shlex
import shutil
import subprocess
import threading
from collections.abc import Sequence
from ctypes import c_int, c_int64, c_size_t, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from eqsnn.backends import cache, compiler
from eqsnn.backends.cuda.device import Device, DeviceError, Function, Graph, Launch, Module
from eqsnn.backends.render import templates
from eqsnn.backends.usercode import cpp_compiler
from eqsnn.errors import CompileError

FLAGS = (
    "-O1",
    "-std=c++14",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-exceptions",
    "-fPIC",
    "-Wall",
)
"""As for C, with little optimisation: this is compiled in tests, and the bits are the same."""
_WATCHED = ("-DEQ_HOST_RACES", "-fsanitize=thread")
ORDERS = {"ascending": 0, "descending": 1}
_PAGE = mmap.PAGESIZE


class _Launch(ctypes.Structure):
    _fields_ = [
        ("kernel", c_void_p),
        ("enter", c_void_p),
        ("grid", c_int64),
        ("block", c_int64),
        ("n_args", c_int64),
        ("args", c_uint64 * 8),
    ]


class HostFunction(Function):
    """A kernel in a shared library."""

    def __init__(self, library: ctypes.CDLL, name: str):
        self.name, self.library = name, library
        try:
            self.address = ctypes.cast(getattr(library, name), c_void_p).value
        except AttributeError:
            raise KeyError(name) from None
        self.enter = ctypes.cast(library.eq_host_enter, c_void_p).value


class HostModule(Module):
    """A shared library."""

    def __init__(self, library: ctypes.CDLL):
        self.library = library

    def function(self, name: str) -> HostFunction:
        return HostFunction(self.library, name)


class HostGraph(Graph):
    """A table of launches that is walked in C."""

    def __init__(self, device: HostDevice, launches: Sequence[Launch]):
        self.device, self.launches = device, tuple(launches)
        self.table = (_Launch * max(len(launches), 1))()
        for launch, entry in zip(launches, self.table):
            function = launch.function
            entry.kernel, entry.enter = function.address, function.enter
            entry.grid, entry.block, entry.n_args = launch.grid, launch.block, len(launch.args)
            entry.args[: len(launch.args)] = launch.args

    def run(self, times: int = 1) -> None:
        if not self.launches or times < 1:
            return
        library = self.launches[0].function.library
        with _one_at_a_time:
            result = library.eq_host_launches(self.table, len(self.launches), times, self.device.next_order())
            if result:
                failed = self.launches[result // 256].function
                raise DeviceError(f"the kernel {failed.name} went wrong: {failed.library.eq_host_message().decode()}")


_one_at_a_time = threading.Lock()
"""Threads and blocks, as kernels see them, are variables of the library."""


class HostDevice(Device):
    """``order``: in which blocks, and threads between barriers, take their turn: 'ascending', 'descending', or a seed (from 2 on) of a shuffle that
    differs at each launch. ``watched``: every access is watched for races, which is slow."""

    def __init__(self, order: str | int = "descending", watched: bool = False):
        if order not in ORDERS and not (isinstance(order, int) and order >= 2):
            raise DeviceError(f"order must be 'ascending', 'descending' or an integer from 2 on; got {order!r}")
        self.order, self.watched = ORDERS.get(order, order), watched
        self.name = f"this CPU ({platform.machine()}), one thread"
        self._sizes: dict[int, tuple[int, int]] = {}

    def next_order(self) -> int:
        """The order of the next launches."""
        if self.order >= 2:
            self.order += 1 << 20
        return self.order

    def compile(self, text: str) -> HostModule:
        return HostModule(_library(str(built(text, self.watched))))

    def allocate(self, nbytes: int) -> int:
        pages = -(-nbytes // _PAGE) * _PAGE
        whole = pages + 2 * _PAGE
        libc = _libc()
        start = libc.mmap(None, whole, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if start in (None, c_void_p(-1).value) or libc.mprotect(start + _PAGE, pages, mmap.PROT_READ | mmap.PROT_WRITE):
            raise DeviceError(f"there is no room for {nbytes} bytes more")
        address = start + _PAGE + pages - nbytes
        ctypes.memset(start + _PAGE, 0xFB, pages)  # nobody may count on zeros
        self._sizes[address] = (start, whole)
        return address

    def free(self, address: int) -> None:
        _libc().munmap(*self._sizes.pop(address))

    def upload(self, address: int, array: np.ndarray) -> None:
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, address: int, array: np.ndarray) -> None:
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def capture(self, launches: Sequence[Launch]) -> HostGraph:
        return HostGraph(self, launches)

    def run(self, launches: Sequence[Launch]) -> None:
        self.capture(launches).run()

    def synchronise(self) -> None:
        """Everything has run when ``run`` returns."""


def host_header() -> str:
    """The file that gives CUDA words a CPU meaning."""
    return (templates() / "cuda" / "eq_host.h").read_text(encoding="utf-8")


def built(text: str, watched: bool = False) -> Path:
    """The shared library of a CUDA text. Raises CompileError."""
    command, header = cpp_compiler(), host_header()
    flags = (*FLAGS, *compiler.native_flags(), *(_WATCHED if watched else ()))
    key = cache.key_of("cuda on the host", text, header, *command, _version(command), *flags, compiler.cpu())
    path = cache.find(key, ".so")
    if path is not None:
        return path
    folder = cache.workspace({"eq_host.h": header, "kernels.cu": text})
    try:
        compiling = [*command, *flags, "-include", "eq_host.h", "-x", "c++", "-c", "kernels.cu", "-o", "kernels.o"]
        linking = [*command, "-shared", "kernels.o", "-lm", "-o", "kernels.so"]  # without the library behind -fsanitize
        for step in (compiling, linking):
            done = subprocess.run(
                step, cwd=folder, env=compiler.environment(), capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise CompileError(
                    f"compiling CUDA text for the CPU failed (exit code {done.returncode}):\n  {shlex.join(step)}\n{done.stderr.strip()}"
                )
        return cache.store(key, ".so", folder / "kernels.so")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _version(command: tuple[str, ...]) -> str:
    done = subprocess.run(
        [*command, "--version"], env=compiler.environment(), capture_output=True, text=True, check=False
    )
    return done.stdout


@functools.cache
def _library(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    library.eq_host_launches.restype = c_int64
    library.eq_host_launches.argtypes = [c_void_p, c_int64, c_int64, c_int64]
    library.eq_host_message.restype = ctypes.c_char_p
    return library


@functools.cache
def _libc() -> ctypes.CDLL:
    if os.name != "posix":
        raise DeviceError("kernels for a GPU run on the CPU on Linux and macOS only")
    libc = ctypes.CDLL(None)
    libc.mmap.restype = c_void_p
    libc.mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_int64]
    libc.mprotect.argtypes = [c_void_p, c_size_t, c_int]
    libc.munmap.argtypes = [c_void_p, c_size_t]
    return libc
