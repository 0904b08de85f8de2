"""Kernels that treat a part of a longer list, and draw the random numbers that its elements have in the whole."""

from __future__ import annotations

from dataclasses import replace

from eqsnn.kernel.ir import (
    RANDOM,
    Binary,
    Call,
    Expr,
    Kernel,
    Local,
    Scalar,
    children,
    expressions,
    rebuild,
    with_expressions,
)

FIRST = Scalar("first_element", "i64", "part", "first")


def number_from(kernel: Kernel) -> Kernel:
    """The neuron kernel with a scalar 'first_element', which is the number of its first element where random numbers are drawn."""
    body = tuple(with_expressions(s, tuple(_numbered(e) for e in expressions(s))) for s in kernel.body)
    return replace(kernel, body=body, scalars=(*kernel.scalars, FIRST)) if body != kernel.body else kernel


def _numbered(e: Expr) -> Expr:
    e = rebuild(e, tuple(_numbered(c) for c in children(e)))
    if isinstance(e, Call) and e.function in RANDOM:
        key, element, *rest = e.args
        if element == Local("@i", "i64"):
            element = Binary("+", element, Local(FIRST.name, "i64"), "i64")
        return replace(e, args=(key, element, *rest))
    return e
