"""``eqsnn doctor``: what this machine has, found by trying."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np

import eqsnn
from eqsnn.backends import cache, compiler
from eqsnn.backends.backend import backend
from eqsnn.cli import gpu_found
from eqsnn.errors import EqsnnError
from eqsnn.runtime.processors import processors
from eqsnn.runtime.settings import settings
from eqsnn.runtime.simulation import Network


def doctor() -> int:
    """Prints what was found and what to do about what is missing; 0 if a model can be built and run."""
    import cython
    import sympy

    _say("eqsnn", f"{eqsnn.__version__} in {Path(eqsnn.__file__).parent}")
    _say("Python", f"{platform.python_version()} on {platform.platform()}")
    _say("packages", f"numpy {np.__version__}, sympy {sympy.__version__}, cython {cython.__version__}")
    ok = _compiler()
    ok = _cache() and ok
    if ok:
        _simd()
    _say(
        "threads",
        f"{settings.effective_threads()} in use at most, {processors()} processors for this process (EQSNN_NUM_THREADS or "
        "eqsnn.settings.threads; small networks use fewer)",
    )
    has_gpu = gpu_found.report(_say)
    chosen = settings.effective_backend()
    tried = (chosen, "cython", "c", "numpy", *(["cuda"] if has_gpu else []))
    runs = {name: _probe(name) for name in dict.fromkeys(tried)}
    if runs[chosen]:
        print(f"A model can be built and run with the backend '{chosen}'.")
        return 0
    working = [n for n, good in runs.items() if good]
    print(
        f"The backend '{chosen}' does not work here. {f'Until it does: eqsnn.settings.backend = {working[0]!r}.' if working else ''}"
    )
    return 1


def _say(what: str, text: str) -> None:
    print(f"{what:>10}: {text}")


def _compiler() -> bool:
    try:
        used = compiler.compiler()
    except EqsnnError as error:
        _say("compiler", f"none. {error}")
        return False
    _say("compiler", f"{' '.join(used.command)} ({used.version.splitlines()[0]}), from {used.origin}")
    _say("flags", " ".join(used.flags))
    return True


def _cache() -> bool:
    try:
        found = cache.directory()
        shutil.rmtree(cache.workspace({"probe": "can this be written?"}))
    except EqsnnError as error:
        _say("cache", str(error))
        return False
    _say("cache", f"{found} ({len(cache.entries())} entries)")
    return True


def _simd() -> None:
    """The width of vectors, as the compiler sees it with our flags."""
    used = compiler.compiler()
    command = [*used.command, *used.flags, "-dM", "-E", "-x", "c", os.devnull]
    done = subprocess.run(command, env=compiler.environment(), capture_output=True, text=True, check=False)
    defined = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("#define ")}
    widths = (
        ("__AVX512F__", "512 bits (AVX-512)"),
        ("__AVX__", "256 bits (AVX)"),
        ("__ARM_FEATURE_SVE", "scalable (SVE)"),
    )
    widths += (("__SSE2__", "128 bits (SSE2)"), ("__ARM_NEON", "128 bits (NEON)"))
    _say("SIMD", next((text for macro, text in widths if macro in defined), "none known to the compiler"))


def _probe(name: str) -> bool:
    """Build and run a neuron with that backend and compare its trace with the closed form."""
    before, settings.backend = settings.backend, name
    forced = os.environ.pop("EQSNN_BACKEND", None)
    try:
        backend(name)
        start = time.perf_counter()
        G = eqsnn.NeuronGroup(
            3, "dv/dt = (2 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", namespace={}
        )
        M = eqsnn.SpikeMonitor(G)
        Network(G, M).run(20 * eqsnn.ms)
        elapsed = time.perf_counter() - start
        step = 70  # the first k with 2*(1 - exp(-k*0.01)) > 1
        good = M.num_spikes == 6 and np.allclose(np.unique(M.t_)[0], (step - 1) * 1e-4)
        _say(
            f"{name}",
            f"built and ran a probe in {elapsed:.2f} s"
            if good
            else f"ran a probe with a WRONG result: spikes at {M.t!s}",
        )
        return good
    except EqsnnError as error:
        _say(f"{name}", f"does not work. {error}")
        return False
    finally:
        settings.backend = before
        if forced is not None:
            os.environ["EQSNN_BACKEND"] = forced
