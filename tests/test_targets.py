"""The kernels elsewhere: as strict C without Python, and as C++. As CUDA: tests/test_cuda*.py."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from models import DURATION, MODELS

import eqsnn as eq
from eqsnn.backends.render import c_source


def kernels_of_a_run(name):
    eq.settings.backend = "numpy"
    case = MODELS[name]()
    case.network.run(0.1 * eq.ms)
    return case.network._last.plan.kernels()


@pytest.mark.parametrize("name", MODELS)
def test_the_text_is_strict_c_and_knows_no_python(name, tmp_path):
    source = c_source(kernels_of_a_run(name))
    assert "Python" not in source
    (tmp_path / "kernels.c").write_text(source)
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-c", "kernels.c", "-o", "kernels.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize("name", ["cuba", "stdp", "driven"])
def test_the_text_is_also_c_plus_plus(name, tmp_path):
    (tmp_path / "kernels.cpp").write_text(c_source(kernels_of_a_run(name)))
    done = subprocess.run(
        ["g++", "-std=c++14", "-Wall", "-O2", "-c", "kernels.cpp", "-o", "kernels.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_without_vector_instructions_the_bits_are_the_same(monkeypatch):
    """The functions use no fused multiply-add and no vendor's library: any width of vectors gives the same."""
    from eqsnn.backends import compiler

    def outcome():
        eq.settings.backend = "c"
        eq.start_scope()
        eq.seed(7)
        case = MODELS["cobahh"]()
        case.network.run(DURATION)
        return case.outcome()

    wide = outcome()
    monkeypatch.setattr(compiler, "_NATIVE", "-fno-tree-vectorize")
    for a, b in zip(wide, outcome()):
        np.testing.assert_array_equal(a, b)
