"""Neurons in equations as modules of PyTorch: against the same neurons in PyTorch, by gradcheck, and as what people do with modules.

What needs PyTorch is skipped without it; the message that says so, and the kernels, are tested anyway."""

import builtins
import copy
import io
import math
import pickle

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV, nA

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed (pip install 'eqsnn[torch]')")

LIF = """du/dt = (I + bias - u)/tau : 1
I : 1 (input)
bias : 1 (trainable)
tau : second (trainable, bounds=[2*ms, 100*ms])"""
ALIF = LIF + "\ndb/dt = -b/tau_a : 1\ntau_a : second (trainable)\nbeta : 1 (shared, trainable)"


@pytest.fixture(autouse=True)
def one_millisecond():
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = 0.1 * ms


def lif(n=7, **options):
    given = dict(threshold="u > 0.3", reset="u -= 0.3", surrogate="fast_sigmoid", values={"tau": "5*ms + i*ms"})
    return eq.torch_module(LIF, n=n, **{**given, **options})


def alif(n=7, **options):
    values = {"tau": "5*ms + i*ms", "tau_a": "20*ms + 3*i*ms", "beta": 0.8}
    given = dict(
        threshold="u > 0.2 + beta*b", reset="u -= 0.2 + beta*b; b += 0.3", surrogate="fast_sigmoid", values=values
    )
    return eq.torch_module(ALIF, n=n, **{**given, **options})


def currents(batch=5, steps=20, n=7, seed=0, dtype=None, requires_grad=True):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(0.4, 0.8, (batch, steps, n)), dtype=dtype or torch.get_default_dtype())
    return x.requires_grad_(requires_grad)


def by_hand(module, x, adaptive):
    """The same neurons in plain PyTorch; (spikes, u) of all steps."""

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, m):
            ctx.save_for_backward(m)
            return (m > 0).to(m.dtype)

        @staticmethod
        def backward(ctx, g):
            (m,) = ctx.saved_tensors
            return g / (1 + m.abs()) ** 2

    state = module.start(len(x))
    u, b = state["u"], state.get("b", torch.zeros(()))
    alpha = torch.exp(-1 / module.tau)
    rho = torch.exp(-1 / module.tau_a) if adaptive else None
    spikes, membrane = [], []
    for t in range(x.shape[1]):
        drive = x[:, t] + module.bias
        u = drive + (u - drive) * alpha
        b = b * rho if adaptive else b
        theta = 0.2 + module.beta * b if adaptive else 0.3
        s = Spike.apply(u - theta)
        u = u - s * theta
        b = b + 0.3 * s if adaptive else b
        spikes.append(s)
        membrane.append(u)
    return torch.stack(spikes, 1), torch.stack(membrane, 1)


def gradients(module, x, run):
    """Of a loss that reads both outputs, with respect to x and all parameters."""
    module.zero_grad()
    x.grad = None
    spikes, u = run()
    weight = torch.linspace(0.5, 1.5, spikes[0].numel(), dtype=x.dtype).reshape(spikes[0].shape)
    ((spikes * weight).sum() + (u**2 * weight).mean()).backward()
    return [spikes, u, x.grad.clone(), *(p.grad.clone() for p in module.parameters())]


@needs_torch
@pytest.mark.parametrize("model", [lif, alif])
@pytest.mark.parametrize("batch", [1, 37])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 1e-6)])
def test_gradients_are_those_of_neurons_written_in_pytorch(model, batch, dtype, tolerance):
    module = model(returns=("spike", "u"), dtype=getattr(torch, dtype))
    x = currents(batch, 60, dtype=getattr(torch, dtype))
    ours = gradients(module, x, lambda: module(x))
    theirs = gradients(module, x, lambda: by_hand(module, x, model is alif))
    assert 0.02 < ours[0].mean() < 0.9
    assert torch.equal(ours[0], theirs[0])
    for a, b in zip(ours, theirs):
        assert (a - b).norm() <= tolerance * b.norm()


@needs_torch
@pytest.mark.parametrize("model", [lif, alif])
def test_step_by_step_is_the_whole_sequence(model):
    module = model(returns=("spike", "u"), dtype=torch.float64)
    x = currents(33, 12, dtype=torch.float64)

    def steps():
        state, out = module.start(len(x)), []
        for t in range(x.shape[1]):
            found, state = module(x[:, t], state=state)
            out.append(found)
        return tuple(torch.stack(o, 1) for o in zip(*out))

    whole, stepped = gradients(module, x, lambda: module(x)), gradients(module, x, steps)
    for a, b in zip(whole[:3], stepped[:3]):
        assert torch.equal(a, b)
    for a, b in zip(whole[3:], stepped[3:]):
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-13)


@needs_torch
def test_a_sequence_may_be_cut():
    module = alif(dtype=torch.float64)
    x = currents(3, 30, dtype=torch.float64, requires_grad=False)
    whole, end = module(x, state=module.start(3))
    a, state = module(x[:, :11], state=module.start(3))
    b, state = module(x[:, 11:], state=state)
    assert torch.equal(torch.cat([a, b], 1), whole)
    assert all(torch.equal(state[v], end[v]) for v in ("u", "b"))


@needs_torch
def test_gradcheck_where_spikes_are_smooth():
    module = alif(3, surrogate="sigmoid", smooth=True, dtype=torch.float64, returns=("spike", "u", "b"))
    x = currents(2, 6, 3, dtype=torch.float64)
    names = ["tau", "bias", "tau_a", "beta"]
    given = [getattr(module, p).detach().clone().requires_grad_() for p in names]
    start = [torch.randn(2, 3, dtype=torch.float64).mul(0.1).requires_grad_() for _ in "ub"]

    def run(x, u, b, *values):
        out, state = torch.func.functional_call(module, dict(zip(names, values)), (x,), {"state": {"u": u, "b": b}})
        return (*out, state["u"], state["b"])

    assert torch.autograd.gradcheck(run, (x, *start, *given))


@needs_torch
def test_gradcheck_of_a_model_without_spikes_and_two_inputs():
    module = eq.torch_module(
        "dv/dt = (E - v)*g/tau + J/tau - v**3/tau : 1\ng : 1 (input)\nJ : 1 (input)\nE : 1 (trainable)\ntau : second (trainable)",
        n=4, method="rk4", values={"tau": "8*ms + i*ms", "E": 0.5, "v": 0.1}, dtype=torch.float64, inputs=("J", "g"),
    )  # fmt: skip
    J, g = currents(3, 5, 4, dtype=torch.float64), currents(3, 5, 4, seed=1, dtype=torch.float64)
    assert module(J, g).shape == (3, 5, 4)
    assert torch.autograd.gradcheck(lambda J, g: module(J, g), (J, g))
    for name in ("E", "tau"):
        value = getattr(module, name).detach().clone().requires_grad_()
        run = lambda p, name=name: torch.func.functional_call(module, {name: p}, (J.detach(), g.detach()))  # noqa: E731
        assert torch.autograd.gradcheck(run, (value,))


@needs_torch
def test_a_trained_start_has_a_gradient():
    module = eq.torch_module(
        "du/dt = (I - u)/(10*ms) : 1 (trainable)\nI : 1 (input)", n=2, values={"u": [0.5, -1.0]}, dtype=torch.float64
    )
    assert dict(module.named_parameters()).keys() == {"u_start"}
    module(torch.zeros(3, 4, 2, dtype=torch.float64))[:, -1].sum().backward()
    np.testing.assert_allclose(module.u_start.grad, 3 * math.exp(-0.4), rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("how", ["time first", "every other", "expanded", "channels first"])
def test_inputs_and_gradients_lie_as_they_like(how):
    module = lif(dtype=torch.float64)
    x = currents(20, 9, dtype=torch.float64).detach()
    lying = {
        "time first": x.transpose(0, 1).contiguous().transpose(0, 1),
        "every other": torch.stack([x, -x], -1)[..., 0],
        "channels first": x.transpose(1, 2).contiguous().transpose(1, 2),
        "expanded": x[:1].expand(20, 9, 7),
    }[how].requires_grad_()
    plain = lying.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    for tensor in (lying, plain):
        module(tensor).transpose(0, 1).sum().backward()  # the gradient of a sum is one number, expanded
    if how != "expanded":
        assert not lying.is_contiguous()
    assert torch.equal(lying.grad, plain.grad)


@needs_torch
def test_bits_do_not_depend_on_threads():
    found = []
    for threads in (1, 2, 3):
        module = lif(64, threads=threads, returns=("spike", "u"))
        x = currents(70, 200, 64)
        found.append(gradients(module, x, lambda module=module, x=x: module(x)))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other))


@needs_torch
def test_without_gradients_nothing_is_kept():
    module = lif()
    x = currents()
    wanted = module(x)
    with torch.no_grad():
        out = module(x)
    with torch.inference_mode():
        inferred = module(x)
    assert wanted.grad_fn is not None and out.grad_fn is None
    assert torch.equal(wanted, out) and torch.equal(wanted, inferred)
    module.eval()
    assert torch.equal(module(x), out)
    module.train()(x).sum().backward()
    assert module.tau.grad is not None


@needs_torch
def test_values_are_looked_at_in_each_forward():
    module = lif(returns="u")
    x = currents(requires_grad=False)
    first = module(x)
    module.tau.data.mul_(3)  # which no version counter tells
    assert not torch.equal(module(x), first)
    with torch.no_grad():
        module.tau.div_(3)
    torch.testing.assert_close(module(x), first)


@needs_torch
def test_state_dict_copies_and_pickles():
    module, other = alif(), alif(values={"tau": 9 * ms, "tau_a": 30 * ms, "beta": 0.1})
    x = currents(requires_grad=False)
    wanted = module(x)
    assert not torch.equal(other(x), wanted)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), wanted)
    copied = copy.deepcopy(module)
    assert torch.equal(copied(x), wanted)
    with torch.no_grad():
        copied.tau.mul_(2)
    assert torch.equal(module(x), wanted) and not torch.equal(copied.tau, module.tau)
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), wanted)
    assert set(module.state_dict()) == {"tau", "bias", "tau_a", "beta", "u_start", "b_start", "_extra_state"}


@needs_torch
def test_what_counts_as_one_is_part_of_the_state():
    def made(theta):
        return eq.torch_module(
            "du/dt = (I - u)/(10*ms) : volt\nI : volt (input)\ntheta : volt (trainable)", n=2, values={"theta": theta},
            threshold="u > theta", reset="u = 0*mV", surrogate=eq.Surrogate("fast_sigmoid", scale=1 * mV),
        )  # fmt: skip

    first, second = made(5 * mV), made([1, 2] * mV)
    assert first.theta.tolist() == [1, 1] and second.theta.tolist() == [0.5, 1]
    second.load_state_dict(first.state_dict())
    np.testing.assert_allclose(second.quantity("theta") / mV, 5)


@needs_torch
def test_float64_by_double():
    module = lif(dtype=torch.float32).double()
    assert module(currents(dtype=torch.float64)).dtype == torch.float64
    assert module.float()(currents(dtype=torch.float32)).dtype == torch.float32


@needs_torch
def test_bounds_by_clamping():
    module = lif()
    with torch.no_grad():
        module.tau.fill_(1e6)
    module(currents())
    assert torch.equal(module.tau, torch.full((7,), 100.0))
    with torch.no_grad():
        module.tau.fill_(0.1)
    module.keep_in_bounds()
    np.testing.assert_allclose(module.quantity("tau") / ms, 2.0, rtol=1e-6)


@needs_torch
def test_bounds_by_a_transform():
    module, plain = lif(bounds="transform", dtype=torch.float64), lif(dtype=torch.float64)
    np.testing.assert_allclose(module.quantity("tau") / ms, 5 + np.arange(7), rtol=1e-12)
    x = currents(dtype=torch.float64, requires_grad=False)
    assert torch.equal(module(x), plain(x))
    module(x).sum().backward()
    plain(x).sum().backward()
    share = (plain.tau.detach() - 2) / 98
    torch.testing.assert_close(module.tau_free.grad, plain.tau.grad * 98 * share * (1 - share))
    with torch.no_grad():
        module.tau_free.fill_(50.0)
    assert (module.quantity("tau") <= 100 * ms).all()
    with pytest.raises(eq.EqsnnError, match="'tau' of torch_neurons.* begins on one of its bounds or outside"):
        lif(bounds="transform", values={"tau": 2 * ms})
    half = eq.torch_module("u[n+1] = a*u + I : 1\nI : 1 (input)\na : 1 (trainable, bounds=[0.25, inf])", n=1, values={"a": 0.5}, bounds="transform", dtype=torch.float64)  # fmt: skip
    assert half.value("a").item() == pytest.approx(0.5, rel=1e-12)


@needs_torch
def test_units():
    module = eq.torch_module(
        "dv/dt = (R*I - v)/(10*ms) : volt\nI : amp (input)\nR : ohm", n=2, returns="v", values={"R": 10e6 * eq.ohm},
        units={"I": nA, "v": mV}, dtype=torch.float64,
    )  # fmt: skip
    out = module(torch.ones(1, 1000, 2, dtype=torch.float64))
    np.testing.assert_allclose(out[0, -1], 10.0)
    out, state = module(torch.ones(1, 2, dtype=torch.float64), state=module.start(1))
    np.testing.assert_allclose(state["v"] * 1e3, out)


@needs_torch
def test_a_group_and_back():
    group = eq.NeuronGroup(
        4, LIF, threshold="u > 0.3", reset="u -= 0.3", surrogate="boxcar", method="exact", name="cells"
    )
    group.tau, group.u = "3*ms + i*ms", "0.1*i"
    module = eq.torch_module(group, dtype=torch.float64)
    assert repr(module) == "Neurons(4 neurons of cells, inputs=(I), returns=(spike), dt=0.001 s)"
    np.testing.assert_allclose(module.start(2)["u"], np.tile(0.1 * np.arange(4), (2, 1)))
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    module(currents(8, 20, 4, dtype=torch.float64)).mean().backward()
    optimiser.step()
    module.write_back(group)
    np.testing.assert_allclose(group.tau / ms, module.tau.detach(), rtol=1e-12)
    x = currents(1, 30, 4, dtype=torch.float64, requires_grad=False)
    wanted = module(x)[0]
    table = eq.TimedArray(x[0].numpy(), dt=1 * ms)
    same = eq.NeuronGroup(4, LIF.replace("I : 1 (input)", "I = table(t, i) : 1"), threshold="u > 0.3", reset="u -= 0.3", method="exact", namespace={"table": table})  # fmt: skip
    module.write_back(same)
    monitor = eq.SpikeMonitor(same)
    eq.Network(same, monitor).run(30 * ms)
    assert len(monitor.i) > 3
    assert sorted(zip(np.round(monitor.t / ms).astype(int), monitor.i)) == [tuple(k) for k in wanted.nonzero().tolist()]


@needs_torch
def test_it_drops_into_a_network_that_learns():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 32),
        lif(32, values={"tau": 10 * ms}),
        torch.nn.Linear(32, 3),
        eq.torch_module(
            "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (trainable)", n=3, values={"tau": 10 * ms}
        ),
    )
    assert [n for n, _ in net.named_parameters()] == [
        "0.weight",
        "0.bias",
        "1.bias",
        "1.tau",
        "2.weight",
        "2.bias",
        "3.tau",
    ]
    y = torch.randint(0, 3, (90,))
    rates = torch.where(torch.arange(6)[None] // 2 == y[:, None], 0.5, 0.1)
    x = (torch.rand(90, 40, 6) < rates[:, None]).float()
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-2)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(10 * net(x).mean(1), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


class Encoded(torch.utils.data.Dataset if torch else object):
    """Samples that neurons make of currents, in the workers of a DataLoader."""

    def __init__(self, module):
        self.module = module

    def __len__(self):
        return 8

    def __getitem__(self, k):
        with torch.no_grad():
            return self.module(currents(40, 100, 64, seed=k, requires_grad=False))


@needs_torch
def test_it_works_in_the_workers_of_a_data_loader():
    dataset = Encoded(lif(64, threads=2))
    here = [dataset[k] for k in range(8)]  # the threads of this process have been started, and a forked one has none
    loader = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="fork")
    assert all(torch.equal(a, b) for a, b in zip(loader, here))


@needs_torch
@pytest.mark.parametrize("how", ["backward", "grad"])
def test_second_derivatives_are_refused(how):
    module = lif(returns="u", dtype=torch.float64)
    x = currents(dtype=torch.float64)
    (g,) = torch.autograd.grad((module(x) ** 2).sum(), x, create_graph=True)
    with pytest.raises(eq.EqsnnError, match="the gradients of torch_neurons.* have no gradient: second derivatives"):
        (g**2).sum().backward() if how == "backward" else torch.autograd.grad((g**2).sum(), x)
    (g,) = torch.autograd.grad((module(x) ** 2).sum(), module.tau, create_graph=True)
    with pytest.raises(eq.EqsnnError, match="second derivatives"):
        torch.autograd.grad((g**2).sum(), module.tau)


@needs_torch
def test_of_nothing_comes_nothing():
    module = lif()
    for shape in ((0, 5, 7), (3, 0, 7)):
        x = torch.zeros(shape, requires_grad=True)
        out = module(x)
        out.sum().backward()
        assert out.shape == shape and x.grad.shape == shape and not module.tau.grad.any()


@needs_torch
def test_states_that_are_the_last_event():
    """A reset that comes a step late: the spike before is read back from what the module returned."""
    module = eq.torch_module(
        "u[n+1] = 0.9*u + I - theta*s : 1\ns[n+1] = 0 : 1\nI : 1 (input)\ntheta : 1 (trainable)", n=3, threshold="u > theta", reset="s = 1",
        surrogate="sigmoid", smooth=True, dtype=torch.float64, values={"theta": 0.5, "s": 0.25},
    )  # fmt: skip
    assert module._layer.echoes == ("s",)
    x = currents(2, 7, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(module, (x,))
    value = module.theta.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: torch.func.functional_call(module, {"theta": p}, (x,)), (value,))


# -- what it says -------------------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda m: m(torch.zeros(2, 7)), "needs the state before it: begin with state = module.start"),
    (lambda m: m(torch.zeros(2, 3, 8)), r"'I' of cells has the shape \(batch, steps, 7\), or \(batch, 7\) for one step; got \(2, 3, 8\)"),
    (lambda m: m(torch.zeros(2, 3, 7, dtype=torch.float64)), "'I' of cells is torch.float64, and its parameters are torch.float32: convert one"),
    (lambda m: m(torch.zeros(2, 3, 7, device="meta")), "'I' of cells is on the device 'meta', and the module computes on the CPU: give it x.cpu"),
    (lambda m: m.to("meta")(torch.zeros(2, 3, 7)), "of cells is on the device 'meta', and the module computes on the CPU"),
    (lambda m: m(np.zeros((2, 3, 7))), "'I' of cells is a tensor; got ndarray"),
    (lambda m: m(torch.zeros(2, 3, 7), torch.zeros(2, 3, 7)), r"cells takes 1 tensors \(I\); got 2"),
    (lambda m: m(torch.zeros(2, 3, 7), state={"v": torch.zeros(2, 7)}), "cells has no state 'v'; its states are u"),
    (lambda m: m(torch.zeros(2, 3, 7), state={"u": torch.zeros(3, 7)}), r"the state 'u' of cells has the shape \(2, 7\), as the input; got \(3, 7\)"),
    (lambda m: m.value("v"), "there is no 'v' in cells, which has"),
    (lambda m: m.half()(torch.zeros(2, 3, 7)), "cells computes in float32 or float64; its parameters are torch.float16"),
]  # fmt: skip


@needs_torch
@pytest.mark.parametrize("do, message", WRONG)
def test_a_wrong_use_is_told(do, message):
    group = eq.NeuronGroup(
        7, LIF, threshold="u > 0.3", reset="u -= 0.3", surrogate="boxcar", name="cells", method="exact"
    )
    group.tau = 5 * ms
    with pytest.raises(eq.EqsnnError, match=message):
        do(eq.torch_module(group))


@needs_torch
@pytest.mark.parametrize("options, message", [
    (dict(inputs="J"), "inputs= names 'J', which is no .input. variable of .*; write 'J : 1 .input.' in its equations, or name I"),
    (dict(inputs=("I", "I")), "inputs= names each .input. variable of .* once: I"),
    (dict(returns="b"), "returns= names 'b', which does not change in a step of .*; there are spike, u"),
    (dict(returns=()), "returns= names what comes out"),
    (dict(bounds="none"), "bounds= is 'clamp' or 'transform'; got 'none'"),
    (dict(units={"u": 1 * mV}, returns="u"), "units= gives 'u' of .* the unit"),
    (dict(units={"tau": 1 * ms}), "units= names 'tau', which neither goes into"),
    (dict(n=None), "torch_module.. of equations needs n="),
    (dict(surrogate=None), "the spike of torch_neurons.* has no derivative"),
    (dict(dtype="float32"), "dtype= is torch.float32 or torch.float64; got float32"),
])  # fmt: skip
def test_a_wrong_option_is_told(options, message):
    with pytest.raises(eq.EqsnnError, match=message):
        lif(**options)


@needs_torch
def test_what_makes_no_module_is_told():
    group = eq.NeuronGroup(2, "du/dt = -u/(5*ms) : 1\nI : 1 (input)", name="cells")
    with pytest.raises(eq.EqsnnError, match="was given the group cells and n=, threshold=, which the group has"):
        eq.torch_module(group, n=2, threshold="u > 1")
    with pytest.raises(eq.EqsnnError, match="takes the values of the group cells; set them there"):
        eq.torch_module(group, values={"u": 1})
    with pytest.raises(eq.EqsnnError, match="takes equations or a NeuronGroup; got int"):
        eq.torch_module(3)
    with pytest.raises(eq.EqsnnError, match="'forward' of .* would be the attribute 'forward' of a torch module"):
        eq.torch_module("du/dt = (I*forward - u)/(5*ms) : 1\nI : 1 (input)\nforward : 1 (trainable)", n=1)
    with pytest.raises(eq.EqsnnError, match="has no threshold; say by returns= what comes out: u, w"):
        eq.torch_module("du/dt = (I - w)/(5*ms) : 1\ndw/dt = -u/(5*ms) : 1\nI : 1 (input)", n=1)
    with pytest.raises(eq.EqsnnError, match="has no .input. variable"):
        eq.torch_module("du/dt = -u/(5*ms) : 1", n=1)(torch.zeros(1, 1, 1))


def test_without_pytorch_it_says_what_to_install(monkeypatch):
    def refuse(name, *args, **kwargs):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return before(name, *args, **kwargs)

    before = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        eq.EqsnnError, match=r"\(ModuleNotFoundError: No module named 'torch'\); pip install 'eqsnn\[torch\]'"
    ):
        eq.torch_module("du/dt = -u/(5*ms) : 1\nI : 1 (input)", n=1)
