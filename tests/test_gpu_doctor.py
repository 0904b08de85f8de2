"""``eqsnn doctor`` about a GPU: whatever is missing is named, with the reason as it was given, and what to do."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_cuda
from fake_cuda import FakeGpu

from eqsnn.backends.cuda import build
from eqsnn.cli import gpu_found as doctor
from eqsnn.cli.main import main


@pytest.fixture
def gpu(monkeypatch):
    fake_cuda.forget()
    yield fake_cuda.install(monkeypatch, FakeGpu())
    fake_cuda.forget()


def said():
    lines = {}
    found = doctor.report(lambda what, text: lines.update({what: text}))
    return found, lines


def failing(monkeypatch, module, name, text):
    def fail(*_):
        raise RuntimeError(text)

    fail.__name__ = name
    monkeypatch.setattr(sys.modules[f"cuda.bindings.{module}"], name, fail)


def test_all_is_there(gpu):
    found, lines = said()
    assert found
    assert lines["bindings"] == "cuda-bindings 13.0.0"
    assert lines["NVRTC"] == "13.0, compiles for sm_75 to sm_120"
    assert lines["driver"] == "knows CUDA up to 13.0"
    assert lines["GPU"] == "Imaginary GPU, compiled for as sm_80"


def test_then_a_network_runs_on_it(gpu, capsys):
    assert main(["doctor"]) == 0
    assert "cuda: built and ran a probe" in capsys.readouterr().out
    assert "cuGraphLaunch" in gpu.names()


def test_no_bindings(monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda", None)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    found, lines = said()
    assert not found
    assert lines["bindings"].startswith("none (ModuleNotFoundError: import of cuda")
    assert lines["bindings"].endswith("for an NVIDIA GPU: pip install 'eqsnn[cuda]'")
    assert lines["GPU"].startswith("not looked for, without the bindings; kernels for GPUs can be run without one")


def test_bindings_of_which_a_part_cannot_be_loaded(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.bindings.nvrtc", None)
    monkeypatch.delattr(sys.modules["cuda.bindings"], "nvrtc")
    found, lines = said()
    assert not found and lines["bindings"].startswith("none (ModuleNotFoundError: import of cuda.bindings.nvrtc halted")


def test_no_nvrtc(gpu, monkeypatch):
    failing(monkeypatch, "nvrtc", "nvrtcVersion", "Failure finding libnvrtc.so")
    found, lines = said()
    assert not found
    assert (
        lines["NVRTC"]
        == "none. nvrtcVersion: RuntimeError: Failure finding libnvrtc.so; pip install 'eqsnn[cuda]' brings NVRTC"
    )
    assert lines["GPU"].startswith("not looked for, without NVRTC")


def test_no_driver(gpu, monkeypatch):
    failing(monkeypatch, "driver", "cuDriverGetVersion", "libcuda.so.1: cannot open shared object file.")
    found, lines = said()
    assert not found
    assert lines["driver"] == (
        "none. cuDriverGetVersion: RuntimeError: libcuda.so.1: cannot open shared object file; install the NVIDIA driver of this GPU, "
        "or a newer one"
    )
    assert lines["GPU"].startswith("not looked for, without the driver")


def test_no_gpu(gpu):
    gpu.count = 0
    found, lines = said()
    assert not found
    assert "cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected); nvidia-smi shows" in lines["GPU"]


def test_a_driver_that_is_too_old_for_the_compiler(gpu):
    gpu.version = 12080
    found, lines = said()
    assert not found and lines["driver"] == "knows CUDA up to 12.8"
    assert "install a newer driver, or an NVRTC of its version: pip install 'cuda-bindings<13'" in lines["GPU"]


@pytest.mark.parametrize(
    "elsewhere, text",
    [
        (None, "not found"),
        ("/opt/cuda/bin/nvcc", "at /opt/cuda/bin/nvcc, which is not on the PATH: put its folder there"),
    ],
)
def test_no_nvcc(elsewhere, text, monkeypatch):
    monkeypatch.setattr(build, "nvcc", lambda: None)
    monkeypatch.setattr(build, "nvcc_elsewhere", lambda: elsewhere)
    assert said()[1]["nvcc"] == f"{text} (only tests of CUDA text and exported CUDA projects use it)"
