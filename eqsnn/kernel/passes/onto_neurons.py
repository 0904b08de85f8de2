"""A kernel over synapses that uses nothing but the neuron at one end becomes one over those neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from eqsnn.errors import InternalError
from eqsnn.kernel.ir import DomainKind, Expr, Kernel, Local, children, expressions, rebuild, with_expressions


def onto_neurons(kernel: Kernel, side: Literal["pre", "post"], domain: DomainKind) -> Kernel:
    """``kernel``, a pathway, on the neurons of ``side`` (domain 'event' or 'neuron'). Raises InternalError if a synapse is needed for it."""
    element = Local("@i", "i64")

    def moved(expr: Expr) -> Expr:
        if isinstance(expr, Local) and expr.name.startswith("@"):
            if expr.name != f"@{side}":
                raise InternalError(f"kernel {kernel.name} of {kernel.owner} is about neurons, and uses {expr.name}")
            return element
        parts = children(expr)
        return rebuild(expr, tuple(moved(p) for p in parts)) if parts else expr

    extents = {side: "self", "shared": "shared", "table": "table"}
    wrong = [b.name for b in kernel.buffers if b.extent not in extents]
    if wrong:
        raise InternalError(f"kernel {kernel.name} of {kernel.owner} is about neurons, and uses {', '.join(wrong)}")
    return replace(
        kernel,
        domain=domain,
        rows="pre",
        buffers=tuple(replace(b, extent=extents[b.extent]) for b in kernel.buffers),
        body=tuple(with_expressions(s, tuple(moved(e) for e in expressions(s))) for s in kernel.body),
    )
