"""Statements that assign to linked variables: each element changes its own element of the other group, as in Brian 2."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


def pair(source="x : 1", reset="y = 0; x_linked += 1", n=3, m=3, **index):
    """A group, and one that counts its spikes in it: element i spikes when y exceeds 0.25 + i/10."""
    G = eq.NeuronGroup(m, source, name="counted")
    H = eq.NeuronGroup(
        n, "x_linked : 1 (linked)\ndy/dt = 1/ms : 1", threshold="y > 0.25 + i*0.1", reset=reset, method="euler", name="counting"
    )  # fmt: skip
    H.x_linked = eq.linked_var(G, "x", **index)
    return G, H


def test_a_reset_changes_the_other_group():
    G, H = pair()
    eq.Network(G, H).run(1.5 * ms)
    assert G.x[:].tolist() == H.x_linked[:].tolist() == [5, 3, 3]  # golden: Brian 2


def test_the_other_group_goes_on_with_what_was_written():
    G, H = pair("dx/dt = -x/(1*ms) + y/ms : 1\ny : 1")
    eq.Network(G, H).run(1.5 * ms)
    np.testing.assert_allclose(G.x, [2.99739373, 1.57027461, 1.9744101], rtol=1e-8)  # golden: Brian 2


def test_what_is_read_and_written_in_one_piece_of_code():
    G, H = pair(reset="y = 0; x_linked = x_linked*2 + y + 1; y = -x_linked*0.01")
    eq.Network(G, H).run(1.5 * ms)
    assert G.x[:].tolist() == [15, 7, 7]
    np.testing.assert_allclose(H.y, [0.05, 0.23, -0.07], atol=1e-12)  # golden: Brian 2


def test_code_that_runs_regularly_and_pathways_change_it_too():
    G, H = pair()
    H.run_regularly("x_linked = y + i", dt=0.5 * ms)
    eq.Network(G, H).run(1.5 * ms)
    np.testing.assert_allclose(G.x, [2.1, 2.2, 3.0])  # golden: Brian 2
    for on_pre, expected, pairs in (
        ("x_linked_post += 1 + i", [20, 20, 20], {}),
        ("x_linked_pre += 1 + i", [5, 6, 9], {"j": "i"}),
    ):
        G, H = pair(reset="y = 0")
        S = eq.Synapses(H, H, on_pre=on_pre)
        S.connect(**pairs)
        eq.Network(G, H, S).run(1.5 * ms)
        assert G.x[:].tolist() == expected


def test_an_exact_method_sees_that_its_coefficient_is_written():
    """dv/dt = -v*x: with x = 1 from the first spike on (at 0.2 ms), v decays from there."""
    G = eq.NeuronGroup(1, "dv/dt = -v*x/ms : 1\nx : 1", method="exact")
    H = eq.NeuronGroup(1, "x : 1 (linked)", threshold="x < 0.5 and t > 0.15*ms", reset="x = 1")
    G.v, H.x = 1, eq.linked_var(G, "x")
    eq.Network(G, H).run(1 * ms)
    assert G.v[0] == pytest.approx(np.exp(-0.7), rel=1e-12)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: pair(n=2, m=1), "its 2 elements do not have one each there"),
        (
            lambda: pair("x : 1 (shared)"),
            "'counting' assigns to 'x_linked', which is linked to 'x' of 'counted': its 3 elements",
        ),
        (
            lambda: pair(index=[2, 1, 0]),
            "its 3 elements do not have one each there; assign to a parameter of its own, or send",
        ),
        (lambda: pair(m=5, index=[0, 1, 2]), "its 3 elements do not have one each there"),
        (lambda: pair("x = i*1.0 : 1"), "linked to 'x' of 'counted', and that cannot be set"),
    ],
)
def test_elements_that_have_no_element_of_their_own_write_nothing(make, message):
    with pytest.raises(eq.EqsnnError, match=message):
        eq.Network(*make()).run(0.1 * ms)


def test_what_is_one_value_reads_as_one():
    one, shared = eq.NeuronGroup(1, "x : 1"), eq.NeuronGroup(4, "x : 1 (shared)")
    one.x, shared.x = 3, 4
    G = eq.NeuronGroup(2, "a : 1 (linked)\nb : 1 (linked)\ndv/dt = (a + b)/ms : 1", method="euler")
    G.a, G.b = eq.linked_var(one.x), eq.linked_var(shared, "x")
    M = eq.StateMonitor(G, ["a", "b"])
    assert G.a[:] == 3 and G.b[:] == 4 and np.ndim(G.a[:]) == 0 and G[1:].a == G.a
    eq.Network(one, shared, G, M).run(0.2 * ms)
    assert M.a.tolist() == [[3, 3], [3, 3]] and G.v[:] == pytest.approx([1.4, 1.4])
    G.v = "a*b + i"
    assert G.v[:].tolist() == [12, 13]
