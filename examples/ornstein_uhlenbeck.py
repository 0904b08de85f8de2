"""Ornstein-Uhlenbeck noise: coloured input to integrate-and-fire neurons, with its stationary variance and autocorrelation.

Uhlenbeck & Ornstein (1930), Phys. Rev. 36:823; as input to neurons: Destexhe et al. (2001), Neuroscience 107:13.

    python examples/ornstein_uhlenbeck.py [--duration 0.5] [--out ornstein_uhlenbeck.png]
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import eqsnn as eq
from eqsnn import ms, mV, second

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--duration", type=float, default=0.5, help="biological time in seconds")
parser.add_argument("--out", default="ornstein_uhlenbeck.png", help="file of the figure; '' for none")
args = parser.parse_args()

eq.seed(1)

tau_noise, sigma, mu, tau = 5 * ms, 3 * mV, 8 * mV, 20 * ms
neurons = eq.NeuronGroup(
    500,
    """
    dx/dt = -x/tau_noise + sigma*sqrt(2/tau_noise)*xi : volt
    dv/dt = (mu + x*4 - v)/tau : volt
    """,
    threshold="v > 12*mV",
    reset="v = 0*mV",
    method="euler",
)
neurons.x = "sigma*randn()"
trace, spikes = eq.StateMonitor(neurons, ["x", "v"], record=True), eq.SpikeMonitor(neurons)
eq.run(args.duration * second)
x = np.asarray(trace.x / mV)
lags = np.arange(min(200, x.shape[1] // 2))
correlation = [np.mean(x[:, : x.shape[1] - k] * x[:, k:]) for k in lags]
print(
    f"standard deviation {x.std():.3f} mV (expected {sigma / mV:.3f}), {spikes.num_spikes / 500 / args.duration:.1f} Hz"
)

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
axes[0, 0].plot(trace.t / ms, x[:3].T, linewidth=0.7)
axes[0, 0].set(xlabel="time (ms)", ylabel="x (mV)", title="three of the processes")
axes[0, 1].plot(lags * 0.1, correlation, label="simulated")
axes[0, 1].plot(
    lags * 0.1, float(sigma / mV) ** 2 * np.exp(-lags * 0.1 / float(tau_noise / ms)), "--", label="sigma² exp(-lag/tau)"
)
axes[0, 1].set(xlabel="lag (ms)", ylabel="autocorrelation (mV²)")
axes[0, 1].legend()
eq.plot.raster(spikes, ax=axes[1, 0], s=1)
axes[1, 1].hist(x[:, -1], bins=40, density=True, label="simulated")
level, s = np.linspace(x.min(), x.max(), 200), float(sigma / mV)
axes[1, 1].plot(level, np.exp(-(level**2) / (2 * s**2)) / (s * np.sqrt(2 * np.pi)), "--", label="normal, sd sigma")
axes[1, 1].legend()
axes[1, 1].set(xlabel="x (mV)", ylabel="density")

if args.out:
    figure.savefig(args.out, dpi=120)
    print(f"figure: {args.out}")
