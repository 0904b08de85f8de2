"""One compiled text for models that differ in names, or in numbers that are computed before a run; and nothing else is taken for the same."""

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms
from eqsnn.backends import compiler
from eqsnn.backends.render import c_source, unnamed

EQUATIONS = (
    "d{v}/dt = ({I} - {v} {sign} {g})/({tau}*ms) : 1 (unless refractory)\nd{g}/dt = -{g}/({tau}*ms/2) : 1\n{I} : 1"
)
NAMES = {"v": "v", "g": "g", "I": "I", "tau": "10", "sign": "-", "method": "exact"}


@pytest.fixture(params=["c", "cython"])
def started(request, monkeypatch, tmp_path):
    """What compilers were started for, on each compiled backend, with an empty cache."""
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(eq.settings, "backend", request.param)
    sources = []
    start = compiler.start

    def noted(name, source, **options):
        job = start(name, source, **options)
        if job.process is not None and name == "kernels.c":
            sources.append(source)
        return job

    monkeypatch.setattr(compiler, "start", noted)
    return sources


def outcome(**changes):
    """Values and spikes after a run, under the names of ``changes``."""
    eq.start_scope()
    n = {**NAMES, **changes}
    method = n.pop("method")
    G = eq.NeuronGroup(
        20, EQUATIONS.format(**n), threshold="{v} > 1".format(**n), reset="{v} = 0; {g} += 0.5".format(**n),
        refractory=1 * ms, method=method,
    )  # fmt: skip
    G.set_states({n["I"]: np.linspace(0.9, 2, 20)})
    S = eq.Synapses(G, G, on_pre="{g}_post += 0.01".format(**n))
    S.connect(j="(i + 1) % N_post")
    M = eq.SpikeMonitor(G)
    network = eq.Network(G, S, M)
    network.run(30 * ms)
    assert M.num_spikes > 10
    return M.t_.tobytes(), M.i.tobytes(), network[G.name].get_states([n["v"]], units=False)[n["v"]].tobytes()


def test_other_names_compile_nothing_and_give_the_same_bits(started):
    first = outcome()
    assert len(started) == 1
    assert (
        outcome(v="V_membrane", g="I", I="a") == first
    )  # in another order of the alphabet, and one that had another meaning
    assert len(started) == 1
    assert outcome(v="b_v", g="s_dt", I="eqk_1") == first  # names that look like ours
    assert len(started) == 1


def test_numbers_that_are_computed_before_a_run_compile_nothing(started):
    first = outcome()
    assert outcome(tau="12.5") != first
    assert len(started) == 1


def test_another_operation_is_another_text(started):
    first = outcome(method="euler")
    assert outcome(sign="+", method="euler") != first
    assert len(started) == 2


def test_equal_projections_are_one_function(started):
    eq.start_scope()
    G = eq.NeuronGroup(10, "dv/dt = (1.2 - v)/(10*ms) : 1\nu : 1", threshold="v > 1", reset="v = 0", method="exact")
    H = [eq.NeuronGroup(5, "x : 1\ny : 1") for _ in range(3)]
    S = [eq.Synapses(G, h, "w : 1", on_pre=f"{target}_post += w") for h, target in zip(H, "xyx")]
    for k, s in enumerate(S):
        s.connect()
        s.w = k + 1
    network = eq.Network(G, H, S)
    network.run(40 * ms)
    kernels = network._last.plan.kernels()
    pathways = [k for k in kernels if k.domain == "pathway"]
    assert len(pathways) == 3
    assert c_source(kernels).count("/* kernel ") == len(kernels) - 2
    spikes = H[0].x[0] / 10
    assert spikes >= 1
    for h, target, k in zip(H, "xyx", (1, 2, 3)):
        assert list(getattr(h, target)[:]) == [10 * k * spikes] * 5


def test_names_are_numbered_each_by_its_own():
    assert unnamed("b_v[i] = b_w[i] - s_dt; /* v = w_ - dt */") == unnamed("b_x[i] = b_y[i] - s_z; /* more */")
    assert unnamed("b_v[i] = b_w[i] - b_v[i];") != unnamed("b_v[i] = b_w[i] - b_w[i];")
    assert unnamed("x_1 = eq_exp(x_2);") != unnamed("x_1 = eq_log(x_2);")
    assert unnamed("const double x_a = 1.5;") != unnamed("const double x_a = 2.5;")
