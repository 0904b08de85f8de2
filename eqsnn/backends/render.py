"""Templates to source files: one file holds the kernels of a run."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import eqsnn
from eqsnn.errors import InternalError
from eqsnn.kernel.ir import Kernel

if TYPE_CHECKING:  # what makes text is imported when a text is made: a run from the cache needs none
    import jinja2

    from eqsnn.backends.printer import Text

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
    import jinja2

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
    from eqsnn.kernel import arcs, functions, gaps, random

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
    return abi, "\n".join([*mathematics, environment().get_template("c/eq_single.h").render(_single_tables())])


def _single_tables() -> dict[str, list[str]]:
    from eqsnn.backends.printer import single_literal
    from eqsnn.kernel import single

    names = ("exp", "log", "sin", "cos", "exprel_prime", "asin", "atan", "atan_high", "atan_low")
    return {name: [single_literal(c) for c in getattr(single, name.upper())] for name in names}


@dataclass(frozen=True)
class Rendered:
    """A kernel's text and the template of its loop."""

    template: str
    text: Text


def _rendered(kernel: Kernel) -> Rendered:
    from eqsnn.backends.printer import text_of

    return Rendered(f"{_LOOPS[kernel.domain]}.c.j2", text_of(kernel, lists=True))


def c_source(kernels: Sequence[Kernel], export: str = "") -> str:
    """The C file of ``kernels``; ``export`` stands before the two functions that lead to them.

    Kernels whose texts differ in names alone, such as those of equal projections between many populations, are one function.
    """
    abi, math = prelude()
    texts = {k.name: kernel_text(k) for k in kernels}
    first: dict[str, str] = {}
    entries = [(name, first.setdefault(unnamed(text), name)) for name, text in texts.items()]
    return (
        environment()
        .get_template("c/kernels.c.j2")
        .render(abi=abi, math=math, kernels=[texts[name] for name in first.values()], entries=entries, export=export)
    )


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


def make_ready() -> None:
    """Import what makes text, and read the headers."""
    from eqsnn.backends import printer  # noqa: F401

    prelude()


def text_key(kernels: Sequence[Kernel]) -> str:
    """What decides the C file of ``kernels`` but for its comments, where the names of their owners stand: known without making it.

    What is computed before a run is no part of the file, so that numbers that went there compile nothing.
    """
    return "\n".join([_version(), *(repr(replace(k, owner="", hoisted=())) for k in kernels)])


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"\b(?:eqk|b|s|x|next|held|drawn|fresh|saved)_\w+")


def unnamed(source: str) -> str:
    """The C file without comments, and its names numbered as they appear: of two models that differ in names alone it is the same."""
    numbers: dict[str, str] = {}
    return _NAME.sub(lambda m: numbers.setdefault(m[0], f"n{len(numbers)}"), _COMMENT.sub("", source))


def kernel_text(kernel: Kernel) -> str:
    """The C text of one kernel, without the headers."""
    rendered = _rendered(kernel)
    return environment().get_template(f"c/{rendered.template}").render(k=rendered).strip()


def learner_text(parts: dict) -> str:
    """The C file of a learner (backends/learner.py), from the parts of its templates."""
    abi, math = prelude()
    learn = (templates() / "c" / "eq_learn.h").read_text(encoding="utf-8")
    return environment().get_template("c/learn.c.j2").render(abi=abi, math=math, learn=learn, **parts)


def traces_text(parts: dict) -> str:
    """The C file of a rule of online learning (backends/traces.py), from the parts of its templates."""
    abi, math = prelude()
    learn = (templates() / "c" / "eq_learn.h").read_text(encoding="utf-8")
    return environment().get_template("c/traces.c.j2").render(abi=abi, math=math, learn=learn, **parts)


def traces_version() -> str:
    """As ``_version``, for online learning."""
    return learner_version() + (Path(eqsnn.__file__).parent / "backends" / "traces.py").read_text(encoding="utf-8")


def learner_version() -> str:
    """As ``_version``, for learners."""
    return _version() + (Path(eqsnn.__file__).parent / "backends" / "learner.py").read_text(encoding="utf-8")
