"""Physical dimensions: products of powers of the seven base dimensions of the SI."""

from __future__ import annotations

from fractions import Fraction

_BASE = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candela")
_SYMBOLS = ("m", "kg", "s", "A", "K", "mol", "cd")

Exponent = int | Fraction
_known: dict[tuple[Exponent, ...], Dimension] = {}


class Dimension:
    """``exponents``: the powers of metre, kilogram, second, amp, kelvin, mole, candela, exact. Immutable and hashable.

    ``str(dim)`` names it by units: ``V``, ``A/s``, ``kg m^2``; ``1`` for none. There is one object for each, so that ``is`` compares them.
    """

    __slots__ = ("_hash", "exponents")

    def __new__(cls, exponents: tuple[Exponent, ...]):
        key = tuple(exponents)
        found = _known.get(key)
        if found is None:
            found = object.__new__(cls)
            found.exponents, found._hash = key, hash(key)
            found = _known.setdefault(key, found)
        return found

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Dimension) and self.exponents == other.exponents)

    def __hash__(self) -> int:
        return self._hash

    def __mul__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a + b for a, b in zip(self.exponents, other.exponents)))

    def __truediv__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a - b for a, b in zip(self.exponents, other.exponents)))

    def __pow__(self, power: float | Fraction) -> Dimension:
        if self.is_none:
            return self
        exact = exact_power(power)
        return Dimension(tuple(_reduced(a * exact) for a in self.exponents))

    @property
    def is_none(self) -> bool:
        """True for a pure number."""
        return not any(self.exponents)

    def __reduce__(self):
        return Dimension, (self.exponents,)

    def __str__(self) -> str:
        return _name(self)

    @property
    def is_dimensionless(self) -> bool:
        """``is_none`` under Brian 2's name."""
        return self.is_none

    @property
    def dim(self) -> Dimension:
        """Itself, so that a dimension can stand where a value with that dimension can."""
        return self

    def get_dimension(self, name: str) -> Exponent:
        """The power of one base dimension: ``get_dimension('length')``, ``get_dimension('m')``."""
        return self.exponents[_index(name)]

    def __repr__(self) -> str:
        return python_name(self) if any(self.exponents) else "Dimension()"


def _reduced(value: Fraction) -> Exponent:
    return int(value) if value.denominator == 1 else value


def exact_power(power: float | Fraction) -> Fraction:
    """``power`` as a fraction with a small denominator (0.5, 1/3, 2 ...); raises ValueError where there is none."""
    exact = Fraction(power).limit_denominator(64)
    if abs(float(exact) - float(power)) > 1e-9 * max(1.0, abs(float(power))):
        raise ValueError(f"a dimension cannot be raised to the power {power}: it is no simple fraction")
    return exact


DIMENSIONLESS = Dimension((0,) * 7)


_QUANTITIES = (
    ("length", "metre", "meter", "m"),
    ("mass", "kilogram", "kg"),
    ("time", "second", "s"),
    ("current", "electric current", "amp", "ampere", "A"),
    ("temperature", "kelvin", "K"),
    ("substance", "quantity of substance", "mole", "mol"),
    ("luminosity", "candle", "candela", "cd"),
)


def _index(name: str) -> int:
    for k, names in enumerate(_QUANTITIES):
        if name in names or name.lower() in names[:-1] or name.lower().removesuffix("s") in names[:-1]:
            return k
    raise ValueError(f"there is no base dimension '{name}'; there are {', '.join(n[0] for n in _QUANTITIES)}")


def dimension(exponents=None, **powers: Exponent) -> Dimension:
    """A dimension from seven exponents, or from keywords: ``dimension(length=1, mass=1, time=-2)``, ``dimension(m=1, kg=1, s=-2)``."""
    if exponents is None:
        values: list[Exponent] = [0] * 7
        for name, power in powers.items():
            values[_index(name)] = power
    else:
        if not hasattr(exponents, "__len__") or len(exponents) != 7:
            raise TypeError(f"a dimension has exactly 7 exponents; got {exponents!r}")
        values = list(exponents)
    return Dimension(tuple(_reduced(exact_power(v)) for v in values))


def python_name(dim: Dimension) -> str:
    """A dimension as an expression of base units: ``metre ** 2 * kilogram``."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    return " * ".join(n if e == 1 else f"{n} ** {_python_power(e)}" for n, e in zip(names, dim.exponents) if e) or "1"


def _python_power(exponent: Exponent) -> str:
    """A power as Python reads it: ``0.5``, ``-1.5``; ``(1/3)`` where a decimal number would be another."""
    decimal = f"{float(exponent):g}"
    return decimal if Fraction(decimal) == exponent else f"({exponent})"


def base(name: str) -> Dimension:
    """The dimension of one of the seven base units."""
    return Dimension(tuple(int(n == name) for n in _BASE))


_named: dict[Dimension, str] = {}
_cache: dict[Dimension, str] = {DIMENSIONLESS: "1"}


def register_symbol(dim: Dimension, symbol: str) -> None:
    """Let ``str`` call a dimension by a derived unit; the first name given to a dimension stays."""
    _named.setdefault(dim, symbol)


def _name(dim: Dimension) -> str:
    if dim not in _cache:
        _cache[dim] = _named.get(dim) or _quotient(dim) or _powers(dim)
    return _cache[dim]


def _quotient(dim: Dimension) -> str | None:
    """``V/s``, ``V^2`` and the like: a derived unit over, or times, a power of a base unit; None if no such form is found."""
    if sum(map(bool, dim.exponents)) < 2:
        return None
    candidates = []
    for other, symbol in _named.items():
        for power in (2, 3, Fraction(1, 2), -1):
            if other**power == dim:
                return f"{symbol}^{power}"
        rest = dim / other
        parts = [(s, e) for s, e in zip(_SYMBOLS, rest.exponents) if e]
        if len(parts) == 1:
            unit, power = parts[0]
            sign = "/" if power < 0 else " "
            size = abs(power)
            candidates.append((size, power > 0, len(symbol), f"{symbol}{sign}{unit}{'' if size == 1 else f'^{size}'}"))
    return min(candidates)[-1] if candidates else None


def _powers(dim: Dimension) -> str:
    return " ".join(s if e == 1 else f"{s}^{e}" for s, e in zip(_SYMBOLS, dim.exponents) if e)
