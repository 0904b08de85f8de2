"""The benchmark scripts run, and print what the driver reads; what they measure is not looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SHORT = {
    "cuba": ["--duration", "0.02", "--repeat", "1"],
    "cobahh": ["--duration", "0.005", "--repeat", "1"],
    "memory": ["--synapses", "400000"],
}


@pytest.mark.parametrize("name", SHORT)
def test_a_benchmark_prints_json(name):
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *SHORT[name]]
    environment = {**os.environ, "EQSNN_BACKEND": "c"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["benchmark"] == name
    assert found["synapses"] == pytest.approx(4e5, rel=0.01) if name == "memory" else found["seconds"] > 0
