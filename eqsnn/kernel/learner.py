"""A network as the learner runs it: layers of one kernel forward and one backward, and projections between them that are opaque.

Each step, a layer's input variables are the sums of its projections; its forward kernel reads states, inputs and parameters and leaves states,
(in 'spike') its events, 0 or 1, and the values that it sends. The backward kernel reads what of these is on the tape, and the derivatives of what
the forward kernel left (``adj_*``), and leaves those of what it read. Buffers of kernels are called as the variables they hold.
"""

from __future__ import annotations

from eqsnn.frozen import dataclass
from eqsnn.kernel.ir import Kernel


@dataclass(frozen=True)
class Layer:
    """``states``: what a step leaves for the next; ``inputs``: sums of arrivals; ``parameters``: one value a neuron, the same in all steps and
    samples; ``sought``: those of them whose gradient is wanted; ``taped``: the states and inputs, as a step finds them, that the backward
    kernel reads; ``spikes``: whether it has events; ``echoes``: the states that are the event of the step before, which need no tape; ``sent``:
    the values that graded projections and links carry away, one a step; ``whole``: the states that are integers, conditions or counts, which
    have no derivative.

    Kernels may read the time and number of the step, random numbers (``key``, ``count``; owner 'sample': the number of the sample, and that of
    its neuron among the neurons of all samples) and tables with their shapes."""

    name: str
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    sought: tuple[str, ...]
    taped: tuple[str, ...]
    spikes: bool
    forward: Kernel
    backward: Kernel
    echoes: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the kernels read."""
        return tuple(
            dict.fromkeys(b.variable for k in (self.forward, self.backward) for b in k.buffers if b.owner == "table")
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        """The scalars of tables that the kernels read: 'dt' first, of which the time is made."""
        kernels = (self.forward, self.backward)
        return ("dt", *dict.fromkeys(s.variable for k in kernels for s in k.scalars if s.owner == "shape"))

    @property
    def random(self) -> bool:
        """Whether a step draws random numbers."""
        return any(s.owner == "random" for k in (self.forward, self.backward) for s in k.scalars)

    @property
    def moving(self) -> bool:
        """Whether a step depends on more than its states, inputs and parameters: on the time, or on random numbers."""
        return any(s.owner in ("clock", "random") for k in (self.forward, self.backward) for s in k.scalars)


@dataclass(frozen=True)
class Projection:
    """Dense weights [source][target] from layer ``source`` (-1: what the user presents) to the input ``variable`` of layer ``target``.

    ``graded``: what is presented counts with its value, else as one event wherever it is not 0. ``signal``: a value that the layer sends in each
    step and that is carried in place of its events. ``linked``: each neuron has the value of one neuron of the source, without weights.
    """

    source: int
    target: int
    variable: str
    graded: bool = False
    signal: str = ""
    linked: bool = False


@dataclass(frozen=True)
class Readout:
    """``variable`` of layer ``layer`` (a state, or 'spike') is recorded after each step, and its derivative comes in."""

    layer: int
    variable: str


@dataclass(frozen=True)
class Learner:
    """``layers`` in the order in which a step does them; ``single``: all numbers are float32; ``reach``: how many more steps of the past than delays
    need are kept from window to window."""

    layers: tuple[Layer, ...]
    projections: tuple[Projection, ...]
    readout: Readout
    single: bool
    reach: int = 0

    def onto(self, target: int, variable: str) -> list[int]:
        """The numbers of the projections whose sum is an input variable."""
        return [k for k, p in enumerate(self.projections) if (p.target, p.variable) == (target, variable)]
