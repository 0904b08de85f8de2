"""Models drawn at random: equations, a threshold, a reset and synapses, from a small grammar that keeps them finite."""

from __future__ import annotations

import collections
import random

import numpy as np
from models import Case

import eqsnn as eq
from eqsnn import ms


class _Draw:
    def __init__(self, seed: int):
        self.r = random.Random(seed)

    def number(self) -> str:
        return f"{self.r.uniform(0.1, 2):.3f}"

    def expression(self, names: list[str], depth: int = 3) -> str:
        """A bounded expression without unit."""
        if depth == 0 or self.r.random() < 0.15:
            return self.r.choice([*names, self.number()])
        a = self.expression(names, depth - 1)
        b = self.expression(names, depth - 1)
        kind = self.r.randrange(11)
        return [
            f"({a} + {b})",
            f"({a} - {b})",
            f"(0.5*{a}*{b})",
            f"({a}/(1 + ({b})**2))",
            f"tanh({a})",
            f"sin({a})*cos({b})",
            f"exp(-({a})**2)",
            f"clip({a}, -1, {self.number()})",
            f"int({a} > {b})*{self.number()}",
            f"log1p(abs({a}))",
            f"exprel(-abs({a}))*sqrt(abs({b}))",
        ][kind]


def random_case(seed: int) -> Case:
    """A network of at most 30 neurons."""
    d = _Draw(seed)
    r = d.r
    states = [f"x{k}" for k in range(r.randint(1, 3))]
    parameters = [f"p{k}" for k in range(r.randint(1, 2))]
    names = states + parameters
    lines, noisy = [], r.random() < 0.4
    summed = r.random() < 0.4
    if summed:
        names.append("total")
    linear = r.random() < 0.3
    for k, s in enumerate(states):
        if linear:
            known = states[k + 1 :] + parameters + (["total"] if summed else [])
            drive = " + ".join(f"{d.number()}*{o}" for o in known)
            right = f"({drive or d.number()} - {s})/({r.randint(2, 20)}*ms)"
        else:
            right = f"(tanh({d.expression(names)}) - {s})/({r.randint(2, 20)}*ms)"
        if noisy:
            right += f" + 0.2*xi_{r.choice(['a', 'b'])}/sqrt({r.randint(5, 20)}*ms)"
        flag = " (unless refractory)" if r.random() < 0.3 else ""
        lines.append(f"d{s}/dt = {right} : 1{flag}")
    lines += [f"{p} : 1{' (constant)' if r.random() < 0.5 else ''}" for p in parameters]
    if summed:
        lines.append("total : 1")
    lines.append(f"sub = {d.expression(names)} : 1")
    if linear:
        method = None
    else:
        method = r.choice(["euler", "heun"] if noisy else ["euler", "rk2", "rk4", "heun", None])
    refractory = r.choice([False, 2 * ms, "1*ms + int(x0 > 0)*ms", "x0 > 0.9"])
    dtype = r.choice([None, None, np.float32, {"x0": np.float32}])
    if refractory is False:
        lines = [line.replace(" (unless refractory)", "") for line in lines]
    G = eq.NeuronGroup(
        r.randint(2, 30),
        "\n".join(lines),
        threshold=f"x0 > {r.uniform(0.05, 0.4):.3f}",
        reset=f"x0 = -0.1*rand(); tmp = x0 + {parameters[0]}*0; x0 = tmp",
        refractory=refractory,
        method=method,
        dtype=dtype,
    )
    for name in states + parameters:
        setattr(G, name, f"{r.uniform(0.2, 1):.3f}*rand()")
    synapse = "w : 1\ndtrace/dt = -trace/(7*ms) : 1 (event-driven)"
    if summed:
        synapse += (
            f"\ndc/dt = (x0_pre - c)/({r.randint(3, 9)}*ms) : 1 (clock-driven)\ntotal_post = 0.3*tanh(w*c) : 1 (summed)"
        )
    k = r.randint(1, len(G) - 1)
    ends = r.choice([(G, G), (G, G), (G[:k], G[k:]), (G[k:], G), (G, G[:k])])
    S = eq.Synapses(
        *ends,
        synapse,
        on_pre=f"x0_post += w*{r.uniform(0.01, 0.2):.3f}\ntrace += 1\nw = clip(w + 0.01*trace, 0, 1)",
        on_post=r.choice([None, "trace += 0.5\nw = clip(w - 0.02*trace, 0, 1)"]),
        dtype=r.choice([None, np.float32]) if dtype is None else np.float32,
    )
    S.connect(p=r.uniform(0.05, 0.5))
    if len(S):
        S.w = "rand()"
        if r.random() < 0.5:
            S.delay = "rand()*2*ms"
        else:
            S.delay = r.choice([0, 1, 2]) * ms
    M, V, part = eq.SpikeMonitor(G), eq.StateMonitor(G, [*states, "sub"], record=True), eq.SpikeMonitor(G[:k])
    arrays = [(S, "w"), (S, "trace"), *([(S, "c")] if summed else [])] if len(S) else []
    return Case(eq.Network(G, S, M, V, part), [M, part], [V], arrays)


def features(case: Case) -> set[str]:
    """What of the language a case uses, of what the suite wants compared."""
    G, S = (next(o for o in case.network.objects if type(o).__name__ == kind) for kind in ("NeuronGroup", "Synapses"))
    text = str(G.equations)
    found = {"spikes": len(case.spikes[0].i) > 0, "noise": "xi_" in text, "summed": "total" in G.equations}
    found |= {"refractory": G.model.refractory is not None, "unless refractory": "(unless refractory)" in text}
    found |= {"part of a group": G not in (S.source, S.target) or S.source is not S.target, "plasticity": len(S) > 0}
    kept = {a.dtype for o in (G, S) for n, a in o.arrays.items() if n[0] in "xpwt"}
    found |= {"float32": np.dtype(np.float32) in kept, "both widths": {np.dtype("f4"), np.dtype("f8")} <= kept}
    delay = np.asarray(S.delay[:]) if len(S) else np.zeros(0)
    found |= {
        "delays": bool(np.any(delay > 0)),
        "many delays": len(np.unique(delay)) > 1,
        "on_post": "post" in S.pathways,
    }
    return {name for name, there in found.items() if there}


if __name__ == "__main__":
    import logging
    import sys
    import time

    logging.disable()
    started, seen = time.time(), collections.Counter()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**31)
    for number in range(first, first + count):
        outcomes = []
        for name in ("numpy", "c", "cython"):
            eq.settings.backend = name
            eq.start_scope()
            eq.seed(7)
            case = random_case(number)
            case.network.run(20 * ms)
            outcomes.append(case.outcome())
        seen.update(features(case))
        for other in outcomes[1:]:
            if not all(np.array_equal(a, b) for a, b in zip(outcomes[0], other, strict=True)):
                print(f"model {number} differs between backends")
                sys.exit(1)
        if (number - first + 1) % 10 == 0:
            print(f"{number - first + 1} after {time.time() - started:.0f} s", flush=True)
    print(
        f"{count} models from {first} on, no difference; with {', '.join(f'{k}: {n}' for k, n in sorted(seen.items()))}"
    )
