"""The names of units that Brian 2 exports: by a star import the common ones, from ``units.allunits`` all."""

from collections.abc import Iterator, Mapping

from eqsnn.units.names import PREFIXES, Unit, unit_named

_COMMON = ("p", "n", "u", "m", "", "k", "M", "G", "T")
_STEMS = """
    amp metre meter second mole coulomb farad gram gramme hertz joule molar liter litre pascal ohm siemens volt watt
""".split()  # noqa: SIM905
STANDARD = [p + s for s in _STEMS for p in _COMMON] + ["kelvin", "kilogram", "cmetre", "cmeter"]
"""The base and derived units of ``brian2.units`` with their prefixes."""

SHORT = """
    mV mA uA nA pA pF uF nF nS uS mS ms us Hz kHz MHz cm cm2 cm3 mm mm2 mm3 um um2 um3 mM uM nM
""".split()  # noqa: SIM905
"""The abbreviations of ``brian2.units.stdunits``."""

_LITERS = ("liter", "litre")
_OTHERS = """
    ampere mol candle radian steradian newton weber tesla henry lumen lux becquerel gray sievert katal
""".split()  # noqa: SIM905
_POWERS = ("", "2", "3")
ALL = [
    *(stem + n for stem in ("kelvin", "kilogram", "kilogramme") for n in _POWERS),
    *(p + s + n for s in (*_STEMS, *_OTHERS) if s not in _LITERS for p in PREFIXES for n in _POWERS),
    *(p + s for s in _LITERS for p in PREFIXES),
]
"""All units with all prefixes, squares and cubes, of ``brian2.units.allunits``."""


class UnitTable(Mapping):
    """Units by name, each made when it is asked for: two thousand of them would take a tenth of a second at import."""

    def __init__(self, names: list[str]):
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Unit:
        if name not in self._names:
            raise KeyError(name)
        return unit_named(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
