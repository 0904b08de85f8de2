"""The examples, run within a test at a reduced size: what they leave behind, and the plans they ran."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from pathlib import Path

import numpy as np

import eqsnn as eq
from eqsnn.runtime import simulation

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZES = {
    "cuba": ["--duration", "0.05", "--neurons", "1000"],
    "cobahh": ["--duration", "0.02", "--neurons", "400"],
    "brunel2000": ["--duration", "0.03", "--scale", "0.1"],
    "stdp_song2000": ["--duration", "0.1"],
    "izhikevich2003": ["--duration", "0.03"],
    "adex_patterns": [],
    "adaptive_threshold": [],
    "ornstein_uhlenbeck": ["--duration", "0.05"],
    "short_term_plasticity": [],
    "hodgkin_huxley_fi": ["--currents", "3"],
    "spike_frequency_adaptation": [],
    "homeostatic_stdp": [],
    "jeffress": ["--duration", "0.02"],
    "fi_sweep": ["--points", "4", "--repeat", "2", "--duration", "0.02", "--jobs", "1"],
    "microcircuit": ["--scale", "0.01", "--duration", "0.01"],
    "gap_junctions": [],
    "reward_modulated_stdp": ["--trials", "2"],
    "cuda_kernels": [],
}


def plans_of(name: str) -> list:
    """The plans that an example makes."""
    plans = []
    run(name, "c", planned=plans.append)
    return plans


def run(name: str, backend: str, deterministic: bool = True, planned=None) -> dict[str, object]:
    """The names that an example leaves behind."""
    eq.start_scope()
    eq.settings.backend, eq.settings.deterministic = backend, deterministic
    ours = sys.argv
    sys.argv = [name, *SIZES[name], *([] if name == "cuda_kernels" else ["--out", ""])]
    if planned is not None:
        simulation.planned.append(planned)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv = ours
        if planned is not None:
            simulation.planned.remove(planned)


def outcome(name: str, backend: str, deterministic: bool = True) -> dict[str, np.ndarray]:
    """Everything that the objects of an example hold and have recorded, by name."""
    found: dict[str, np.ndarray] = {}
    for key, value in run(name, backend, deterministic).items():
        if not key.startswith("_"):
            _look(key, value, found)
    return found


def _look(name: str, o: object, found: dict[str, np.ndarray]) -> None:
    if isinstance(o, eq.EventMonitor) and o.keeps_events:
        found |= {f"{name}.i": np.array(o.i), f"{name}.t": np.array(o.t_)}
    elif isinstance(o, eq.StateMonitor):
        found |= {f"{name}.{v}": np.asarray(getattr(o, v)) for v in o.names}
    elif isinstance(o, (eq.NeuronGroup, eq.Synapses)):
        found |= {f"{name}.{v}": np.asarray(o.arrays[v]) for v in o.arrays}
    elif isinstance(o, (list, tuple, dict)):
        for k, x in o.items() if isinstance(o, dict) else enumerate(o):
            _look(f"{name}[{k}]", x, found)
