"""Every benchmark runs at tiny size, and the loops by hand do the same as eqsnn: nothing here asserts a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import run_all
from report import report

SHORT = ["--duration", "0.02", "--settle", "0.01", "--repeat", "2"]
SMALL = {
    "cuba": ["--neurons", "400", "--synapses", "40"],
    "cobahh": ["--neurons", "320", "--synapses", "40"],
    "brunel": ["--neurons", "500"],
    "stdp": ["--neurons", "200", "--targets", "3"],
}
FLAGS = {
    "cuba": ["-DN=400", "-DDEGREE=40"],
    "cobahh": ["-DN=320", "-DDEGREE=40"],
    "brunel": ["-DN=500"],
    "stdp": ["-DN=200", "-DM=3"],
}


def result(command):
    environment = {**os.environ, "EQSNN_BACKEND": "c"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_every_benchmark_is_tried():
    aside = {"common", "run_all", "report", "build", "cold_start", "memory", "peer", "growth", "threads"}
    aside |= {"microcircuit", "microcircuit_model"}
    aside |= {"gpu", "mushroom_body"}  # test_gpu_benchmarks.py
    aside |= {
        p.stem for p in BENCHMARKS.glob("*.py") if p.stem.startswith(("nest_", "annarchy_"))
    }  # in environments of their own
    assert {p.stem for p in BENCHMARKS.glob("*.py")} - aside == set(SMALL)
    assert {p.stem for p in (BENCHMARKS / "limit").glob("*.c")} == set(SMALL)
    assert {m.script for m in run_all.MODELS.values()} == set(SMALL)


def test_trials_on_two_threads_are_timed():
    assert result([sys.executable, str(BENCHMARKS / "threads.py"), "--trials", "2"])["seconds"] >= 0


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_model(name, precision):
    found = result([sys.executable, str(BENCHMARKS / f"{name}.py"), *SMALL[name], *SHORT, "--precision", precision])
    assert found["benchmark"] == name and found["simulator"] == "eqsnn" and found["precision"] == precision
    assert found["seconds"] >= 0 and found["cpu_seconds"] >= 0 and found["spikes_per_second"] > 0


def by_hand(name, folder, *more):
    binary = folder / name
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-std=gnu11", *FLAGS[name], *more]
    source = str(BENCHMARKS / "limit" / f"{name}.c")
    subprocess.run([os.environ.get("CC", "cc"), *flags, source, "-o", str(binary), "-lm"], check=True)
    return result([str(binary), "0.5", "0.2", "2"])


@pytest.mark.parametrize("name", SMALL)
def test_the_loop_by_hand_is_the_same_model(name, tmp_path):
    """The rates agree: 1 s of activity after 0.2 s, with other random numbers. That of a small COBAHH is another with every connectivity."""
    within = 0.6 if name == "cobahh" else 0.2
    options = [*SMALL[name], "--duration", "0.5", "--settle", "0.2", "--repeat", "2"]
    ours = result([sys.executable, str(BENCHMARKS / f"{name}.py"), *options])["spikes_per_second"]
    hand = by_hand(name, tmp_path)
    assert hand["benchmark"] == name and hand["precision"] == "double"
    assert hand["spikes_per_second"] == pytest.approx(ours, rel=within)
    if name != "stdp":
        single = by_hand(name, tmp_path, "-DREAL=float", "-fsingle-precision-constant")
        assert single["precision"] == "single" and single["spikes_per_second"] == pytest.approx(ours, rel=within)


def test_two_threads_by_hand_make_the_spikes_of_one(tmp_path):
    """The sums are added in the same order, whoever adds them."""
    flags = ("-ffp-contract=off",)
    one = by_hand("cuba", tmp_path, *flags)["spikes_per_second"]
    assert by_hand("cuba", tmp_path, *flags, "-DTEAM=2", "-pthread")["spikes_per_second"] == one > 0


def test_building():
    found = result([sys.executable, str(BENCHMARKS / "build.py"), "--neurons", "200"])
    assert found["arrays"]["synapses"] == 4000 and 3500 < found["random"]["synapses"] < 4500
    assert all(found[kind][key] >= 0 for kind in ("random", "arrays") for key in ("seconds", "prepare", "cpu_seconds"))


def test_memory():
    for kind, least in (("plain", 1.5), ("float16 delays", 5)):
        found = result([sys.executable, str(BENCHMARKS / "memory.py"), "--synapses", "2000000", "--kind", kind])
        assert least < found["bytes_per_synapse"] < 40
    spikes = result([sys.executable, str(BENCHMARKS / "memory.py"), "--synapses", "1000000", "--kind", "spikes"])
    assert spikes["spikes"] == 1_000_000 and spikes["bytes_per_spike"] < 25


def test_the_microcircuit():
    short = ["--scale", "0.02", "--settle", "0.05", "--duration", "0.1", "--dtype", "float16"]
    found = result([sys.executable, str(BENCHMARKS / "microcircuit.py"), *short])
    assert found["neurons"] == 1544 and abs(found["synapses"] - 0.02**2 * 2.9888e8) < 100
    assert found["seconds"] >= 0 and found["spikes_per_second"] > 1000
    assert set(found["activity"]) == {"L2/3E", "L2/3I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"}
    table = report({"models": {}, "others": {"microcircuit": [found]}}, {})
    assert f"| eqsnn 0.1.0, scale 0.02 | 1,544 | {found['synapses']:,} | " in table


def test_the_table():
    """Figures are scaled to the time of activity of the table, of all rounds the minimum and the median."""
    model = run_all.Model("A model", "cuba", seconds=10)
    write = "import json, sys; print(json.dumps(dict(seconds=float(sys.argv[1]), cpu_seconds=0.05, duration=0.5, spikes_per_second=7, version='1.0')))"
    found = run_all.measured(model, {"eqsnn": [sys.executable, "-c", write, "0.2"]}, 1, versions := {})
    assert versions == {"eqsnn": "1.0"}
    assert found["eqsnn"]["wall"] == pytest.approx(4) and found["eqsnn"]["cpu"] == pytest.approx(1)
    hand = {"wall": 2, "wall_median": 3, "cpu": 0.5, "cpu_median": 0.5, "spikes_per_second": 1234.4}
    entry = {"peers": {"by hand": hand, **found}, **run_all.circumstances(1, versions)}
    lines = report({"models": {"a": entry}, "others": {}}, {"a": "A model", "b": "Not run"}).splitlines()
    assert "| A model | 2 (3) | 4 (4) | - | - | - | - |" in lines
    assert "| A model | 2.00 | - | - | - | - |" in lines
    assert "| A model | 1,234 | 7 | - | - | - | - |" in lines
    assert not any("Not run" in line for line in lines)


def test_peers_are_told_the_same(tmp_path):
    pythons = {"brian2": "PYTHON", "nest": "NEST", "annarchy": "ANNARCHY"}
    calls = run_all.commands(run_all.MODELS["stdp-1000x100"], pythons, tmp_path)
    assert list(calls) == list(run_all.PEERS)
    for name, command in calls.items():
        assert "1" in command and "0.5" in command, name  # the window, and what goes before
    assert calls["Brian 2 cpp_standalone"][0] == "PYTHON" and "brian2_standalone" in calls["Brian 2 cpp_standalone"]
    assert calls["NEST"][0] == "NEST" and calls["NEST"][1].endswith("nest_stdp.py")
    single = run_all.commands(run_all.MODELS["cobahh-single"], pythons, tmp_path)
    assert "NEST" not in single and "ANNarchy" in single  # NEST has no single precision
    assert "ANNarchy" not in run_all.commands(run_all.MODELS["brunel"], pythons, tmp_path)
    assert list(run_all.commands(run_all.MODELS["cuba"], {}, tmp_path)) == ["by hand", "eqsnn"]


def test_growth(tmp_path):
    """A point of each curve, and the figure."""
    import growth

    curves = {kind: [growth.point("synapses_pre", 992, 10, kind)] for kind in growth.KINDS}
    neurons = {"float64": [growth.point("cells_stateupdater", 992, 0, "")]}
    assert all(p["ns"] > 0 and p["bytes"] > 0 for points in (*curves.values(), *neurons.values()) for p in points)
    assert growth.sizes(10_000, 1) == [992, 10_000]
    growth.draw(
        {"neurons": neurons, "synapses by neurons": curves, "synapses by degree": curves, "caches": {"L2": 1 << 20}},
        tmp_path,
    )
    assert (tmp_path / "growth.png").stat().st_size > 10_000


@pytest.mark.parametrize("peer", ["nest", "annarchy"])
def test_the_scripts_of_the_peers(peer):
    """Where the simulator is installed in this environment: the same rates as ours."""
    module = pytest.importorskip({"nest": "nest", "annarchy": "ANNarchy"}[peer])
    assert module
    options = [*SMALL["cuba"], "--duration", "0.5", "--settle", "0.2", "--repeat", "1"]
    theirs = result([sys.executable, str(BENCHMARKS / f"{peer}_cuba.py"), *options])["spikes_per_second"]
    ours = result([sys.executable, str(BENCHMARKS / "cuba.py"), *options])["spikes_per_second"]
    assert theirs == pytest.approx(ours, rel=0.2)
