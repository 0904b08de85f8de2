"""``eqsnn bench``: what this machine can do, and how fast a few standard networks run on it."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import eqsnn
from eqsnn import Hz, ms, mV, second
from eqsnn.runtime.machine import Machine, machine
from eqsnn.runtime.schedule import table
from eqsnn.runtime.settings import settings
from eqsnn.runtime.simulation import Network

_ROUNDS = 3


def bench(scale: float = 1.0) -> int:
    """Prints the figures; ``scale`` shortens the networks' time. Returns 0, or raises what does not work."""
    print(f"eqsnn {eqsnn.__version__}, {_processor()}, {settings.effective_threads()} threads in use\n")
    figures = machine()
    print(table(("one core", "", ""), _of_the_machine(figures), right={1}))
    print(
        f"\nwhat a step costs besides its kernels: {_step(1) * 1e9:.0f} ns on one thread, {_step(2) * 1e9:.0f} ns on two\n"
    )
    rows = [_measured(name, make, seconds * scale) for name, make, seconds in NETWORKS]
    head = ("network", "neurons", "synapses", "spikes/s", "seconds for 1 s", "ns a neuron", "ns a synapse", "left")
    print(table(head, rows, right=set(range(1, len(head)))))
    print(
        "\nThe fastest of three windows, dt 0.1 ms. ns a neuron: the kernel of all neurons; ns a synapse: the pathways, of a synapse that a\n"
        "spike reaches; left: the share of the kernels' time above what this machine can do (docs/performance.md)."
    )
    return 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _of_the_machine(m: Machine) -> list[tuple[str, str, str]]:
    rows = [(f"a loop over {_size(size)}", f"{rate / 1e9:.1f}", "GB/s") for size, rate in m.bandwidth.items()]
    rows += [
        (f"an arrival among {_size(size)}", f"{took * 1e9:.2f}", "ns") for size, took in list(m.scatter.items())[::3]
    ]
    one = (("a sum or product", m.simple), ("a division", m.division), ("an exponential", m.exp))
    one = (*one, ("a random number", m.uniform))
    return [*rows, *((name, f"{took * 1e9:.3f}", "ns") for name, took in one)]


def _size(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"


def _step(threads: int) -> float:
    """Seconds of a step of a group with one neuron a thread: with two, what it takes them to meet."""
    before = settings.threads, settings.neurons_per_block, settings.all_threads
    settings.threads, settings.neurons_per_block, settings.all_threads = threads, 1, True
    try:
        G = eqsnn.NeuronGroup(threads, "dv/dt = -v/(10*ms) : 1", method="exact", namespace={})
        net = Network(G)
        net.run(1 * ms)
        return _fastest(lambda: net.run(1 * second), lambda: net.run(0 * second)) / 1e4
    finally:
        settings.threads, settings.neurons_per_block, settings.all_threads = before


def _fastest(run: Callable[[], None], empty: Callable[[], None]) -> float:
    def took(what: Callable[[], None]) -> float:
        began = time.perf_counter()
        what()
        return time.perf_counter() - began

    nothing = min(took(empty) for _ in range(_ROUNDS))
    return max(min(took(run) for _ in range(_ROUNDS)) - nothing, 0.0)


def _measured(name: str, make: Callable[[], Network], seconds: float) -> tuple[str, ...]:
    eqsnn.seed(1)
    net = make()
    groups = [o for o in net if isinstance(o, eqsnn.NeuronGroup)]
    synapses = sum(len(o) for o in net if isinstance(o, eqsnn.Synapses))
    monitor = next(o for o in net if isinstance(o, eqsnn.SpikeMonitor))
    net.run(100 * ms)
    before = monitor.num_spikes
    took = _fastest(lambda: net.run(seconds * second), lambda: net.run(0 * second)) / seconds
    rate = (monitor.num_spikes - before) / (_ROUNDS * seconds)
    net.run(seconds * second, profile=True)
    costs = net.kernel_costs
    whole = sum(c.seconds for c in costs)
    left = 1 - sum(c.limit for c in costs if c.limit == c.limit) / whole if whole else 0.0
    return (
        name,
        f"{sum(len(g) for g in groups):,}",
        f"{synapses:,}",
        f"{rate:,.0f}",
        f"{took:.3g}",
        _each(costs, "map"),
        _each(costs, "pathway"),
        f"{100 * left:.0f} %",
    )


def _each(costs, kind: str) -> str:
    """Nanoseconds of an item in all operations of a kind."""
    chosen = [c for c in costs if c.kind == kind]
    items = max((c.items for c in chosen), default=0) if kind == "map" else sum(c.items for c in chosen)
    return f"{1e9 * sum(c.seconds for c in chosen) / items:.2f}" if items else "-"


# -- the networks: as benchmarks/*.py, in small -------------------------------------------------------------------------------------------


def _cuba() -> Network:
    space = dict(taum=20 * ms, taue=5 * ms, taui=10 * ms, Vt=-50 * mV, Vr=-60 * mV, El=-49 * mV)
    P = eqsnn.NeuronGroup(
        4000,
        "dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)\ndge/dt = -ge/taue : volt\ndgi/dt = -gi/taui : volt",
        threshold="v > Vt",
        reset="v = Vr",
        refractory=5 * ms,
        method="exact",
        namespace=space,
    )
    P.v = -60 * mV + 10 * mV * _spread(4000)
    E = eqsnn.Synapses(P, P, on_pre="ge += 1.62*mV", namespace={})
    I = eqsnn.Synapses(P, P, on_pre="gi -= 9*mV", namespace={})
    E.connect("i < 3200", p=0.02, namespace={})
    I.connect("i >= 3200", p=0.02, namespace={})
    return Network(P, E, I, eqsnn.SpikeMonitor(P))


def _spread(n: int):
    import numpy as np

    return np.random.default_rng(1).random(n)


def _cobahh() -> Network:
    P = eqsnn.NeuronGroup(
        1000,
        """dv/dt = (0.05*(-60*mV - v) + ge*(-v) + gi*(-80*mV - v) - 100*m**3*h*(v - 50*mV) - 30*n**4*(v + 90*mV))/ms : volt
        dm/dt = am*(1 - m) - bm*m : 1
        dn/dt = an*(1 - n) - bn*n : 1
        dh/dt = ah*(1 - h) - bh*h : 1
        dge/dt = -ge/(5*ms) : 1
        dgi/dt = -gi/(10*ms) : 1
        am = 0.32*4/exprel((13*mV - v - 63*mV)/(4*mV))/ms : Hz
        bm = 0.28*5/exprel((v + 63*mV - 40*mV)/(5*mV))/ms : Hz
        ah = 0.128*exp((17*mV - v - 63*mV)/(18*mV))/ms : Hz
        bh = 4/(1 + exp((40*mV - v - 63*mV)/(5*mV)))/ms : Hz
        an = 0.032*5/exprel((15*mV - v - 63*mV)/(5*mV))/ms : Hz
        bn = 0.5*exp((10*mV - v - 63*mV)/(40*mV))/ms : Hz""",
        threshold="v > -20*mV",
        refractory=3 * ms,
        method="exponential_euler",
        namespace={},
    )
    P.v = -60 * mV + 5 * mV * _spread(1000)
    P.ge = 0.03 + 0.02 * _spread(1000)
    E = eqsnn.Synapses(P, P, on_pre="ge += 0.03", namespace={})
    I = eqsnn.Synapses(P, P, on_pre="gi += 0.3", namespace={})
    E.connect("i < 800", p=0.02, namespace={})
    I.connect("i >= 800", p=0.02, namespace={})
    return Network(P, E, I, eqsnn.SpikeMonitor(P))


def _brunel() -> Network:
    n, excitatory = 2500, 2000
    P = eqsnn.NeuronGroup(
        n,
        "dv/dt = -v/(20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
        namespace={},
    )
    P.v = 20 * mV * _spread(n)
    D = eqsnn.PoissonInput(P, "v", 1000, 20 * Hz, 0.1 * mV)
    E = eqsnn.Synapses(P[:excitatory], P, on_pre="v += 0.5*mV", delay=1.5 * ms, namespace={})
    I = eqsnn.Synapses(P[excitatory:], P, on_pre="v -= 2.5*mV", delay=1.5 * ms, namespace={})
    E.connect(p=0.1)
    I.connect(p=0.1)
    return Network(P, D, E, I, eqsnn.SpikeMonitor(P))


def _stdp() -> Network:
    n, m = 1000, 100
    P = eqsnn.PoissonGroup(n, 15 * Hz)
    G = eqsnn.NeuronGroup(m, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", namespace={})
    S = eqsnn.Synapses(
        P,
        G,
        "w : 1\ndapre/dt = -apre/(20*ms) : 1 (event-driven)\ndapost/dt = -apost/(20*ms) : 1 (event-driven)",
        on_pre="v += w\napre += 0.0001\nw = clip(w + apost, 0, 0.01)",
        on_post="apost -= 0.000105\nw = clip(w + apre, 0, 0.01)",
        namespace={},
    )
    S.connect()
    S.w = 0.008
    return Network(P, G, S, eqsnn.SpikeMonitor(G))


NETWORKS: tuple[tuple[str, Callable[[], Network], float], ...] = (
    ("CUBA", _cuba, 1.0),
    ("COBAHH", _cobahh, 1.0),
    ("Brunel, 1:10", _brunel, 1.0),
    ("STDP", _stdp, 2.0),
)
"""Name, network, and the seconds of activity that are timed."""
