"""Custom events: what needs no second simulator to check. Agreement with Brian 2 is in test_brian_events.py."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


@pytest.fixture(autouse=True, params=["c", "numpy"])
def backend(request):
    eq.settings.backend = request.param


def ramp(n=2, **options):
    """Neurons whose v is 0.1*step at the start of each step."""
    G = eq.NeuronGroup(n, "dv/dt = 1/ms : 1\nx : 1", method="euler", **options)
    return G


def test_an_event_with_a_random_condition_has_its_rate_and_repeats_with_its_seed():
    def counts():
        eq.seed(5)
        G = eq.NeuronGroup(500, "n : integer", events={"a": "rand() < 0.3", "b": "rand() < 0.3"})
        G.run_on_event("a", "n += 1")
        A, B = eq.EventMonitor(G, "a", record=False), eq.EventMonitor(G, "b", record=False)
        network = eq.Network(G, A, B)
        network.run(2 * ms)
        network.run(2 * ms)
        assert np.array_equal(G.n[:], A.count)
        return A.count, B.count

    (a, b), (again, _) = counts(), counts()
    assert np.array_equal(a, again) and not np.array_equal(a, b)
    assert a.sum() == pytest.approx(500 * 40 * 0.3, abs=5 * np.sqrt(500 * 40 * 0.21))


def test_each_event_has_a_memory_of_its_own_with_its_delays():
    G = ramp(threshold="v > 1.95", reset="v = 0", events={"one": "v > 0.95 and v < 1.05"})
    H = eq.NeuronGroup(2, "a : 1\nb : 1")
    S = eq.Synapses(G, H, on_pre="a_post += 1", delay=0.3 * ms, on_event="one")
    T = eq.Synapses(G, H, on_pre="b_post += 1", delay=0.7 * ms)
    S.connect(j="i")
    T.connect(j="i")
    V = eq.StateMonitor(H, ["a", "b"], record=0)
    eq.Network(G, H, S, T, V).run(4 * ms)
    # v = 1.0 after step 9, 2.0 after step 19; what arrives in a step is seen at the start of the next.
    assert np.flatnonzero(np.diff(V.a[0])).tolist() == [9 + 3, 29 + 3]
    assert np.flatnonzero(np.diff(V.b[0])).tolist() == [19 + 7]


def test_two_runs_and_code_that_rests():
    G = ramp(events={"late": "v > 0.95"})
    code = G.run_on_event("late", "x += 1")
    network = eq.Network(G)
    network.run(1.5 * ms)
    assert G.x[0] == 6
    code.active = False
    network.run(1 * ms)
    assert G.x[0] == 6
    code.active = True
    network.run(0.3 * ms)
    assert G.x[0] == 9


def test_code_between_the_update_and_the_threshold_is_seen_by_the_threshold():
    def spikes(when):
        G = ramp(threshold="v > 0.95", reset="v = 0", events={"high": "v > 0.45"})
        G.set_event_schedule("high", when="after_groups")
        G.run_on_event("high", "v += 0.3", when=when)
        M = eq.SpikeMonitor(G[:1])
        eq.Network(G, M).run(1.2 * ms)
        return M.t / ms

    # v = 0.5 after step 4; with 0.3 more before the threshold it passes 0.95 in the step after, 0.5 + 0.3 + 0.1 + 0.3
    np.testing.assert_allclose(spikes("before_thresholds"), [0.5, 1.1])
    np.testing.assert_allclose(spikes("end"), [0.6, 1.0])


def test_subgroups_emit_the_events_of_their_group():
    G = ramp(4, events={"e": "v > 0.75 + i*0.1 and v < 0.85 + i*0.1"})
    M, N = eq.EventMonitor(G[1:3], "e", variables=["v", "x"]), eq.EventMonitor(G[2:], "e", record=False)
    G.x = "i"
    H = eq.NeuronGroup(4, "y : 1")
    S = eq.Synapses(G[2:], H[:2], on_pre="y_post += 1", on_event="e")
    S.connect(j="i")
    eq.Network(G, H, M, N, S).run(2 * ms)
    assert M.i.tolist() == [0, 1] and M.x.tolist() == [1, 2] and N.count.tolist() == [1, 1]
    np.testing.assert_allclose(M.v, [0.9, 1.0])
    assert H.y[:].tolist() == [1, 1, 0, 0]


def test_other_sources_emit_spikes_only():
    SG = eq.SpikeGeneratorGroup(3, [0, 2, 1], [1, 1, 2] * ms)
    P = eq.PoissonGroup(2, 100 * eq.Hz)
    M = eq.EventMonitor(SG, "spike")
    eq.Network(SG, M).run(3 * ms)
    assert M.i.tolist() == [0, 2, 1] and eq.SpikeMonitor(P).count.tolist() == [0, 0]
    with pytest.raises(eq.EqsnnError, match="does not define it; it has spike"):
        eq.EventMonitor(SG, "e")


def test_what_a_group_says_of_its_events():
    G = ramp(threshold="v > 1", reset="v = 0", events={"e": "v > 0.5"})
    G.run_on_event("e", "x = 2", order=3)
    assert G.events == {"spike": "v > 1", "e": "v > 0.5"}
    assert {e: (c.when, c.order) for e, c in G.thresholder.items()} == {
        "spike": ("thresholds", 0),
        "e": ("after_thresholds", 0),
    }
    assert {e: (c.when, c.order, c.code) for e, c in G.resetter.items()} == {
        "spike": ("resets", 0, "v = 0"),
        "e": ("after_resets", 3, "x = 2"),
    }
    G.set_event_schedule("e", "end", order=-2)
    M = eq.EventMonitor(G, "e")
    assert (M.when, M.order) == ("end", -1)


def test_code_after_an_event_may_call_a_timed_array_and_read_late_constants():
    drive = eq.TimedArray([1.0, 10.0], dt=1 * ms)
    G = ramp(1, events={"e": "v > threshold"})
    G.run_on_event("e", "x += drive(t)*gain")
    eq.Network(G).run(2 * ms, namespace={"gain": 2.0, "threshold": 0.85, "drive": drive})
    # v > 0.85 from step 8 on: two steps of the first value, ten of the second
    assert G.x[0] == pytest.approx(2 * (2 + 100))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda G: G.run_on_event("haff", "v = 0"), "the event 'haff' of 'cells', which does not define it; did you mean 'half'?"),
        (lambda G: G.run_on_event("spike", "v = 0"), "the event 'spike' has its reset already: 'v = 0'"),
        (lambda G: [G.run_on_event("half", "v = 0") for _ in range(2)], "the event 'half' has code already: 'v = 0'"),
        (lambda G: (G.run_on_event("half", "v = 0", when="never"), eq.Network(G).run(eq.ms)), "acts in the slot 'never', which is not in the schedule"),
        (lambda G: G.run_on_event("half", "v = 3*mV"), "'v' has unit 1, and a value with unit"),
        (lambda G: G.run_on_event("half", "w = 3"), "'w' is no variable of the model, and nothing reads it"),
        (lambda G: G.run_on_event("half", None), "the code must be a string; got None"),
        (lambda G: G.set_event_schedule("full"), "the event 'full' of 'cells'"),
        (lambda G: (G.set_event_schedule("half", when="noon"), eq.Network(G).run(eq.ms)), "acts in the slot 'noon', which is not in the schedule"),
        (lambda G: G.set_event_schedule("half", when=3), "when= is the name of a slot of the schedule"),
        (lambda G: eq.EventMonitor(G, "full"), "an EventMonitor records the event 'full' of 'cells', which does not define it; it has spike, half"),
        (lambda G: eq.EventMonitor(G, 3), "the event 3 of 'cells', which does not define it; it has spike, half"),
        (lambda G: eq.EventMonitor(G, "half", "w"), "'cells' has no variable 'w' to record; it has"),
        (lambda G: eq.EventMonitor(G, "half", "V"), "did you mean 'v'?"),
        (lambda G: eq.EventMonitor(G, "half", record=[1]), "record= is True or False; to record some elements, monitor a subgroup"),
        (lambda G: eq.EventMonitor(G, "half", order=3), "order= is the rank within a slot; give when= as well"),
        (lambda G: eq.SpikeMonitor(G, False), "records a variable by its name, several in a list; got False"),
        (lambda G: eq.EventMonitor(3, "half"), "records a group that emits events"),
        (lambda G: eq.SpikeMonitor(eq.NeuronGroup(1, "v : 1", name="mute")), "the spikes of 'mute', which has no threshold"),
        (lambda G: eq.PopulationRateMonitor(eq.NeuronGroup(1, "v : 1", name="mute")), "the spikes of 'mute', which has no threshold"),
        (lambda G: eq.Synapses(G, G, on_pre="v += 1", on_event="full", name="syn"), "'syn' waits for the event 'full' of 'cells' (on_pre), which"),
        (lambda G: eq.Synapses(G, G, on_pre="v += 1", on_event={"post": "half"}, name="syn"), "syn: on_event names the pathway 'post', which does not exist; it has pre"),
        (lambda G: eq.NeuronGroup(1, "v : 1", threshold="v > 1", events={"spike": "v > 2"}), "defines the event 'spike' twice"),
        (lambda G: eq.NeuronGroup(1, "v : 1", events={"a b": "v > 2"}), "the name of an event has letters, digits and underscores; got 'a b'"),
        (lambda G: eq.NeuronGroup(1, "v : 1", events="v > 2"), "events must be a dict of names and conditions"),
        (lambda G: eq.NeuronGroup(1, "v : 1", events={"e": 3}), "condition of the event 'e' must be a string; got 3"),
        (lambda G: eq.NeuronGroup(1, "v : 1", reset="v = 0", events={"e": "v > 1"}), "has a reset but no threshold"),
    ],
)  # fmt: skip
def test_wrong_events_are_refused_by_name(wrong, message):
    G = eq.NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", events={"half": "v > 0.5"}, name="cells")
    with pytest.raises(eq.EqsnnError) as error:
        wrong(G)
    assert message in str(error.value)


def test_a_group_tells_which_elements_spiked_in_the_latest_step():
    G = eq.NeuronGroup(5, "v : 1", threshold="v > 0.5", reset="v = 0")
    generator = eq.SpikeGeneratorGroup(3, [2, 0], [0, 0.1] * ms)
    part = G[2:]
    assert len(G.spikes) == len(part.spikes) == 0
    G.v[[1, 3, 4]] = 1
    seen = []

    @eq.network_operation(when="after_thresholds")
    def look():
        seen.append((G.spikes.tolist(), part.spikes.tolist(), generator.spikes.tolist()))
        G.v[2] = 1

    eq.Network(G, generator, look).run(0.2 * ms)
    assert seen == [([1, 3, 4], [1, 2], [2]), ([2], [0], [0])]
    assert G.spikes.dtype == np.int32
