"""stop(x) is x, and a constant where derivatives are taken."""

from dataclasses import replace

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV, volt
from eqsnn.derivations.adjoint import PREFIX, adjoint
from eqsnn.errors import UnitError
from eqsnn.integrators import vocabulary as voc
from eqsnn.integrators.discretise import step_map
from eqsnn.kernel.interpret import Memory, evaluate_hoisted, interpret
from eqsnn.kernel.lower import lower
from eqsnn.update_map import Assignment, Input, Write, symbol
from tests.test_learning import samples, small

N = 5
MODELS = {
    "parameter": "du/dt = (k*stop(w) - u)/stop(tau) : 1\ndw/dt = -w/(7*ms) : 1",
    "coupled": "du/dt = (stop(w) - u + k)/tau : 1\ndw/dt = (u - w)/(7*ms) : 1",
    "own": "du/dt = (k - stop(u))/tau : 1\ndw/dt = -w/(7*ms) : 1",
    "product": "du/dt = (k - stop(w)*u)/tau : 1\ndw/dt = -stop(w*u)/(7*ms) : 1",
    "function": "du/dt = (k + tanh(stop(u*w)) - u)/tau : 1\ndw/dt = (r - w)/(7*ms) : 1\nr = u*stop(u) : 1",
    "recurrence": "u[n+1] = 0.9*stop(u) + k*w*u : 1\nw[n+1] = stop(sin(u) + k)*w : 1",
}
METHODS = [
    (model, method)
    for model in MODELS
    for method in ("exact", "exponential_euler", "euler", "rk4")
    if method != "exact" or model in ("parameter", "coupled", "own")
    if model != "recurrence" or method == "euler"
]


def cells(text, method, **options):
    if "d" not in text.split("/")[0]:
        method = None
    g = eq.NeuronGroup(N, text + "\nk : 1\ntau : second", method=method, **options)
    values = np.random.default_rng(3).uniform(0.2, 1.5, (3, N))
    g.u, g.w, g.k = values
    g.tau = "4*ms + i*ms"
    return g


@pytest.mark.parametrize("model, method", METHODS)
def test_the_value_of_a_run_is_that_without_it(model, method):
    found = []
    for text in (MODELS[model], MODELS[model].replace("stop(", "(")):
        for backend in ("numpy", "c", "cython"):
            eq.settings.backend = backend
            g = cells(text, method)
            eq.Network(g).run(2 * ms)
            found.append((np.array(g.u), np.array(g.w)))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-13)
    for other in found[1:3]:
        np.testing.assert_array_equal(other, found[0])


def do(map_, values, what="map"):
    """One step of N elements: what it writes, by variable."""
    kernel = lower(map_, "neuron", name=f"eqk_{what}", owner="cells")
    buffers = {
        b.name: np.array(np.broadcast_to(values.get(b.variable, 0.0), (N,)), float)
        for b in kernel.buffers
        if b.owner != "derived"
    }
    scalars = {s.name: 1e-3 for s in kernel.scalars if s.owner == "clock"}
    evaluate_hoisted(kernel, buffers, scalars)
    interpret(kernel, Memory(buffers, scalars), 0, N)
    return {b.variable: buffers[b.name] for b in kernel.buffers if b.writable}


def frozen(map_):
    """``map_`` with inputs ``stopped_0`` ... in place of what it stops, which another map makes of the same inputs."""
    names, made = {}, []

    def change(expr):
        while expr.has(voc.Via):
            expr = expr.replace(voc.Via, lambda value, way: way)
        for a in expr.atoms(voc.Stop):
            names.setdefault(a, symbol(f"stopped_{len(names)}"))
        return expr.xreplace(names)

    done, before = [], []
    for a in map_.assignments:
        known = set(names)
        expr = change(a.expr)
        for s in [s for s in names if s not in known]:
            made.append(Write("self", names[s].name, f"{names[s].name}@1"))
            before.append(Assignment(f"{names[s].name}@1", s.args[0]))
        done.append(replace(a, expr=expr))
        before.append(a)
    propagators = tuple(replace(p, matrix=tuple(tuple(map(change, row)) for row in p.matrix)) for p in map_.propagators)
    inputs = (*map_.inputs, *(Input(s.name, "self", s.name) for s in names.values()))
    return replace(map_, inputs=inputs, assignments=tuple(done), propagators=propagators), replace(
        map_, assignments=tuple(before), writes=tuple(made)
    )


@pytest.mark.parametrize("model, method", METHODS)
def test_derivatives_are_those_of_the_map_whose_stopped_parts_are_frozen(model, method):
    g = cells(MODELS[model], method)
    map_ = step_map(g.model, g.method).map
    point = {v: np.array(g.variables[v].read(None), float) for v in ("u", "w", "k", "tau")}
    fixed, parts = frozen(map_)
    stopped = do(parts, point, "parts")
    assert any(np.all(v != 0) for v in stopped.values())
    after = do(map_, point)
    for v, x in do(fixed, point | stopped, "frozen").items():
        if not any(
            a.expr.has(voc.Via) for a in map_.flat()
        ):  # else a solution's derivatives are those with the drive held
            np.testing.assert_allclose(x, after[v], rtol=1e-12)
    weights = {v: np.random.default_rng(5).normal(size=N) for v in after}
    back = do(adjoint(map_), point | {f"{PREFIX}{v}": w for v, w in weights.items()}, "adjoint")

    def total(at):
        made = do(fixed, at | stopped, "frozen")
        return sum(weights[v] * made[v] for v in weights)

    for v, x in ((v, x) for v, x in point.items() if f"{PREFIX}{v}" in back):
        h = 1e-4 * np.abs(x)
        high, low, higher, lower_ = (total(point | {v: x + k * h}) for k in (1, -1, 2, -2))
        numeric = (8 * (high - low) - (higher - lower_)) / (12 * h)
        np.testing.assert_allclose(back[f"{PREFIX}{v}"], numeric, rtol=1e-7, atol=1e-9 * max(1, np.abs(numeric).max()))


def test_a_threshold_and_a_reset_may_be_stopped():
    """Central differences of order 4 of the loss with the frozen threshold: a parameter of its own that is not trained."""

    def hidden(n, threshold):
        g = eq.NeuronGroup(
            n,
            "du/dt = (I - u)/(5*ms) : 1\nI : 1 (input)\ntheta : 1 (trainable)\nfixed : 1",
            threshold=f"u > {threshold}",
            reset=f"u -= {threshold}",
            surrogate="sigmoid",
            name="hidden",
        )
        g.theta, g.fixed = 0.2, 0.2
        return g

    found = {}
    for threshold in ("theta", "stop(theta)", "fixed"):
        net, out = small(lambda n, t=threshold: hidden(n, t))
        trainer = eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), dtype="float64", backend="c")
        found[threshold] = trainer.gradients(*samples())[1]
        net.remove(*net.objects)
    for name, g in found["fixed"].items():
        np.testing.assert_array_equal(found["stop(theta)"][name], g, err_msg=name)
    assert np.all(found["stop(theta)"]["hidden.theta"] == 0) and np.all(found["theta"]["hidden.theta"] != 0)


def test_units_and_types_pass_through():
    g = eq.NeuronGroup(2, "x = stop(3*mV) : volt\nn = stop(k) : integer\nk : integer\ny = stop(k > 3)*2 : 1")
    g.k = 7
    assert g.x[0] == 3 * mV and g.n[1] == 7 and g.n[:].dtype.kind == "i" and g.y[0] == 2
    with pytest.raises(UnitError, match="has unit V"):
        eq.NeuronGroup(1, "x = stop(3*mV) : 1")
    assert volt.dim == g.x.dim


def test_the_name_is_free_for_other_things():
    """Scripts that know nothing of it may call a constant, a variable or a function of theirs so."""
    start, stop = 1 * ms, 3 * ms
    g = eq.NeuronGroup(1, "dv/dt = int(t > start)*int(t < stop)/ms : 1", method="euler")
    h = eq.NeuronGroup(1, "stop : 1\ndv/dt = -stop(v*stop)/ms : 1", method="euler")
    h.v, h.state("stop")[:] = 1, 2
    eq.Network(g, h).run(5 * ms)
    assert g.v[0] == pytest.approx(1.9, abs=0.11) and 0 < h.v[0] < 1e-3
    own = eq.NeuronGroup(1, "x = stop(1.5*ms) : 1", namespace={"stop": eq.TimedArray([1, 7, 5], dt=1 * ms)})
    assert own.x[0] == 7
    assert (start, stop) == (1 * ms, 3 * ms)


def test_synapses_do_not_care_in_which_order_stopped_sums_are_made():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(40, "dv/dt = 0.2/ms : 1\ng : 1", threshold="v > 1", reset="v = 0", method="euler")
    S = eq.Synapses(G, G, "w : 1", on_pre="g_post = stop(g_post) + stop(w)")
    S.connect(p=0.5)
    S.w = "rand()"
    eq.Network(G, S).run(12 * ms)
    assert np.all(np.asarray(G.g) > 0)
