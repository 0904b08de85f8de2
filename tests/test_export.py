"""Exported projects: they build under every standard without a warning, and record bit by bit what the run in Python does."""

import gc
import importlib.util
import os
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
from exported import NATIVE, STRICT, build, check_same, compiler, recorded, run

import eqsnn as eq
from eqsnn import Hz, ms, mV

FLAGS = [
    ("-std=c99", "-O2"),
    ("-std=c99", "-O3", *NATIVE),
    ("-std=gnu17", "-O2", *NATIVE),
    ("-std=gnu17", "-O3", *NATIVE),
]
WHOLE = ("cuba", "cobahh", "stdp", "brunel")


def fresh(make):
    """A network with streams of its own."""
    gc.collect()
    eq.start_scope()
    eq.seed(11)
    return make()


def after(net, seconds):
    """What a run of the network adds to what its monitors hold."""
    before = recorded(net)
    net.run(seconds * eq.second)
    return {
        n: v if n.endswith(".count") else v[..., before[n].shape[-1] if n in before else 0 :]
        for n, v in recorded(net).items()
    }


def compared(net, folder, flags, seconds=0.03):
    net.export(folder, duration=seconds * eq.second)
    wanted = after(net, seconds)
    check_same(run(build(folder, *flags), seconds), wanted)
    return wanted


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("name", WHOLE)
def test_whole_networks_spike_as_in_python(name, flags, tmp_path):
    wanted = compared(fresh(exported_networks.NETWORKS[name]), tmp_path / "p", flags, 0.1)
    assert sum(len(v) for n, v in wanted.items() if n.endswith(".i")) > 50


@pytest.mark.parametrize("name", sorted(set(exported_networks.NETWORKS) - set(WHOLE)))
def test_every_kind_of_operation(name, tmp_path):
    compared(fresh(exported_networks.NETWORKS[name]), tmp_path / "p", FLAGS[len(name) % 4])


@pytest.mark.parametrize("name", ["cuba", "delays", "early", "inputs", "clocks", "custom_events", "stdp"])
def test_a_network_that_has_run_goes_on_where_it_is(name, tmp_path):
    net = fresh(exported_networks.NETWORKS[name])
    net.run(10 * ms)
    compared(net, tmp_path / "p", FLAGS[2])


@pytest.mark.parametrize("seed", range(6))
def test_random_models(seed, tmp_path):
    net = fresh(lambda: random_models.random_case(seed + 100).network)
    compared(net, tmp_path / "p", FLAGS[seed % 4], 0.02)


@pytest.mark.parametrize("seed", range(6))
def test_random_synapses(seed, tmp_path):
    net = fresh(lambda: random_synapses.random_synapses(seed + 100)[0])
    if seed % 2:
        net.run(7.3 * ms)
    compared(net, tmp_path / "p", FLAGS[seed % 4], 0.02)


@pytest.mark.parametrize(
    "name",
    ["cuba", "stdp", "delays", "inputs", "custom_events", "clocks", "narrow_synapses", "astrocytes", "single", "early"],
)
def test_sanitizers_find_nothing(name, tmp_path):
    net = fresh(exported_networks.NETWORKS[name])
    if name in ("delays", "early"):
        net.run(5 * ms)
    compared(
        net, tmp_path / "p", ("-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    )


@pytest.mark.parametrize("name", ["cuba", "delays", "stdp"])
def test_the_backend_and_threads_of_python_make_no_difference(name, tmp_path, monkeypatch):
    """Without a compiler the oracle can be exported as well; with several threads the engine has rows in blocks."""
    monkeypatch.setattr(eq.settings, "synapses_per_block", 20)
    net = fresh(exported_networks.NETWORKS[name])
    monkeypatch.setenv("EQSNN_NUM_THREADS", "3")
    net.run(5 * ms)
    monkeypatch.setenv("EQSNN_BACKEND", "numpy")
    compared(net, tmp_path / "p", FLAGS[1], 0.01)
    monkeypatch.setenv("EQSNN_BACKEND", "c")
    compared(net, tmp_path / "q", FLAGS[1], 0.01)


def test_no_compiler_is_needed_to_write(tmp_path, monkeypatch):
    from eqsnn.export import project

    real = project.engine_of

    def engine_of(chosen):
        if chosen.compiled:
            raise eq.CompileError("no C compiler was found")
        return real(chosen)

    monkeypatch.setattr(project, "engine_of", engine_of)
    fresh(exported_networks.NETWORKS["delays"]).export(tmp_path / "p")
    assert (tmp_path / "p" / "network.c").is_file()


def test_the_last_values_are_those_in_python(tmp_path):
    net = fresh(exported_networks.NETWORKS["stdp"])
    net.export(tmp_path / "p", duration=30 * ms)
    out = run(build(tmp_path / "p", *FLAGS[3]), 0.03, "--state")
    net.run(30 * ms)
    S = next(o for o in net.objects if isinstance(o, eq.Synapses))
    G = next(o for o in net.objects if type(o) is eq.NeuronGroup)
    assert np.array_equal(np.load(out / f"{S.name}.w.npy"), dict.__getitem__(S.arrays, "w"))
    assert np.array_equal(np.load(out / f"{G.name}.v.npy"), G.v[:])
    assert sum(map(len, recorded(net).values())) > 100
    check_same(out, recorded(net))  # what monitors have written is not overwritten


def other_compilers():
    """Commands of compilers beside the one that the tests use."""
    found = [[path] for name in ("gcc", "clang", "tcc") if (path := shutil.which(name)) is not None]
    return found + (
        [[sys.executable, "-m", "ziglang", "cc"]] if importlib.util.find_spec("ziglang") is not None else []
    )


@pytest.mark.parametrize("name", ["cuba", "single", "counted", "narrow_synapses"])
def test_other_compilers(name, tmp_path):
    """Each that is installed, without a warning: another text of the pragmas."""
    net = fresh(exported_networks.NETWORKS[name])
    net.export(tmp_path / "p", duration=30 * ms)
    wanted = after(net, 0.03)
    for k, command in enumerate(other_compilers()):
        program = build(tmp_path / "p", *FLAGS[k % 2 * 3][:2], name=f"other{k}", command=command)
        check_same(run(program, 0.03), wanted)


# -- what the program may need ---------------------------------------------------------------------------------------------------------


def symbols(path, *flags):
    """(kind, name) of the symbols of a compiled file."""
    subprocess.run([compiler(), "-std=c99", "-O2", *flags, "-c", path.name, "-o", "one.o"], cwd=path.parent, check=True)
    text = subprocess.run(["nm", "-P", "one.o"], cwd=path.parent, check=True, capture_output=True, text=True).stdout
    return [(line.split()[1], line.split()[0]) for line in text.splitlines()]


LIBRARY = {
    "memset",
    "memcpy",
    "memmove",
    "strcmp",
    "fma",
    "fmaf",
    "sqrt",
    "sqrtf",
    "floor",
    "floorf",
    "ceil",
    "ceilf",
    "trunc",
    "truncf",
}


@pytest.mark.skipif(shutil.which("nm") is None, reason="no nm to list symbols with")
@pytest.mark.parametrize("name", ["cuba", "stdp", "inputs", "delays", "astrocytes"])
@pytest.mark.parametrize("profile", [None, "embedded"])
def test_no_globals_no_memory_from_the_system_no_files(name, profile, tmp_path):
    fresh(exported_networks.NETWORKS[name]).export(tmp_path / "p", profile=profile)
    found = symbols(tmp_path / "p" / "network.c")
    assert [n for kind, n in found if kind in "BbCcDdSsGg" and not n.startswith("arrays")] == []
    assert {n for kind, n in found if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"} <= LIBRARY


TRAP = """
#include <stdlib.h>
#include <stdio.h>
#include "network.h"
#include "npy.h"
static int closed;
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n) { if (closed) abort(); return __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t m) { if (closed) abort(); return __real_calloc(n, m); }
void *__wrap_realloc(void *p, size_t n) { if (closed) abort(); return __real_realloc(p, n); }
int main(void)
{
    network *net = malloc(network_size()), *other = malloc(network_size());
    network_init(net);
    network_init(other);
    if (network_load(net, "data") || network_load(other, "data")) return 1;
    closed = 1;
    int64_t spikes = 0, n;
    for (int k = 0; k < 300; k++) {
        if (network_step(net)) return 2;
        network_spikes(net, "GROUP", &n);
        spikes += n;
        if (k % 2 == 0 && network_run(other, 2)) return 3;
        if (net->tick > other->tick) return 4;
    }
    closed = 0;
    printf("%d\\n", (int)spikes);
    free(net);
    free(other);
    return 0;
}
"""


def test_a_step_allocates_nothing_and_two_networks_do_not_meet(tmp_path):
    net = fresh(exported_networks.NETWORKS["cuba"])
    net.export(tmp_path / "p")
    G = next(o for o in net.objects if type(o) is eq.NeuronGroup)
    (tmp_path / "p" / "main.c").write_text(TRAP.replace("GROUP", G.name))
    wraps = [f"-Wl,--wrap={n}" for n in ("malloc", "calloc", "realloc")]
    program = build(tmp_path / "p", "-std=gnu99", "-O2", "-Wno-unused-function", *wraps)
    done = subprocess.run([str(program)], cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    net.run(30 * ms)
    spikes = next(o for o in net.objects if isinstance(o, eq.SpikeMonitor)).num_spikes
    assert (done.returncode, done.stdout.strip()) == (0, str(spikes))


API = """
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include "network.h"
#include "npy.h"
int main(void)
{
    network *net = malloc(network_size());
    int64_t n;
    network_init(net);
    if (network_load(net, "data")) return 1;
    double *v = network_variable(net, "cells.v", &n), high[3] = {0.99, 0.5, 2.0}, one = 0.25;
    if (n != 3 || v != net->cells.v || network_variable(net, "cells.nothing", &n) || n) return 2;
    if (network_input(net, "cells.v", high, 3) || v[2] != 2.0 || network_input(net, "cells.v", high, 2) != NETWORK_UNKNOWN) return 3;
    if (network_step(net) || network_time(net) != 0.0001) return 4;
    const int32_t *who = network_spikes(net, "cells", &n);
    if (n != 2 || who[0] != 0 || who[1] != 2) return 5;
    if (network_input(net, "cells.v", &one, 1) || v[0] != 0.25 || v[2] != 0.25) return 6;
    if (network_spikes(net, "nobody", &n) || n) return 7;
    if (network_run(net, 99) || net->tick != 100) return 8;
    v[1] = 1.0/0.0;
    if (network_step(net) != NETWORK_NOT_FINITE || strcmp(net->failed_step, "cells_step")) return 9;
    free(net);
    return 0;
}
"""


def test_the_interface(tmp_path):
    def make():
        G = eq.NeuronGroup(
            3, "dv/dt = (2 - v)/(5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells"
        )
        return eq.Network(G)

    fresh(make).export(tmp_path / "p")
    (tmp_path / "p" / "main.c").write_text(API)
    program = build(tmp_path / "p", "-std=c99", "-O2", "-fsanitize=address,undefined")
    assert subprocess.run([str(program)], cwd=tmp_path / "p", check=False).returncode == 0


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")
def test_the_header_is_one_of_cpp_too(tmp_path):
    fresh(exported_networks.NETWORKS["keywords"]).export(tmp_path / "p")
    command = ["c++", "-std=c++14", *STRICT, "-fsyntax-only", "-x", "c++", "network.h"]
    done = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_it_builds_with_cmake(tmp_path):
    net = fresh(exported_networks.NETWORKS["cuba"])
    net.export(tmp_path / "p", duration=20 * ms)
    wanted = after(net, 0.02)
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"]):
        done = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    (tmp_path / "p" / "out").mkdir()
    subprocess.run(["build/network", "0.02", "out"], cwd=tmp_path / "p", check=True, capture_output=True)
    check_same(tmp_path / "p" / "out", wanted)


# -- what the bits hang on -------------------------------------------------------------------------------------------------------------


def small_numbers():
    """Two variables decay below what has all its digits; their product with a large number decides who spikes."""
    G = eq.NeuronGroup(4, "da/dt = -a/(1*ms) : 1\nx : 1", threshold="x*a > 0", reset="x *= 0.9", method="exact")
    G.a, G.x = "1e-300*(1 + i)", 1e300
    return eq.Network(G, eq.SpikeMonitor(G))


def test_small_numbers_become_zero_as_in_python(tmp_path):
    net = fresh(small_numbers)
    wanted = compared(net, tmp_path / "p", FLAGS[1], 0.04)
    kept = run(build(tmp_path / "p", *FLAGS[1], "-DNETWORK_KEEP_SMALL", name="kept"), 0.04)
    name = next(n for n in wanted if n.endswith(".i"))
    assert len(np.load(kept / f"{name}.npy")) > len(wanted[name]) > 0


def fused() -> bool:
    """Whether this machine has an instruction for a*b + c that compilers use on their own."""
    try:
        with open("/proc/cpuinfo") as file:
            return " fma " in file.read()
    except OSError:
        return False


@pytest.mark.skipif(not fused(), reason="this processor has no fused multiply-add")
def test_without_the_pragma_sums_of_products_are_contracted(tmp_path):
    """The comparison is sharp enough to see it."""
    net = fresh(exported_networks.NETWORKS["cuba"])
    net.export(tmp_path / "p", duration=50 * ms)
    source = (tmp_path / "p" / "network.c").read_text()
    (tmp_path / "p" / "network.c").write_text(re.sub(r"#pragma (GCC optimize|STDC FP_CONTRACT).*", "", source))
    wanted = after(net, 0.05)
    out = run(build(tmp_path / "p", *FLAGS[3]), 0.05)
    with pytest.raises(AssertionError, match="differs"):
        check_same(out, wanted)


def test_fast_math_is_refused_by_the_program(tmp_path):
    fresh(small_numbers).export(tmp_path / "p")
    with pytest.raises(AssertionError, match="compile without -ffast-math"):
        build(tmp_path / "p", "-std=c99", "-ffast-math")


def test_a_value_that_is_not_finite_ends_the_program(tmp_path):
    def make():
        G = eq.NeuronGroup(2, "dv/dt = v**2/ms : 1", method="euler")
        G.v = 5
        return eq.Network(G)

    net = fresh(make)
    net.export(tmp_path / "p")
    out = run(build(tmp_path / "p", *FLAGS[1]), 0.05, status=2)
    step = int(float(re.search(r"before t = (\S+) s", (out / "stderr").read_text())[1]) / 1e-4 + 0.5) - 1
    assert (out / "stderr").read_text().startswith("neurongroup_step: a value is not finite")
    with pytest.raises(eq.NotFiniteError, match=f"t = {step * 0.1:g} ms"):
        net.run(50 * ms)


def test_data_that_are_not_those_of_the_network_are_refused(tmp_path):
    fresh(exported_networks.NETWORKS["cuba"]).export(tmp_path / "p")
    program = build(tmp_path / "p", *FLAGS[0])
    data = next((tmp_path / "p" / "data").glob("*.v.npy"))
    values = np.load(data)
    for other, message in (
        (values[1:], "holds another number of values"),
        (values.astype(np.float32), "holds values of another type"),
    ):
        np.save(data, other)
        assert message in (run(program, 0.01, status=1) / "stderr").read_text()
    data.write_bytes(data.read_bytes()[:-100] if False else b"nothing")
    assert "is no npy file" in (run(program, 0.01, status=1) / "stderr").read_text()
    data.unlink()
    assert "cannot be read" in (run(program, 0.01, status=1) / "stderr").read_text()


# -- the text ----------------------------------------------------------------------------------------------------------------------------


def test_the_text_is_one_that_is_read(tmp_path):
    def make():
        tau = 10 * ms
        G = eq.NeuronGroup(
            5,
            "dv/dt = (1.2 - v)/tau : 1",
            threshold="v > 1",
            reset="v = 0",
            method="exact",
            name="cells",
            namespace={"tau": tau},
        )
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="recurrent")
        S.connect()
        S.w = 0.1
        return eq.Network(G, S, eq.SpikeMonitor(G, name="spikes"))

    fresh(make).export(tmp_path / "p", duration=1 * eq.second)
    source, header = ((tmp_path / "p" / n).read_text() for n in ("network.c", "network.h"))
    assert (
        "    cells_step(net);\n    spikes_record(net, step_0);\n    recurrent_pathway_pre(net);\n    cells_reset(net);\n"
        in source
    )
    assert "/* dv/dt = (1.2 - v)/tau : 1 */\n            const double x_v_1 =" in source
    assert "/* v_post += w */" in source and "/* v = 0 */" in source
    assert "double v[5];" in header and "} cells;" in header and "double w[25];" in header
    readme = (tmp_path / "p" / "README.md").read_text()
    assert "dv/dt = (1.2 - v)/tau : 1\nthreshold: (v > 1)\nreset: v = 0" in readme
    assert "cc -std=c99 -O3 -march=native *.c -lm -o network" in readme
    assert "Constants, in SI units: tau = 0.01." in readme
    assert not re.search(r"[^\x00-\x7f]", source + header)


def test_it_returns_what_it_wrote(tmp_path):
    net = fresh(exported_networks.NETWORKS["cuba"])
    found = net.export(tmp_path / "p")
    there = {str(p.relative_to(tmp_path / "p")) for p in (tmp_path / "p").rglob("*") if p.is_file()}
    assert there == {*found.files, ".eqsnn-export.json"}
    (tmp_path / "p" / "main.c").write_text(
        f'#include "network.h"\ntypedef char check[sizeof(network) == {found.ram} ? 1 : -1];\nint main(void) {{ return 0; }}\n'
    )
    build(tmp_path / "p", "-std=c99", "-Wno-unused-local-typedefs")


def test_an_export_changes_nothing(tmp_path):
    def twice(export):
        net = fresh(exported_networks.NETWORKS["stdp"])
        net.run(10 * ms)
        if export:
            net.export(tmp_path / "a")
            net.export(tmp_path / "b", profile="embedded")
        net.run(20 * ms)
        return list(recorded(net).values())

    for a, b in zip(twice(False), twice(True), strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_without_a_network_what_is_seen_is_exported(tmp_path):
    eq.start_scope()
    G = exported_networks.neurons(3)
    M = eq.SpikeMonitor(G)
    eq.export(tmp_path / "p", duration=20 * ms)
    late = eq.StateMonitor(G, "v", record=True)  # the export was no run: more may come
    eq.run(20 * ms)
    assert late.v.shape == (3, 200)
    out = run(build(tmp_path / "p", *FLAGS[0]), 0.02)
    assert np.array_equal(np.load(out / f"{M.name}.i.npy"), M.i)


# -- functions of the user ---------------------------------------------------------------------------------------------------------------


def test_code_in_c_comes_along(tmp_path, monkeypatch):
    monkeypatch.delenv("EQSNN_BACKEND", raising=False)
    monkeypatch.setattr(eq.settings, "backend", "c")

    @eq.implementation(
        "c",
        "double bent(double x, double y) { return clip(x, 0.0, 1.0)*y; }",
        dependencies={"clip": eq.DEFAULT_FUNCTIONS["clip"]},
        name="bent",
    )
    @eq.check_units(x=1, y=1, result=1)
    def f(x, y):
        return np.clip(x, 0, 1) * y

    def make():
        G = exported_networks.neurons(6, "u = f(v, 0.5) : 1", method="euler", threshold="u > 0.45", namespace={"f": f})
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += f(w, v_post)", namespace={"f": f})
        S.connect()
        S.w = "0.1*rand()"
        return eq.Network(G, S, eq.SpikeMonitor(G), eq.StateMonitor(G, "u", record=True))

    assert sum(len(v) for v in compared(fresh(make), tmp_path / "p", FLAGS[1]).values()) > 10


# -- the embedded profile ----------------------------------------------------------------------------------------------------------------

HOST = """
#include <stdio.h>
#include "network.h"
static network net;
int main(void)
{
    typedef char check[sizeof(void *) == 8 || sizeof(network) == RAM ? 1 : -1];
    (void)sizeof(check);
    network_init(&net);
    for (int k = 0; k < STEPS; k++) {
        int64_t n;
        if (network_step(&net)) return 1;
        const int32_t *who = network_spikes(&net, "GROUP", &n);
        for (int64_t j = 0; j < n; j++) printf("%d %d\\n", k, (int)who[j]);
    }
    return 0;
}
"""


def in_float32(name):
    """The same network with dtype=float32 in Python."""

    def make():
        made = []
        for kind in (eq.NeuronGroup, eq.Synapses):
            old = kind.__init__
            made.append((kind, old))

            def init(self, *args, old=old, **options):
                old(self, *args, **{"dtype": np.float32, **{k: v for k, v in options.items() if k != "dtype"}})

            kind.__init__ = init
        try:
            return exported_networks.NETWORKS[name]()
        finally:
            for kind, old in made:
                kind.__init__ = old

    return make


@pytest.mark.parametrize("name", ["cuba", "cobahh", "izhikevich", "delays", "noisy"])
def test_embedded_spikes_are_those_of_float32_in_python(name, tmp_path):
    net = fresh(exported_networks.NETWORKS[name])
    group = next(o for o in net.objects if type(o) is eq.NeuronGroup)
    found = net.export(tmp_path / "p", profile="embedded")
    text = HOST.replace("GROUP", group.name).replace("STEPS", "500").replace("RAM", str(found.ram))
    (tmp_path / "p" / "example.c").write_text(text)
    for flags in (FLAGS[0], ("-std=c99", "-O1", "-fsanitize=address,undefined")):
        program = build(tmp_path / "p", *flags)
        done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    rows = np.array([line.split() for line in done.stdout.splitlines()], int).reshape(-1, 2)
    number = [o.name for o in net.objects if type(o) is eq.NeuronGroup].index(group.name)
    del net, group
    net = fresh(in_float32(name))
    group = [o for o in net.objects if type(o) is eq.NeuronGroup][number]
    M = eq.SpikeMonitor(group, name="all")
    net.add(M)
    net.run(50 * ms)
    assert len(rows) > 10
    assert np.array_equal(rows[:, 1], M.i) and np.array_equal(rows[:, 0], np.round(M.t_ / 1e-4))


ARM = ["arm-none-eabi-gcc", "-std=c99", *STRICT, "-mcpu=cortex-m4"]


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("", "export(): say where to; the directory is '' (the current one is '.')"),
        (3, "export(): the directory must be a path; got '3' (expected str, bytes or os.PathLike object, not int)"),
        ("a\0b", "export(): the directory must be a path; got 'a\\x00b' (embedded null byte)"),
        ("x" * 300, "export(): the directory must be a path; got 'xxx"),
    ],
)
def test_what_is_no_directory(directory, message):
    with pytest.raises(eq.EqsnnError) as error:
        eq.Network(lif()).export(directory)
    assert str(error.value).startswith(message)


def test_embedded_values_begin_as_they_are(tmp_path):
    """gcc 12 copies a constant array of such values wrongly, for processors with AVX-512 and in sight of the array."""

    values = [*range(16), 1, 1, 1, 1, 0, 0, 0, 0]

    def make():
        G = eq.NeuronGroup(24, "dv/dt = -v/(10*ms) : 1", method="exact", name="cells")
        G.v = values
        return eq.Network(G)

    fresh(make).export(tmp_path, profile="embedded")
    main = """#include <stdio.h>
#include "network.h"
static network net;
int main(void)
{
    network_init(&net);
    for (int k = 0; k < 24; k++) printf("%g ", (double)net.cells.v[k]);
    return 0;
}
"""
    (tmp_path / "example.c").write_text(main)
    for flags in FLAGS:
        done = subprocess.run([str(build(tmp_path, *flags))], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(v) for v in values]


def test_flash_has_no_table_that_no_statement_reads(tmp_path):
    def make(on_post):
        G = eq.NeuronGroup(30, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells")
        S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", on_post=on_post, name="links")
        S.connect("i != j")
        return eq.Network(G, S)

    for name, on_post in (("without", "w *= 0.99"), ("with", "v_pre += 0.01")):
        fresh(lambda text=on_post: make(text)).export(tmp_path / name, profile="embedded")
        assert ("data_links_source[870]" in (tmp_path / name / "network_data.h").read_text()) == (name == "with")


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None,
    reason="no arm-none-eabi-gcc (Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi)",
)
@pytest.mark.parametrize("name", ["cuba", "stdp", "inputs", "single", "delays", "narrow_synapses"])
def test_a_microcontroller_takes_it(name, tmp_path):
    found = fresh(exported_networks.NETWORKS[name]).export(tmp_path / "p", profile="embedded")
    (tmp_path / "p" / "size.c").write_text(
        f'#include "network.h"\ntypedef char check[sizeof(network) == {found.ram} ? 1 : -1];\n'
    )
    for more in (["-fsyntax-only"], ["-O2", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-c"]):
        done = subprocess.run(
            [*ARM, *more, "network.c", "example.c", "size.c"],
            cwd=tmp_path / "p",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    sizes = subprocess.run(
        ["arm-none-eabi-size", "network.o"], cwd=tmp_path / "p", capture_output=True, text=True, check=True
    ).stdout.split()
    text, data, bss = map(int, sizes[6:9])
    assert (data, bss) == (0, 0) and found.flash <= text < found.flash + 20_000


def test_the_memory_of_an_embedded_network_is_said(tmp_path, caplog):
    caplog.set_level("INFO", logger="eqsnn")
    found = fresh(exported_networks.NETWORKS["cuba"]).export(tmp_path / "p", profile="embedded")
    assert (
        f"the network takes {found.ram} bytes of RAM, and {found.flash} bytes of flash besides its code" in caplog.text
    )
    readme = (tmp_path / "p" / "README.md").read_text()
    assert f"{found.ram} bytes of RAM" in readme
    assert found.ram < 20_000


# -- what is refused ---------------------------------------------------------------------------------------------------------------------


def lif(**options):
    return eq.NeuronGroup(
        2, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells", **options
    )


def with_an_operation():
    @eq.network_operation(name="watcher")
    def look():
        pass

    return eq.Network(lif(), look)


def with_a_function(code=None, **options):
    f = eq.check_units(x=1, result=1)(lambda x: x)
    f.__name__ = "bent"
    f = eq.Function(f, arg_units=[1], return_unit=1, name="bent")
    if code:
        f.implementations.add_implementation(code, "double bent(double x) { return x; }", **options)
    G = eq.NeuronGroup(
        2,
        "dv/dt = -v/(10*ms) : 1\nu = 2*bent(v) : 1",
        threshold="u > 1",
        reset="v = 0",
        method="exact",
        name="cells",
        namespace={"bent": f},
    )
    return eq.Network(G)


def with_long_delays():
    G = eq.NeuronGroup(2000, "v : 1", threshold="v > 1", name="cells")
    S = eq.Synapses(G, G, on_pre="v_post += 1", name="far")
    S.connect(j="i")
    S.delay = "i*10*ms"
    return eq.Network(G, S)


def with_procedural_synapses():
    G = lif()
    S = eq.Synapses(G, G, on_pre="v_post += 1", name="made")
    S.connect(p=0.5, procedural=True)
    return eq.Network(G, S)


REFUSED = {
    "procedural synapses": (
        with_procedural_synapses,
        {},
        "export(): the synapses 'made' are procedural: their rows are made by the engine at every spike; connect them without procedural=True, "
        "which gives the same synapses and the same spikes",
    ),
    "language": (
        lambda: eq.Network(lif()),
        dict(language="rust"),
        "export(): there is no language 'rust'; there is 'c', 'cuda'",
    ),
    "profile": (
        lambda: eq.Network(lif()),
        dict(profile="tiny"),
        "export(): there is no profile 'tiny'; there is 'embedded', or None for a computer with files",
    ),
    "duration": (
        lambda: eq.Network(lif()),
        dict(duration=3),
        "export(): duration must be a time, such as 100*ms; got 3",
    ),
    "as good as endless": (
        exported_networks.NETWORKS["cuba"],
        {"duration": 1e300 * eq.second},
        "run(): 1e+300 s have more steps than can be counted: there are 0.0001 s from one to the next",
    ),
    "endless": (
        lambda: eq.Network(lif()),
        dict(duration=np.inf * ms),
        "export(): duration must be finite and not negative; got inf s",
    ),
    "operation": (
        with_an_operation,
        {},
        "export(): 'watcher' calls the Python function 'look' (FILE, line LINE), which cannot leave Python; say what it does in equations, by "
        "run_regularly() or a TimedArray, or take it out of the network",
    ),
    "function in Python": (
        with_a_function,
        {},
        """export(): 'cells' calls the function 'bent', which has no code in C and cannot leave Python
  in line 2 of the equations:
    u = 2*bent(v) : 1
          ^^^^^^^
  write it as an expression, eqsnn.function('bent(x) = ...'), or give its code: @implementation('c', '...')""",
    ),
    "function in C++": (
        lambda: with_a_function("cpp"),
        {},
        """export(): 'cells' calls the function 'bent', which has no code in C and cannot leave Python
  in line 2 of the equations:
    u = 2*bent(v) : 1
          ^^^^^^^
  write it as an expression, eqsnn.function('bent(x) = ...'), or give its code: @implementation('c', '...')""",
    ),
    "function with a library": (
        lambda: with_a_function("c", libraries=["gsl"]),
        {},
        """export(): the code of the function 'bent' needs libraries=, which a project of its own does not have; put all of it into the string
  in line 2 of the equations:
    u = 2*bent(v) : 1
          ^^^^^^^""",
    ),
    "delays": (
        with_long_delays,
        {},
        "export(): the delays of 'far' have 199901 different lengths in steps, from 0 to 199900, for each of 2000 neurons; a table of them has 399802000 "
        "entries, and a program takes at most 268435456: use a longer time step, or delays that differ less",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_cannot_go_is_refused_before_anything_is_written(row, tmp_path):
    make, options, message = REFUSED[row]
    with pytest.raises(eq.EqsnnError) as error:
        fresh(make).export(tmp_path / "p", **options)
    text = re.sub(r"\(\S+test_export.py, line \d+\)", "(FILE, line LINE)", str(error.value))
    assert text == message
    assert not (tmp_path / "p").exists()


def test_an_operation_that_is_not_active_is_no_obstacle(tmp_path):
    net = fresh(with_an_operation)
    net["watcher"].active = False
    net.export(tmp_path / "p")


def test_a_folder_that_is_not_empty(tmp_path):
    net = fresh(lambda: eq.Network(lif()))
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(
        eq.EqsnnError, match=r"p is not empty: it has notes.txt; name another directory, or say overwrite=True"
    ):
        net.export(folder)
    assert os.listdir(folder) == ["notes.txt"]
    net.export(folder, overwrite=True)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "mine.npy").write_text("mine")
    (folder / "network.c").write_text("changed")
    net["cells"].v = [0.25, 0.5]
    net.export(folder, overwrite=True, profile=None)
    assert (folder / "data" / "cells.v.npy").is_file() and "cells_step" in (folder / "network.c").read_text()
    net.export(folder, overwrite=True, profile="embedded")
    assert (folder / "notes.txt").read_text() == "mine" and (folder / "data" / "mine.npy").read_text() == "mine"
    assert not (folder / "main.c").exists() and not (folder / "data" / "cells.v.npy").exists()


def test_files_that_no_export_wrote_stay(tmp_path):
    net = fresh(lambda: eq.Network(lif()))
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    with pytest.raises(
        eq.EqsnnError,
        match=r"has main.c, which no export wrote, and the project has a file of that name; move yours away",
    ):
        net.export(tmp_path, overwrite=True)
    assert os.listdir(tmp_path) == ["main.c"] and "return 0" in (tmp_path / "main.c").read_text()


def test_a_list_of_files_that_leads_elsewhere_is_not_believed(tmp_path):
    net = fresh(lambda: eq.Network(lif()))
    folder = tmp_path / "p"
    folder.mkdir()
    (tmp_path / "precious").write_text("mine")
    (folder / "README.md").symlink_to(tmp_path / "precious")
    (folder / ".eqsnn-export.json").write_text('{"files": {"../precious": "", "/etc/passwd": "", "README.md": ""}}')
    with pytest.raises(eq.EqsnnError, match=r"README.md, which no export wrote"):
        net.export(folder, overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "p").write_text("")
    with pytest.raises(eq.EqsnnError, match="p is a file; a project needs a directory"):
        fresh(lambda: eq.Network(lif())).export(tmp_path / "p")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "p").mkdir(mode=0o500)
    for path in (tmp_path / "p", tmp_path / "p" / "inner"):
        with pytest.raises(eq.EqsnnError, match="cannot be"):
            fresh(lambda: eq.Network(lif())).export(path)


def test_an_unwritable_place_is_named(tmp_path):
    with pytest.raises(eq.EqsnnError, match=r"export\(\): /proc/nowhere"):
        fresh(lambda: eq.Network(lif())).export("/proc/nowhere")


def test_units_hold_for_what_is_exported(tmp_path):
    """The state is in SI units without prefix."""

    def make():
        G = eq.NeuronGroup(2, "v : volt\nr : Hz", name="cells", threshold="v > 1*mV and r > 0*Hz")
        G.v, G.r = [3, 4] * mV, [5, 6] * Hz
        return eq.Network(G)

    fresh(make).export(tmp_path / "p")
    assert np.array_equal(np.load(tmp_path / "p" / "data" / "cells.v.npy"), [0.003, 0.004])
    assert "double v[2]; /* V */" in (tmp_path / "p" / "network.h").read_text()
