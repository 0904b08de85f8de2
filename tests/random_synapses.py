"""Synapses drawn at random: variables that depend on the source, on the target, on both or on the synapse itself, in random ways."""

from __future__ import annotations

import random

import numpy as np

import eqsnn as eq
from eqsnn import ms

NEURONS = "dv/dt = (1.05 + 0.02*i/N - v)/(8*ms) : 1\ng : 1\nc : 1 (constant)"


class _Draw:
    def __init__(self, seed: int):
        self.r = random.Random(seed)
        self.names = ["a", "b", "w"]

    def number(self) -> str:
        return f"{self.r.uniform(0.05, 0.5):.3f}"

    def term(self, side: str) -> str:
        """Something small; often it is the same for all synapses of a neuron of ``side``."""
        other = {"pre": "post", "post": "pre"}[side]
        likely = [self.number(), f"c_{side}", self.r.choice(self.names), "p", "0.1*sin(t/ms)"]
        return self.r.choice([*likely, *likely, f"c_{other}", f"0.1*v_{other}", "0.01*i", "0.01*j"])

    def statement(self, side: str) -> str:
        name = self.r.choice(self.names)
        return self.r.choice(
            [
                f"{name} += 0.1*{self.term(side)}",
                f"{name} = clip({name} + 0.2*({self.term(side)} - {self.term(side)}), -1, 1)",
                f"{name} = tanh({name}*{self.term(side)} + {self.term(side)})",
                f"step = 0.1*{self.term(side)}\n{name} -= step*{self.term(side)}",
            ]
        )


def random_synapses(seed: int) -> tuple[eq.Network, eq.Synapses, eq.SpikeMonitor]:
    """A network of two groups and synapses whose variables are 'a', 'b', 'w' and 'p'."""
    d = _Draw(seed)
    r = d.r
    G = eq.NeuronGroup(r.randint(3, 40), NEURONS, threshold="v > 1", reset="v = 0", method="exact")
    H = eq.NeuronGroup(r.randint(2, 20), NEURONS, threshold="v > 1", reset="v = 0", method="exact")
    for group in (G, H):
        group.v, group.c = "rand()", "rand()"
    stepped = r.random() < 0.25
    lines = ["p : 1"]
    for name in ("a", "b"):
        kind = "(clock-driven)" if stepped else "(event-driven)"
        drive = r.choice(["0", "0", d.number(), "c_pre" if stepped else "p"])
        lines.append(f"d{name}/dt = ({drive} - {name})/({r.randint(3, 30)}*ms) : 1 {kind}")
    lines.append("w : 1")
    on_pre = ["g_post += w + 0.1*a", *(d.statement("pre") for _ in range(r.randint(1, 3)))]
    on_post = [d.statement("post") for _ in range(r.randint(0, 3))]
    ends = r.choice([(G, H), (G, G), (G[1:], H), (H, G)])
    S = eq.Synapses(
        *ends, "\n".join(lines), on_pre="\n".join(on_pre), on_post="\n".join(on_post) or None, method="exact"
    )
    S.connect(p=r.choice([0.2, 0.7, 1.0]))
    if len(S):
        S.w = r.choice(["0.3*rand()", "0.2", "0.01*i"])
        S.p = r.choice(["0.5", "0.5", "rand()", "0.02*j"])
        if r.random() < 0.3:
            S.a = "0.1*i"
        S.delay = r.choice(["0*ms", "0*ms", "0.7*ms", "rand()*ms"])
        if on_post and r.random() < 0.4:
            S.post.delay = r.choice(["0.4*ms", "rand()*ms"])
    M = eq.SpikeMonitor(G)
    return eq.Network(G, H, S, M), S, M


def outcome(seed: int, backend: str, threads: int = 1) -> list[np.ndarray]:
    """Everything that the synapses hold after two runs, and the spikes."""
    eq.start_scope()
    eq.seed(5)
    eq.settings.backend, eq.settings.threads, eq.settings.synapses_per_block = backend, threads, 20
    net, S, M = random_synapses(seed)
    net.run(25 * ms)
    net.run(15 * ms)
    names = [n for n in ("a", "b", "w", "p", "lastupdate") if n in S.variables]
    return [np.array(M.i), np.array(M.t_), *(np.asarray(S.state(n, use_units=False)[:]) for n in names)]


if __name__ == "__main__":
    import logging
    import sys
    from unittest import mock

    from eqsnn.model.sharing import NOTHING_SHARED
    from eqsnn.runtime import plan_sharing

    logging.disable()
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**31)
    shared = 0
    for number in range(first, first + count):
        found = []
        decided = plan_sharing.sharing_of

        def noted(*args, decided=decided, found=found):
            found.append(decided(*args))
            return found[-1]

        with mock.patch.object(plan_sharing, "sharing_of", noted):
            once = [outcome(number, b, n) for b, n in (("numpy", 1), ("c", 1), ("c", 3))]
        shared += any(f.sides for f in found)
        with mock.patch.object(plan_sharing, "sharing_of", lambda *_: NOTHING_SHARED):
            each = outcome(number, "c")
        for other in once[1:]:
            assert all(np.array_equal(a, b) for a, b in zip(once[0], other, strict=True)), number
        for a, b in zip(once[0], each, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=str(number))
    print(f"{count} models from {first} on, no difference; {shared} keep something once a neuron")
