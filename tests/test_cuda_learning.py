"""Training on a CUDA device: on the CPU's stand-in for a GPU it gives the bits of the C engine, and mistakes in its kernels are seen.

It has not run on a GPU here; that the text compiles for three is seen where nvcc is installed.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_cuda

import eqsnn as eq
from eqsnn import ms
from eqsnn.backends.compiler import compiler
from eqsnn.backends.cuda.build import CudaBackend, HostBackend, compile_for, nvcc, nvcc_elsewhere
from eqsnn.backends.cuda.device import DeviceError
from eqsnn.backends.cuda.host import HostDevice
from eqsnn.backends.cuda.learner import barriers, learner_source
from eqsnn.learning import cuda_engine
from tests.test_learning import drawn_group, lif, samples, small
from tests.test_learning_general import MODELS, network, noisy, presented
from tests.test_learning_graded import liquid, rates, squared, values, wanted
from tests.test_learning_starts import batch as late_batch
from tests.test_learning_starts import made

ORDERS = ["ascending", "descending", 2]
FUSED = "clang" not in compiler().version and "__FP_FAST_FMAF 1" in subprocess.run(
    [*compiler().command, *compiler().flags, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True
).stdout  # fmt: skip
"""Whether the C compiler fuses products and sums where it may (EQ_CONTRACT in learn.c.j2), as the kernels for CUDA do everywhere there."""


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


@pytest.fixture
def on(monkeypatch):
    """Lets 'cuda-host' be a device of the test's choice."""
    return lambda device: monkeypatch.setattr(HostBackend, "device", lambda self: device)


def same(found, expected):
    """Losses and arrays by name, bit for bit where the C compiler does what CUDA does."""
    assert found[0] == pytest.approx(expected[0], rel=0 if FUSED else 1e-5, abs=0)
    assert found[1].keys() == expected[1].keys()
    for name, a in expected[1].items():
        if FUSED:
            np.testing.assert_array_equal(found[1][name], a, err_msg=name)
        else:
            np.testing.assert_allclose(found[1][name], a, rtol=1e-4, atol=1e-5 * np.abs(a).max(), err_msg=name)


# -- networks: (net, loss, x, y), made anew each time ------------------------------------------------------------------------------------


def classes(net, out, batch=21, steps=15, **options):
    x, y = samples(batch=batch, steps=steps)
    return net, eq.CrossEntropy(out, "u", **options), x, y


def leaky(**options):
    return classes(*small(lif, **options))


def late_reset():
    """The state that is the last event is read from the bits; an adaptive threshold."""

    def adaptive(n):
        group = eq.NeuronGroup(
            n,
            """
            b[n+1] = rho*b + (1 - rho)*s : 1
            u[n+1] = alpha*u + (1 - alpha)*I - (0.1 + 1.8*(rho*b + (1 - rho)*s))*s : 1
            s[n+1] = 0 : 1
            alpha = exp(-dt/tau_m) : 1
            rho = exp(-dt/tau_a) : 1
            I : 1 (input)
            tau_m, tau_a : second (trainable)
            """,
            threshold="u > 0.1 + 1.8*b", reset="s = 1", surrogate="multi_gaussian", name="hidden",
        )  # fmt: skip
        group.tau_m, group.tau_a, group.b = 10 * ms, "20*ms + i*ms", 0.1
        return group

    return classes(*small(adaptive, same=True, scale=4.0))


def many_neurons():
    """More than a block has threads, and events that a delay keeps beyond the window."""
    return classes(*small(lif, n=41, delay=4 * ms), batch=3)


def spikes_are_read():
    net, _ = small(lif)
    x, y = samples(batch=9, steps=12)
    return net, eq.CrossEntropy(net["hidden"], "spike", over="sum"), x, y[:, 0]


def time_constants():
    net, out = liquid(n=19)
    return net, squared(out), values(batch=11), wanted(batch=11)


def signals(late):
    net, out = rates(True, "gain_pre*r_pre", "u > 0.2", late)
    return net, squared(out), values(batch=9), wanted(batch=9)


def alone():
    """One recurrent layer, whose errors nobody else's barrier keeps apart."""
    eq.seed(0)
    inputs = eq.Inputs(3, name="inputs")
    group = eq.NeuronGroup(
        37, "u[n+1] = 0.9*u + I + g : 1 (trainable)\nI : 1 (input)\ng : 1\nz : 1", threshold="u > 0.4", reset="u *= 0.5",
        surrogate="arctan", name="group",
    )  # fmt: skip
    group.u = "0.3*rand()"
    layers = [
        eq.Dense(inputs, group, on_pre="I_post += w*x_pre", name="w_in"),
        eq.Dense(group, group, "w : 1 (trainable)\ng_post = w*tanh(u_pre) : 1 (summed)", name="w_rec"),
        eq.Dense(group, group, name="w_spike", init="0.3*randn()"),
    ]
    net = eq.Network(inputs, group, layers)
    return net, eq.MeanSquaredError(group, "u", over="last"), values(batch=9), np.full((9, 37), 0.5)


def drawn(seed):
    rng = np.random.default_rng(200 + seed)
    return classes(*small(lambda n: drawn_group(rng, n)[0], same=seed % 2 == 0, n=5), batch=4, steps=12)


def general(model):
    """Refractory times, the time, tables, counters, conditions, and random numbers that are drawn again on the way back."""
    net, cells = network(model)
    x = np.stack([presented(20, seed=s) for s in range(5)])
    return net, eq.MeanSquaredError(cells, "spike", over="sum"), x, np.random.default_rng(2).random((5, len(cells)))


def penalised():
    """Rates of hidden neurons that are kept from two steps on, with a delay as long as some samples."""
    net, loss, x, y = leaky(delay=3 * ms)
    return net, loss + eq.RatePenalty(net["hidden"], low=0.6, weight=3.0), x, y


CASES = {
    "penalised": penalised,
    "leaky": leaky,
    "leaky, same step": lambda: leaky(same=True),
    "delays": lambda: leaky(delay=3 * ms),
    "late reset": late_reset,
    "many neurons": many_neurons,
    "spikes are read": spikes_are_read,
    "liquid time constants": time_constants,
    "signals": lambda: signals(False),
    "signals of the last step": lambda: signals(True),
    "one layer": alone,
    **{m.__name__: lambda m=m: general(m) for m in (*MODELS, noisy)},
    **{f"drawn {k}": lambda k=k: drawn(k) for k in range(4)},
}


def gradients(case, backend, dtype="float32", **options):
    net, loss, x, y = CASES[case]()
    trainer = eq.Trainer(net, loss=loss, dtype=dtype, backend=backend, **options)
    found = trainer.gradients(x, y)
    net.remove(*net.objects)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_gradients_have_the_bits_of_the_c_engine(case, dtype):
    expected = gradients(case, "c", dtype)
    assert any(np.abs(g).max() > 0 for g in expected[1].values())
    same(gradients(case, "cuda-host", dtype), expected)


@pytest.mark.parametrize("case", ["leaky", "delays", "late reset", "liquid time constants", "noisy"])
@pytest.mark.parametrize("window", [1, 4])
def test_windows_have_the_bits_of_the_c_engine(case, window):
    options = dict(method="tbptt", window=window)
    same(gradients(case, "cuda-host", **options), gradients(case, "c", **options))


@pytest.mark.parametrize("method", [dict(), dict(method="fptt", window=4, clip=1.0)])
@pytest.mark.parametrize("case", ["late reset", "liquid time constants"])
def test_training_has_the_bits_of_the_c_engine(case, method):
    """Batches of several sizes in turn, and what is predicted afterwards."""
    found = []
    for backend in ("cuda-host", "c"):
        net, loss, x, y = CASES[case]()
        trainer = eq.Trainer(net, loss=loss, optimizer=eq.Adam(1e-2), backend=backend, **method)
        trainer.fit(x, y, epochs=2, batch=8, shuffle=False)
        found.append((trainer.history["loss"][-1], {**trainer.parameters, "predicted": trainer.predict(x, batch=5)}))
        net.remove(*net.objects)
    same(*found)


@pytest.mark.parametrize("checkpoints", [False, True])
@pytest.mark.parametrize("case", ["delays", "penalised", "liquid time constants", "noisy"])
def test_gradients_of_inputs_and_checkpoints_have_the_bits_of_the_c_engine(case, checkpoints):
    found = []
    for backend in ("cuda-host", "c"):
        net, loss, x, y = CASES[case]()
        trainer = eq.Trainer(net, loss=loss, backend=backend, checkpoints=checkpoints)
        value, slope = trainer.input_gradients(x, y)
        found += [(value, {"input": slope}), trainer.gradients(x[:4], y[:4])]
        net.remove(*net.objects)
    assert np.abs(found[0][1]["input"]).max() > 0
    same(found[0], found[2])
    same(found[1], found[3])


def test_booleans_and_integers_are_presented():
    x, y = samples(batch=5)
    for dtype in (bool, np.uint8, np.float32):
        found = []
        for backend in ("cuda-host", "c"):
            net, out = small(lif)
            found.append(eq.Trainer(net, loss=eq.CrossEntropy(out, "u"), backend=backend).gradients(x.astype(dtype), y))
            net.remove(*net.objects)
        same(*found)


def test_memory_of_the_device_is_given_back(on):
    device = HostDevice()
    on(device)
    net, loss, x, y = leaky()
    trainer = eq.Trainer(net, loss=loss, backend="cuda-host")
    trainer.gradients(x, y)
    held = len(device._sizes)
    for batch in (5, 9, 21, 21):
        trainer.gradients(x[:batch], y[:batch])
        assert 0 < len(device._sizes) <= held
    net.remove(*net.objects)
    trainer.engine._memory.clear()
    del trainer.engine._now
    assert not device._sizes


def test_a_gpu_is_driven_as_for_runs(monkeypatch):
    """Through the stand-in for the driver, which minds the rules of the real one."""
    fake_cuda.forget()
    fake_cuda.install(monkeypatch, fake_cuda.FakeGpu())
    same(gradients("liquid time constants", "cuda"), gradients("liquid time constants", "c"))
    fake_cuda.forget()


# -- mistakes -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["delays", "pause", "liquid time constants", "one layer"])
def test_no_access_is_a_race(case, on):
    on(HostDevice(watched=True))
    same(gradients(case, "cuda-host"), gradients(case, "c"))


def without(text, number):
    """The text without one of its barriers."""
    parts = text.split("__syncthreads();")
    return (
        "__syncthreads();".join(parts[: number + 1])
        + "__syncthreads();".join(["", *parts[number + 1 :]])[len("__syncthreads();") :]
    )


@pytest.mark.parametrize(
    "case, count", [("leaky, same step", 3), ("liquid time constants", 5), ("one layer", 3), ("pause", 3)]
)
def test_each_missing_barrier_is_a_race(case, count, on, monkeypatch):
    net, loss, *_ = CASES[case]()
    text = learner_source(eq.Trainer(net, loss=loss, backend="numpy").network.learner)
    net.remove(*net.objects)
    assert text.count("__syncthreads();") == count
    on(HostDevice(watched=True))
    for number in range(count):
        monkeypatch.setattr(cuda_engine, "learner_source", lambda learner, number=number: without(text, number))
        with pytest.raises(
            DeviceError, match=r"eq_learn_(for|back)ward went wrong: threads .* without a barrier between them"
        ):
            gradients(case, "cuda-host")


def test_a_missing_barrier_is_wrong_in_some_order(on, monkeypatch):
    expected = gradients("one layer", "c")
    monkeypatch.setattr(
        cuda_engine, "learner_source", lambda learner: learner_source(learner).replace("__syncthreads();", "")
    )
    wrong = []
    for order in ORDERS:
        on(HostDevice(order))
        found = gradients("one layer", "cuda-host")
        wrong.append(found[0] != expected[0] or any(not np.array_equal(g, expected[1][n]) for n, g in found[1].items()))
    assert any(wrong)


def test_an_array_that_is_read_too_far_is_named(on, monkeypatch):
    text = "for (int64_t i = 0; i < n_source; i++)\n            if"
    broken = lambda learner: learner_source(learner).replace(text, text.replace("i < n_source", "i < 999 * n_source"))  # noqa: E731
    monkeypatch.setattr(cuda_engine, "learner_source", broken)
    with pytest.raises(DeviceError, match="eq_learn_forward went wrong: thread .* touches memory outside its buffers"):
        gradients("leaky", "cuda-host")


def test_barriers_stand_where_somebody_reads():
    learners = {}
    for case in ("leaky", "one layer", "pause"):
        net, loss, *_ = CASES[case]()
        learners[case] = barriers(eq.Trainer(net, loss=loss, backend="numpy").network.learner)
        net.remove(*net.objects)
    assert learners["leaky"].before == (False, True) and learners["leaky"].after == (True, True)
    assert learners["one layer"].before == (True,) and learners["one layer"].apart == (True,)
    assert not learners["leaky"].readout and learners["pause"].readout and learners["pause"].before == (False,)


# -- compilers, and what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(nvcc() is None and nvcc_elsewhere() is None, reason="nvcc, the CUDA compiler, is not installed")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_the_kernels_compile(case, dtype, tmp_path, capsys):
    net, loss, *_ = CASES[case]()
    learner = eq.Trainer(net, loss=loss, dtype=dtype, backend="numpy").network.learner
    net.remove(*net.objects)
    found = compile_for(learner_source(learner), tmp_path)
    assert {r.kernel for r in found} == {"eq_learn_forward", "eq_learn_backward"}
    assert all(r.registers <= 255 and r.spilled <= 64 for r in found), (
        found
    )  # Hodgkin and Huxley in double precision: 52 bytes


@pytest.mark.skipif(nvcc() is None, reason="nvcc, the CUDA compiler, is not installed")
def test_the_command_prints_what_training_takes(capsys, tmp_path):
    from eqsnn.cli.main import main

    script = Path(__file__).parent.parent / "examples" / "train_online_fptt.py"
    assert main(["cuda", str(script), "--updates", "0", "--out", ""]) == 0
    assert re.search(r"\neq_learn_backward +\d+ +\d+ +\d+ +0 +0 +0\neq_learn_forward ", capsys.readouterr().out)


@pytest.mark.skipif(nvcc() is None, reason="nvcc, the CUDA compiler, is not installed")
def test_a_warning_is_an_error(tmp_path):
    net, loss, *_ = leaky()
    text = learner_source(eq.Trainer(net, loss=loss, backend="numpy").network.learner)
    net.remove(*net.objects)
    with pytest.raises(eq.CompileError, match=r"variable \"never\" was declared but never referenced"):
        compile_for(
            text.replace("    for (int64_t t = 0;", "    const int never = 0;\n    for (int64_t t = 0;"), tmp_path
        )


def test_without_a_gpu_the_trainer_says_so_as_a_run_does(monkeypatch):
    def none(self):
        raise eq.EqsnnError("the backend 'cuda' finds no GPU")

    monkeypatch.setattr(CudaBackend, "device", none)
    net, loss, *_ = leaky()
    with pytest.raises(eq.EqsnnError, match="the backend 'cuda' finds no GPU"):
        eq.Trainer(net, loss=loss, backend="cuda")


def test_eligibility_traces_are_refused():
    trainer = made(backend="cuda-host", method="eprop")
    with pytest.raises(
        eq.EqsnnError, match="eligibility traces are not computed on a GPU; use method='bptt', 'tbptt' or 'fptt' there"
    ):
        trainer.step(*late_batch())


def test_an_unknown_backend_is_named():
    net, loss, *_ = leaky()
    with pytest.raises(eq.EqsnnError, match="there is no backend 'gpu'; there are 'cython'"):
        eq.Trainer(net, loss=loss, backend="gpu")
