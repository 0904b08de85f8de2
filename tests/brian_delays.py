"""Delays that lie half between two steps, given as strings, values and for all synapses at once: in which step they arrive.

``python tests/brian_delays.py`` with Brian 2 installed writes tests/golden_delays.json; tests/test_brian_delays.py compares.
"""

N = 48
STEPS = [0.1, 0.05, 0.2, 0.3, 0.07, 1]  # ms
TEXTS = [
    "(0.5 + j)*dt",
    "j*dt/4",
    "(j*0.025 + 0.025)*ms",
    "j*0.05*ms",
    "(3*j)*0.05*ms/3",
    "(j + 0.5)*0.1*ms",
    "0.05*ms + 0.1*ms*(j + 0.5)",
    "-(-0.05 - 0.1*j)*ms",
    "1.3*ms*(1 + 0.1*(j - 0.5))",
    "5*ms - 0.1*(j + 0.5)*ms",
]
# Values of expressions to the last bit, w = 0.1*j + 0.3.
VALUES = [
    "(w + 0.7)*tau",
    "tau - (w - 0.7)*0.1*ms",
    "tau*(1 + w)/2",
    "tau/(1 + w)",
    "0.3*(w + 0.1)*(3 - w)*ms",
    "tau - 0.1*tau*(w + 1)",
]


def arrivals(space: dict, dt: float, set_delay) -> list[int]:
    """The step in which the spike of time 0 arrives at each of ``N`` neurons; ``space``: the names of a star import."""
    ms = space["ms"]
    space["defaultclock"].dt = dt * ms
    source = space["SpikeGeneratorGroup"](1, [0], [0] * ms)
    target = space["NeuronGroup"](N, "arrived : second")
    target.arrived = -1 * space["second"]
    S = space["Synapses"](source, target, "w : 1", on_pre="arrived_post = t")
    S.connect()
    set_delay(S)
    longest = float(max(S.delay[:] / ms)) * ms + 2 * dt * ms
    space["Network"](source, target, S).run(longest)
    return [round(float(t / (dt * ms))) for t in target.arrived[:]]


def sweep(space: dict) -> dict[str, list]:
    """All arrivals, and the bits of the values."""
    ms, arange = space["ms"], space["arange"]
    found = {}
    for dt in STEPS:
        for text in TEXTS:
            found[f"{dt} ms, {text}"] = arrivals(space, dt, lambda S: setattr(S, "delay", text))  # noqa: B023
        found[f"{dt} ms, values"] = arrivals(space, dt, lambda S: setattr(S, "delay", arange(N) * 0.05 * ms))
        found[f"{dt} ms, half steps"] = arrivals(space, dt, lambda S: setattr(S, "delay", (arange(N) + 0.5) * dt * ms))  # noqa: B023
    G = space["NeuronGroup"](N, "w : 1\nd : second", namespace={"tau": 3 * ms})
    G.w = "0.1*i + 0.3"
    for text in VALUES:
        G.d = text
        found[text] = [float(d / space["second"]).hex() for d in G.d[:]]
    return found


if __name__ == "__main__":
    import json
    from pathlib import Path

    import brian2

    space = {}
    exec("from brian2 import *", space)
    brian2.prefs.codegen.target = "numpy"
    golden = {"brian2": brian2.__version__, **sweep(space)}
    Path(__file__).with_name("golden_delays.json").write_text(json.dumps(golden))
