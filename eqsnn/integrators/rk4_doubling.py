"""The classical method of fourth order, its error by doing each step twice: once whole and once in two halves."""

from __future__ import annotations

from fractions import Fraction as F

from eqsnn.integrators.embedded import Embedded, fixed_step

_HALF = F(1, 12), F(1, 6), F(1, 6), F(1, 12)
_WHOLE = F(1, 6), F(1, 3), F(1, 3), F(1, 6)
_NONE = (F(0),) * 3


class RungeKutta4Doubling(Embedded):
    """Order 4; the two halves go on, and a fifteenth of their difference from the whole is their error (Richardson). Brian 2's 'gsl_rk4'.

    Stages 1 to 4 are the first half, 5 to 8 the second; 1 and 9 to 11 the whole step.
    """

    name = "rk4_doubling"
    order = 4
    lower = 4
    source = "Kutta 1901, Z. Math. Phys. 46:435; Richardson 1911, Phil. Trans. R. Soc. A 210:307"
    a = (
        (),
        (F(1, 4),),
        (F(0), F(1, 4)),
        (F(0), F(0), F(1, 2)),
        _HALF,
        (*_HALF, F(1, 4)),
        (*_HALF, F(0), F(1, 4)),
        (*_HALF, F(0), F(0), F(1, 2)),
        (F(1, 2),),
        (*(F(0),) * 8, F(1, 2)),
        (*(F(0),) * 9, F(1)),
    )
    b = (*_HALF, *_HALF, *_NONE)
    e = tuple(
        (fine - coarse) / 15 for fine, coarse in zip(b, (_WHOLE[0], *(F(0),) * 7, _WHOLE[1], _WHOLE[2], _WHOLE[3]))
    )


RungeKutta4DoublingFixed = fixed_step(RungeKutta4Doubling)
