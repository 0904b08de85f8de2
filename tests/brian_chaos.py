"""A chaotic model: the irregular spiking of Naud et al. (2008, Biol. Cybern. 99:335), table of firing patterns, by forward Euler.

400 neurons whose starts differ by one unit in the last place or a few have spikes in other steps before the run ends, and peaks, which the exponential makes of
the last step before a spike, that differ ten-thousandfold. One run of one simulator is no reference here; the distribution is.
``python tests/brian_chaos.py`` with Brian 2 installed writes tests/golden/chaos.npz.
"""

from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "chaos.npz"
SCRIPT = """
import numpy as np
start_scope()
defaultclock.dt = 0.1*ms
cells = NeuronGroup(400, '''
    dv/dt = (g_l*(e_l - v) + g_l*d_t*exp((v - v_t)/d_t) + drive - w)/c_m : volt
    dw/dt = (a*(v - e_l) - w)/tau_w : amp''',
    threshold='v > 0*mV', reset='v = -48*mV; w += 30*pA', method='euler',
    namespace=dict(c_m=100*pF, g_l=12*nS, e_l=-60*mV, v_t=-50*mV, d_t=2*mV, a=-11*nS, tau_w=130*ms, drive=160*pA))
cells.v = -60*mV*(1 + 1e-15*np.arange(400))
trace, spikes = StateMonitor(cells, 'v', record=True, when='thresholds'), SpikeMonitor(cells)
run(600*ms)
"""


def outcome(package: str) -> dict[str, np.ndarray]:
    """For each neuron the steps of its first ten spikes, how many it has, and the decimal logarithm of its peak in volt."""
    space = {"__name__": "script"}
    exec(f"from {package} import *\n" + SCRIPT, space)
    steps = np.rint(np.asarray(space["spikes"].t) / 1e-4).astype(np.int64)
    i = np.asarray(space["spikes"].i)
    return {
        "first": np.array([steps[i == k][:10] for k in range(400)]),
        "count": np.bincount(i, minlength=400),
        "peak": np.log10(np.asarray(space["trace"].v).max(axis=1)),
    }


if __name__ == "__main__":
    import brian2

    brian2.prefs.codegen.target = "numpy"
    np.savez_compressed(GOLDEN, **outcome("brian2"))
