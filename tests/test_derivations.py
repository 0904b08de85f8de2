"""The adjoint of one step of every neuron model of the suite against finite differences, and through the same road to C."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from models import MODELS

import eqsnn as eq
from eqsnn.derivations.adjoint import PREFIX, adjoint
from eqsnn.derivations.smooth import smooth_event
from eqsnn.integrators.discretise import step_map
from eqsnn.kernel.interpret import Memory, evaluate_hoisted, interpret
from eqsnn.kernel.lower import lower
from eqsnn.network.hostkernel import shape_value

N = 6
SLOPES = {"cuba": 200.0, "cobahh": 50.0, "adex": 100.0}


@pytest.fixture(params=MODELS)
def neurons(request):
    """The name of a model of the suite, and its neurons. Made for the test: groups that live on would keep their names."""
    groups = [o for o in MODELS[request.param]().network.objects if isinstance(o, eq.NeuronGroup)]
    found = [o for o in groups if o.model.of_kind("state")]
    return request.param, max(found, key=len)  # the population of the model; some have a smaller one beside it


def memory_for(kernel, o, values, rng):
    """Buffers of N elements: given values, random ones elsewhere; scalars as in a run."""
    buffers, scalars = {}, {}
    for b in kernel.buffers:
        dtype = {"f64": float, "i64": np.int64, "b8": np.int64}[b.type]
        if b.owner == "table":
            buffers[b.name] = o.model.scope.functions[b.variable].values
        elif b.owner != "derived":
            value = values.setdefault(b.variable, np.ones(N) if b.type == "b8" else rng.normal(size=N))
            buffers[b.name] = np.array(value[:1] if b.extent == "shared" else value, dtype)
    constants = {n: float(np.asarray(v)) for n, v in (o.namespace or {}).items() if not callable(v)}
    for s in kernel.scalars:
        if s.owner == "external":
            scalars[s.name] = o.refractory_constant if s.variable == "_refractory" else constants[s.variable]
        elif s.owner == "shape":
            scalars[s.name] = shape_value(o.model.scope, s.variable, 1e-4)
        elif s.owner != "derived":
            scalars[s.name] = {"t": 0.0123, "dt": 1e-4, "key": 5, "count": 3, "N": N, "step": 123}[s.variable]
    evaluate_hoisted(kernel, buffers, scalars)
    return buffers, scalars


def run(kernel, o, values, rng):
    buffers, scalars = memory_for(kernel, o, values, rng)
    interpret(kernel, Memory(buffers, scalars), 0, N)
    return {b.variable: buffers[b.name] for b in kernel.buffers if b.writable}


def test_the_adjoint_agrees_with_finite_differences(neurons):
    name, o = neurons
    rng = np.random.default_rng(3)
    sizes = {eq.amp.dim: 1e-11, eq.siemens.dim: 1e-10, eq.volt.dim: 1e-3, eq.units.DIMENSIONLESS: 0.1}
    scale = {
        v.name: max(float(np.abs(o.arrays[v.name]).max()), sizes[v.dim])
        for v in o.model.variables
        if v.name in o.arrays
    }
    map_ = smooth_event(step_map(o.model, o.method).map, SLOPES.get(name, 5.0))
    forward = lower(map_, "neuron", name="forward", owner=o.name)
    backward = lower(adjoint(map_), "neuron", name="backward", owner=o.name)
    values = {
        v: np.array(o.arrays[v][:1].repeat(N) if len(o.arrays[v]) < N else o.arrays[v][:N], float)
        for v in scale
        if o.arrays[v].dtype.kind == "f"
    }
    for v in values:
        if values[v].std() == 0:
            values[v] = values[v] + scale[v] * 0.05 * rng.normal(size=N)
    values["lastspike"] = np.full(N, -1.0)
    shared = {v.name for v in o.model.variables if v.shared}
    for v in shared & set(values):
        values[v][:] = values[v][0]
    out = run(forward, o, values, rng)
    floats = [i for i in map_.inputs if i.owner == "self" and i.dtype == "float"]
    cotangent = {
        v: rng.normal(size=N) / scale.get(v, 1.0)
        for v in {*out, *(i.variable for i in floats)}
        if v not in ("not_refractory",)
    }
    found = run(backward, o, {**values, **{PREFIX + v: c for v, c in cotangent.items()}}, rng)
    assert {PREFIX + i.variable for i in floats} == set(found)

    def loss(changed):
        after = {**changed, **run(forward, o, dict(changed), rng)}
        return sum(cotangent[v] * np.asarray(after[v], float) for v in cotangent if v in after)

    checked = 0
    for i in floats:
        v = i.variable
        if v in shared or v == "lastspike":
            continue
        h = 1e-6 * max(scale.get(v, 1.0), 1e-12)
        up, down = dict(values), dict(values)
        up[v], down[v] = values[v] + h, values[v] - h
        numeric = (loss(up) - loss(down)) / (2 * h)
        size = np.abs(numeric).max() + 1e-9
        np.testing.assert_allclose(found[PREFIX + v], numeric, rtol=2e-4, atol=2e-5 * size, err_msg=v)
        checked += 1
    assert checked >= len(o.model.of_kind("state"))


def test_the_adjoint_compiles_through_the_same_road_with_the_same_bits(neurons):
    from test_kernel import call

    name, o = neurons

    rng = np.random.default_rng(4)
    map_ = smooth_event(step_map(o.model, o.method).map, SLOPES.get(name, 5.0))
    backward = lower(adjoint(map_), "neuron", name="backward", owner=o.name)
    values = {
        v: np.array(o.arrays[v][:1].repeat(N) if len(o.arrays[v]) < N else o.arrays[v][:N], float)
        for v in o.arrays
        if o.arrays[v].dtype.kind == "f"
    }
    buffers, scalars = memory_for(backward, o, values, rng)
    _, found = call(backward, {n: b.copy() for n, b in buffers.items()}, scalars, N)
    interpret(backward, Memory(buffers, scalars), 0, N)
    for b in backward.buffers:
        np.testing.assert_array_equal(found[b.name], buffers[b.name], err_msg=b.variable)


def test_the_derivative_of_a_propagator_by_a_parameter():
    """v(dt) = v exp(-dt/tau): dL/dtau = dL/dv(dt) * v exp(-dt/tau) dt/tau^2, through the block exponential."""
    G = eq.NeuronGroup(N, "dv/dt = (g - v)/tau : 1\ndg/dt = -g/(3*ms) : 1\ntau : second", method="exact", namespace={})
    map_ = step_map(G.model, "exact").map
    kernel = lower(adjoint(map_), "neuron", name="backward", owner="G")
    tau = np.linspace(1e-3, 5e-3, N)
    values = {
        "v": np.ones(N),
        "g": np.zeros(N),
        "tau": tau,
        "adj_v": np.ones(N),
        "adj_g": np.zeros(N),
        "adj_tau": np.zeros(N),
    }
    found = run(kernel, G, values, np.random.default_rng(0))
    np.testing.assert_allclose(found["adj_tau"], np.exp(-1e-4 / tau) * 1e-4 / tau**2, rtol=1e-10)
    np.testing.assert_allclose(found["adj_v"], np.exp(-1e-4 / tau), rtol=1e-12)
