"""The units and their names: SI base and derived units with all prefixes, squares and cubes, and the short names of the field.

Units are made when first asked for, by taking their names apart: prefix, unit, power (``um2``, ``msiemens``, ``kmetre3``).
"""

from __future__ import annotations

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension, base, python_name, register_symbol
from eqsnn.units.quantity import Quantity
from eqsnn.units.registry import UnitRegistry, user_unit_register

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
ALIASES = {
    "meter": "metre",
    "gramme": "gram",
    "ampere": "amp",
    "litre": "liter",
    "mol": "mole",
    "candle": "candela",
}
_LATEX = {"ohm": r"\Omega"}
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
}

for _name, (_symbol, _dim, _power) in BASIC.items():
    if _name not in ("hertz", "lumen", "becquerel", "gray", "sievert", "gram", "liter", "molar", "radian", "steradian"):
        register_symbol(_dim, _symbol)
register_symbol(_s**-1, "Hz")
register_symbol(_kg, "kg")


class Unit(Quantity):
    """One of something: ``10**scale`` in base SI, with a ``name`` (``msecond``), a symbol ``dispname`` (``ms``) and a ``latexname``.

    A product or quotient of units is a unit, and values of its dimension are shown in it from then on.
    """

    scale: float
    name: str
    dispname: str
    latexname: str
    iscompound: bool

    def __eq__(self, other):
        """Units of two dimensions are not equal, so that a unit can be looked for in a list."""
        return False if isinstance(other, Unit) and other.dim != self.dim else super().__eq__(other)

    def __new__(
        cls,
        value,
        dim: Dimension | None = None,
        scale: float = 0,
        name=None,
        dispname=None,
        latexname="",
        iscompound=False,
    ):
        if value != 10.0**scale:
            raise UnitError(f"a unit of scale {scale} is 10**{scale} = {10.0**scale:g}; got {value!r}")
        dim = DIMENSIONLESS if dim is None else dim
        if dim == DIMENSIONLESS:
            name, dispname = name or "Unit(1)", dispname or "1"
        unit = make_unit(scale, dim, name or python_name(dim), dispname or str(dim), latexname or None, iscompound)
        user_unit_register.add(unit)
        return unit

    @staticmethod
    def create(dim: Dimension, name: str, dispname: str, latexname: str | None = None, scale: float = 0) -> Unit:
        """A new unit of ``10**scale`` in base SI; values of its dimension may be shown in it."""
        unit = make_unit(scale, dim, str(name), str(dispname), latexname)
        user_unit_register.add(unit)
        return unit

    @staticmethod
    def create_scaled_unit(baseunit: Unit, scalefactor: str) -> Unit:
        """``baseunit`` with a prefix, such as ``'m'``."""
        if scalefactor not in PREFIXES:
            raise UnitError(f"there is no prefix '{scalefactor}'; there are {', '.join(filter(None, PREFIXES))}")
        latex = f"{_latex_prefix(scalefactor)}{baseunit.latexname}"
        scale = baseunit.scale + PREFIXES[scalefactor]
        return Unit.create(baseunit.dim, scalefactor + baseunit.name, scalefactor + baseunit.dispname, latex, scale)

    def __array_finalize__(self, parent) -> None:
        super().__array_finalize__(parent)
        self.scale = getattr(parent, "scale", 0)
        self.name = getattr(parent, "name", "")
        self.dispname = getattr(parent, "dispname", "")
        self.latexname = getattr(parent, "latexname", "")
        self.iscompound = getattr(parent, "iscompound", False)

    def __mul__(self, other):
        return _registered(product(self, other)) if isinstance(other, Unit) else super().__mul__(other)

    def __truediv__(self, other):
        if not isinstance(other, Unit):
            return super().__truediv__(other)
        if self.dim == other.dim:
            return 10.0 ** (self.scale - other.scale)
        return _registered(quotient(self, other))

    def __rtruediv__(self, other):
        return self**-1 if type(other) in (int, float) and other == 1 else super().__rtruediv__(other)

    def __pow__(self, power):
        result = super().__pow__(power)
        if np.ndim(result) or not isinstance(result, Quantity):
            return result
        power = power.item() if isinstance(power, np.generic | np.ndarray) else power
        a, b, c = _grouped(self)
        return _registered(
            make_unit(self.scale * power, result.dim, f"{a} ** {power!r}", f"{b}^{power}", f"{c}^{{{power}}}", True)
        )

    __imul__ = __mul__
    __itruediv__ = __truediv__

    def __setitem__(self, item, value) -> None:
        raise TypeError(f"the unit {self.name} cannot be changed")

    def __hash__(self) -> int:
        return hash((float(self), self.dim))

    def __reduce__(self):
        return make_unit, (self.scale, self.dim, self.name, self.dispname, self.latexname, self.iscompound)

    def __copy__(self):
        return self

    def __str__(self) -> str:
        return self.dispname

    def __repr__(self) -> str:
        return self.name

    def _repr_latex_(self) -> str:
        return f"${self.latexname}$"

    def set_name(self, name: str) -> None:
        """Refused, as in Brian 2 since 2.1: a unit keeps the name it was made with."""
        raise TypeError(f"the unit {self.name} cannot be renamed; make a new one with Unit.create")

    set_display_name = set_latex_name = set_name


def make_unit(
    scale: float, dim: Dimension, name: str, dispname: str, latexname: str | None = None, iscompound: bool = False
) -> Unit:
    """A unit of ``10**scale`` base-SI units."""
    unit = np.asarray(10.0**scale).view(Unit)
    unit.dim, unit.scale, unit.name, unit.dispname, unit.iscompound = dim, scale, name, dispname, iscompound
    unit.latexname = rf"\mathrm{{{dispname}}}" if latexname is None else latexname
    unit.flags.writeable = False
    return unit


def _grouped(unit: Unit) -> tuple[str, str, str]:
    """Name, symbol and LaTeX, in parentheses if made of others."""
    if not unit.iscompound:
        return unit.name, unit.dispname, unit.latexname
    return f"({unit.name})", f"({unit.dispname})", rf"\left({unit.latexname}\right)"


def product(a: Unit, b: Unit) -> Unit:
    """``a * b`` as a unit, known to no register."""
    name, symbol, latex = f"{a.name} * {b.name}", f"{a.dispname} {b.dispname}", rf"{a.latexname}\,{b.latexname}"
    return make_unit(a.scale + b.scale, a.dim * b.dim, name, symbol, latex, True)


def quotient(a: Unit, b: Unit) -> Unit:
    """``a / b`` as a unit, known to no register."""
    (name, symbol, _), (under, under_symbol, _) = _grouped(a), _grouped(b)
    latex = rf"\frac{{{a.latexname}}}{{{b.latexname}}}"
    return make_unit(a.scale - b.scale, a.dim / b.dim, f"{name} / {under}", f"{symbol}/{under_symbol}", latex, True)


def _registered(unit: Unit) -> Unit:
    if unit.dim != DIMENSIONLESS:
        user_unit_register.add(unit)
    return unit


def _latex_prefix(prefix: str) -> str:
    symbol = r"\mu" if prefix == "u" else prefix
    return rf"\mathrm{{{symbol}}}" if prefix else ""


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
    scale = (PREFIXES[prefix] + exponent) * power
    text, display = name, prefix + symbol
    latex = _latex_prefix(prefix) + _LATEX.get(symbol, rf"\mathrm{{{symbol}}}")
    if power > 1:
        text, display, latex = f"{name}{power}", f"{display}^{power}", f"{latex}^{power}"
    return make_unit(scale, dim**power, text, display, latex)


_FREE = {"ns", "nm"}


def equation_unit(name: str) -> Unit | None:
    """The unit that ``name`` stands for in equations: not ``ns``, ``nm``, nor powers such as
    ``ms2``, which Brian 2 has not, and which scripts call other things.

    To use one of them in equations, let it be a name of the script: ``from eqsnn import nm``.
    """
    short = name[:-1] if name[-1:] in ("2", "3") else name
    if short in _FREE or (short != name and short in SHORT and short not in ("cm", "mm", "um")):
        return None
    return unit_named(name)


_SHOWN_PREFIXES = [p for p in PREFIXES if p not in ("c", "d", "da", "h")]
_SHOWN_LAST = {"becquerel": 1, "sievert": 1, "lumen": 1, "radian": 2, "steradian": 2, "liter": 2}


def _standard_family(dim: Dimension) -> list[Unit]:
    """The SI unit of a dimension, or its square or cube, with all prefixes of a thousand."""
    for power in (1, 2, 3):
        for stem in sorted(BASIC, key=lambda s: _SHOWN_LAST.get(s, 0)):
            if _SHOWN_LAST.get(stem, 0) < 2 and BASIC[stem][1] ** power == dim:
                prefixes = [""] if stem == "kelvin" else _SHOWN_PREFIXES
                names = ["kilogram" if p + stem == "kgram" else p + _NAMED_AS.get(stem, stem) for p in prefixes]
                return [unit_named(n if power == 1 else f"{n}{power}") for n in names]
    return []


_NAMED_AS = {"candela": "candle"}
standard_unit_register = UnitRegistry(_standard_family)
"""The units of the SI with their prefixes: the first place where a unit to show a value in is looked for."""


def _additional_family(dim: Dimension) -> list[Unit]:
    u = unit_named
    square, cube = (make_unit(0, u(f"metre{p}").dim, f"metre ** {p}", f"m^{p}", None, True) for p in (2, 3))
    per_kelvin = [product(u(n), u("kelvin")) for n in ("kilogram", "metre", "mole")]
    under = {
        "watt": [square, per_kelvin[1]],
        "joule": [u("kelvin"), per_kelvin[0], u("kilogram"), cube, u("mole"), per_kelvin[2]],
        "volt": [cube],
        "coulomb": [cube, square, u("kilogram")],
        "farad": [u("metre")],
        "henry": [u("metre")],
        "gray": [u("second")],
        "katal": [cube],
    }
    units = [product(u("pascal"), u("second"))] + [quotient(u(n), d) for n, below in under.items() for d in below]
    return [unit for unit in units if unit.dim == dim]


additional_unit_register = UnitRegistry(_additional_family)
"""Quotients that physics uses, such as J/K and F/m: the last place where a unit to show a value in is looked for."""


COMMON_PREFIXES = ("p", "n", "u", "m", "", "k", "M", "G", "T")
"""The prefixes under which units are exported by ``from eqsnn.units import *``; the others are there by name."""


def exported_names() -> list[str]:
    """The names of a star import: all units with common prefixes, powers of metre, and the short names."""
    stems = [*BASIC, *(a for a in ALIASES if a not in ("candle", "mol"))]
    names = [p + s for s in stems for p in COMMON_PREFIXES]
    lengths = [p + s + n for s in ("metre", "meter") for p in ("", "c", "m", "u", "n", "k") for n in ("2", "3")]
    short = [*SHORT, *(p + "m" + n for p in ("c", "m", "u") for n in ("2", "3"))]
    return [*names, "kilogram", "mol", "cmetre", "cmeter", *lengths, *short]
