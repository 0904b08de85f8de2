"""Fehlberg's pair of orders 5 and 4."""

from __future__ import annotations

from fractions import Fraction as F

from eqsnn.integrators.embedded import Embedded, fixed_step


class Fehlberg45(Embedded):
    """Order 5, compared with order 4, six slopes a step; Brian 2's 'gsl_rkf45' and 'gsl'."""

    name = "rkf45"
    order = 5
    lower = 4
    source = "Fehlberg 1969, NASA TR R-315, table III"
    a = (
        (),
        (F(1, 4),),
        (F(3, 32), F(9, 32)),
        (F(1932, 2197), F(-7200, 2197), F(7296, 2197)),
        (F(439, 216), F(-8), F(3680, 513), F(-845, 4104)),
        (F(-8, 27), F(2), F(-3544, 2565), F(1859, 4104), F(-11, 40)),
    )
    b = (F(16, 135), F(0), F(6656, 12825), F(28561, 56430), F(-9, 50), F(2, 55))
    e = tuple(x - y for x, y in zip(b, (F(25, 216), F(0), F(1408, 2565), F(2197, 4104), F(-1, 5), F(0))))


Fehlberg45Fixed = fixed_step(Fehlberg45)
