"""An error shows the user's line with a caret."""

import pickle

import pytest

from eqsnn.errors import EquationError, Span, UnitError


def test_message_shows_line_caret_and_hint():
    text = "dv/dt = -v/tau : volt\nI = foo*2 : amp"
    start = text.index("foo")
    error = EquationError("unknown name 'foo'", Span(text, start, start + 3), "did you mean 'v'?")
    expected = (
        "unknown name 'foo'\n  in line 2 of the equations:\n    I = foo*2 : amp\n        ^^^\n  did you mean 'v'?"
    )
    assert str(error) == expected


def test_one_line_text_needs_no_line_number():
    assert Span("v > 1", 0, 1, "threshold").show() == "  in the threshold:\n    v > 1\n    ^"


def test_indentation_is_removed_and_the_caret_follows():
    span = Span("    a : 1\n    b : foo", 18, 21)
    assert span.source == "foo"
    assert span.show().splitlines()[1:] == ["    b : foo", "        ^^^"]


@pytest.mark.parametrize("kind", [EquationError, UnitError])
def test_errors_are_value_errors_and_survive_pickling(kind):
    error = kind("message", Span("abc", 1, 2), "hint")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ValueError)
    assert str(again) == str(error)
