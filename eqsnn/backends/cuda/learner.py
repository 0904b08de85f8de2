"""A learner (kernel/learner.py) as CUDA C++: one kernel over all steps forward and one backward, a block of threads for each block of samples.

The bodies are those of the C file (backends/learner.py), and so is memory. In all that goes over [neuron][sample] a thread has elements of its own,
the same in every loop, so that only what reads other neurons waits: for what they have sent, forward, and for their errors, backward.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqsnn.backends.cuda.source import headers
from eqsnn.backends.learner import parts_of
from eqsnn.backends.render import environment
from eqsnn.kernel.learner import Learner

THREADS = 256
"""The most threads of a block: a kernel may then have all 255 registers, and the way back through an equation as long as Hodgkin and Huxley's needs
more than half of them."""


@dataclass(frozen=True)
class Barriers:
    """Where the threads of a block wait for each other, by layer: ``before`` a layer is done forward; before the ``readout`` is read; backward
    ``after`` a layer's kernel, and ``apart``, before it."""

    before: tuple[bool, ...]
    readout: bool
    after: tuple[bool, ...]
    apart: tuple[bool, ...]


def barriers(learner: Learner) -> Barriers:
    """As few as there may be, whatever the delays are.

    Forward, a layer waits if one that it reads has sent anything since the last barrier. What leaves a step without having been waited for counts
    in the next. Backward, the errors of a layer are read by all threads as soon as they are there, and written anew a step later: by then
    there was a barrier of another layer, unless there is no other.
    """
    reads = [
        {p.source for p in learner.projections if p.target == k and p.source >= 0 and not p.linked}
        for k in range(len(learner.layers))
    ]
    sent: set[int] = set()
    for _ in range(2):
        before = []
        for k, sources in enumerate(reads):
            before.append(bool(sources & sent))
            sent = (set() if before[-1] else sent) | {k}
        readout = learner.readout.variable == "spike" and learner.readout.layer in sent
        sent = set() if readout else sent
    after = [any(p.target == k and not p.linked for p in learner.projections) for k in range(len(learner.layers))]
    return Barriers(tuple(before), readout, tuple(after), tuple(a and sum(after) == 1 for a in after))


def learner_source(learner: Learner) -> str:
    """The CUDA file of a learner."""
    words, _, math = headers()
    template = environment().get_template("cuda/learn.cu.j2")
    return template.render(
        words=words, math=math, threads=THREADS, barriers=barriers(learner), **parts_of(learner, plain=True)
    )


def threads_for(sizes, lanes: int) -> int:
    """How many threads a block has for layers of these sizes: whole warps, which vote on the bits of events."""
    return min(THREADS, max(-(-n * lanes // 32) * 32 for n in sizes))
