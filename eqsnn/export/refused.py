"""What cannot leave Python, named before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from eqsnn.errors import EqsnnError
from eqsnn.network.base import SimObject
from eqsnn.network.operations import NetworkOperation
from eqsnn.network.procedural import MadeEnds
from eqsnn.network.synapses import Synapses


def check_exportable(objects: Iterable[SimObject]) -> None:
    """Raises EqsnnError for the first object that a program without Python cannot have."""
    for o in objects:
        if isinstance(o, NetworkOperation) and o.active:
            raise EqsnnError(
                f"export(): '{o.name}' calls the Python function {_named(o.function)}, which cannot leave Python; say what it "
                f"does in equations, by run_regularly() or a "
                "TimedArray, or take it out of the network"
            )
        if isinstance(o, Synapses) and isinstance(o.ends, MadeEnds):
            raise EqsnnError(
                f"export(): the synapses '{o.name}' are procedural: their rows are made by the engine at every spike; connect them without "
                "procedural=True, which gives the same synapses and the same spikes"
            )


def _named(function) -> str:
    """A function and where it stands."""
    inner = getattr(function, "__func__", function)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__name__", repr(inner))
    return f"'{name}'" if code is None else f"'{name}' ({code.co_filename}, line {code.co_firstlineno})"
