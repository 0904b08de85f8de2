"""Exported CUDA projects: nvcc takes them without a warning, and through the host header they record bit by bit what the run in Python does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import exported_networks
import random_models
import random_synapses
from cuda_networks import both_ends, ways
from exported import check_same, recorded, run
from test_export import REFUSED, after, fresh

import eqsnn as eq
from eqsnn import Hz, ms
from eqsnn.backends.cuda.build import ARCHITECTURES, nvcc, nvcc_elsewhere
from eqsnn.runtime.cuda_plan import Setting, source_of

needs_cpp = pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")
needs_nvcc = pytest.mark.skipif(
    nvcc() is None and nvcc_elsewhere() is None, reason="nvcc, the CUDA compiler, is not installed"
)
SOURCES = ("network.cu", "main.cu", "npy.cu")


@pytest.fixture(autouse=True)
def deterministic(monkeypatch):
    monkeypatch.setattr(eq.settings, "deterministic", True)


def host_build(folder: Path, *more: str, name: str = "network") -> Path:
    """The program on the CPU, by the very line that the project's README gives, any warning being an error."""
    line = re.search(r"^c\+\+ .*$", (folder / "README.md").read_text(), re.MULTILINE)[0]
    command = [*line.replace("-o network", f"-o {name}").split(), "-Wextra", "-Werror", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:4000]}"
    return folder / name


def compared(net, folder, seconds=0.02):
    net.export(folder, language="cuda", duration=seconds * eq.second)
    wanted = after(net, seconds)
    check_same(run(host_build(folder), seconds), wanted)
    return wanted


def stdp_network():
    """Event-driven traces, drawn weights, and inputs by chance."""
    P = eq.PoissonGroup(200, 40 * Hz)
    G = eq.NeuronGroup(
        20, "dv/dt = -v/(10*ms) : 1\ndg/dt = -g/(5*ms) : 1", threshold="v > 0.5", reset="v = 0", method="euler"
    )
    S = eq.Synapses(
        P,
        G,
        """w : 1
           dapre/dt = -apre/(20*ms) : 1 (event-driven)
           dapost/dt = -apost/(20*ms) : 1 (event-driven)""",
        on_pre="v_post += w\napre += 0.01\nw = clip(w + apost, 0, 0.2)",
        on_post="apost -= 0.0105\nw = clip(w + apre, 0, 0.2)",
    )
    S.connect(p=0.5)
    S.w = "0.1*rand()"
    return eq.Network(P, G, S, eq.SpikeMonitor(G), eq.SpikeMonitor(P), eq.StateMonitor(S, "w", record=True, dt=5 * ms))


NETWORKS = {**exported_networks.NETWORKS, "stdp_network": stdp_network}
NETWORKS |= {"ways": lambda: ways().network, "both_ends": lambda: both_ends(60).network}


@needs_cpp
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_records_what_python_does(name, tmp_path):
    wanted = compared(fresh(NETWORKS[name]), tmp_path / "p", 0.05 if name == "stdp_network" else 0.02)
    if name in ("cuba", "stdp", "stdp_network", "inputs", "ways", "brunel", "cobahh"):
        assert sum(len(v) for n, v in wanted.items() if n.endswith(".i")) > 20


@needs_cpp
@pytest.mark.parametrize("name", ["cuba", "delays", "early", "inputs", "clocks", "custom_events", "stdp"])
def test_a_network_that_has_run_goes_on_where_it_is(name, tmp_path):
    net = fresh(NETWORKS[name])
    net.run(10 * ms)
    compared(net, tmp_path / "p")


@needs_cpp
def test_what_is_on_its_way_is_copied_as_it_is(tmp_path):
    """gcc 12 copies a constant array that ends with 1, 1, 0, 0 as 1, 1, 1, 1, for processors with AVX-512 and in sight of the array."""

    def make():
        G = eq.SpikeGeneratorGroup(2, [0], [0] * ms)
        H = eq.NeuronGroup(9, "dv/dt = -v/(10*ms) : 1", method="exact", name="cells")
        S = eq.Synapses(G, H, on_pre="v_post += 1 + i")
        S.connect(i=[0, 0, 1, 1, 1], j=[0, 1, 2, 3, 4])
        S.delay = [0.8, 0.9, 0, 0.5, 1] * ms
        return eq.Network(G, H, S, eq.StateMonitor(H, "v", record=True))

    net = fresh(make)
    net.run(0.1 * ms)
    wanted = compared(net, tmp_path / "p", 0.0012)
    assert "queue_count[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0 }" in (tmp_path / "p" / "network.cu").read_text()
    assert next(v for n, v in wanted.items() if n.endswith(".v")).max(axis=1).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0]


@needs_cpp
@pytest.mark.parametrize("seed", range(4))
def test_random_models_and_synapses(seed, tmp_path):
    compared(fresh(lambda: random_models.random_case(seed + 100).network), tmp_path / "p")
    compared(fresh(lambda: random_synapses.random_synapses(seed + 100)[0]), tmp_path / "q")


@needs_cpp
@pytest.mark.parametrize("name", ["delays", "ways", "clocks", "custom_events"])
def test_with_little_room_nothing_is_lost(name, tmp_path, monkeypatch):
    """Records are handed over in the middle of a run, and queues grow."""
    from eqsnn.export import cuda_program

    monkeypatch.setattr(cuda_program, "Setting", lambda d, **given: Setting(d, record_bytes=1, queue_bytes=0, **given))
    compared(fresh(NETWORKS[name]), tmp_path / "p", 0.002 if name == "ways" else 0.02)


@needs_cpp
def test_sums_in_any_order_are_atomics(tmp_path, monkeypatch):
    monkeypatch.setattr(eq.settings, "deterministic", False)
    net = fresh(NETWORKS["stdp"])
    net.export(tmp_path / "p", language="cuda")
    assert "eq_add(&b_" in (tmp_path / "p" / "kernels.cuh").read_text()
    assert "Sums at neurons are atomics" in (tmp_path / "p" / "README.md").read_text()
    out = run(host_build(tmp_path / "p"), 0.002)
    for name, values in after(net, 0.002).items():
        np.testing.assert_allclose(np.load(out / f"{name}.npy"), values, rtol=1e-9)


def test_the_kernels_are_those_of_the_backend(tmp_path):
    net = fresh(NETWORKS["stdp"])
    net.export(tmp_path / "p", language="cuda")
    net.run(0 * ms)
    text = source_of(net._last.plan, True).text
    kernels = text[text.index("/* kernel ") :]
    found = (tmp_path / "p" / "kernels.cuh").read_text()
    assert kernels in found and "/* w = clip(w + " in found and "/* dv/dt = " in found


# -- nvcc ------------------------------------------------------------------------------------------------------------------------------


@needs_nvcc
@pytest.mark.parametrize(
    "name", ["cuba", "stdp_network", "ways", "inputs", "clocks", "narrow_synapses", "bare", "nothing"]
)
def test_nvcc_takes_it_without_a_warning(name, tmp_path):
    found = fresh(NETWORKS[name]).export(tmp_path / "p", language="cuda", duration=20 * ms)
    codes = [f"-gencode=arch=compute_{a[3:]},code={a}" for a in ARCHITECTURES]
    command = [
        *found.command.replace("-arch=native", "").split(),
        *codes,
        "-Werror",
        "all-warnings",
        "-Xcompiler",
        "-Wall,-Wextra",
    ]
    done = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    gpu = subprocess.run(["./network", "0.01"], cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    if gpu.returncode:  # there is no GPU here: it says so, and nothing else happens
        assert gpu.returncode == 1 and gpu.stderr.startswith("the network cannot be put on the GPU: ")
        assert not list((tmp_path / "p").glob("*.npy"))


@needs_nvcc
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_it_builds_with_cmake(tmp_path):
    fresh(NETWORKS["cuba"]).export(tmp_path / "p", language="cuda")
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"]):
        done = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
    assert (tmp_path / "p" / "build" / "network").is_file()


# -- the interface ---------------------------------------------------------------------------------------------------------------------

API = """
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "network.h"
#include "npy.h"
static int values;
static int take(void *user, const network_record *record, const void *, int64_t n)
{
    if (user != &values || strcmp(record->name, "voltage.v") != 0) return strcmp(record->name, "voltage.t") != 0;
    values += (int)n;
    return 0;
}
int main(void)
{
    network *net = (network *)malloc(network_size()), *other = (network *)malloc(network_size());
    int64_t n;
    double high[3] = { 0.99, 0.5, 2.0 }, one = 0.25, seen[3];
    if (network_init(net) || network_load(net, "data") || network_init(other) || network_load(other, "data")) return 1;
    if (network_variable(net, "cells.v", &n) != net->cells.v || n != 3 || network_variable(net, "cells.nothing", &n) || n) return 2;
    if (network_input(net, "cells.v", high, 3) || network_input(net, "cells.v", high, 2) != NETWORK_UNKNOWN) return 3;
    if (network_read(net, "cells.v", seen, 3) || seen[2] != 2.0 || network_read(net, "cells.v", seen, 1) != NETWORK_UNKNOWN) return 4;
    if (network_step(net) || network_time(net) != 0.0001 || other->tick != 0) return 5;
    const int32_t *who = network_spikes(net, "cells", &n);
    if (n != 2 || who[0] != 0 || who[1] != 2) return 6;
    if (network_input(net, "cells.v", &one, 1) || network_read(net, "cells.v", seen, 3) || seen[0] != 0.25 || seen[2] != 0.25) return 7;
    if (network_spikes(net, "nobody", &n) || n) return 8;
    network_listen(net, take, &values);
    if (network_run(net, 99) || net->tick != 100 || values != 297) return 9;
    one = INFINITY;
    network_input(net, "cells.v", &one, 1);
    if (network_step(net) != NETWORK_NOT_FINITE || strcmp(net->failed_step, "cells_step")) return 10;
    if (network_step(net) != NETWORK_NOT_FINITE) return 11;
    network_free(net);
    network_free(other);
    network_free(other);
    free(net);
    free(other);
    return 0;
}
"""


@needs_cpp
def test_the_interface(tmp_path):
    def make():
        G = eq.NeuronGroup(
            3, "dv/dt = (2 - v)/(5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells"
        )
        return eq.Network(G, eq.StateMonitor(G, "v", record=True, name="voltage"))

    fresh(make).export(tmp_path / "p", language="cuda")
    (tmp_path / "p" / "main.cu").write_text(API)
    program = host_build(tmp_path / "p", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    assert subprocess.run([str(program)], cwd=tmp_path / "p", check=False).returncode == 0
    if nvcc() is not None:
        command = [nvcc(), "-std=c++14", "-fmad=false", "-Werror", "all-warnings", *SOURCES, "-o", "onto_a_gpu"]
        done = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@needs_cpp
def test_a_value_that_is_not_finite_ends_the_program(tmp_path):
    def make():
        G = eq.NeuronGroup(2, "dv/dt = v**2/ms : 1", method="euler")
        G.v = 5
        return eq.Network(G)

    net = fresh(make)
    net.export(tmp_path / "p", language="cuda")
    out = run(host_build(tmp_path / "p"), 0.05, status=2)
    step = int(float(re.search(r"before t = (\S+) s", (out / "stderr").read_text())[1]) / 1e-4 + 0.5) - 1
    assert (out / "stderr").read_text().startswith("neurongroup_step: a value is not finite")
    with pytest.raises(eq.NotFiniteError, match=f"t = {step * 0.1:g} ms"):
        net.run(50 * ms)


@needs_cpp
def test_the_last_values_are_those_in_python(tmp_path):
    net = fresh(NETWORKS["stdp_network"])
    net.export(tmp_path / "p", language="cuda", duration=30 * ms)
    out = run(host_build(tmp_path / "p"), 0.03, "--state")
    net.run(30 * ms)
    S = next(o for o in net.objects if isinstance(o, eq.Synapses))
    assert np.array_equal(np.load(out / f"{S.name}.w.npy"), dict.__getitem__(S.arrays, "w"))
    assert not list(out.glob("*real*"))
    check_same(out, recorded(net))


@needs_cpp
def test_data_that_are_not_those_of_the_network_are_refused(tmp_path):
    fresh(NETWORKS["cuba"]).export(tmp_path / "p", language="cuda")
    program = host_build(tmp_path / "p")
    data = next((tmp_path / "p" / "data").glob("*.v.npy"))
    np.save(data, np.load(data)[1:])
    assert "holds another number of values" in (run(program, 0.01, status=1) / "stderr").read_text()
    data.unlink()
    assert "cannot be read" in (run(program, 0.01, status=1) / "stderr").read_text()


@needs_cpp
def test_code_for_a_gpu_comes_along(tmp_path):
    @eq.implementation("cuda", "__device__ double half(double x) { return 0.5*x; }")
    @eq.check_units(x=1, result=1)
    def half(x):
        return 0.5 * x

    def make():
        G = exported_networks.neurons(
            6, "u = half(v) : 1", threshold="u > 0.45", method="euler", namespace={"half": half}
        )
        return eq.Network(G, eq.SpikeMonitor(G), eq.StateMonitor(G, "u", record=True))

    eq.settings.backend = "numpy"
    assert sum(len(v) for v in compared(fresh(make), tmp_path / "p").values()) > 10


# -- what is refused -------------------------------------------------------------------------------------------------------------------

_NO_CODE = (
    "'cells' calls the function 'bent', which has no code for a GPU; give it as an expression, eqsnn.function('bent(x) = ...'), "
    "or add @implementation('cuda', '__device__ double bent(double x) { ... }')"
)
MESSAGES = {name: REFUSED[name][2] for name in ("procedural synapses", "operation", "duration", "endless")}
MESSAGES |= {
    "function in Python": _NO_CODE,
    "function in C++": _NO_CODE,
    "embedded": "export(): the profile 'embedded' is for microcontrollers, in C; language='cuda' has none",
}


@pytest.mark.parametrize("row", MESSAGES)
def test_what_cannot_go_is_refused_before_anything_is_written(row, tmp_path):
    make, options, _ = REFUSED.get(row, (NETWORKS["cuba"], {"profile": "embedded"}, ""))
    with pytest.raises(eq.EqsnnError) as error:
        fresh(make).export(tmp_path / "p", language="cuda", **options)
    text = re.sub(r"\(\S+test_export.py, line \d+\)", "(FILE, line LINE)", str(error.value))
    assert text == MESSAGES[row]
    assert not (tmp_path / "p").exists()


def test_a_folder_that_is_not_empty(tmp_path):
    net = fresh(NETWORKS["cuba"])
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(
        eq.EqsnnError, match=r"is not empty: it has notes.txt; name another directory, or say overwrite=True"
    ):
        net.export(tmp_path, language="cuda")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    net.export(tmp_path, language="cuda", overwrite=True)
    assert (tmp_path / "network.cu").is_file()
    net.export(tmp_path, overwrite=True)  # a project in C takes its place
    assert not (tmp_path / "network.cu").exists() and (tmp_path / "notes.txt").is_file()


def test_it_returns_what_it_wrote(tmp_path):
    found = fresh(NETWORKS["cuba"]).export(tmp_path / "p", language="cuda")
    there = {str(p.relative_to(tmp_path / "p")) for p in (tmp_path / "p").rglob("*") if p.is_file()}
    assert there == {*found.files, ".eqsnn-export.json"}
    assert f"it takes {found.ram} bytes" in (tmp_path / "p" / "README.md").read_text()
    for name in ("network.cu", "network.h", "kernels.cuh", "main.cu"):
        assert not re.search(r"[^\x00-\x7f]", (tmp_path / "p" / name).read_text())


def test_an_export_changes_nothing(tmp_path):
    def twice(export):
        net = fresh(NETWORKS["stdp"])
        net.run(10 * ms)
        if export:
            net.export(tmp_path / "a", language="cuda")
        net.run(20 * ms)
        return list(recorded(net).values())

    for a, b in zip(twice(False), twice(True), strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


@needs_cpp
def test_the_command_line(tmp_path):
    from eqsnn.cli.main import main

    script = tmp_path / "script.py"
    script.write_text(
        "import eqsnn as eq\nfrom eqsnn import ms\neq.seed(1)\neq.settings.deterministic = True\n"
        "G = eq.NeuronGroup(30, 'dv/dt = (1.2 - v)/(5*ms) : 1', threshold='v > 1', reset='v = 0', method='exact')\n"
        "G.v = 'rand()'\nM = eq.SpikeMonitor(G, name='spikes')\neq.run(20*ms)\n"
    )
    assert main(["export", str(script), "--out", str(tmp_path / "p"), "--language", "cuda"]) == 0
    out = run(host_build(tmp_path / "p"), 0.02)
    assert len(np.load(out / "spikes.i.npy")) > 30
