"""Events by chance: elements that spike with small probabilities are found by the gaps between them, not by a random number each.

``rand() < p`` as the whole condition of an event is a Bernoulli trial an element. Of many trials with probabilities at most ``top`` only the
candidates need numbers: from one to the next lie as many elements as a geometric distribution says, and a candidate whose own
probability is p is taken with p/top (thinning; Devroye 1986, 'Non-Uniform Random Variate Generation', X.2 and VI.2.4). A thousand
Poisson sources of 15 Hz then cost two or three numbers a step. It starts anew at every ``GAPS``-th element, so that blocks and threads see the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eqsnn.kernel import functions, random
from eqsnn.kernel.ir import Call, Chance, Compare, Emit, Expr, Extern, Kernel, Let, Local, Scalar, expressions, walk

GAPS = 1024
"""So many elements share one run of gaps."""
LARGEST = 0.125
"""Above this probability a number an element, drawn in vector code, is cheaper."""


def by_gaps(kernel: Kernel) -> Kernel:
    """``kernel`` with its event as a ``Chance``, if it is nothing but ``rand() < p`` and the kernel does nothing else."""
    if kernel.domain != "neuron" or not kernel.body or not isinstance(kernel.body[-1], Emit):
        return kernel
    *lets, emit = kernel.body
    if not all(isinstance(s, Let) and not isinstance(s.expr, Extern) for s in lets):
        return kernel  # an element is looked at by whoever does a part of its run of gaps, so nothing may change
    made = {s.name: s.expr for s in lets}
    condition = _resolved(emit.condition, made)
    if not isinstance(condition, Compare) or condition.op not in ("<", ">"):
        return kernel
    number, probability = (condition.a, condition.b) if condition.op == "<" else (condition.b, condition.a)
    draw = _resolved(number, made)
    if not isinstance(draw, Call) or draw.function != "uniform" or draw.args[1] != Local("@i", "i64"):
        return kernel
    if isinstance(number, Local):
        uses = [e for s in kernel.body for part in expressions(s) for e in walk(part) if e == number]
        if len(uses) > 1:
            return kernel
    size = next((s for s in kernel.scalars if (s.owner, s.variable) == ("index", "N")), None)
    scalars = kernel.scalars
    if size is None:
        size = Scalar(_fresh("N", kernel), "i64", "index", "N")
        scalars = (*scalars, size)
    chance = Chance(probability, draw, Local(size.name, "i64"), emit.source)
    return replace(kernel, scalars=scalars, body=(*lets, chance))


def _resolved(expr: Expr, made: dict[str, Expr]) -> Expr:
    while isinstance(expr, Local) and expr.name in made:
        expr = made[expr.name]
    return expr


def _fresh(name: str, kernel: Kernel) -> str:
    taken = {s.name for s in kernel.scalars} | {b.name for b in kernel.buffers}
    taken |= {s.name for s in kernel.body if isinstance(s, Let)}
    while name in taken:
        name += "_"
    return name


def taken(probability: np.ndarray, key: int, count: int, draw: int, first: int = 0) -> np.ndarray:
    """Which of the elements ``first, first + 1 ...`` have their event; ``first`` is a multiple of GAPS. The twin is ``templates/c/eq_gaps.h``."""
    p = np.where(probability > 0.0, probability, 0.0)
    result = np.zeros(len(p), bool)
    for start in range(0, len(p), GAPS):
        part = p[start : start + GAPS]
        top = part.max()
        if top > LARGEST:
            u = random.uniform(key, np.arange(first + start, first + start + len(part)), count, draw)
            result[start : start + len(part)] = u < part
        elif top > 0.0:
            # All numbers at once, of which those are used that the gaps lead to: quicker here than one after the other.
            u, v = random.two_uniform(key, np.arange(first + start, first + start + len(part)), count, draw)
            gap, at = -functions.log(1.0 - u) * (-1.0 / functions.log1p(-top)), 0
            while at < len(part) and gap[at] < len(part) - at:
                came_from, at = at, at + int(gap[at])
                result[start + at] = v[came_from] * top < part[at]
                at += 1
    return result
