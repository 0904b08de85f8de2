"""Synapses that take no memory are those that connect() makes otherwise: the same pairs, values and spikes, on every backend."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.network import row_rules
from eqsnn.network.row_rules import RowRule

RULES = {
    "by chance": dict(p=0.1),
    "by chance, not itself": dict(p=0.5, autapses=False),
    "by chance and condition": dict(condition="i != j", p=0.02),
    "all but itself": dict(condition="j != i"),
    "all": dict(),
    "total": dict(total=500, multapses=True),
    "total by a string, not itself": dict(total="3*N_post", multapses=True, autapses=False),
    "out_degree": dict(out_degree=8),
    "out_degree for each": dict(out_degree="i % 5", autapses=False),
    "out_degree with repetition": dict(out_degree=20, multapses=True),
}
MODELS = {
    "nothing of their own": dict(on_pre="v_post += 0.05"),
    "random weights": dict(model="w : 1", on_pre="v_post += w", w="0.05*randn() + offset"),
    "float32": dict(model="w : 1 (dtype=float32)\nu = 2*w : 1", on_pre="v_post += u*(1.5 - v_pre)", w="0.05*rand()"),
    "one weight": dict(model="w : 1\nk : integer", on_pre="v_post += w*(k + 1)", w=0.03),
}
offset = 0.01


def _network(procedural, rule, model, part, w=None):
    eq.seed(5)
    G = eq.NeuronGroup(
        60, "dv/dt = (1.1 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells*"
    )
    G.v = "rand()"
    source, target = (G[10:45], G[20:55]) if part else (G, G)
    S = eq.Synapses(source, target, **model, delay=1.5 * ms, name="made*")
    S.connect(procedural=procedural, **rule)
    if w is not None:
        S.w = w
    M = eq.SpikeMonitor(G, name="spikes*")
    return eq.Network(G, S, M), S, M


def _outcome(monkeypatch, backend, threads, procedural, rule, model, part):
    monkeypatch.setenv("EQSNN_BACKEND", backend)
    monkeypatch.setenv("EQSNN_NUM_THREADS", str(threads))
    model = dict(model)
    net, S, M = _network(procedural, rule, {k: v for k, v in model.items() if k != "w"}, part, model.get("w"))
    net.run(20 * ms)
    net.run(10 * ms)
    assert (S.ends.made is not None) == procedural
    values = S.w[:] if "w" in S.variables else 0
    some = S.j[[5, 2, 5]] if len(S) > 5 else 0
    return S.i[:], S.j[:], values, some, S.N_incoming_post, S.N_outgoing_pre, S.N_incoming[:], M.i[:], np.asarray(M.t)


@pytest.mark.parametrize("part", [False, True], ids=["whole", "subgroups"])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_they_are_the_synapses_that_would_be_kept(monkeypatch, rule, model, part):
    kept = _outcome(monkeypatch, "c", 1, False, rule, model, part)
    for how in (("c", 1), ("c", 3), ("numpy", 1)):
        for expected, found in zip(kept, _outcome(monkeypatch, *how, True, rule, model, part)):
            np.testing.assert_array_equal(found, expected)


def test_cython_runs_them_too(monkeypatch):
    what = RULES["by chance"], MODELS["random weights"], False
    kept, made = _outcome(monkeypatch, "c", 1, False, *what), _outcome(monkeypatch, "cython", 1, True, *what)
    np.testing.assert_array_equal(made[-1], kept[-1])


@pytest.mark.parametrize(
    "rule",
    [
        RowRule("gaps", 77, 200, 70_000, p=0.003),
        RowRule("gaps", 77, 200, 500, p=0.3, shift=100),
        RowRule("gaps", 7, 200, 300, p=1.0, shift=-3),
        RowRule("gaps", 7, 200, 300, p=0.0),
        RowRule("all", 0, 200, 100, shift=0),
        RowRule("repeated", 5, 300, 70_000, size=np.arange(300)),
        RowRule("repeated", -5, 300, 70, size=np.arange(300), shift=2),
        RowRule("distinct", 5, 300, 700, size=np.arange(300) + 1, shift=3),
    ],
    ids=lambda rule: f"{rule.kind} {rule.n_far}",
)
def test_rows_are_the_same_with_and_without_a_compiler(rule, monkeypatch):
    def made(compiled_from):
        monkeypatch.setattr(row_rules, "_COMPILED_FROM", compiled_from)
        return rule.pairs()

    compiled, plain = made(0), made(1 << 60)
    np.testing.assert_array_equal(compiled.start, plain.start)
    np.testing.assert_array_equal(compiled.post, plain.post)
    assert compiled.post.dtype == plain.post.dtype


def test_a_rule_has_the_statistics_of_its_name():
    rows = RowRule("gaps", 3, 2000, 1000, p=0.2).pairs()
    assert np.mean(np.diff(rows.start)) == pytest.approx(200, abs=4 * np.sqrt(160 / 2000))
    assert np.std(np.diff(rows.start)) == pytest.approx(np.sqrt(160), rel=0.07)
    assert np.ptp(np.bincount(rows.post, minlength=1000)) < 10 * np.sqrt(320)
    different = RowRule("distinct", 3, 50, 1000, size=np.full(50, 400)).pairs().pairs()
    assert len(np.unique(different[0] * 1000 + different[1])) == 50 * 400


def test_they_take_no_memory():
    G = eq.NeuronGroup(2000, "v : 1", threshold="v > 1", name="cells*")
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="made*")
    S.connect(p=0.5, procedural=True)
    S.w = "rand()"
    assert len(S) > 1_900_000
    eq.Network(G, S).run(0.2 * ms)
    assert len(S.arrays["w"]) == 0 and len(S.ends._post) == 0 and "_rows_cache" not in S.__dict__


def test_state_is_stored_and_restored():
    net, S, M = _network(True, RULES["by chance"], dict(model="w : 1", on_pre="v_post += w"), False, "0.05*rand()")
    net.run(10 * ms)
    net.store()
    net.run(10 * ms)
    expected = M.i[:], np.asarray(M.t)
    net.restore()
    net.run(10 * ms)
    for found, value in zip((M.i[:], np.asarray(M.t)), expected):
        np.testing.assert_array_equal(found, value)
    assert S.ends.made is not None
    net.store()
    S.w = 0.1
    with pytest.raises(eq.EqsnnError, match="its procedural synapses are made by another rule, or with another seed"):
        net.restore()


def _synapses(model="w : 1", on_pre="v_post += w", **arguments):
    G = eq.NeuronGroup(4, "v : 1\nu : 1", threshold="v > 1", name="cells")
    return eq.Synapses(G, G, model, on_pre=on_pre, name="syn", namespace={}, **arguments)


@pytest.mark.parametrize(
    "arguments, connect, message",
    [
        (dict(), dict(in_degree=2), "in_degree= chooses by target, and rows are made by source"),
        (dict(), dict(i=[0], j=[1]), "what i= and j= list must be kept"),
        (dict(), dict(j="i"), "what i= and j= list must be kept"),
        (dict(), dict(condition="i < j"), "a condition must be asked for each pair"),
        (dict(), dict(p="0.1*i"), "a probability that differs from pair to pair"),
        (dict(), dict(n=2), "n= makes several synapses of each pair"),
        (dict(), dict(total=3), "total= of different pairs must know all that were drawn"),
        (dict(), dict(out_degree=3), "out_degree= takes more than half of the targets"),
        (dict(), dict(condition=False), "condition False makes no synapses"),
        (dict(on_pre="w += 1; v_post += w"), dict(p=0.5), "procedural synapses keep nothing, and 'w' is set here"),
        (
            dict(on_post="u_pre += w"),
            dict(p=0.5),
            "procedural synapses are made by source, and on_post asks for those of a target",
        ),
        (
            dict(on_pre="v_post += rand()"),
            dict(p=0.5),
            "procedural synapses have no random numbers of their own in a run",
        ),
        (
            dict(model="dw/dt = -w/(5*ms) : 1 (event-driven)"),
            dict(p=0.5),
            "procedural synapses keep nothing, and 'w' changes in a run",
        ),
        (dict(multisynaptic_index="k"), dict(p=0.5), "procedural synapses keep no multisynaptic_index"),
    ],
)
def test_what_must_be_kept_is_refused(arguments, connect, message):
    with pytest.raises(eq.EqsnnError) as error:
        _synapses(**arguments).connect(procedural=True, **connect)
    assert message in str(error.value)
    if "in_degree" not in connect and ("on_pre" in arguments or "condition" in str(connect.get("condition", ""))):
        assert "^" in str(error.value)  # the user's line


def test_what_differs_between_them_is_refused():
    S = _synapses()
    S.connect(p=0.5, procedural=True)
    for wrong, message in (("i*0.1", "'i' differs between them"), ("u_pre", "'u_pre' differs between them")):
        with pytest.raises(eq.EquationError, match=message):
            S.w = wrong
    with pytest.raises(eq.EqsnnError, match="is set for all synapses at once"):
        S.w = np.arange(len(S))
    with pytest.raises(eq.EqsnnError, match="is set for all synapses at once"):
        S.w[0] = 1
    with pytest.raises(eq.EqsnnError, match="have one delay"):
        S.delay = "rand()*ms"
    with pytest.raises(eq.EqsnnError, match="connected by one call"):
        S.connect(p=0.1)
    S.delay = 2 * ms
    M = eq.StateMonitor(S, "w", record=True, name="looks")
    with pytest.raises(eq.EqsnnError, match="'looks' reads or writes the synapses syn, which are procedural"):
        eq.Network(S.source, S, M).run(0.1 * ms)
