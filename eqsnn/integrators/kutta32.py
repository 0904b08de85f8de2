"""Kutta's method of third order with the midpoint method inside it."""

from __future__ import annotations

from fractions import Fraction as F

from eqsnn.integrators.embedded import Embedded, fixed_step


class Kutta32(Embedded):
    """Order 3, compared with order 2; Brian 2's 'gsl_rk2'."""

    name = "rk32"
    order = 3
    lower = 2
    source = "Kutta 1901, Z. Math. Phys. 46:435"
    a = ((), (F(1, 2),), (F(-1), F(2)))
    b = (F(1, 6), F(2, 3), F(1, 6))
    e = (F(1, 6), F(-1, 3), F(1, 6))


Kutta32Fixed = fixed_step(Kutta32)
