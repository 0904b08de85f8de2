"""The parse tables that are shipped are those of the grammar, and say the same of every text, right or wrong."""

import json
import sys
from pathlib import Path

import lark
import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_texts import mutated
from lark.exceptions import UnexpectedInput

from eqsnn.language import tables

REBUILD = "equations.lark or lark has changed: run python -m eqsnn.language.tables"
TEXTS = {
    "equations": "dv/dt = (-v + I*sin(2*pi*t/T))/tau : volt (unless refractory)\nx[n+1] = a*x : 1\nI, T : second (constant) # c\ng = v**-2 : volt**-(1/2)",
    "statements": "v = 2\nw += a if b",
    "expression": "not (v > 3 and w <= -x) or True",
    "generator": "k for k in sample(N_post, p=0.1) if k != i",
    "function": "f(x, y) = x**2 % y // 3",
}


def outcome(parser, text):
    """The tree, or all that a message is made of."""
    try:
        return parser.parse(text)
    except UnexpectedInput as error:
        wanted = getattr(error, "expected", None) or getattr(error, "allowed", None)
        return type(error), error.pos_in_stream, getattr(error, "token", None), set(wanted or ())


@pytest.mark.parametrize("start", tables.STARTS)
def test_what_is_shipped_is_what_the_grammar_gives(start):
    shipped = (tables.FOLDER / f"{start}.json").read_text(encoding="utf-8")
    assert json.loads(shipped)["identity"]["grammar"] == tables.identity()["grammar"], REBUILD
    if json.loads(shipped)["identity"]["lark"] == lark.__version__:
        assert shipped == tables.text_of(start), REBUILD


@pytest.mark.skipif(tables.load("equations") is None, reason="the tables were built with another version of lark")
@pytest.mark.parametrize("start", tables.STARTS)
def test_a_table_reads_like_the_grammar(start):
    shipped, built = tables.load(start), tables.build(start)
    for text in (*TEXTS.values(), *(t[:k] for t in TEXTS.values() for k in range(len(t))), "v = é", "1 +* 2", "(", ""):
        assert outcome(shipped, text) == outcome(built, text), text


@pytest.mark.skipif(tables.load("equations") is None, reason="the tables were built with another version of lark")
@given(mutated())
@settings(max_examples=100, deadline=None)
def test_a_table_reads_like_the_grammar_whatever_is_written(case):
    for start, parsers in PARSERS.items():
        for text in case.values():
            if isinstance(text, str):
                assert outcome(parsers[0], text) == outcome(parsers[1], text), (start, text)


PARSERS = {start: (tables.load(start), tables.build(start)) for start in ("equations", "statements", "expression")}


@pytest.mark.parametrize("changed", ["lark", "grammar"])
def test_a_table_of_another_grammar_or_another_lark_is_not_used(monkeypatch, changed):
    another = {**tables.identity(), changed: "another"}
    monkeypatch.setattr(tables, "identity", lambda: another)
    assert tables.load("expression") is None
