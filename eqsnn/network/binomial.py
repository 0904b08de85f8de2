"""Binomial numbers in equations: ``b = BinomialFunction(n, p)``, called as ``b()``."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import WrongValueError
from eqsnn.kernel.random import binomial_table, drawn, key_of, uniform
from eqsnn.model.functions import DrawnTable
from eqsnn.network.base import host_site


class BinomialFunction:
    """A number drawn anew at each evaluation: how many of ``n`` trials succeed, each with probability ``p``.

    ``approximate`` is that of Brian 2, where True allows normal numbers in place of binomial ones to save time. Here the numbers are drawn from
    the exact distribution in any case: one random number and a look into a table, whatever ``n``.
    """

    def __init__(self, n: int, p: float, approximate: bool = True, name: str = "binomial"):
        if isinstance(n, bool) or int(n) != n or n < 0:
            raise WrongValueError(f"BinomialFunction: n is the number of trials, an integer; got {n!r}")
        if not 0 <= float(p) <= 1:
            raise WrongValueError(f"BinomialFunction: p is a probability, from 0 to 1; got {p!r}")
        self.n, self.p, self.approximate, self.name = int(n), float(p), bool(approximate), name
        self._table = binomial_table(self.n, self.p)

    def specification(self) -> DrawnTable:
        """What the equation checker and the kernels need to know."""
        return DrawnTable(values=self._table)

    def __call__(self, size: int | None = None):
        """A number, or ``size`` numbers as an array, drawn from Python."""
        count = 1 if size is None else int(size)
        numbers = drawn(self._table, uniform(key_of(*host_site()), np.arange(count)))
        return int(numbers[0]) if size is None else numbers

    def __repr__(self) -> str:
        return f"BinomialFunction(n={self.n}, p={self.p:g})"
