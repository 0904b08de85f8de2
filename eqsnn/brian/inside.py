"""What belongs to the inside of Brian 2: importing it says why it is not here. No file of eqsnn asks for these names, scripts hardly do."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from types import ModuleType

_OWN = "it is for Brian 2's own use"
_CODE = "it is part of Brian 2's generation of code; `eqsnn check --source` prints the kernels made here"
_PARSING = "expressions are parsed by eqsnn.language, and given as strings to groups"
_METHODS = "a method of integration is a file in eqsnn/integrators (README, 'To add a method')"

INSIDE: dict[str, str] = {
    "_version": "`eqsnn.brian.__version__` is eqsnn's own",
    "codegen": _CODE,
    "conftest": "it belongs to Brian 2's tests",
    "devices": "a script runs compiled in its own process, and no project is written",
    "equations": _PARSING,
    "hears": "filters are written as equations, as in examples/spoken_digit.py",
    "importexport": "get_states() and set_states() take and give dicts and data frames",
    "memory": "memory belongs to the engine",
    "parsing": _PARSING,
    "spatialneuron": "neurons with a spatial extent are not part of this version",
    "sphinxext": "it makes the documentation of Brian 2",
    "stateupdaters": _METHODS,
    "synapses": "connections are made by connect(), and spikes on their way belong to the engine",
    "tests": "it belongs to Brian 2's tests; those of eqsnn are run with `python -m pytest` in its sources",
    "core": _OWN,
    "groups": "a group runs what its equations ask for; its variables are its attributes",
    "input": _OWN,
    "monitors": _OWN,
    "core.names": "names of objects are given as name=",
    "core.preferences": "prefs is all there is of preferences",
    "core.variables": "variables are not objects of their own here; read and set them as attributes of their group",
    "units.fundamentalunits": "numpy's functions take quantities as they are; @check_units is for functions of your own",
    "utils": _OWN,
}
"""Why what Brian 2 has below a path is not there, by the longest path that fits."""


def reason_for(path: str) -> str:
    """Why there is no ``path``, or '' where Brian 2 has no such place either."""
    parts = path.split(".")
    known = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((INSIDE[p] for p in known if p in INSIDE), "")


class _Reasons(MetaPathFinder):
    """Asked last: refuses what is below ``package`` and was not found, with the reason."""

    def __init__(self, package: str, modules: Mapping[str, ModuleType]):
        self._prefix, self._modules = package + ".", modules

    def find_spec(self, fullname: str, path=None, target=None) -> None:
        if not fullname.startswith(self._prefix) or fullname.rpartition(".")[2].startswith("__"):
            return
        wanted = fullname.removeprefix(self._prefix)
        parent, _, name = wanted.rpartition(".")
        reason = reason_for(wanted)
        close = difflib.get_close_matches(name, self._modules[parent].__all__, 1) if parent in self._modules else []
        if close:
            raise ImportError(f"{self._prefix}{parent} has no {name}; did you mean {close[0]}?", name=fullname)
        if reason:
            raise ImportError(f"{self._prefix}{wanted} is not there: {reason}", name=fullname)


def explain_imports(package: str, modules: Mapping[str, ModuleType]) -> None:
    """Let imports of what is not there, below ``package`` with its ``modules`` by path, say why."""
    sys.meta_path.append(_Reasons(package, modules))
