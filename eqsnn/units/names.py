"""The units and their names: SI base and derived units with all prefixes, squares and cubes, and the short names of the field.

Units are made when first asked for, by taking their names apart: prefix, unit, power (``um2``, ``msiemens``, ``kmetre3``).
"""

from __future__ import annotations

import numpy as np

from eqsnn.units.dimension import DIMENSIONLESS, Dimension, base, register_symbol
from eqsnn.units.quantity import Quantity

PREFIXES = {
    "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1,
    "": 0, "da": 1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24,
}  # fmt: skip

_m, _kg, _s, _A, _K, _mol, _cd = map(base, ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela"))
_N = _kg * _m / _s**2
_J = _N * _m
_C = _A * _s
_V = _J / _C
_Wb = _V * _s

# name: (symbol, dimension, power of ten of one unit in base SI)
BASIC: dict[str, tuple[str, Dimension, int]] = {
    "metre": ("m", _m, 0),
    "gram": ("g", _kg, -3),
    "second": ("s", _s, 0),
    "amp": ("A", _A, 0),
    "kelvin": ("K", _K, 0),
    "mole": ("mol", _mol, 0),
    "candela": ("cd", _cd, 0),
    "radian": ("rad", DIMENSIONLESS, 0),
    "steradian": ("sr", DIMENSIONLESS, 0),
    "hertz": ("Hz", _s**-1, 0),
    "newton": ("N", _N, 0),
    "pascal": ("Pa", _N / _m**2, 0),
    "joule": ("J", _J, 0),
    "watt": ("W", _J / _s, 0),
    "coulomb": ("C", _C, 0),
    "volt": ("V", _V, 0),
    "farad": ("F", _C / _V, 0),
    "ohm": ("ohm", _V / _A, 0),
    "siemens": ("S", _A / _V, 0),
    "weber": ("Wb", _Wb, 0),
    "tesla": ("T", _Wb / _m**2, 0),
    "henry": ("H", _Wb / _A, 0),
    "lumen": ("lm", _cd, 0),
    "lux": ("lx", _cd / _m**2, 0),
    "becquerel": ("Bq", _s**-1, 0),
    "gray": ("Gy", _J / _kg, 0),
    "sievert": ("Sv", _J / _kg, 0),
    "katal": ("kat", _mol / _s, 0),
    "molar": ("M", _mol / _m**3, 3),
    "liter": ("l", _m**3, -3),
}
ALIASES = {"meter": "metre", "gramme": "gram", "ampere": "amp", "litre": "liter"}
# The short names that scripts use, each the symbol of a prefixed unit.
SHORT = {
    **{f"{p}V": f"{p}volt" for p in ("m", "u", "n")},
    **{f"{p}A": f"{p}amp" for p in ("m", "u", "n", "p")},
    **{f"{p}F": f"{p}farad" for p in ("m", "u", "n", "p")},
    **{f"{p}S": f"{p}siemens" for p in ("m", "u", "n", "p")},
    **{f"{p}s": f"{p}second" for p in ("m", "u", "n")},
    **{f"{p}M": f"{p}molar" for p in ("m", "u", "n")},
    **{f"{p}Hz": f"{p}hertz" for p in ("", "k", "M", "G")},
    **{f"{p}m": f"{p}metre" for p in ("c", "m", "u", "n")},
    "mol": "mole",
}

for _name, (_symbol, _dim, _power) in BASIC.items():
    if _name not in ("hertz", "lumen", "becquerel", "gray", "sievert", "gram", "liter", "molar", "radian", "steradian"):
        register_symbol(_dim, _symbol)
register_symbol(_s**-1, "Hz")
register_symbol(_kg, "kg")


class Unit(Quantity):
    """One of something: a scalar quantity with a ``name`` (``msecond``) and a symbol ``dispname`` (``ms``)."""

    name: str
    dispname: str

    def __array_finalize__(self, parent) -> None:
        super().__array_finalize__(parent)
        self.name = getattr(parent, "name", "")
        self.dispname = getattr(parent, "dispname", "")

    def _combine(self, other, operator: str, value: float, dim: Dimension) -> Unit:
        name = f"{self.name} {operator} {_grouped(other.name, operator)}"
        return make_unit(value, dim, name, f"{self.dispname}{operator.strip()}{_grouped(other.dispname, operator)}")

    def __mul__(self, other):
        if isinstance(other, Unit):
            return self._combine(other, "*", float(self) * float(other), self.dim * other.dim)
        return super().__mul__(other)

    def __truediv__(self, other):
        if isinstance(other, Unit):
            if self.dim == other.dim:
                return float(self) / float(other)
            return self._combine(other, "/", float(self) / float(other), self.dim / other.dim)
        return super().__truediv__(other)

    def __pow__(self, power):
        result = super().__pow__(power)
        if np.ndim(result) or not isinstance(result, Quantity):
            return result
        return make_unit(
            float(result),
            result.dim,
            f"{_grouped(self.name, '**')} ** {power}",
            f"{_grouped(self.dispname, '**')}^{power}",
        )

    __imul__ = __mul__
    __itruediv__ = __truediv__

    def __setitem__(self, item, value) -> None:
        raise TypeError(f"the unit {self.name} cannot be changed")

    def __hash__(self) -> int:
        return hash((float(self), self.dim))

    def __reduce__(self):
        return make_unit, (float(self), self.dim, self.name, self.dispname)

    def __copy__(self):
        return self

    def __str__(self) -> str:
        return self.dispname

    def __repr__(self) -> str:
        return self.name


def _grouped(name: str, operator: str) -> str:
    return f"({name})" if operator.strip() in ("/", "**") and any(c in name for c in "*/^ ") else name


def make_unit(value: float, dim: Dimension, name: str, dispname: str) -> Unit:
    """A unit of ``value`` base-SI units."""
    unit = np.asarray(float(value)).view(Unit)
    unit.dim, unit.name, unit.dispname = dim, name, dispname
    unit.flags.writeable = False
    return unit


_made: dict[str, Unit] = {}


def unit_named(name: str) -> Unit | None:
    """The unit called ``name``, or None: ``mV``, ``msiemens``, ``umetre2``, ``kilogram``, ``Hz`` ..."""
    if name not in _made:
        unit = _make(name)
        if unit is None:
            return None
        _made[name] = unit
    return _made[name]


def _make(name: str) -> Unit | None:
    power = 1
    if name[-1:] in ("2", "3") and name[:-1]:
        name, power = name[:-1], int(name[-1])
    name = SHORT.get(name, name)
    if name == "kilogram" or name == "kilogramme":
        prefix, stem = "k", "gram"
    else:
        for stem in (*BASIC, *ALIASES):
            if name.endswith(stem) and name[: -len(stem)] in PREFIXES:
                prefix = name[: -len(stem)]
                break
        else:
            return None
    symbol, dim, exponent = BASIC[ALIASES.get(stem, stem)]
    value = float(f"1e{(PREFIXES[prefix] + exponent) * power}")
    text, display = name, prefix + symbol
    if power > 1:
        text, display = f"{name}{power}", f"{display}^{power}"
    return make_unit(value, dim**power, text, display)


COMMON_PREFIXES = ("p", "n", "u", "m", "", "k", "M", "G", "T")
"""The prefixes under which units are exported by ``from eqsnn.units import *``; the others are there by name."""


def exported_names() -> list[str]:
    """The names of a star import: all units with common prefixes, powers of metre, and the short names."""
    stems = [*BASIC, *(a for a in ALIASES if a != "gramme")]
    names = [p + s for s in stems for p in COMMON_PREFIXES]
    lengths = [p + s + n for s in ("metre", "meter") for p in ("", "c", "m", "u", "n", "k") for n in ("2", "3")]
    short = [*SHORT, *(p + "m" + n for p in ("c", "m", "u") for n in ("2", "3"))]
    return [*names, "kilogram", "cmetre", "cmeter", *lengths, *short]
