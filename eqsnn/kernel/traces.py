"""Online learning as the engine runs it: for each layer a kernel of local derivatives, and for all that is trained a kernel of traces.

In each step the local kernel of a layer reads what the step found (states, inputs, parameters) and leaves derivatives (``d_*``), which are kept
for as many steps as the readout lies behind the layer. A trace kernel reads these, what arrives (``signal``) and the derivatives of the loss with
respect to the layer's outputs (``learning_*``), and advances ``trace_*``, ``filter_*`` and ``gradient``. Buffers of kernels are called as their
variables."""

from __future__ import annotations

from typing import Literal

from eqsnn.frozen import dataclass
from eqsnn.kernel.ir import Kernel


@dataclass(frozen=True)
class Local:
    """A layer's derivatives, which ``kernel`` leaves under the names ``entries``. ``outputs``: what has a learning signal; ``behind``: how many steps
    after its events the readout counts them; ``errors``: where errors go through the step to other layers, the kernel that leaves
    ``error_*`` of each input from ``learning_*``."""

    kernel: Kernel | None
    entries: tuple[str, ...]
    outputs: tuple[str, ...]
    behind: int = 0
    errors: Kernel | None = None


@dataclass(frozen=True)
class Family:
    """The traces of a projection's weights, of a parameter or of the start of a state.

    ``kind``: 'pairs', one of each trace for each synapse; 'sources', one for each source, where the target's derivatives are constants that all its
    neurons share: then ``rows`` leaves for each target what the traces (``row_trace_*``) and the signal (``row_signal``) are worth; 'neurons', one
    for each neuron. ``begins``: the input, parameter or state. ``reads``: the derivatives of the readout that filter.
    """

    kind: Literal["pairs", "sources", "neurons"]
    layer: int
    projection: int
    begins: str
    traces: tuple[str, ...]
    kernel: Kernel | None
    rows: Kernel | None = None

    @property
    def starts(self) -> str:
        """The trace that begins with 1."""
        return f"trace_{self.begins}" if self.kind == "neurons" and f"trace_{self.begins}" in self.traces else ""


@dataclass(frozen=True)
class Feedback:
    """The learning signal of ``output`` of ``layer`` comes from the readout's errors by the weights of ``projection``, or, if that is -1, by weights
    of its own."""

    layer: int
    output: str
    projection: int


@dataclass(frozen=True)
class Rule:
    """``local`` by layer. ``spatial``: errors go from layer to layer within the step, by the weights of projections that arrive in the same step, in
    place of ``feedback``."""

    local: tuple[Local, ...]
    families: tuple[Family, ...]
    feedback: tuple[Feedback, ...]
    spatial: bool
    single: bool

    @property
    def reach(self) -> int:
        """How many steps of the past must be kept."""
        return max(local.behind for local in self.local)
