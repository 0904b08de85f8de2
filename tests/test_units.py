"""Units: values, dimensions, numpy, text, pickling."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eqsnn as eq
from eqsnn import Quantity, UnitError, amp, metre, ms, mV, nA, nS, ohm, second, siemens, volt
from eqsnn.units import DIMENSIONLESS, dimensions_of

finite = st.floats(-1e6, 1e6, allow_nan=False)


def test_a_value_in_a_unit_and_back():
    assert float(10 * ms) == 0.01
    assert 10 * ms / ms == 10 and isinstance(10 * ms / ms, float)
    t = np.arange(5) * 0.1 * ms
    assert type(t / ms) is np.ndarray
    np.testing.assert_allclose(t / ms, np.arange(5) * 0.1)
    assert -60 * mV == -0.06 * volt


def test_what_does_not_fit_raises():
    for wrong in (
        lambda: 3 * mV + 1 * ms,
        lambda: 3 * mV - 1,
        lambda: 3 * mV < 1 * nA,
        lambda: np.exp(3 * mV),
        lambda: np.concatenate([[1] * mV, [2] * ms]),
    ):
        with pytest.raises(UnitError):
            wrong()
    with pytest.raises(UnitError):
        (3 * mV) ** (2 * mV)
    x = [1, 2] * mV
    with pytest.raises(UnitError):
        x[0] = 3 * nA
    with pytest.raises(UnitError):
        x += 1 * ms


def test_zero_and_infinity_need_no_unit_where_the_value_does_not():
    assert 0 * mV == 0 and (3 * mV > 0) and (3 * mV < np.inf)


@given(finite, finite)
def test_arithmetic_is_that_of_the_plain_values(a, b):
    assert float(a * mV + b * mV) == pytest.approx(a * 1e-3 + b * 1e-3, rel=1e-12, abs=1e-15)
    product = (a * mV) * (b * nS)
    assert dimensions_of(product) == amp.dim and float(product) == pytest.approx(a * 1e-3 * b * 1e-9, rel=1e-12)


def test_in_place_operations_change_arrays_and_not_scalars():
    """A scalar is a value, as in Brian 2: whoever else holds it keeps it."""
    x = y = 1 * mV
    x += 1 * mV
    x *= 2
    x -= 1 * mV
    x /= 3
    assert x == 1 * mV and y == 1 * mV
    x *= 2
    assert x == 2 * mV and y == 1 * mV
    a = b = [1, 2] * mV
    a += 1 * mV
    a *= 2
    assert b is a and np.array_equal(b / mV, [4, 6])
    a *= 1 * ms
    assert dimensions_of(a) == (volt * second).dim and dimensions_of(b) == volt.dim
    assert np.array_equal((np.zeros(2) + b) / mV, [4, 6]) and not np.any(np.zeros(2) == b)


def test_dimensions_combine():
    assert dimensions_of(volt / ohm) == amp.dim
    assert dimensions_of(siemens * volt / amp) == DIMENSIONLESS
    assert dimensions_of(np.sqrt(4 * volt**2)) == volt.dim
    assert dimensions_of((2 * metre) ** 0.5 * (2 * metre) ** 1.5) == (metre**2).dim
    assert isinstance(1 * volt * siemens / amp, float)


def test_numpy_functions_keep_units_right():
    x = [3, 1, 2] * mV
    for function in (np.mean, np.std, np.min, np.max, np.median, np.sum, np.ptp):
        assert dimensions_of(function(x)) == volt.dim, function
        assert float(function(x)) == pytest.approx(float(function(np.asarray(x))))
    assert dimensions_of(np.var(x)) == (volt**2).dim
    assert dimensions_of(np.dot(x, x)) == (volt**2).dim
    assert dimensions_of(np.cumsum(x)) == volt.dim
    assert np.argmax(x) == 0 and not isinstance(np.argsort(x), Quantity)
    assert dimensions_of(np.concatenate([x, x])) == volt.dim
    assert dimensions_of(np.where([True, False, True], x, 0 * mV)) == volt.dim
    assert dimensions_of(np.linspace(0 * mV, 1 * mV, 3)) == volt.dim
    assert dimensions_of(np.clip(x, 1.5 * mV, 2.5 * mV)) == volt.dim
    assert dimensions_of(np.diff(x)) == volt.dim
    assert np.allclose(x, x) and np.array_equal(np.sort(x) / mV, [1, 2, 3])


def test_as_text():
    assert str(10 * ms) == "10. ms" and str(-60 * mV) == "-60. mV"
    assert str(0.1 * 10 * ms) == "1. ms"
    assert repr(3 * nA) == "3. * namp"
    assert str(np.array([1, 2]) * nS) == "[1. 2.] nS"
    assert str((3 * volt / second).dim) == "V/s"


def test_copies_and_pickles_are_the_same():
    for value in (3 * mV, [1, 2] * nA, ms):
        for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert np.array_equal(np.asarray(twin), np.asarray(value)) and dimensions_of(twin) == dimensions_of(value)


def test_units_are_there_under_their_names():
    assert eq.um2 == eq.umetre2 == 1e-12 * metre**2
    assert float(eq.usiemens) == 1e-6 and float(eq.cm) == 0.01 and float(eq.Mohm) == 1e6
    with pytest.raises(AttributeError, match="no unit"):
        eq.milliparsec  # noqa: B018


def test_check_units_checks_arguments_and_result():
    @eq.check_units(I=amp, R=ohm, result=volt)
    def ohms_law(I, R):
        return I * R

    assert float(ohms_law(1 * nA, 1e6 * ohm)) == pytest.approx(1e-3)
    with pytest.raises(UnitError, match="I"):
        ohms_law(1 * mV, 1 * ohm)


def test_booleans_may_be_arrays_of_them():
    @eq.check_units(x=volt, strict=bool, result=bool)
    def above(x, strict):
        return (x > 0 * volt) & strict

    assert above(1 * volt, True) and above([-1, 2] * volt, np.array([True, True])).tolist() == [False, True]
    for strict, text in ((1, "1"), (np.array([1, 0]), r"array\(\[1, 0\]\)")):
        with pytest.raises(TypeError, match=rf"above\(\): the argument 'strict' must be True or False; got {text}"):
            above(1 * volt, strict)


def test_state_variables_check_units():
    G = eq.NeuronGroup(3, "v : volt\nn : 1\nk : integer\nb : boolean\ns : 1 (shared)", name="cells")
    G.v = [1, 2, 3] * mV
    G.v += 1 * mV
    G.v[1:] = 0 * mV
    np.testing.assert_allclose(G.v / mV, [2, 0, 0])
    G.v["i > 1"] = "i*mV"
    np.testing.assert_allclose(G.v_[:], [2e-3, 0, 2e-3])
    with pytest.raises(UnitError, match="'v' of cells has unit V"):
        G.v = 3
    with pytest.raises(UnitError):
        G.v = "i"
    with pytest.raises(UnitError):
        G.v += 1 * nA
    with pytest.raises(eq.EqsnnError, match="3 elements are set, and the value has shape"):
        G.v = [1, 2] * mV
    with pytest.raises(eq.EqsnnError, match="is an integer"):
        G.k = 1.5
    with pytest.raises(AttributeError, match="no variable or attribute 'vv'; did you mean 'v'"):
        G.vv = 3
    with pytest.raises(IndexError, match="out of range"):
        G.v[7]
    G.b, G.s = "i > 0", 4
    assert G.b[:].tolist() == [False, True, True] and G.s[:] == 4
    assert G.get_states(["n"])["n"].tolist() == [0, 0, 0]


def test_short_names_that_brian_lacks_are_free_in_equations():
    """``ns`` may be a number of synapses; where the script has the unit under that name, it is the unit."""
    ns, nm2 = 5, 2.0
    G = eq.NeuronGroup(1, "dx/dt = (ns + nm2)/second : 1", method="euler")
    eq.run(1 * second)
    assert float(G.x[0]) == pytest.approx(ns + nm2)
    ns = eq.ns
    H = eq.NeuronGroup(1, "dx/dt = second/ns/second : 1", method="euler")
    eq.start_scope()
    eq.Network(H).run(1 * ms)
    assert float(H.x[0]) == pytest.approx(1e6)


def test_the_text_of_a_broken_power_gives_the_quantity_again():
    names = {"metre": metre, "kilogram": eq.units.kilogram, "second": second, "amp": amp}
    for value in ((4 * mV) ** 0.5, (2 * siemens) ** 1.5, (8 * mV) ** (1 / 3)):
        again = eval(repr(value), names)
        assert again.dim == value.dim and np.isclose(float(again), float(value), rtol=1e-7)
    assert repr((4 * second) ** 0.5) == "2. * second ** 0.5" and repr((8 * second) ** (1 / 3)) == "2. * second ** (1/3)"
