"""Cash and Karp's pair of orders 5 and 4."""

from __future__ import annotations

from fractions import Fraction as F

from eqsnn.integrators.embedded import Embedded, fixed_step


class CashKarp(Embedded):
    """Order 5, compared with order 4, six slopes a step; Brian 2's 'gsl_rkck'."""

    name = "rkck"
    order = 5
    lower = 4
    source = "Cash & Karp 1990, ACM Trans. Math. Softw. 16:201"
    a = (
        (),
        (F(1, 5),),
        (F(3, 40), F(9, 40)),
        (F(3, 10), F(-9, 10), F(6, 5)),
        (F(-11, 54), F(5, 2), F(-70, 27), F(35, 27)),
        (F(1631, 55296), F(175, 512), F(575, 13824), F(44275, 110592), F(253, 4096)),
    )
    b = (F(37, 378), F(0), F(250, 621), F(125, 594), F(0), F(512, 1771))
    e = tuple(
        x - y for x, y in zip(b, (F(2825, 27648), F(0), F(18575, 48384), F(13525, 55296), F(277, 14336), F(1, 4)))
    )


CashKarpFixed = fixed_step(CashKarp)
