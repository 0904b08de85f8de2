"""Runs: no Python inside, failures before the first step or with the name of the variable, Ctrl-C, progress, Python operations."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms


def calls_of_a_run(duration):
    eq.start_scope()
    eq.settings.backend = "c"
    G = eq.NeuronGroup(100, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0")
    S = eq.Synapses(G, G, on_pre="v_post += 0.01", delay=1 * ms)
    S.connect(p=0.1)
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, "v", record=True)
    network = eq.Network(G, S, M, V)
    network.run(1 * ms)
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        network.run(duration)
    finally:
        sys.setprofile(None)
    assert M.num_spikes > 0
    return count


def test_the_number_of_python_calls_does_not_grow_with_the_steps():
    calls_of_a_run(10 * ms)
    few, many = calls_of_a_run(100 * ms), calls_of_a_run(2000 * ms)  # 1,000 and 20,000 steps
    assert abs(many - few) < 100  # the collector of garbage makes a few


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_the_first_value_that_is_not_finite_stops_the_run_with_its_name(backend):
    eq.settings.backend = backend
    G = eq.NeuronGroup(5, "dv/dt = v**2*a/ms : 1\na : 1\nother : 1", method="euler")
    G.v, G.a = 1, [0, 0, 0, 1, 0]
    network = eq.Network(G)
    with pytest.raises(eq.NotFiniteError, match=r"neurongroup\w*\.v\[3\] became infinite in the step at t = ") as info:
        network.run(100 * ms)
    assert "dv/dt = v**2*a/ms : 1" in str(info.value)
    assert 0 * ms < network.t < 100 * ms
    assert np.isfinite(G.v[0])


def test_a_kernel_that_does_not_compile_raises_before_the_first_step(monkeypatch):
    from eqsnn.backends import printer

    eq.settings.backend = "c"
    good = eq.NeuronGroup(2, "dv/dt = -v/(10*ms) : 1", name="good")
    bad = eq.NeuronGroup(2, "dw/dt = -w/(7*ms) : 1", name="bad")
    good.v = 1
    original = printer._Printer._store

    def broken(self, s):
        text = original(self, s)
        return text.replace("b_w[i]", "b_w[no_such_thing]") if self.kernel.owner == "bad" else text

    monkeypatch.setattr(printer._Printer, "_store", broken)
    network = eq.Network(good, bad)
    with pytest.raises(eq.CompileError) as info:
        network.run(1 * ms)
    text = str(info.value)
    assert "the code of bad did not compile, at 'dw/dt = -w/(7*ms) : 1'" in text
    assert "no_such_thing" in text and "-O3" in text and "kernels.c" in text
    assert network.t == 0 * ms and np.all(good.v[:] == 1)


def test_a_missing_compiler_says_what_to_install(monkeypatch):
    eq.settings.backend = "c"
    monkeypatch.setenv("CC", "/no/such/compiler")
    from eqsnn.backends import compiler

    with pytest.raises(
        eq.CompileError,
        match=r"CC is set to '/no/such/compiler', which does not run.*apt install gcc.*backend = 'numpy'",
    ):
        compiler.compiler()


INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it sends to the background without one
import eqsnn as eq
from eqsnn import ms, second
eq.settings.backend = sys.argv[1]
G = eq.NeuronGroup(1000, "dv/dt = 1/ms : 1", method="euler")
source = eq.SpikeGeneratorGroup(1, [0], [0]*ms)
M, V = eq.PopulationRateMonitor(source), eq.StateMonitor(G, "v", record=[0])
calls = []

def slow(t):
    calls.append(t)
    end = time.perf_counter() + 0.0002
    while time.perf_counter() < end:
        pass

net = eq.Network(G, M, V, source)
if sys.argv[2] != "alone":
    net.add(eq.network_operation(when=sys.argv[2])(slow))
net.run(1*ms)
print("ready", flush=True)
try:
    net.run(100000*second)
except KeyboardInterrupt:
    steps = round(net.t/(0.1*ms))
    assert abs(G.v[0] - 0.1*steps) < 1e-6*steps, (G.v[0], steps)
    assert len(M.rate_) == len(V.t) == steps, (len(M.rate_), len(V.t), steps)
    assert len(calls) in (0, steps), (len(calls), steps)
    net.run(1*ms)
    assert len(V.t) == steps + 10
    for _ in range(2):  # the handler of before is back, and not for one time only
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
    print("interrupted", steps > 10, flush=True)
"""


@pytest.mark.parametrize("backend", ["c", "numpy"])
@pytest.mark.parametrize("operation", ["alone", "start", "groups", "end"])
def test_ctrl_c_ends_at_a_step_with_usable_state(tmp_path, backend, operation):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), backend, operation]
    out, err = interrupted(command, times=1)
    assert out == "interrupted True\n", err


def interrupted(command, times):
    """What a process printed after it said that it is ready and got SIGINT so many times. It does not outlive this."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        for _ in range(times):
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        return process.communicate(timeout=60)
    finally:
        process.kill()


def test_a_second_ctrl_c_leaves_an_operation_that_does_not_end(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import eqsnn as eq, signal, time
        eq.settings.backend = "c"
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before = signal.getsignal(signal.SIGINT)

        @eq.network_operation
        def never_ends():
            print("ready", flush=True)
            while True:
                time.sleep(0.01)

        try:
            eq.Network(eq.NeuronGroup(1, "v : 1"), never_ends).run(1*eq.ms)
        except KeyboardInterrupt:
            print("left", signal.getsignal(signal.SIGINT) is before, flush=True)
        """)
    )
    out, err = interrupted([sys.executable, str(script)], times=2)
    assert out == "left True\n", err


def test_a_process_that_ignores_ctrl_c_keeps_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        eq.settings.backend = "c"
        interrupt = eq.NetworkOperation(lambda: signal.raise_signal(signal.SIGINT))
        network = eq.Network(eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler"), interrupt)
        network.run(1 * ms)
        assert network.t == 1 * ms
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_progress_reports_by_a_function_and_as_text(capsys):
    seen = []
    G = eq.NeuronGroup(2000, "dv/dt = 1/ms : 1", method="euler")
    network = eq.Network(G)
    network.run(300 * ms, report=lambda *a: seen.append(a), report_period=1 * ms)
    assert seen[0][1] == 0 and seen[-1][1] == 1
    assert [s[1] for s in seen] == sorted(s[1] for s in seen)
    assert all(s[3] == 300 * ms for s in seen)
    network.run(1 * ms, report="text")
    assert "(100%) simulated in" in capsys.readouterr().out
    with pytest.raises(eq.EqsnnError, match="report= is"):
        network.run(1 * ms, report="loud")


def test_a_run_lets_other_threads_work():
    eq.settings.backend = "c"
    G = eq.NeuronGroup(4000, "dv/dt = (sin(v) - v)/ms : 1", method="rk4")
    network = eq.Network(G)
    network.run(0 * ms)
    ticks, running = [], True

    def count():
        while running:
            ticks.append(time.monotonic())
            time.sleep(0.002)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.monotonic()
    network.run(300 * ms)
    end = time.monotonic()
    running = False
    thread.join()
    assert sum(start < t < end for t in ticks) > 3


def test_operations_see_and_change_the_state_and_can_stop():
    G = eq.NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    seen = []

    @eq.network_operation(dt=1 * ms)
    def look(t):
        seen.append((float(t / ms), float(G.v[0])))
        G.v[1] = -1
        if t > 4.5 * ms:
            eq.stop()

    eq.run(10 * ms)
    assert [t for t, _ in seen] == pytest.approx([0, 1, 2, 3, 4, 5])
    assert [v for _, v in seen] == pytest.approx([0, 1, 2, 3, 4, 5])
    assert eq.magic_network.t / ms == pytest.approx(5.1)
    assert G.v[1] == pytest.approx(-0.9)


@pytest.mark.parametrize("backend", ["c", "cython"])
def test_new_objects_of_other_names_sizes_and_values_start_no_compiler(monkeypatch, backend):
    from eqsnn.backends import compiler

    eq.settings.backend = backend

    def build(n, p, dt, tau):
        G = eq.NeuronGroup(n, "dv/dt = (1.1 - v)/tau : 1", threshold="v > 1", reset="v = 0", method="euler", dt=dt)
        S = eq.Synapses(G, G, "w : 1", on_pre="v += w", delay=tau / 10)
        S.connect(p=p)
        S.w = 0.1
        eq.Network(G, S).run(1 * ms, namespace={"tau": tau})
        return G, S

    kept = [build(20, 0.5, 0.1 * ms, 10 * ms)]

    def none(*arguments, **options):
        raise AssertionError(f"a compiler was started: {arguments}")

    monkeypatch.setattr(compiler.subprocess.Popen, "__init__", none)
    kept += [
        build(*c) for c in ((21, 0.5, 0.1 * ms, 10 * ms), (20, 0.2, 0.1 * ms, 10 * ms), (300, 1, 0.05 * ms, 5 * ms))
    ]
    assert len({G.name for G, _ in kept}) == 4


def test_constants_are_read_again_at_every_run_and_nothing_is_compiled_for_them(monkeypatch):
    from eqsnn.backends import compiler

    eq.settings.backend = "c"
    tau = 10 * ms
    G = eq.NeuronGroup(1, "dv/dt = -v/tau : 1", method="exact")
    G.v = 1
    network = eq.Network(G)
    network.run(1 * ms)
    assert G.v[0] == pytest.approx(np.exp(-0.1), rel=1e-13)
    monkeypatch.setattr(compiler.subprocess, "Popen", None)
    tau = 1 * ms
    network.run(1 * ms)
    assert G.v[0] == pytest.approx(np.exp(-1.1), rel=1e-13)
    network.run(1 * ms, namespace={"tau": 2 * ms})
    assert G.v[0] == pytest.approx(np.exp(-1.6), rel=1e-13)
    eq.defaultclock.dt = 0.5 * ms
    network.run(1 * ms)
    assert G.v[0] == pytest.approx(np.exp(-2.6), rel=1e-13)
    assert tau == 1 * ms


def test_a_change_of_dt_that_does_not_fit_the_time_is_refused():
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    network = eq.Network(G)
    network.run(0.1 * ms)
    eq.defaultclock.dt = 0.3 * ms
    with pytest.raises(eq.EqsnnError, match="no multiple"):
        network.run(3 * ms)


def test_parameters_written_during_a_run_are_not_frozen_by_the_exact_method():
    """The propagator of a parameter that a synapse changes would be wrong; see integrators/exact.py."""
    G = eq.NeuronGroup(1, "dv/dt = (a - v)/(10*ms) : 1\na : 1", method="exact")
    SG = eq.SpikeGeneratorGroup(1, [0], [2] * ms)
    S = eq.Synapses(SG, G, on_pre="a_post += 1")
    S.connect()
    V = eq.StateMonitor(G, "v", record=0)
    eq.Network(G, SG, S, V).run(5 * ms)
    t = V.t / ms
    np.testing.assert_allclose(V.v[0], np.where(t > 2.05, 1 - np.exp(-(t - 2.1) / 10), 0), atol=1e-12)


def test_magic_run_takes_what_can_be_seen_and_says_what_is_missing():
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    hidden = [eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")]
    eq.run(1 * ms)
    assert G.v[0] == pytest.approx(1) and hidden[0].v[0] == 0
    eq.run(1 * ms)
    assert G.v[0] == pytest.approx(2) and eq.magic_network.t == 2 * ms

    with pytest.raises(eq.EqsnnError, match="there is nothing to run"):
        eq.start_scope()
        (lambda: eq.run(1 * ms))()


def _only(G, H=None):
    eq.run(1 * ms)


def test_magic_run_does_not_lose_an_object_silently(caplog):
    G, H = (eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler", name=n) for n in ("kept", "lost"))
    eq.run(1 * ms)
    told = lambda: [m for m in caplog.messages if "'lost'" in m]  # noqa: E731
    assert told() == []
    _only(G)
    assert told() == ["'lost' took part in the last run() and does not now: it cannot be seen where run() is called"]
    _only(G, H)
    assert H.v[0] == pytest.approx(2) and G.v[0] == pytest.approx(3)


def test_a_part_that_is_missing_is_named():
    G = eq.NeuronGroup(2, "v : 1", threshold="v > 1", name="cells")
    S = eq.Synapses(G, G, on_pre="v += 1", name="cells_synapses")
    with pytest.raises(eq.EqsnnError, match="'cells_synapses' uses 'cells', which is not part of the network"):
        eq.Network(S).run(1 * ms)
    H = eq.NeuronGroup(2, "v : 1", name="silent")
    with pytest.raises(eq.EqsnnError, match="waits for the spikes of 'silent' .on_pre., which has no threshold"):
        eq.Synapses(H, G, on_pre="v += 1")


@pytest.mark.parametrize("wrong", [5, 3 * eq.mV, -1 * ms, float("inf") * ms])
def test_a_wrong_duration_is_refused(wrong):
    G = eq.NeuronGroup(1, "v : 1")
    with pytest.raises(eq.EqsnnError, match="duration must be"):
        eq.Network(G).run(wrong)


def test_threads_are_bound_by_the_environment(monkeypatch):
    monkeypatch.setenv("EQSNN_NUM_THREADS", "2")
    assert eq.settings.effective_threads() == 2
    monkeypatch.setenv("EQSNN_NUM_THREADS", "many")
    with pytest.raises(eq.EqsnnError, match="EQSNN_NUM_THREADS must be an integer from 1 to 256"):
        eq.settings.effective_threads()


def test_events_on_their_way_survive_a_later_connect_and_new_delays():
    SG = eq.SpikeGeneratorGroup(2, [0, 1], [0, 0] * ms)
    G = eq.NeuronGroup(3, "v : 1")
    S = eq.Synapses(SG, G, on_pre="v_post += 1")
    S.connect(i=[0, 1], j=[0, 1])
    S.delay = [2, 3] * ms
    network = eq.Network(SG, G, S)
    network.run(1 * ms)
    S.connect(i=[0], j=[2])
    network.run(1.05 * ms)
    assert G.v[:].tolist() == [1, 0, 0]
    network.run(1 * ms)
    assert G.v[:].tolist() == [1, 1, 0]


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_not_refractory_is_right_after_a_run_that_did_not_store_it(backend):
    """The plan leaves out what nobody reads (planner.Refresh); what a user then sees is the same as with a monitor that reads it."""
    eq.settings.backend = backend

    def outcome(watched, steps):
        eq.start_scope()
        G = eq.NeuronGroup(
            20,
            "dv/dt = (a - v)/(5*ms) : 1 (unless refractory)\na : 1\nr : second",
            threshold="v > 1",
            reset="v = 0",
            refractory="r",
        )
        G.a, G.r = "1.2 + 0.1*i", "i*0.31*ms"
        network = eq.Network(G)
        if watched:
            network.add(eq.StateMonitor(G, "not_refractory", record=True))
        network.run(steps * 0.1 * ms)
        assert bool(network._last.refresh) != watched
        return np.array(G.not_refractory[:]), np.array(G.lastspike_[:])

    seen = []
    for steps in (1, 40, 41, 57, 58, 59, 60):
        plain, watched = outcome(False, steps), outcome(True, steps)
        np.testing.assert_array_equal(plain[0], watched[0])
        np.testing.assert_array_equal(plain[1], watched[1])
        seen.append(plain[0].mean())
    assert min(seen) < 1


def test_input_of_a_poisson_input_respects_refractoriness():
    G = eq.NeuronGroup(
        1,
        "dv/dt = 0/ms : 1 (unless refractory)\nfree : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=5 * ms,
        method="euler",
    )
    G.v = 2
    inputs = [eq.PoissonInput(G, name, 1, 10000 * eq.Hz, 0.1) for name in ("v", "free")]
    eq.Network(G, inputs).run(4 * ms)
    assert G.v[0] == 0 and G.free[0] == pytest.approx(4)


def test_a_run_may_end_between_two_steps_of_a_slow_clock():
    def outcome(*pieces):
        eq.start_scope()
        G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", dt=0.3 * ms, method="euler")
        H = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
        network = eq.Network(G, H)
        for piece in pieces:
            network.run(piece * ms)
        return float(G.v[0]), float(H.v[0]), float(network.t / ms)

    for pieces in ((3,), (1, 1, 1), (0.1,) * 30):
        assert outcome(*pieces) == pytest.approx((3, 3, 3))
    assert outcome(0.4, 0.4) == pytest.approx((0.9, 0.8, 0.8))


def test_the_time_of_a_run_that_ends_within_a_step_does_not_drift():
    """Four runs of 2.5 steps are ten steps, as in Brian 2, not twelve."""
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", threshold="v > 1e9", method="euler")
    V, R = eq.StateMonitor(G, "v", record=0), eq.PopulationRateMonitor(G)
    network = eq.Network(G, V, R)
    steps = []
    for _ in range(4):
        network.run(0.25 * ms)
        steps.append(len(V.t))
    assert steps == [3, 5, 8, 10] and network.t == 1 * ms
    np.testing.assert_allclose(V.t / ms, np.arange(10) * 0.1)
    np.testing.assert_allclose(R.t / ms, np.arange(10) * 0.1)


def test_names_come_from_the_group_first_and_then_from_the_run():
    """As Brian 2 documents: the group's namespace is augmented by that of the run."""
    tau, a = 5 * ms, 100.0  # noqa: F841
    G = eq.NeuronGroup(2, "dv/dt = (a - v)/tau : 1", namespace={"a": 2.0}, method="exact")
    G[1:].v = "a + 1"
    network = eq.Network(G, eq.PoissonInput(G, "v", 1, 1 * eq.Hz, "a*tau/ms*0"))
    network.run(5 * ms)
    np.testing.assert_allclose(G.v[:], [2 - 2 * np.exp(-1), 2 + np.exp(-1)], rtol=1e-12)
    network.run(1 * ms, namespace={"tau": 1 * ms})
    np.testing.assert_allclose(G.v[:], [2 - 2 * np.exp(-2), 2 + np.exp(-2)], rtol=1e-12)
    G.namespace["a"] = 0.0
    network.run(1 * ms)
    assert G.v[0] == pytest.approx((2 - 2 * np.exp(-2)) * np.exp(-0.2))
    with pytest.raises(eq.EquationError, match="'tau' is not known"):
        network.run(1 * ms, namespace={})
    with pytest.raises(eq.EqsnnError, match="namespace must be a dict"):
        eq.NeuronGroup(1, "v : 1", namespace=3)


def test_a_clock_knows_its_time():
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", dt=0.3 * ms, method="euler")
    seen = []
    operation = eq.NetworkOperation(lambda: seen.append((eq.defaultclock.t / ms, G.clock.t / ms)), dt=1 * ms)
    H = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    network = eq.Network(G, H, operation)
    network.run(2.5 * ms)
    np.testing.assert_allclose(seen, [(0, 0), (1, 1.2), (2, 2.1)])
    assert eq.defaultclock.t / ms == pytest.approx(2.5) and G.clock.t / ms == pytest.approx(2.7)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    ("reset", "on_pre", "summed", "said"),
    [
        ("v = 0; u = log(v - 1)", "w += 1", "1", r"cells.u\[0\] became NaN in the step at t = 1 ms"),
        ("v = 0", "w = log(-w)", "1", r"wires.w\[0\] became NaN \(and 1 more\) in the step at t = 1 ms"),
        ("v = 0", "u_post += sqrt(-w)", "1", r"cells.u\[0\] became NaN \(and 1 more\) in the step at t = 1 ms"),
        ("v = 0", "w += 1", "1/(t - 0.5*ms)*ms", r"cells.total\[0\] became infinite \(and 1 more\) in the step at t = 0.5 ms"),
    ],
)  # fmt: skip
def test_what_spikes_make_not_finite_stops_the_run_too(backend, reset, on_pre, summed, said):
    eq.settings.backend = backend
    G = eq.NeuronGroup(
        2, "dv/dt = (1 - i)/ms : 1\nu : 1\ntotal : 1", threshold="v > 1.05", reset=reset, method="euler", name="cells"
    )
    S = eq.Synapses(G, G, f"w : 1\ntotal_post = {summed} : 1 (summed)", on_pre=on_pre, name="wires")
    S.connect()
    S.w = 1
    with pytest.raises(eq.NotFiniteError, match=said):
        eq.Network(G, S).run(3 * ms)
