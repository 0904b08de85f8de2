"""Equations as objects: what they define, sums, substitutions, and what their grammar allows."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import Equations, ms, mV, nS, second, siemens, volt
from eqsnn.errors import EquationError, UnitError
from eqsnn.language.parse import parse, parse_expression
from eqsnn.language.show import definition_text, latex_of, text_of

LIF = """dv/dt = (I - v + noise)/tau : volt (unless refractory)   # the membrane
noise = sigma*sqrt(tau)*xi_v : volt
I, sigma : volt
tau : second (constant)
on : boolean
n : integer (shared, constant)"""


def test_they_tell_what_they_define():
    e = Equations(LIF.replace(" + noise", "").replace("xi_v", "1/second**0.5"))
    assert e.names == {"v", "noise", "I", "sigma", "tau", "on", "n"}
    assert e.diff_eq_names == {"v"} and e.subexpr_names == {"noise"} and e.eq_names == {"v", "noise"}
    assert e.parameter_names == {"I", "sigma", "tau", "on", "n"}
    assert e.identifiers == {"sqrt", "second"}
    assert e.dimensions["v"] == volt.dim and e.dimensions["tau"] == second.dim
    assert e["n"].var_type == "integer" and e["n"].flags == ["shared", "constant"] and e["on"].var_type == "boolean"
    assert e["v"].type == "differential equation" and e["v"].expr == "(I - v)/tau" and e["v"].unit == volt
    assert e["n"].unit == 1 and e["on"].unit == 1
    assert e["I"].type == "parameter" and e["I"].expr is None and e["I"].identifiers == set()
    assert len(e) == 7 and list(e)[:2] == ["v", "noise"] and "v" in e and "w" not in e
    assert [x.varname for x in e.ordered][:2] == ["noise", "v"]
    assert e.diff_eq_expressions == [("v", "(I - v)/tau")] and dict(e.eq_expressions)["noise"].startswith("sigma")
    with pytest.raises(KeyError, match="the equations define no 'w'; they define v, noise"):
        e["w"]


def test_subexpressions_are_put_in_place_of_their_names():
    e = Equations("""
        dv/dt = (I + q - v)/tau : volt
        I = g*w : volt
        g = 2*x : volt
        dw/dt = -w/tau : 1
        q = v*w : volt
        x : volt""")
    assert e.get_substituted_expressions() == [("v", "(2*x*w + v*w - v)/tau"), ("w", "-w/tau")]
    whole = e.get_substituted_expressions(include_subexpressions=True)
    assert [n for n, _ in whole] == ["g", "I", "q", "v", "w"] and dict(whole)["I"] == "2*x*w"
    e = Equations("dv/dt = -s/tau : 1\ns = v - 1 : 1")  # a sum that is negated keeps its brackets
    assert e.get_substituted_expressions() == [("v", "-(v - 1)/tau")]


def test_what_is_printed_is_read_as_the_same():
    e = Equations(LIF.replace(" + noise", "").replace("xi_v", "1/second**0.5"))
    assert Equations(str(e)) == e and hash(Equations(str(e))) == hash(e)
    assert str(Equations("dv/dt = -(v + I)/ tau:volt( unless refractory ,trainable)\nI:volt")) == (
        "dv/dt = -(v + I)/tau : volt (unless refractory, trainable)\nI : volt"
    )
    assert repr(e["v"]) == "<differential equation dv/dt = (I - v)/tau : volt (unless refractory)>"


@pytest.mark.parametrize(
    "text",
    ["a - (b - c)", "(a - b) - c", "a/(b*c)", "-a**2", "(-a)**2", "2**-a", "(a**b)**c", "a**b**c", "not (a and b)", "not a and b",
     "(a or b) and c", "a < b and b < c", "-(a + b)", "a - -b", "(a % b) // c", "f(a, -b)*2", "1e-09*x", "-(-a)", "not (a < b)"],
)  # fmt: skip
def test_the_shortest_text_is_the_same_expression(text):
    tree = parse_expression(text)
    assert parse_expression(text_of(tree)) == tree
    assert len(text_of(tree)) <= len(str(tree))


def test_latex_is_written_as_the_user_wrote_it():
    assert latex_of(parse_expression("(E_L - v)/tau_m + g_max*exp(-(v - V_T)**2/2)")) == (
        r"\frac{E_{L} - v}{\tau_{m}} + g_{max} \exp\left(\frac{-\left(v - V_{T}\right)^{2}}{2}\right)"
    )
    assert "\\frac{\\mathrm{d}v}{\\mathrm{d}t}" in Equations("dv/dt = -v/tau : volt")._repr_latex_()
    assert Equations("v : 1")["v"]._repr_latex_() == r"$\begin{aligned}v & && \text{1}\end{aligned}$"


def test_sums():
    e = Equations("dv/dt = -(v + I)/tau : volt")
    e += "I = sin(2*pi*f*t)*mV : volt\nf : Hz"
    assert list(e) == ["v", "I", "f"] and isinstance(e, Equations)
    assert list("tau : second" + e) == ["tau", "v", "I", "f"]
    with pytest.raises(EquationError, match="'v' is defined twice"):
        e + "v : volt"
    with pytest.raises(TypeError):
        e + 3


def test_substitution_of_names():
    general = "dg/dt = -g/tau : siemens"
    assert str(Equations(general, g="g_e", tau="tau_e")) == "dg_e/dt = -g_e/tau_e : siemens"
    both = Equations(general, g="g_e", tau="tau_e") + Equations(general, g="g_i", tau="tau_i")
    assert both.diff_eq_names == {"g_e", "g_i"} and both.identifiers == {"tau_e", "tau_i"}
    assert Equations("x = a*b : 1", a="c + d")["x"].expr == "(c + d)*b"
    assert Equations("x = f(a) : 1\na : 1", a="b").names == {"x", "b"}
    assert list(Equations("x = a : 1").substitute(x="y", a=3)) == ["y"]


def test_substitution_of_values():
    e = Equations("dv/dt = mu/tau + sigma/tau**.5*xi : volt", mu=-65 * mV, sigma=3 * mV, tau=10 * ms)
    assert str(e) == "dv/dt = -65.0*mvolt/(10.0*msecond) + 3.0*mvolt/(10.0*msecond)**0.5*xi : volt"
    G = eq.NeuronGroup(
        1, Equations("x = a*b + int(c) + d : 1\ny = g : siemens", a=2, b=-0.5, c=True, d=1e-3, g=0.3 * nS)
    )
    assert G.x[0] == pytest.approx(1e-3) and float(G.y[0]) == float(0.3 * nS)
    odd = 1.2345 * volt**1.5 * second**-1
    G = eq.NeuronGroup(1, Equations("x = a**2 : volt**3/second**2", a=odd))
    assert float(G.x[0]) == pytest.approx(1.2345**2, rel=1e-15)


def test_a_substituted_value_gives_the_same_bits_as_the_name():
    def run(equations, **space):
        eq.settings.backend = "c"
        G = eq.NeuronGroup(3, equations, method="euler", namespace=space)
        G.v = "i*mV"
        eq.Network(G).run(5 * ms)
        return np.array(G.v[:])

    text = "dv/dt = (E - v)/tau : volt"
    values = {"E": -65.3 * mV, "tau": 7.7 * ms}
    np.testing.assert_array_equal(run(Equations(text, **values)), run(text, **values))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equations("v : 1", v=3), "'v' is defined by the equations and can only be given another name"),
        (lambda: Equations("x = a : 1", a=[1, 2]), "'a' cannot be replaced by [1, 2]"),
        (lambda: Equations("x = a : 1", a="3 +"), "the expression ends where a value is expected"),
        (lambda: Equations("v : 1\nw : 1", v="w"), "'w' is defined twice"),
        (lambda: Equations("v : 1", v="t"), "'t' is the time and cannot be defined"),
        (lambda: Equations("a = b : 1\nb = a : 1"), "a subexpression depends on itself"),
        (lambda: Equations("dv/dt = xi/second**0.5 : 1\ndw/dt = xi/second**0.5 : 1"), "one noise or two?"),
        (lambda: Equations(3), "equations must be a string"),
        (lambda: Equations.check_identifier("xi_a"), "'xi_a' is a noise"),
        (lambda: Equations.check_identifier("3a"), "'3a' is no name"),
        (lambda: Equations.check_identifier("_a"), "begins with an underscore"),
        (lambda: Equations.check_identifier("mV"), "is a constant or a unit"),
        (lambda: Equations.check_identifier("sin"), "is a function"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(EquationError) as caught:
        make()
    assert message in str(caught.value)


def test_a_wrong_unit_of_a_variable_is_found_at_once_and_one_of_an_expression_by_the_group():
    with pytest.raises(UnitError, match="'mV' is not a base unit"):
        Equations("v : mV")
    e = Equations("x = 3*mV : amp")
    with pytest.raises(UnitError, match="'x' is declared with unit A"):
        eq.NeuronGroup(1, e)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("dv/dt = -v/tau : 1", None),
        ("dv/dt = -v/tau + xi*tau**-0.5 : 1", "additive"),
        ("dv/dt = -v/tau + s*xi_a*tau**-0.5 - xi_b : 1\ns : 1", "additive"),
        ("dv/dt = -v/tau + v*xi*tau**-0.5 : 1", "multiplicative"),
        ("dv/dt = -v/tau + f*xi*tau**-0.5 : 1\nf = 2*w : 1\ndw/dt = -w/tau : 1", "multiplicative"),
        ("dv/dt = -v/tau + sin(t/second)*xi*tau**-0.5 : 1", "multiplicative"),
        ("dv/dt = (v + xi)/tau : 1", "additive"),
        ("dv/dt = v*(1 + xi)/tau : 1", "multiplicative"),
    ],
)
def test_the_kind_of_noise(text, kind):
    e = Equations(text)
    assert e.stochastic_type == kind and e.is_stochastic == (kind is not None)


def test_definitions_over_several_lines_with_comments():
    e = parse(
        """
    # the first line
    dv/dt = (a     # comment: with a colon
             + b)  # another

            / (10*ms) :   volt/metre**2 ( unless refractory, trainable )

    a = 1.5e-3*c
        - 2 : volt/meter**2# no blank
    b : amp / meter ** 2 * ohm
    x[n+1] = 2*x : 1
    c, d : siemens*meter**-2 (constant)
    k : integer
    """
    )
    assert [definition_text(d) for d in e.definitions] == [
        "dv/dt = (a + b)/(10*ms) : volt/metre**2 (unless refractory, trainable)",
        "a = 0.0015*c - 2 : volt/meter**2",
        "b : amp/meter**2*ohm",
        "x[n+1] = 2*x : 1",
        "c : siemens*meter**-2 (constant)",
        "d : siemens*meter**-2 (constant)",
        "k : integer",
    ]


def test_a_backslash_continues_a_line():
    assert definition_text(parse("x = a + \\\n  b : 1").definitions[0]) == "x = a + b : 1"
    assert Equations("g : siemens").dimensions["g"] == siemens.dim
