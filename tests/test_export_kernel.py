"""One neuron as one function, in C, Cython and CUDA, against the run in Python; ``eq.source``; and ``eqsnn export`` on the command line."""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from exported import STRICT, build, compiler, run

import eqsnn as eq
from eqsnn import ms, nA, second
from eqsnn.cli.main import main

ADEX = '''
equations = """
dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) + I - w)/C : volt (unless refractory)
dw/dt = (a*(v - EL) - w)/tauw : amp
I : amp
"""
threshold = "v > -40*mV"
reset = "v = Vr; w += b"
refractory = "2*ms"
name = "adex"

[parameters]
gL = "30 nS"
EL = "-70.6 mV"
VT = "-50.4*mV"
DeltaT = "2 mV"
C = "281 pF"
a = "4 nS"
b = "0.08 nA"
tauw = "144 ms"
Vr = "-70.6 mV"
'''
NOISY = '''
equations = """
dv/dt = (1.5 - v)/tau + 0.5*xi/sqrt(tau) : 1
dg/dt = -g/(5*ms) : 1
x : 1 (constant)
"""
threshold = "v > 1 + 0.1*rand()"
reset = "v = 0.1*rand()"
method = "euler"
dt = "0.2 ms"
[parameters]
tau = "10 ms"
'''
DRIVE = """
#include <stdio.h>
#include "adex.h"
int main(void)
{
    double v = -0.0706, w = 0, lastspike = -1e4;
    for (int64_t k = 0; k < 4000; k++)
        if (adex_step(&v, &w, &lastspike, 1e-9, (double)k * 0.0001)) printf("%d\\n", (int)k);
    printf("%.17g %.17g\\n", v, w);
    return 0;
}
"""


def in_python():
    """The spikes in steps, and the last values, of the same neuron."""
    from eqsnn.export.one_neuron import model_from_toml

    G = model_from_toml(Path("adex.toml"), "exponential_euler")
    G.v, G.I = "EL", 1 * nA
    M = eq.SpikeMonitor(G)
    eq.Network(G, M).run(400 * ms)
    return np.round(M.t_ / 1e-4).astype(int), float(G.v_[0]), float(G.w_[0])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adex.toml").write_text(ADEX)
    (tmp_path / "noisy.toml").write_text(NOISY)
    eq.start_scope()
    return tmp_path


def kernel(*more):
    return main(["export", "--kernel", "adex.toml", "--method", "exponential_euler", *more])


@pytest.mark.parametrize(
    "flags", [("-std=c99", "-O2"), ("-std=gnu17", "-O3", "-march=native", "-ffp-contract=off")], ids=" ".join
)
def test_a_neuron_in_c_is_that_in_python(here, flags):
    assert kernel("--out", "k") == 0
    (here / "k" / "main.c").write_text(DRIVE)
    done = subprocess.run(
        [str(build(here / "k", *flags))], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    steps, v, w = in_python()
    assert len(steps) > 5
    assert [int(line) for line in done[:-1]] == steps.tolist()
    assert [float(x) for x in done[-1].split()] == [v, w]


def test_the_signature_is_documented(here, capsys):
    assert kernel() == 0
    text = capsys.readouterr().out
    assert "EQ_FN int adex_step(double *v, double *w, double *lastspike, double I, double t)" in text
    assert " *     v: in and out: dv/dt = (gL*(EL - v)" in text and "(V)\n" in text
    assert " *     I: I : amp (A)\n" in text
    assert "one function, by the method 'exponential_euler', with a time step of 0.0001 s" in text
    assert "const double s_Vr = (-0.0706);" in text


def test_a_neuron_in_cython(here):
    pytest.importorskip("Cython")
    assert kernel("--language", "cython", "--out", "k") == 0
    subprocess.run([sys.executable, "-m", "cython", "-3", "adex_steps.pyx"], cwd="k", check=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    flags = ["-O2", "-shared", "-fPIC", "-ffp-contract=off", "-I", sysconfig.get_paths()["include"]]
    subprocess.run([compiler(), *flags, "adex_steps.c", "-lm", "-o", f"adex_steps{suffix}"], cwd="k", check=True)
    spec = importlib.util.spec_from_file_location("adex_steps", here / "k" / f"adex_steps{suffix}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    v, w, last, current, spiked = (
        np.full(3, -0.0706),
        np.zeros(3),
        np.full(3, -1e4),
        np.array([0, 1e-9, 2e-9]),
        np.zeros(3, np.int64),
    )
    found = [module.steps(v, w, last, current, spiked, k * 1e-4) or spiked.copy() for k in range(4000)]
    steps, last_v, last_w = in_python()
    assert np.flatnonzero(np.array(found)[:, 1]).tolist() == steps.tolist()
    assert (v[1], w[1]) == (last_v, last_w) and not np.any(np.array(found)[:, 0])


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
def test_a_neuron_in_cuda_compiles(here):
    assert kernel("--language", "cuda", "--out", "k") == 0
    done = subprocess.run(
        ["nvcc", "-fmad=false", "-cubin", "-arch=sm_80", "adex.cu"],
        cwd="k",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr


def test_noise_and_parameters_are_arguments(here, capsys):
    assert main(["export", "--kernel", "noisy.toml", "--out", "k"]) == 0
    text = (here / "k" / "noisy.h").read_text()
    assert "int noisy_step(double *v, double *g, int64_t element, int64_t key, int64_t count)" in text
    assert "a time step of 0.0002 s" in text
    (here / "k" / "main.c").write_text(
        """
#include <stdio.h>
#include "noisy.h"
int main(void)
{
    int64_t n = 0, other = 0;
    for (int64_t e = 0; e < 20; e++) {
        double v = 0, g = 0, u = 0, h = 0;
        for (int64_t k = 0; k < 1000; k++) {
            n += STEP(v, g, 1);
            other += STEP(u, h, 2);
        }
    }
    printf("%d %d\\n", (int)n, (int)other);
    return 0;
}
""".replace("STEP(v, g, 1)", call(text, "v", "g", 1)).replace("STEP(u, h, 2)", call(text, "u", "h", 2))
    )
    one, other = map(
        int,
        subprocess.run(
            [str(build(here / "k", "-std=c99", "-O2"))], capture_output=True, text=True, check=True
        ).stdout.split(),
    )
    assert one != other and 0.8 < one / other < 1.25 and 150 < one < 450


def call(text, v, g, key):
    """The call of noisy_step with these variables, in the order of its arguments."""
    names = [part.split()[-1].lstrip("*") for part in text.split("noisy_step(")[1].split(")")[0].split(",")]
    return f"noisy_step({', '.join({'v': f'&{v}', 'g': f'&{g}', 'element': 'e', 'key': str(key), 'count': 'k'}[n] for n in names)})"


WRONG = {
    "unknown key": (
        "equation = 'v : 1'",
        [],
        "model.toml: a model file does not know 'equation'; its keys are dt, equations, method, name, parameters, refractory, reset, threshold",
    ),
    "no equations": (
        "name = 'x'",
        [],
        "model.toml: a model file needs 'equations'; its keys are dt, equations, method, name, parameters, refractory, reset, threshold",
    ),
    "no TOML": ("equations = ", [], "model.toml is no TOML file: Invalid value (at end of document)"),
    "parameters": (
        "equations = 'v : 1'\nparameters = 3",
        [],
        "model.toml: 'parameters' is a table of names and values, such as [parameters] and tau = '10 ms'",
    ),
    "a parameter": (
        "equations = 'v : 1'\n[parameters]\ntau = [1]",
        [],
        "model.toml: 'tau' is a number or a text such as '10 ms'; got [1]",
    ),
    "dt": ("equations = 'v : 1'\ndt = '1 mV'", [], "model.toml: dt is a time, such as '0.1 ms'; got '1 mV'"),
    "linked": (
        'equations = """dv/dt = (u - v)/(5*ms) : 1\nu : 1 (linked)"""',
        [],
        "'u' of 'model' is declared (linked) and not linked",
    ),
    "unknown function": (
        'equations = """dv/dt = (u(t) - v)/(5*ms) : 1"""',
        [],
        "the function 'u' is not known",
    ),
    "language": (
        "equations = 'dv/dt = -v/(5*ms) : 1'",
        ["--language", "rust"],
        "there is no language 'rust' for a kernel; there is 'c', 'cython', 'cuda'",
    ),
    "profile": (
        "equations = 'v : 1'",
        ["--profile", "embedded"],
        "export: --profile belongs to a SCRIPT.py; a single function has none",
    ),
    "missing constant": ("equations = 'dv/dt = -v/tau : 1'", [], "'tau'"),
}


@pytest.mark.parametrize("row", WRONG)
def test_a_wrong_model_file(row, here, capsys):
    text, more, message = WRONG[row]
    (here / "model.toml").write_text(text)
    assert main(["export", "--kernel", "model.toml", "--out", "k", *more]) == 1
    assert message in capsys.readouterr().err
    assert not (here / "k").exists()


# -- eq.source -----------------------------------------------------------------------------------------------------------------------------


def test_the_text_of_one_kernel():
    eq.start_scope()
    G = eq.NeuronGroup(2, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells")
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="links")
    assert "v > 1" in eq.source(G, "threshold") and "b_v[i] = " in eq.source(G, "step")
    assert eq.source(G, "reset", "cython") == eq.source(G, "reset")
    assert "__global__ void eqk_cells_threshold" in eq.source(G, "threshold", backend="cuda")
    assert "/* v_post += w */" in eq.source(S, "pre")
    for arguments, message in (
        ((G, "axon"), "source(): 'cells' has no 'axon'; it has 'step', 'threshold', 'reset'"),
        ((S, "post"), "source(): 'links' has no 'post'; it has 'pre'"),
        (
            (G, "step", "fortran"),
            "source(): there is no text for the backend 'fortran'; there is 'c', 'cython', 'cuda'",
        ),
        ((3, "step"), "source() shows the kernels of a group or of synapses; got 3"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            eq.source(*arguments)
        assert str(error.value) == message


# -- the command line --------------------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
import eqsnn as eq
from eqsnn import ms
eq.seed(4)
tau = 10*ms
G = eq.NeuronGroup(5, "dv/dt = (1.2 - v)/tau : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells")
G.v = "rand()"
M = eq.SpikeMonitor(G, name="spikes")
assert len(sys.argv) == 1 and __name__ == "__main__"
try:
    eq.run(30*ms)
except Exception:
    print("caught")
print("after the first run")
G.v = 0.5
eq.run(20*ms)
print("at the end")
"""


def test_a_script_is_exported_where_it_calls_run(here, capsys):
    (here / "model.py").write_text(SCRIPT)
    assert main(["export", "model.py", "--out", "p"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("p: ") and "after the first run" not in out and "caught" not in out
    folder = run(build(here / "p", "-std=c99", "-O2"), 0.03)
    i, t = (np.load(folder / f"spikes.{n}.npy") for n in "it")
    assert "(default 0.03)" in (here / "p" / "main.c").read_text()
    space = {"__name__": "__main__"}
    sys_argv, sys.argv = sys.argv, ["model.py"]
    try:
        exec(SCRIPT.split('print("after')[0], space)
    finally:
        sys.argv = sys_argv
    assert np.array_equal(i, space["M"].i) and np.array_equal(t, space["M"].t_) and len(i) > 5


def test_at_a_later_run(here, capsys):
    (here / "model.py").write_text(SCRIPT)
    assert (
        main(["export", "model.py", "--out", "p", "--run", "2", "--duration", "100 ms", "--profile", "embedded"]) == 0
    )
    out = capsys.readouterr().out
    assert "after the first run" in out and "at the end" not in out and "bytes of RAM" in out
    assert "net->tick = 300;" in (here / "p" / "network.c").read_text()
    assert main(["export", "model.py", "--out", "q", "--run", "3"]) == 1
    assert "model.py called run() 2 times, and --run 3 was asked for; nothing was written" in capsys.readouterr().err
    assert not (here / "q").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "export: name a SCRIPT.py, or --kernel MODEL.toml"),
        (["a.py", "--kernel", "adex.toml"], "export: name a SCRIPT.py, or --kernel MODEL.toml"),
        (["a.py", "--out", "p"], "export: there is no file a.py"),
        (["adex.toml", "--out", "p"], "export: no Python script: adex.toml"),
        (["empty.py"], "export: say where to: --out DIR"),
        (["empty.py", "--out", ""], "export: say where to: --out DIR"),
        (["empty.py", "--out", "p", "--run", "0"], "export: runs are counted from 1; got --run 0"),
        (
            ["empty.py", "--out", "p", "--language", "rust"],
            "export(): there is no language 'rust'; there is 'c', 'cuda'",
        ),
        (["empty.py", "--out", "p"], "export: empty.py called run() never; nothing was written"),
        (
            ["empty.py", "--out", "p", "--duration", "1..2 s"],
            "export: a time is written as '1 s' or 100ms; got '1..2 s'",
        ),
        (["empty.py", "--out", "p", "--duration", "long"], "export: a time is written as '1 s' or 100ms; got 'long'"),
        (
            ["empty.py", "--out", "p", "--method", "euler"],
            "export: --method and --dt belong to --kernel; a script says them itself",
        ),
        (["empty.py", "--out", "p", "--language", "cuda"], "export: empty.py called run() never; nothing was written"),
        (["--kernel", "nothing.toml"], "nothing.toml cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_command_line(arguments, message, here, capsys):
    (here / "empty.py").write_text("import eqsnn\n")
    assert main(["export", *arguments]) == 1
    assert capsys.readouterr().err == f"EqsnnError: {message}\n"
    assert not (here / "p").exists()


def test_a_folder_that_is_not_free_is_refused_before_the_script_is_executed(here, capsys):
    (here / "script.py").write_text("print('executed')\n")
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").write_text("mine")
    assert main(["export", "script.py", "--out", "mine"]) == 1
    said = capsys.readouterr()
    assert (
        said.out == ""
        and "mine is not empty: it has notes.txt; name another directory, or say overwrite=True (--overwrite), which"
        in said.err
    )


def test_a_run_is_a_run_again_after_an_export(here):
    (here / "model.py").write_text(SCRIPT)
    main(["export", "model.py", "--out", "p"])
    eq.start_scope()
    G = eq.NeuronGroup(1, "v : 1")
    net = eq.Network(G)
    net.run(1 * ms)
    assert net.t == 1 * ms and STRICT and 1 * second > net.t
