"""When the arrivals of a pathway are counted before they are applied, and the bit matrices in which dense rows are counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eqsnn.kernel.counted import counted
from eqsnn.kernel.ir import Kernel
from eqsnn.runtime.plan import RowBlock

_WORTH = 4
"""Going through all neurons once costs about as much as a quarter of their number of additions at scattered places."""
_DENSE = 1 / 32
"""From this share of all pairs on, a bit for each pair is faster than a list of 16-bit targets (measured: as fast at 1/80) and takes no more
than twice its memory."""


def from_so_many_events(kernel: Kernel, n: int, most: Callable[[], int], n_near: int, n_far: int) -> int:
    """The number of arriving events from which their effects are counted first; 0 where that is not possible.

    ``n``: of all synapses; ``most()``: of one neuron; ``n_near``: how many neurons the rows begin at, ``n_far`` how many they may lead to.
    It follows from the connectivity alone, for the sum of counted effects may differ from the sum of single ones in its last bit.
    """
    if not n or counted(kernel) is None:
        return 0
    if most() >= 1 << 16:  # counts have 16 bits, and no neuron spikes twice in a step
        return 0
    per_row = n / n_near
    return max(2, int(np.ceil(n_far / (_WORTH * per_row))))


def bit_matrix(block: RowBlock, fill: Callable[[np.ndarray], int]) -> np.ndarray | None:
    """The bits of a block's rows, made once; None where the rows are thin, or where two synapses join the same neurons. ``fill`` sets the bits
    of a matrix of zeros and says if it could not."""
    known = block.__dict__.get("_bits", False)
    if known is not False:
        return known
    first, stop = block.span
    from_row, to_row = rows_with_synapses(block)
    rows, words = to_row - from_row, -(-(stop - first) // 64)
    bits = None
    if block.start[-1] - block.start[0] >= _DENSE * rows * (stop - first):
        bits = np.zeros(rows * words, np.uint64)
        if fill(bits):
            bits = None
    block.__dict__["_bits"] = (
        bits  # the block is frozen, and what follows from it may be kept with it, as cached properties are
    )
    return bits


def rows_with_synapses(block: RowBlock) -> tuple[int, int]:
    """The first row that has any, and the one behind the last."""
    some = np.flatnonzero(block.start[1:] > block.start[:-1])
    return (int(some[0]), int(some[-1]) + 1) if len(some) else (0, 0)
