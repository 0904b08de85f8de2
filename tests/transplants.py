"""Models of the field that are deterministic given their start: each script runs unchanged on Brian 2 and on eqsnn.brian.

What is random in the papers (initial states, connectivity, input spikes) is drawn once by ``rng``, a ``numpy.random.RandomState``, whose
streams numpy keeps, and given to both as arrays. A script leaves its SpikeMonitors in ``spikes`` and its final state in ``state``.
``python tests/transplants.py [--both] [NAME...]`` with Brian 2 installed writes tests/golden/transplants/NAME.npz from its target numpy (--both:
if cython gives the same spikes); tests/test_transplants.py compares, spike by spike.
"""

from pathlib import Path

import numpy as np
from transplants_networks import NETWORKS
from transplants_plasticity import PLASTICITY

SCRIPTS = {**NETWORKS, **PLASTICITY}
GOLDEN = Path(__file__).parent / "golden" / "transplants"


def outcome(name: str, package: str) -> dict[str, np.ndarray]:
    """Spikes as indices and steps, int32, in the order in which they were recorded; states as float64, in base units."""
    space = {"__name__": "script", "rng": np.random.RandomState(2024)}
    exec(f"from {package} import *\nstart_scope()\ndefaultclock.dt = 0.1*ms\n" + SCRIPTS[name], space)
    result = {}
    for k, monitor in enumerate(space["spikes"]):
        steps = np.asarray(monitor.t) / float(space["defaultclock"].dt)
        assert np.all(abs(steps - np.rint(steps)) < 1e-6)
        result[f"i{k}"] = np.asarray(monitor.i, np.int32)
        result[f"step{k}"] = np.rint(steps).astype(np.int32)
    return result | {f"state {k}": np.asarray(v, float) for k, v in space["state"].items()}


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name.replace(' ', '_')}.npz", allow_pickle=False) as file:
        return dict(file)


def _write(name: str, targets: tuple[str, ...]) -> None:
    import brian2

    found = []
    for target in targets:
        brian2.prefs.codegen.target = target
        found.append(outcome(name, "brian2"))
        for key, value in found[0].items():
            if not key.startswith("state"):
                np.testing.assert_array_equal(
                    found[-1][key], value, f"{name}: {key} differs between Brian 2's own targets"
                )
    GOLDEN.mkdir(parents=True, exist_ok=True)
    path = GOLDEN / f"{name.replace(' ', '_')}.npz"
    np.savez_compressed(path, **{k: _narrow(v) for k, v in found[0].items()})
    spikes = [len(v) for k, v in found[0].items() if k.startswith("step")]
    print(f"{name}: {spikes} spikes, {path.stat().st_size} bytes", flush=True)


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.min_scalar_type(values.max(initial=0))) if values.dtype.kind == "i" else values


if __name__ == "__main__":
    import sys

    both = "--both" in sys.argv
    for wanted in [a for a in sys.argv[1:] if a != "--both"] or SCRIPTS:
        _write(wanted, ("numpy", "cython") if both else ("numpy",))
