"""Physical constants, CODATA 2018 (Tiesinga et al. 2021, Rev. Mod. Phys. 93, 025010), base SI."""

from __future__ import annotations

from eqsnn.units.dimension import Dimension
from eqsnn.units.names import BASIC
from eqsnn.units.quantity import Quantity

_m, _s, _A, _K, _mol = (BASIC[n][1] for n in ("metre", "second", "amp", "kelvin", "mole"))
_kg = BASIC["gram"][1]
_J, _C, _V = (BASIC[n][1] for n in ("joule", "coulomb", "volt"))


def _constant(value: float, dim: Dimension) -> Quantity:
    result = Quantity(value, dim=dim)
    result.flags.writeable = False
    return result


avogadro_constant = _constant(6.02214076e23, _mol**-1)
boltzmann_constant = _constant(1.380649e-23, _J / _K)
electric_constant = _constant(8.8541878128e-12, BASIC["farad"][1] / _m)
electron_mass = _constant(9.1093837015e-31, _kg)
elementary_charge = _constant(1.602176634e-19, _C)
faraday_constant = _constant(96485.33212331001, _C / _mol)
gas_constant = _constant(8.31446261815324, _J / (_mol * _K))
magnetic_constant = _constant(1.25663706212e-6, BASIC["henry"][1] / _m)
molar_mass_constant = _constant(0.99999999965e-3, _kg / _mol)
zero_celsius = _constant(273.15, _K)

CONSTANTS = {n: v for n, v in list(globals().items()) if isinstance(v, Quantity)}
