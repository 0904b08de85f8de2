"""Figures, the command line, and what objects say of themselves."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms, mV
from eqsnn.cli.main import main


@pytest.fixture
def recorded():
    G = eq.NeuronGroup(10, "dv/dt = (20*mV - v)/(10*ms) : volt", threshold="v > 15*mV", reset="v = 0*mV", name="cells")
    S = eq.Synapses(G, G, "w : volt", on_pre="v_post += w", name="links")
    S.connect("i != j")
    S.w = "i*0.1*mV"
    M, R, V = eq.SpikeMonitor(G), eq.PopulationRateMonitor(G), eq.StateMonitor(G, "v", record=[1, 2])
    eq.Network(G, S, M, R, V).run(30 * ms)
    return G, S, M, R, V


def test_figures_have_labels_with_units_and_the_data(recorded):
    _, S, M, R, V = recorded
    axes = plt.figure().subplots(5)
    raster = eq.plot.raster(M, ax=axes[0])
    assert raster is axes[0] and raster.get_xlabel() == "time (ms)" and raster.get_ylabel() == "neuron"
    np.testing.assert_allclose(raster.collections[0].get_offsets()[:, 0], M.t / ms)
    rate = eq.plot.rate(R, ax=axes[1], width=None)
    np.testing.assert_allclose(rate.lines[0].get_ydata(), R.rate_)
    assert rate.get_ylabel() == "rate (Hz)"
    traces = eq.plot.traces(V, ax=axes[2])
    assert traces.get_ylabel() == "v (mV)" and [line.get_label() for line in traces.lines] == ["v[1]", "v[2]"]
    np.testing.assert_allclose(traces.lines[0].get_ydata(), V.v[0] / mV)
    links = eq.plot.connectivity(S, ax=axes[3])
    assert len(links.collections[0].get_offsets()) == 90 and links.get_ylabel() == "target neuron"
    weights = eq.plot.histogram(S, "w", ax=axes[4], bins=10)
    assert weights.get_xlabel() == "w (mV)" and sum(p.get_height() for p in weights.patches) == 90
    plt.close("all")


def test_objects_say_what_they_are(recorded):
    G, S, M, R, V = recorded
    assert repr(G) == "<NeuronGroup 'cells': 10 neurons, v>"
    assert repr(S) == "<Synapses 'links': 90 synapses from 'cells' to 'cells'>"
    assert f"{M.num_spikes} spikes" in repr(M) and "300 steps" in repr(R) and "v of 2 elements" in repr(V)
    assert r"\frac{dv}{dt} &= " in G._repr_latex_() and r"\text{(V)}" in G._repr_latex_()
    assert "v@1" in G._repr_html_() and "exact" in G._repr_html_()
    assert "when a spike arrives" in S._repr_html_()


def test_doctor_finds_a_machine_that_works(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in (
        "compiler",
        "SIMD",
        "threads",
        "cache",
        "GPU",
        "cython: built and ran a probe",
        "can be built and run",
    ):
        assert word in out


def test_doctor_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setenv("CC", "/no/such/compiler")
    monkeypatch.setenv("EQSNN_BACKEND", "c")
    from eqsnn.backends.c import build
    from eqsnn.runtime import simulation

    monkeypatch.setattr(build, "_engine_job", None)
    monkeypatch.setattr(simulation, "_engines", {})
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "apt install gcc" in out and "eqsnn.settings.backend = 'numpy'" in out


def test_doctor_says_what_is_wrong_with_the_cache(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    (tmp_path / "tmp").write_text("in the way")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert f"cache: the cache directory {tmp_path} cannot be written to" in out and "set EQSNN_CACHE_DIR" in out
    assert "The backend 'cython' does not work here" in out


MODEL = """
equations = '''
dv/dt = (E_L - v)/tau : volt (unless refractory)
'''
threshold = "v > Vt"
reset = "v = E_L"
refractory = "5*ms"
"""


def test_check_prints_a_model(tmp_path, capsys):
    path = tmp_path / "lif.toml"
    path.write_text(MODEL)
    assert main(["check", str(path), "--source"]) == 0
    out = capsys.readouterr().out
    for part in (
        "dv/dt = (E_L - v)/tau",
        "'exact' chosen (the equations are linear)",
        "event if spike@1",
        "v := v@1",
        "static int64_t eqk_lif_step(",
    ):
        assert part in out


def test_check_prints_the_kernels_of_synapses(tmp_path, capsys):
    path = tmp_path / "script.py"
    path.write_text("""
import eqsnn as eq
cells = eq.NeuronGroup(2, "dv/dt = -v/ms : 1\\nnoise = rand() : 1 (constant over dt)\\nI : 1", threshold="v > 1", name="cells")
syn = eq.Synapses(cells, cells, "dw/dt = -w/ms : 1 (clock-driven)\\nI_post = w : 1 (summed)", on_pre="v += w", on_post="w += 1", name="syn")
""")
    assert main(["check", str(path), "--source"]) == 0
    out = capsys.readouterr().out
    for part in (
        "at the start of each step",
        "eqk_cells_held(",
        "eqk_syn_step(",
        "eqk_syn_I_post(",
        "eqk_syn_pre(",
        "eqk_syn_post(",
    ):
        assert part in out


def test_check_says_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text(MODEL.replace("E_L - v)", "E_L - v^2)"))
    assert main(["check", str(path)]) == 1
    assert "write a power as v**2" in capsys.readouterr().err
    path.write_text(MODEL + "colour = 3\n")
    assert main(["check", str(path)]) == 1
    assert "does not know 'colour'" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "none.toml")]) == 1


def test_check_runs_a_script_and_shows_its_objects(tmp_path, capsys):
    path = tmp_path / "net.py"
    path.write_text("import eqsnn as eq\nG = eq.NeuronGroup(2, 'dx/dt = -x/second : 1', name='shown')\n")
    assert main(["check", str(path)]) == 0
    assert "== shown (NeuronGroup)" in capsys.readouterr().out


def test_check_gives_a_script_an_empty_command_line(tmp_path, capsys, monkeypatch):
    path = tmp_path / "net.py"
    path.write_text(
        "import sys\nimport eqsnn as eq\nassert sys.argv == [__file__], sys.argv\nG = eq.NeuronGroup(2, 'x : 1', name='shown')\n"
    )
    monkeypatch.setattr(sys, "argv", ["eqsnn", "check", str(path), "--source"])
    assert main() == 0
    assert sys.argv == ["eqsnn", "check", str(path), "--source"]
    assert "== shown (NeuronGroup)" in capsys.readouterr().out


def test_the_command_is_installed():
    done = subprocess.run(
        [sys.executable, "-m", "eqsnn.cli.main", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"eqsnn {eq.__version__}"


def test_the_update_reads_like_equations():
    from eqsnn.network.describe import update_text

    G = eq.NeuronGroup(
        2, "dv/dt = int(v > 1 and not b)/ms : 1 (unless refractory)\nb : boolean", threshold="v >= 2", reset="v = clip(v, 0, 1)",
        refractory="v > 3", method="euler",
    )  # fmt: skip
    text = update_text(G)
    assert "not_refractory@1 = not_refractory or (not (3 < v))" in text, text
    assert "v@1 = (1000.0*dt*int(((1 < v) and (not b))) + v) if not_refractory@1 else v" in text, text
    assert "spike@1 = (2 <= v@1) and not_refractory@1" in text and "v@1 = clip(v, 0, 1)" in text, text
    tex = G._repr_latex_()
    assert (
        r"\operatorname{int}\left(\left(\left(1 < v\right) \wedge \neg b\right)\right)" in tex
        and r"b &: \text{(boolean)}" in tex
    ), tex
    for head in ("Less", "Select", "And(", "ToInt"):
        assert head not in text + tex


def test_figures_before_a_run_are_empty_and_of_the_wrong_thing_are_refused():
    import matplotlib

    matplotlib.use("agg")
    G = eq.NeuronGroup(2, "v : volt", threshold="v > 1*mV")
    M, R, V = eq.SpikeMonitor(G), eq.PopulationRateMonitor(G), eq.StateMonitor(G, "v")
    assert len(R.smooth_rate(width=1 * eq.ms)) == 0
    for draw, what in ((eq.plot.raster, M), (eq.plot.rate, R), (eq.plot.traces, V)):
        assert draw(what).get_xlabel() == "time (ms)"
        with pytest.raises(eq.EqsnnError, match=r"plot\.\w+\(\) draws a \w+Monitor; got <NeuronGroup"):
            draw(G)
    with pytest.raises(eq.EqsnnError, match="draws a Synapses; got"):
        eq.plot.connectivity(G)


def test_output_that_nobody_reads_to_its_end_is_no_error(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text("equations = 'dv/dt = -v**3/ms : 1'\nmethod = 'rkf45'\n")
    command = f"set -o pipefail; {sys.executable} -m eqsnn.cli.main check --source {path} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 141)


def test_figures_of_a_training():
    from eqsnn.learning.history import History

    history = History()
    for k in range(4):
        history.add(loss=1 / (k + 1), validation_loss=1.1 / (k + 1), rate=0.1, rate_a=0.05 + 0.01 * k, rate_b=0.2)
    axes = plt.figure().subplots(4)
    drawn = eq.plot.history(history, ax=axes[0])
    np.testing.assert_allclose(drawn.lines[0].get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4])
    assert [line.get_label() for line in drawn.lines] == ["loss", "validation loss"]
    assert drawn.get_xlabel() == "epoch" and drawn.lines[0].get_xdata()[0] == 1
    rates = eq.plot.history(history, "rate", ax=axes[1])
    assert [line.get_label() for line in rates.lines] == ["a", "b"]
    with pytest.raises(eq.EqsnnError, match="the history has no 'accuracy'; it has loss"):
        eq.plot.history(history, "accuracy", ax=axes[1])
    with pytest.raises(eq.EqsnnError, match=r"plot.history\(\) draws a History"):
        eq.plot.history({}, ax=axes[1])
    inputs, cells = eq.Inputs(2, name="leads"), eq.NeuronGroup(3, "I : volt (input)", name="cells")
    dense = eq.Dense(inputs, cells, "w : volt (trainable)", init=np.array([[1, -2, 0], [0, 1, 2]]) * 1e-3)
    image = eq.plot.weights(dense, ax=axes[2])
    np.testing.assert_allclose(image.images[0].get_array(), [[1, -2, 0], [0, 1, 2]])
    assert image.images[0].get_clim() == (-2, 2)
    assert (image.get_xlabel(), image.get_ylabel()) == ("neuron of cells", "neuron of leads")
    assert axes[2].figure.axes[-1].get_ylabel() == "w (mV)"
    table = eq.plot.confusion([0, 0, 1, 2, -1], [0, 1, 1, 2, 0], labels=["a", "b"], ax=axes[3])
    np.testing.assert_allclose(table.images[0].get_array(), [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    assert sorted(t.get_text() for t in table.texts) == ["1", "1", "1", "1"]
    assert [t.get_text() for t in table.get_xticklabels()] == ["a", "b", "2"]
    with pytest.raises(eq.EqsnnError, match="the classes that are wanted and those that are read"):
        eq.plot.confusion([0, 1], [0.5, 0.5], ax=axes[3])
    plt.close("all")
