"""Physical constants with the values that Brian 2 documents (CODATA 2014), so that scripts give its numbers.

``eqsnn.units`` has those of CODATA 2018.
"""

from math import pi

from eqsnn.units import amp, coulomb, farad, gram, joule, kelvin, kilogram, metre, mole, newton
from eqsnn.units.names import product
from eqsnn.units.quantity import Quantity, with_dim


def _times(value: float, above, below=None) -> Quantity:
    """``value*above/below``, without making the quotient known as a unit to show values in."""
    return with_dim(
        value * float(above) / (1.0 if below is None else float(below)),
        above.dim / below.dim if below is not None else above.dim,
    )


avogadro_constant = with_dim(6.022140857e23, mole.dim**-1)
boltzmann_constant = _times(1.38064852e-23, joule, kelvin)
electric_constant = _times(8.854187817e-12, farad, metre)
electron_mass = _times(9.10938356e-31, kilogram)
elementary_charge = _times(1.6021766208e-19, coulomb)
faraday_constant = _times(96485.33289, coulomb, mole)
gas_constant = _times(8.3144598, joule, product(mole, kelvin))
magnetic_constant = _times(4 * pi * 1e-7, newton, product(amp, amp))
molar_mass_constant = _times(1.0, gram, mole)
zero_celsius = _times(273.15, kelvin)

NAMES = [n for n, v in list(globals().items()) if type(v) is Quantity]
