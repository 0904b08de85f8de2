"""Passes from kernel to kernel. Each may be left out without changing what a kernel computes, and each is checked by ``verify``."""

from eqsnn.kernel.ir import Kernel
from eqsnn.kernel.passes.dead_code import remove_dead_code
from eqsnn.kernel.passes.hoist_constants import hoist_constants
from eqsnn.kernel.verify import verify

PASSES = (remove_dead_code, hoist_constants, remove_dead_code)


def optimise(kernel: Kernel) -> Kernel:
    """The kernel after all passes, verified before the first and after the last."""
    verify(kernel)
    for p in PASSES:
        kernel = p(kernel)
    verify(kernel)
    return kernel


__all__ = ["PASSES", "hoist_constants", "optimise", "remove_dead_code"]
