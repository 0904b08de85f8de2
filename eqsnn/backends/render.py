"""Templates to source files: one file holds the kernels of a run."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2

import eqsnn
from eqsnn.backends.printer import Text, text_of
from eqsnn.errors import InternalError
from eqsnn.kernel import arcs, functions, gaps, random
from eqsnn.kernel.ir import Kernel

_LOOPS = {"neuron": "per_neuron", "event": "per_event", "pathway": "per_pathway", "pair": "per_pair"}


def templates() -> Path:
    """The directory of templates: inside the installed package, or beside it in a source tree."""
    package = Path(eqsnn.__file__).parent
    for candidate in (package / "templates", package.parent / "templates"):
        if (candidate / "c" / "eq_abi.h").is_file():
            return candidate
    raise InternalError(f"the directory templates/ is missing beside {package}")


@functools.cache
def environment() -> jinja2.Environment:
    """The template engine; a name that a template uses and nobody gives is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


_MATHEMATICS = ("eq_math.h", "eq_arc.h", "eq_poisson.h", "eq_gaps.h", "eq_half.h")


@functools.cache
def prelude() -> tuple[str, str]:
    """The headers that every file of kernels begins with: the calling convention and the mathematics."""
    tables = {
        "exp": functions.EXP,
        "log": functions.LOG,
        "sin": functions.SIN,
        "cos": functions.COS,
        "exprel_prime": functions.EXPREL_PRIME,
        "stirling": random.STIRLING,
        "asin": arcs.ASIN,
        "atan": arcs.ATAN,
        "atan_high": arcs.ATAN_HIGH,
        "atan_low": arcs.ATAN_LOW,
    }
    numbers: dict = {name: [f"({c!r})" if c < 0 else repr(c) for c in values] for name, values in tables.items()}
    numbers |= {"gaps": gaps.GAPS, "largest": gaps.LARGEST, "paired": random.PAIRED}
    abi = environment().get_template("c/eq_abi.h").render()
    mathematics = [environment().get_template(f"c/{name}").render(numbers) for name in _MATHEMATICS]
    return abi, "\n".join(mathematics)


@dataclass(frozen=True)
class Rendered:
    """A kernel's text and the template of its loop."""

    template: str
    text: Text


def c_source(kernels: Sequence[Kernel], export: str = "") -> str:
    """The C file of ``kernels``; ``export`` stands before the two functions that lead to them."""
    abi, math = prelude()
    rendered = [Rendered(f"{_LOOPS[k.domain]}.c.j2", text_of(k)) for k in kernels]
    return environment().get_template("c/kernels.c.j2").render(abi=abi, math=math, kernels=rendered, export=export)


@functools.cache
def _version() -> str:
    """A hash of all that turns kernels into text: another of these makes another text."""
    package = Path(eqsnn.__file__).parent
    files = [*(templates() / "c").iterdir(), *(package / "kernel").glob("*.py")]
    files += [package / "backends" / n for n in ("printer.py", "render.py")]
    digest = hashlib.sha256()
    for path in sorted(f for f in files if f.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def text_key(kernels: Sequence[Kernel]) -> str:
    """What decides the C file of ``kernels`` but for its comments, where the names of their owners stand: known without making it."""
    return "\n".join([_version(), *(repr(replace(k, owner="")) for k in kernels)])


def kernel_text(kernel: Kernel) -> str:
    """The C text of one kernel, without the headers."""
    rendered = Rendered(f"{_LOOPS[kernel.domain]}.c.j2", text_of(kernel))
    return environment().get_template(f"c/{rendered.template}").render(k=rendered).strip()
