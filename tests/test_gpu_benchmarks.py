"""``pytest -m gpu`` and ``benchmarks/gpu.py`` are ready: they say that there is no GPU, and do what they do on one that is a stand-in. Nothing here
asserts a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
SUITE = Path(__file__).parent / "test_gpu.py"
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import gpu as benchmark
from test_gpu import WHY_NOT

STAND_IN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import fake_cuda
sys.modules.update(fake_cuda.modules(fake_cuda.FakeGpu()))
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Every Python that is started finds the stand-in for a GPU."""
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    paths = [str(tmp_path), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in paths if p))


def gpu_suite(*options, **environment):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "gpu", str(SUITE), "-rs", *options]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.mark.skipif(WHY_NOT is None, reason="there is a GPU")
def test_without_a_gpu_the_suite_is_skipped_with_the_reason():
    done = gpu_suite()
    assert done.returncode == 0
    assert WHY_NOT.split(";")[0] in done.stdout
    assert "passed" not in done.stdout.splitlines()[-1] and "skipped" in done.stdout.splitlines()[-1]


def test_the_suite_does_on_the_stand_in_what_it_will_do_on_a_gpu():
    some = "copies or launches or arguments or memory or compile or function or python_in_the_middle or both_ends"
    done = gpu_suite("-k", some, EQSNN_GPU_TESTS="stand-in")
    assert done.returncode == 0, done.stdout[-5000:]
    assert "passed" in done.stdout.splitlines()[-1] and "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.skipif(WHY_NOT is None, reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    done = subprocess.run([sys.executable, str(BENCHMARKS / "gpu.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == f"nothing to measure: {WHY_NOT}"


@pytest.mark.parametrize("name", ["cuba", "mushroom-body"])
def test_a_sweep(name, stand_in, monkeypatch, capsys):
    sweep = benchmark.SWEEPS[name]
    monkeypatch.setitem(
        benchmark.SWEEPS, name, benchmark.Sweep(sweep.title, sweep.script, (60, 90, 5000), 0.002, sweep.options)
    )
    pythons = {"eqsnn GPU": sys.executable, "eqsnn one thread": sys.executable, "Brian2CUDA": "/no/such/python"}
    monkeypatch.setenv("EQSNN_BACKEND", "")
    rows = benchmark.run([name], pythons, 100, 1, 200)
    assert "Brian2CUDA: /no/such/python: No such file or directory" in capsys.readouterr().out
    del pythons["Brian2CUDA"]
    assert [(r["neurons"], r["peer"]) for r in rows] == [(n, p) for n in (60, 90) for p in pythons]
    assert all(r["seconds"] >= 0 for r in rows)
    first = {(r["neurons"], r["spikes_per_second"]) for r in rows}
    assert len(first) == 2  # the same network, whoever runs it
    lines = benchmark.table(rows).splitlines()
    assert lines[0] == "| network | neurons | eqsnn GPU | eqsnn one thread |" and len(lines) == 4
    json.dumps(benchmark.machine())


def test_a_peer_that_fails_is_told_and_left_out(capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "measure", lambda python, sweep, n, peer, patience: "ValueError: no")
    assert benchmark.run(["cuba"], {"Brian2CUDA": sys.executable}, 100_000, 2, 1) == []
    assert capsys.readouterr().out.splitlines() == ["CUBA, 1,000 synapses a neuron, 1,000: Brian2CUDA: ValueError: no"]
