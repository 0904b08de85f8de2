"""Texts for the parser: equations that are right, equations that are nearly right, and rubbish.

``python tests/fuzz.py 100000`` throws that many strings at the parser and the resolver and reports anything but an EquationError or a model.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from eqsnn.errors import EquationError, UnitError
from eqsnn.language.parse import parse, parse_expression, parse_generator, parse_statements
from eqsnn.model.resolve import resolve

NAMES = ["v", "w", "tau", "I", "E", "beta", "ms", "mV", "exp", "xi", "t", "dt", "i", "inf", "rand"]
PIECES = [
    *NAMES, "0", "1", "2.5", "1e-3", "1e400", "+", "-", "*", "/", "//", "%", "**", "^", "<", "<=", "==", "=", "+=", "(", ")", "[", "]", ":", ";", ",", ".",
    "and", "or", "not", "True", "if", "for", "in", "lambda", "\n", " ", "dv/dt", "dv/dt = -v/tau : volt", "x : 1", "(constant)", "(unless refractory)",
    "volt", "second", "#", "'", '"', "\\", "\t", "\x00", "é", "−", "😀", "_", "exp(", "clip(v, 0, 1)", "v[n+1]", "d", "''", "{", "}", "@", "$", "&&", "!", "\r",
]  # fmt: skip


def _expressions():
    leaves = st.sampled_from(["v", "w", "a", "b1", "2", "0.5", "1e-3", "(3)", "exp(v)", "clip(v, 0, 1)", "t/second"])

    def extend(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from([" + ", "-", "*", "/", "**", " // ", "%"]), inner).map("".join),
            inner.map("({})".format),
            inner.map("-{}".format),
            inner.map("sin({})".format),
            st.tuples(inner, st.sampled_from([" < ", ">=", " == ", " != "]), inner).map(
                lambda x: "int({}{}{})".format(*x)
            ),
        )

    return st.recursive(leaves, extend, max_leaves=12)


@st.composite
def equations(draw):
    """Equations that parse."""
    lines = []
    for k in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["d{0}/dt = {1} : volt", "{0} = {1} : 1", "{0} : amp", "{0}[n+1] = {1} : 1"]))
        lines.append(
            kind.format(f"x{k}", draw(_expressions())) + draw(st.sampled_from(["", " (shared)", " # comment"]))
        )
    return "\n".join(lines)


def rubbish():
    """Pieces of the language in any order."""
    return st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def attempt(text: str) -> None:
    """Everything that takes text takes this one: a model or an EquationError (or UnitError), nothing else."""
    for parser in (
        parse,
        lambda s: parse_statements(s, "reset"),
        lambda s: parse_expression(s, "threshold"),
        lambda s: parse_generator(s, "j="),
    ):
        try:
            tree = parser(text)
            if parser is parse:
                resolve(tree, name="G")
        except (EquationError, UnitError) as error:
            assert str(error)


def mutated(r: random.Random) -> str:
    """A right text with something wrong in it, or pieces in any order."""
    if r.random() < 0.5:
        return "".join(r.choice(PIECES) for _ in range(r.randint(0, 30)))
    text = list("dv/dt = (I - v + exp(-w/2))/(10*ms) : volt (unless refractory)\nw = 3*v/mV : 1\nI : volt (constant)")
    for _ in range(r.randint(1, 4)):
        at = r.randrange(len(text))
        text[at : at + r.randint(0, 3)] = r.choice(
            [[], [r.choice(PIECES)], [r.choice("()+-*/^:=.,;[]{}'#\n ")], [chr(r.randrange(0x110000))]]
        )
        text = text or ["v"]
    return "".join(text)


if __name__ == "__main__":
    import sys

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    r = random.Random(seed)
    print(f"seed {seed}")
    for n in range(count):
        text = mutated(r)
        try:
            attempt(text)
        except Exception as error:
            print(f"{type(error).__name__}: {error}\n  from {text!r}")
            sys.exit(1)
        if n % 10_000 == 0:
            print(n, flush=True)
    print(f"{count} strings, no crash")
