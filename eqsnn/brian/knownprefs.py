"""Brian 2's preferences: default, and what setting each does here.

``effect`` is a function that applies a value, or a text that says why the value changes nothing; a value that cannot be had raises.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from eqsnn.brian.logs import set_level
from eqsnn.network.base import SLOTS
from eqsnn.network.notices import tell_once
from eqsnn.runtime.schedule import checked_schedule
from eqsnn.runtime.settings import Settings, settings

Effect = Callable[[object], None] | str


class Refused(Exception):
    """A value of a known preference that cannot be had here; the text says why."""


def _target(value: object) -> None:
    name = getattr(value, "class_name", value)
    backends = {"auto": Settings().backend, "cython": "cython", "numpy": "numpy"}
    if name not in backends:
        raise Refused(f"there is no target {value!r}; there are {', '.join(map(repr, backends))}")
    settings.backend = backends[name]


def _threads(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 256:
        raise Refused(f"the number of threads is an integer from 0 (one thread) to 256; got {value!r}")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    settings.threads = min(max(value, 1), processors)
    if value > processors:
        tell_once(
            f"openmp_threads = {value}: {processors} are taken, one for each processor; results do not depend on it"
        )


def _only(allowed: object, why: str) -> Callable[[object], None]:
    def check(value: object) -> None:
        if value != allowed:
            raise Refused(why)

    return check


def _float_type(value: object) -> None:
    if value not in (np.float32, np.float64):
        raise Refused("variables are kept as numpy.float64 or numpy.float32")


def _schedule(value: object) -> None:
    settings.schedule = checked_schedule(value)


def _cache_dir(value: object) -> None:
    if value is not None:
        os.environ["EQSNN_CACHE_DIR"] = os.fspath(value)


_FLAGS = "flags of the compiler are fixed, so that results are the same everywhere; CC and EQSNN_CACHE_DIR are honoured"
_MAKE = "no project is written and made: the script itself runs compiled"
_LOG = "nothing is logged to a file: notices go to the logger 'eqsnn' of Python's logging"
_WHEN = "it is decided for each kernel; results do not depend on it"

KNOWN: dict[str, tuple[object, Effect]] = {
    "codegen.target": ("auto", _target),
    "codegen.string_expression_target": ("numpy", _WHEN),
    "codegen.synapse_connect_target": (None, _WHEN),
    "codegen.loop_invariant_optimisations": (True, "constants are always hoisted out of loops"),
    "codegen.max_cache_dir_size": (1000, "the cache is capped by itself; `eqsnn cache` shows and clears it"),
    "codegen.cpp.compiler": ("", "the compiler is the one in CC, else the first that is found"),
    **{
        f"codegen.cpp.{n}": (default, _FLAGS)
        for n, default in {
            "define_macros": [],
            "extra_compile_args": None,
            "extra_compile_args_gcc": [],
            "extra_compile_args_msvc": [],
            "extra_link_args": [],
            "headers": [],
            "include_dirs": [],
            "libraries": [],
            "library_dirs": [],
            "msvc_architecture": "",
            "msvc_vars_location": "",
            "runtime_library_dirs": [],
        }.items()
    },
    "codegen.generators.cpp.flush_denormals": (False, "denormal numbers are always flushed to zero inside a run"),
    "codegen.generators.cpp.restrict_keyword": ("__restrict", _FLAGS),
    "codegen.runtime.cython.cache_dir": (None, _cache_dir),
    "codegen.runtime.cython.delete_source_files": (True, "sources are not kept; `eqsnn check --source` prints them"),
    "codegen.runtime.cython.multiprocess_safe": (True, "the cache can always be shared by processes"),
    "codegen.runtime.numpy.discard_units": (False, "kernels hold no units: they are checked before a run"),
    "core.default_float_dtype": (np.float64, _float_type),
    "core.default_integer_dtype": (np.int32, "integers have 64 bits"),
    "core.network.default_schedule": (list(SLOTS), _schedule),
    "core.outdated_dependency_error": (None, "pip checks the versions of what is installed"),
    "core.stop_on_keyboard_interrupt": (True, "Ctrl-C ends a run after a whole step and raises KeyboardInterrupt"),
    "devices.cpp_standalone.extra_make_args_unix": (["-j"], _MAKE),
    "devices.cpp_standalone.extra_make_args_windows": ([], _MAKE),
    "devices.cpp_standalone.make_cmd_unix": ("make", _MAKE),
    "devices.cpp_standalone.openmp_spatialneuron_strategy": (None, "there are no spatial neurons in this version"),
    "devices.cpp_standalone.openmp_threads": (0, _threads),
    "devices.cpp_standalone.run_cmd_unix": ("./main", _MAKE),
    "devices.cpp_standalone.run_environment_variables": ({"LD_BIND_NOW": "1"}, _MAKE),
    "GSL.directory": (None, "the adaptive methods are eqsnn's own and need no GSL"),
    "legacy.refractory_timing": (
        False,
        _only(False, "refractory periods are counted in steps; the timing of Brian 2.1.2 and before is not offered"),
    ),
    "logging.console_log_level": ("INFO", set_level),
    **{
        f"logging.{n}": (default, _LOG)
        for n, default in {
            "delete_log_on_exit": True,
            "display_brian_error_message": True,
            "file_log": True,
            "file_log_level": "DEBUG",
            "file_log_max_size": 10_000_000,
            "save_script": True,
            "std_redirection": True,
            "std_redirection_to_file": True,
            "warn_for_unused_objects": True,
        }.items()
    },
}
