"""Kernels as CUDA C++: the same body as in C, inside the loops of templates/cuda/kernels.cu.j2. And the engine's own kernels."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eqsnn.backends.cuda.ways import Way, added_at_ends, way_of
from eqsnn.backends.printer import Text, text_of
from eqsnn.backends.render import environment, prelude, templates, unnamed
from eqsnn.backends.usercode import cuda_code
from eqsnn.kernel.ir import Kernel

_WHAT = {
    "free": "each synapse by itself",
    "counted": "what has arrived was counted",
    "atomic": "sums at the neurons, in any order",
    "gather far": "each neuron its arrivals, in their order",
    "gather near": "each neuron its arrivals, in their order",
    "serial": "one synapse after the other",
}


@dataclass(frozen=True)
class _Part:
    """A kernel in the file: the ``name`` of its function, how it is done, and its text."""

    name: str
    way: Way
    what: str
    text: Text


@dataclass(frozen=True)
class CudaSource:
    """A CUDA file, and the function in it of each kernel by its name. Kernels whose texts differ in names alone are one function."""

    text: str
    functions: Mapping[str, str]


def cuda_source(
    kernels: Sequence[Kernel],
    ways: Mapping[str, Way] | None = None,
    functions: Mapping[str, object] | None = None,
    deterministic: bool = False,
) -> CudaSource:
    """The CUDA file of ``kernels``. ``ways``: how each is done, by name, where that does not follow from the kernel; ``functions``: those of the user
    that they call, by name. Raises EqsnnError, naming it, for a function without code for CUDA."""
    ways, functions = ways or {}, functions or {}
    codes = []
    for k in kernels:
        for extern in k.externs:
            code = cuda_code(k.owner, extern, functions.get(extern.function))
            if code not in codes:
                codes.append(code)
    parts, found = {}, {}
    for k in kernels:
        way = ways.get(k.name) or way_of(k, deterministic)
        atomic = added_at_ends(k) if way == "atomic" else frozenset()
        part = _Part(k.name, way, _WHAT.get(way, ""), text_of(k, pairs=False, plain=True, atomic=atomic))
        found[k.name] = parts.setdefault((way, unnamed(_one(part))), part).name
    return CudaSource(_file(list(parts.values()), codes), found)


def _file(parts: Sequence[_Part], codes: Sequence[str]) -> str:
    words, device, math = headers()
    template = environment().get_template("cuda/kernels.cu.j2")
    return template.render(words=words, device=device, math=math, kernels=parts, user_code=codes, zip=zip)


def _one(part: _Part) -> str:
    template = environment().get_template("cuda/kernels.cu.j2")
    return template.render(words="", device="", math="", kernels=[part], user_code=(), zip=zip)


@functools.cache
def headers() -> tuple[str, str, str]:
    """What every file begins with: the words of C, what lies in the memory of the device, and mathematics."""
    folder = templates() / "cuda"
    words, device = ((folder / n).read_text(encoding="utf-8") for n in ("eq_words.h", "eq_device.h"))
    return words, device, prelude()[1]


@functools.cache
def engine_source() -> str:
    """The kernels that every network needs: the beginning of a step, lists of events, delays, records."""
    words, device, _ = headers()
    return environment().get_template("cuda/engine.cu.j2").render(words=words, device=device)


def beside_headers(text: str) -> str:
    """A CUDA file that includes its headers in place of having them in itself: for a folder that has them as eq_words.h, eq_device.h, eq_math.h."""
    for name, header in zip(("eq_words.h", "eq_device.h", "eq_math.h"), headers()):
        text = text.replace(header, f'#include "{name}"\n', 1)
    return text
