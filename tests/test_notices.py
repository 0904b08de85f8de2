"""What is legal and was most likely meant otherwise is said, once."""

import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.network import notices


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """The notices of this test, without those about methods."""
    monkeypatch.setattr(notices, "_told", set())
    return lambda: sorted(t for t in notices._told if "no method given" not in t)


def group(equations="dv/dt = -v/(10*ms) : 1", name="cells", **options):
    return eq.NeuronGroup(2, equations, method="euler", name=name, **options)


def test_a_threshold_without_reset_and_refractory_period(told):
    group(threshold="v > 1")
    assert told() == [
        "cells has a threshold and neither a reset nor a refractory period: it spikes in every step in which v > 1; give reset='' if that "
        "is meant"
    ]


@pytest.mark.parametrize(
    "options",
    [
        dict(threshold="v > 1", reset=""),
        dict(threshold="v > 1", refractory=1 * ms),
        dict(threshold="rand() < 0.1"),
        dict(threshold="v + randn() > 1"),
        dict(events={"up": "v > 1"}),
    ],
)
def test_what_is_meant_so_says_nothing(told, options):
    group(**options)
    assert told() == []


def test_variables_that_would_rest_while_refractory(told):
    group("dv/dt = -v/ms : 1 (unless refractory)\ndu/dt = -u/ms : 1", threshold="v > 1", reset="v = 0")
    assert told() == ["cells: v would rest while a neuron is refractory, and it never is; give refractory="]
    group("dv/dt = -v/ms : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=1 * ms)
    assert len(told()) == 1


def test_names_that_a_variable_or_a_unit_hides(told):
    tau, v, N, mV, pi, i, dt = 3 * ms, 4, 7, 3, 3.2, 5, 0.1 * ms  # noqa: F841
    G = group("dv/dt = (i + N*pi - v)/tau*(dt/dt)*(mV/volt) : 1\ntau : second\nu : 1")
    G.tau = 1 * ms
    eq.Network(G).run(1 * ms)
    assert told() == [
        "cells: in its equations 'N' and 'tau' and 'v' are of the group itself, 'mV' and 'pi' are a unit or a constant of the language; "
        "what those names have in the namespace of the run plays no part there"
    ]


def test_names_with_the_same_value_hide_nothing(told):
    tau, N, u, array = 3 * ms, 2, 5, [1, 2]  # noqa: F841
    G = group("dv/dt = (N - v)/tau : 1\ntau : second\nu : 1\narray : 1")
    G.tau = tau
    eq.Network(G).run(1 * ms)
    assert told() == []


def test_the_namespace_of_the_group_is_looked_at_and_one_name_is_one(told):
    G = group("dv/dt = -v/tau : 1\ntau : second", namespace={"tau": 5 * ms})
    G.tau = 1 * ms
    eq.Network(G).run(1 * ms)
    assert told() == [
        "cells: in its equations 'tau' is of the group itself; what that name has in the namespace of the run plays no part there"
    ]


def test_code_of_pathways_is_looked_at(told):
    w = 3  # noqa: F841
    G = group(threshold="v > 1", reset="v = 0")
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="syn")
    S.connect()
    eq.Network(G, S).run(0.1 * ms)
    assert told() == [
        "syn: in its equations 'w' is of the group itself; what that name has in the namespace of the run plays no part there"
    ]
