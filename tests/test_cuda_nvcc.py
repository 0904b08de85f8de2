"""Every kernel of every example and of the suite compiles for three GPUs, any warning being an error."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cuda_examples import EXAMPLES, SIZES, plans_of
from cuda_networks import both_ends, ways
from models import MODELS

import eqsnn as eq
from eqsnn.backends.cuda import build
from eqsnn.backends.cuda.build import ARCHITECTURES, compile_for, nvcc, nvcc_elsewhere, resources
from eqsnn.backends.cuda.source import engine_source
from eqsnn.runtime.cuda_plan import source_of

needs_nvcc = pytest.mark.skipif(
    nvcc() is None and nvcc_elsewhere() is None, reason="nvcc, the CUDA compiler, is not installed"
)


def test_an_nvcc_that_is_installed_is_on_the_path():
    """Otherwise these tests would be skipped on a machine that could run them."""
    assert nvcc() is not None or nvcc_elsewhere() is None, f"put {nvcc_elsewhere()} on the PATH"


def compiled(text, tmp_path):
    found = compile_for(text, tmp_path)
    names = set(re.findall(r"__global__ void (\w+)\(", text))
    assert {(r.kernel, r.architecture) for r in found} == {(n, a) for n in names for a in ARCHITECTURES}
    assert all(8 <= r.registers <= 255 and r.shared <= 48 << 10 for r in found)
    return found


@needs_nvcc
def test_the_engine_compiles(tmp_path):
    assert all(r.spilled == 0 for r in compiled(engine_source(), tmp_path))


@needs_nvcc
@pytest.mark.parametrize("name", SIZES)
def test_the_kernels_of_an_example_compile(name, tmp_path):
    texts = {source_of(plan, deterministic).text for plan in plans_of(name) for deterministic in (False, True)}
    for text in texts:
        assert all(r.spilled == 0 for r in compiled(text, tmp_path))


CASES = {**MODELS, "ways": ways, "both_ends": both_ends}


@needs_nvcc
@pytest.mark.parametrize("name", CASES)
def test_the_kernels_of_the_suite_compile(name, tmp_path):
    eq.settings.backend = "numpy"
    case = CASES[name]()
    case.network.run(0 * eq.ms)
    for deterministic in (False, True):
        compiled(source_of(case.network._last.plan, deterministic).text, tmp_path)


@needs_nvcc
def test_float32_and_functions_of_the_user_compile(tmp_path):
    @eq.implementation("cuda", "__device__ double half(double x) { return 0.5*x; }")
    @eq.check_units(x=1, result=1)
    def half(x):
        return 0.5 * x

    eq.settings.backend = "numpy"
    G = eq.NeuronGroup(
        9, "dv/dt = (half(u) - v)/(9*eq_ms) : 1\nu : 1\nk : integer", threshold="v > 1", reset="k += 1; v = 0", method="euler",
        dtype={"v": "float32", "k": "int8", "u": "float16"}, namespace={"eq_ms": eq.ms},
    )  # fmt: skip
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", dtype="float32")
    T = eq.Synapses(G, G, "w : 1", on_pre="u_post += w; k_post += 1")
    S.connect()
    T.connect()
    net = eq.Network(G, S, T)
    net.run(0 * eq.ms)
    text = source_of(net._last.plan).text
    assert "eq_add(&b_v_post[post], " in text and "half(" in text
    compiled(text, tmp_path)


@needs_nvcc
def test_a_warning_is_an_error(tmp_path):
    text = engine_source().replace("    const int running = go;", "    const int running = go, never = 0;")
    with pytest.raises(eq.CompileError, match=r"variable \"never\" was declared but never referenced"):
        compile_for(text, tmp_path)


def test_where_nvcc_is_not_on_the_path_the_error_says_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "nvcc", lambda: None)
    for there, message in (
        (
            "/opt/cuda/bin/nvcc",
            r"nvcc is at /opt/cuda/bin/nvcc, which is not on the PATH; put its folder there to compile CUDA text",
        ),
        (None, r"nvcc was not found; install the CUDA toolkit to compile CUDA text"),
    ):
        monkeypatch.setattr(build, "nvcc_elsewhere", lambda there=there: there)
        with pytest.raises(eq.CompileError, match=message):
            compile_for("", tmp_path)


def test_what_ptxas_says_is_read():
    log = """ptxas info    : Compiling entry function 'f' for 'sm_80'
ptxas info    : Function properties for f
    16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 8196 bytes smem, 368 bytes cmem[0]
"""
    (found,) = resources(log)
    assert (found.kernel, found.architecture, found.registers, found.spilled, found.shared, found.stack) == (
        "f", "sm_80", 40, 12, 8196, 16
    )  # fmt: skip


@needs_nvcc
def test_the_command_prints_what_kernels_take(capsys):
    from eqsnn.cli.main import main

    eq.settings.backend = "c"
    script = EXAMPLES / "cuba.py"
    assert main(["cuda", str(script), "--duration", "0.001", "--neurons", "100", "--out", ""]) == 0
    out = capsys.readouterr().out
    assert re.search(r"kernel +registers +spilled +shared +stack\n +sm_75 +sm_80 +sm_90", out)
    assert re.search(r"eqk_neurongroup_\d+_step +\d+ +\d+ +\d+ +0 +128 +0\n", out) and "eq_begin " in out
