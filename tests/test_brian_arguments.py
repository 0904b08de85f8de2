"""The arguments of Brian 2 in its order; those that mean nothing here say so."""

import numpy as np
import pytest

from eqsnn import EqsnnError
from eqsnn import brian as b2
from eqsnn.brian import ms
from eqsnn.network import notices

CLOCK = "dv/dt = 1/ms : 1"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(notices, "_told", set())
    yield
    b2.prefs.reset_to_defaults()


def told() -> list[str]:
    return sorted(t for t in notices._told if "no method given" not in t)


def cells(n=2, **more):
    return b2.NeuronGroup(n, CLOCK, threshold="v > 0.95", reset="v = 0", method="euler", **more)


def test_everything_may_be_given_by_its_place():
    G = cells()
    S = b2.Synapses(G, G, "w : 1", "v_post += w", None, "w += 1", None, None, 2 * ms, "spike", "k", {"c": 3}, None)
    assert list(S.pathways) == ["pre", "post"] and S.multisynaptic_index == "k" and S.namespace == {"c": 3}
    M = b2.SpikeMonitor(G, "v", True, "after_resets", 3, "spikes")
    E = b2.EventMonitor(G, "spike", None, True, "end", 2, "events")
    V = b2.StateMonitor(G, "v", [0], 0.5 * ms, None, "end", 4, "trace", np.float32)
    R = b2.PopulationRateMonitor(G, "rates", None, np.float32)
    calls = []
    op = b2.NetworkOperation(calls.append, 1 * ms, None, "end", 5, "op")
    assert [(o.name, o.when, o.order) for o in (M, E, V, op)] == [
        ("spikes", "after_resets", 3),
        ("events", "end", 2),
        ("trace", "end", 4),
        ("op", "end", 5),
    ]
    b2.Network(G, M, E, V, R, op).run(2 * ms)
    assert V.v.shape == (1, 4) and V.v.dtype == R.rate_.dtype == np.float32 and calls == [0 * ms, 1 * ms]
    assert M.num_spikes == E.num_events == 4 and R.rate["t == 0*ms"].tolist() == [0 * b2.Hz] and told() == []


def test_objects_are_instances_of_the_classes_that_the_face_exports():
    G = cells()
    M = b2.SpikeMonitor(G)
    assert isinstance(M, b2.EventMonitor) and isinstance(G, b2.NeuronGroup) and isinstance(G, b2.Group)
    assert repr(M).startswith("<SpikeMonitor 'spikemonitor")

    @b2.network_operation(dt=1 * ms)
    def late():
        pass

    @b2.network_operation
    def always(t):
        pass

    @b2.check_units(x=1, result=1)
    def f(x):
        return 2 * x

    g = b2.implementation("cython", "cdef double f(double x):\n    return 2*x", None, None, None, "f")(f)
    h = b2.Function(lambda x: x, None, [1], ["x"], 1, ["float"], "float", True, False)
    assert all(isinstance(o, b2.NetworkOperation) for o in (late, always))
    assert all(isinstance(o, b2.Function) for o in (g, h)) and g(3) == 6 and h.arg_types == ("float",)
    with pytest.raises(EqsnnError, match="write @network_operation"):
        b2.network_operation(3)


def test_older_names_of_statements_are_taken_and_said():
    G = cells()
    S = b2.Synapses(G, G, "w : 1", pre="v_post += w", post="w += 1")
    assert S.pre.code == "v_post += w" and S.post.code == "w += 1"
    assert told() == [f"{n}= of Synapses() is called on_{n}= now" for n in ("post", "pre")]
    with pytest.raises(TypeError, match="takes on_pre= or its older name pre=, not both"):
        b2.Synapses(G, G, "w : 1", on_pre="w = 1", pre="w = 2")
    with pytest.raises(TypeError, match=r"takes no connect=; make the synapses, then call their method connect"):
        b2.Synapses(G, G, connect=True)


def test_arguments_without_a_meaning_say_so():
    G = cells(codeobj_class=b2.NumpyCodeObject)
    assert told()[0].startswith("codeobj_class= has no effect: every kernel is compiled by the one backend")
    G.run_regularly("v += 0", codeobj_class=b2.CythonCodeObject)
    M = b2.SpikeMonitor(G, codeobj_class=b2.CythonCodeObject)
    G.state("v", True, 1)
    b2.Function(np.sin, sympy_func=np.sin, arg_units=[1], return_unit=1)
    starts = ["codeobj_class= has no", "state(level=) has no effect", "sympy_func= of Function() has no"]
    assert all(t.startswith(s) for s, t in zip(starts, told())) and len(told()) == len(starts) and M.num_spikes == 0
    with pytest.raises(EqsnnError, match=r"PopulationRateMonitor: dtype= is a type of floats; got <class 'int'>"):
        b2.PopulationRateMonitor(G, dtype=int)


def test_connect_looks_names_up_as_far_out_as_it_is_told():
    G = cells(4)
    near = 2

    def helper(S, **options):
        near = 1  # noqa: F841 (for level=0)
        S.connect("abs(i - j) < near", **options)
        return len(S)

    assert helper(b2.Synapses(G, G)) == 4 and helper(b2.Synapses(G, G), level=1) == 10
    assert helper(b2.Synapses(G, G), level=1, namespace={"near": 3}) == 14 and near == 2


def test_the_default_type_of_floats_is_a_preference():
    b2.prefs.core.default_float_dtype = np.float32
    G = cells()
    S = b2.Synapses(G, G, "w : 1\nn : integer")
    S.connect()
    kept = cells(dtype={"v": np.float64})
    P = b2.PoissonGroup(3, [1, 2, 3] * b2.Hz)
    rates = b2.StateMonitor(P, "rates", record=True)
    b2.Network(P, rates).run(0.2 * ms)
    assert P.rates[:].dtype == rates.rates.dtype == np.float32
    assert G.v[:].dtype == S.w[:].dtype == np.float32 and S.n[:].dtype == np.int64 and kept.v[:].dtype == np.float64
    b2.prefs.reset_to_defaults()
    assert cells().v[:].dtype == np.float64
    with pytest.raises(b2.PreferenceError, match=r"variables are kept as numpy\.float64 or numpy\.float32"):
        b2.prefs.core.default_float_dtype = np.int32


def test_the_default_schedule_is_a_preference():
    other = ["start", "groups", "synapses", "thresholds", "resets", "end"]
    early, own = b2.Network(), b2.Network()
    own.schedule = ["start", "groups", "thresholds", "synapses", "resets", "mine", "end"]
    b2.prefs.core.network.default_schedule = other
    assert early.schedule == b2.Network().schedule == b2.magic_network.schedule == other and "mine" in own.schedule
    own.schedule = None
    assert own.schedule == other
    with pytest.raises(b2.PreferenceError, match="the schedule has the slot 'end' twice"):
        b2.prefs.core.network.default_schedule = ["end", "end"]
    b2.prefs.reset_to_defaults()
    assert early.schedule == ["start", "groups", "thresholds", "synapses", "resets", "end"]
    # What a spike does comes in the next step, after the update, where synapses go before thresholds.
    for slots, expected in ((None, 0.2), (other, 0.1)):
        A = b2.SpikeGeneratorGroup(1, [0], [0] * ms)
        H = b2.NeuronGroup(1, "dx/dt = on/ms : 1\non : 1", method="euler")
        S = b2.Synapses(A, H, on_pre="on_post = 1")
        S.connect()
        net = b2.Network(A, H, S)
        net.schedule = slots
        net.run(0.3 * ms)
        assert H.x[0] == pytest.approx(expected)


def test_names_in_an_index_are_looked_up_as_far_out_as_they_are_told():
    G = cells(4)
    G.v = "i"
    low = 2

    def helper(**options):
        low = 1  # noqa: F841 (for level=0)
        return G.v.get_item("v > low", **options).tolist()

    assert helper() == [2, 3] and helper(level=1) == [3] and helper(namespace={"low": 0}) == [1, 2, 3] and low == 2
    with pytest.raises(EqsnnError, match="the name 'low' is not known"):
        helper(namespace={})


@pytest.mark.parametrize("p, certain", [("2.0*i - 0.5", slice(1, None)), (1.5, slice(None)), (-1.0, slice(0))])
def test_a_probability_beyond_one_is_certainty_and_below_zero_none(p, certain):
    """In Brian 2 a random number below ``p`` makes a synapse, whatever ``p`` is."""
    source, target = b2.NeuronGroup(5, "v : 1"), b2.NeuronGroup(4, "v : 1")
    S = b2.Synapses(source, target)
    S.connect(p=p)
    expected = [(i, j) for i in range(5)[certain] for j in range(4)]
    assert list(zip(S.i[:], S.j[:])) == expected


def test_natively_a_probability_beyond_one_is_an_error():
    import eqsnn as eq

    S = eq.Synapses(eq.NeuronGroup(5, "v : 1"), eq.NeuronGroup(4, "v : 1"))
    with pytest.raises(eq.EqsnnError, match="a probability lies between 0 and 1"):
        S.connect(p="1.5 - 0.1*i")


def test_of_a_probability_that_needs_no_bounds_nothing_changes():
    import eqsnn as eq

    found = []
    for face in (eq, b2):
        face.seed(4)
        S = face.Synapses(face.NeuronGroup(30, "v : 1"), face.NeuronGroup(40, "v : 1"), name="S")
        S.connect(p="exp(-abs(i - j)/10.0)")
        found.append((S.i[:].tolist(), S.j[:].tolist()))
    assert found[0] == found[1] and 0 < len(found[0][0]) < 1200
