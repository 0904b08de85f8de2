"""The language: what is written and parsed again is the same, and whatever is thrown at the parser gives a model or an EquationError."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from fuzz import ABOUT_THE_RUN, ABOUT_THE_TEXT, attempt, taken_on
from fuzz_texts import grammatical, mutated, neurons, rubbish, synapses

import eqsnn as eq
from eqsnn.errors import EquationError
from eqsnn.language.parse import parse, parse_expression, parse_statements
from eqsnn.language.show import definition_text


def _parsed(case: dict):
    try:
        return parse(case.get("model", case.get("synapse", "")))
    except EquationError:  # numbers that are too large, expressions that are too deep
        return parse("")


@given(st.one_of(neurons(), synapses(), grammatical()))
@settings(max_examples=150, deadline=None)
def test_what_is_printed_is_parsed_to_the_same(case):
    tree = _parsed(case)
    assert parse(str(tree)) == tree


@given(st.one_of(neurons(), synapses(), grammatical()))
@settings(max_examples=150, deadline=None)
def test_what_is_printed_with_few_parentheses_is_parsed_to_the_same(case):
    tree = _parsed(case)
    assert parse("\n".join(map(definition_text, tree.definitions))) == tree


@given(st.one_of(grammatical(), mutated(), rubbish()))
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_wrong_gives_an_equation_error_or_a_model(case):
    assert isinstance(attempt(case), (list, *ABOUT_THE_TEXT))


@given(st.text(max_size=60), st.sampled_from(["model", "threshold", "reset", "j", "function"]))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_gives_an_equation_error_or_a_model(text, place):
    assert isinstance(attempt({place: text}), (list, *ABOUT_THE_TEXT))


@given(st.one_of(neurons(), synapses()))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_right_becomes_kernels_and_runs(case):
    """Or is refused with an error about the text; values that are not finite stop a run."""
    before, eq.settings.backend = eq.settings.backend, "numpy"
    try:
        assert taken_on(case, None) in {"run", *(error.__name__ for error in ABOUT_THE_RUN)}
    finally:
        eq.settings.backend = before


def test_the_grammar_is_fuzzed_in_all_its_rules():
    """The strategy reads the compiled grammar: each kind of definition, statement and expression comes up."""
    seen = set()

    @given(grammatical())
    @settings(
        max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    def collect(case):
        ((kind, text),) = case.items()
        seen.add(kind)
        try:
            seen.update(type(d).__name__ for d in parse(text).definitions) if kind == "model" else None
        except EquationError:
            pass

    collect()
    assert seen >= {"model", "reset", "threshold", "j", "function", "Differential", "Recurrence", "Subexpression", "Parameter"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 100_000 + "1",
        "1" + "**1" * 3000,
        "not " * 5000 + "True",
        "9" * 5000,
        "1e999",
    ],
)
def test_what_is_too_deep_or_too_large_is_an_equation_error(text):
    with pytest.raises(EquationError):
        parse_expression(text, "expression")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a + b*c", "(a + (b * c))"),
        ("-a**2", "(-(a ** 2))"),
        ("2**-a", "(2 ** (-a))"),
        ("a**b**c", "(a ** (b ** c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a/b/c", "((a / b) / c)"),
        ("not a < b and c or d", "(((not (a < b)) and c) or d)"),
        ("a < b < c", "((a < b) and (b < c))"),
        ("f(a, -b)", "f(a, (-b))"),
        ("1e-3*x", "(0.001 * x)"),
        ("a % b // c", "((a % b) // c)"),
    ],
)
def test_precedence_is_that_of_python(text, shown):
    assert str(parse_expression(text, "expression")) == shown


def test_comments_continuations_and_blank_lines():
    tree = parse("dv/dt = (a\n + b)/(10*ms) : volt # another\n\n# more\na : 1 (constant)")
    assert [d.name for d in tree.definitions] == ["v", "a"]


def test_every_node_knows_where_it_stands():
    tree = parse("dv/dt = -v/tau : volt\nw = 2*v : volt")
    w = tree.definitions[1]
    assert w.rhs.span.source == "2*v" and w.span.line_number == 2 and w.name_span.source == "w"


def test_statements_on_lines_or_after_semicolons():
    a, b = (parse_statements(t, "reset") for t in ("v = 0; w += 1", "v = 0\nw += 1\n"))
    assert (
        [(s.target, s.op) for s in a.assignments]
        == [(s.target, s.op) for s in b.assignments]
        == [("v", "="), ("w", "+=")]
    )


@pytest.mark.parametrize(
    "name",
    [
        "beta",
        "gamma",
        "I",
        "E",
        "S",
        "N1",
        "Q",
        "lambda_",
        "NULL",
        "register",
        "int32_t",
        "True_",
        "andy",
        "orb",
        "notx",
    ],
)
def test_names_that_mean_something_elsewhere_are_plain_names(name):
    assert parse_expression(f"{name} + 1", "expression").left.id == name
