"""``eqsnn check MODEL``: the model as eqsnn understands it."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from eqsnn.errors import EqsnnError
from eqsnn.export.one_neuron import model_from_toml
from eqsnn.network.base import SimObject
from eqsnn.network.describe import kernels_of, update_text
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.synapses import Synapses


def check_model_file(path: str, source: bool, derive: Sequence[str] = ()) -> int:
    """Prints what is in a model file or what a script defines; returns 0, or raises what is wrong with it. ``derive``: 'adjoint', 'eligibility', what
    training derives from the step."""
    file = Path(path)
    if not file.is_file():
        raise EqsnnError(f"there is no file {path}")
    if file.suffix == ".toml":
        objects = [model_from_toml(file)]
    elif file.suffix == ".py":
        space = _run(file)
        objects = sorted({id(o): o for o in space.values() if isinstance(o, SimObject)}.values(), key=lambda o: o.name)
    else:
        raise EqsnnError(f"{path} is neither a model file (.toml) nor a script (.py)")
    shown = [o for o in objects if isinstance(o, (NeuronGroup, Synapses))]
    if not shown:
        raise EqsnnError(f"{path} defines no groups and no synapses")
    for o in shown:
        print(describe(o, source, derive))
    return 0


def _run(file: Path) -> dict[str, object]:
    """The names that a script leaves behind; it sees a command line without arguments, not ours."""
    ours = sys.argv
    sys.argv = [str(file)]
    try:
        return runpy.run_path(str(file), run_name="__eqsnn_check__")
    finally:
        sys.argv = ours


def describe(o: NeuronGroup | Synapses, source: bool, derive: Sequence[str] = ()) -> str:
    """The equations, the chosen method, the derived update, and the derivatives and the C text on request."""
    parts = [
        f"== {o.name} ({type(o).__name__})",
        "",
        "equations:",
        _indented(o.model.text or "(none)"),
        "",
        update_text(o),
    ]
    if derive and isinstance(o, NeuronGroup):
        from eqsnn.learning.derived import derived

        parts += ["", derived(o, *derive)]
    if source:
        from eqsnn.backends.render import kernel_text

        for k in kernels_of(o):
            parts += ["", f"kernel {k.name}:", kernel_text(k)]
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in text.strip().splitlines())
