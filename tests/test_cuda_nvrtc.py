"""NVRTC, which compiles for a GPU where the user has one, compiles here: it needs neither a GPU nor a driver."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cuda_examples import SIZES, plans_of
from cuda_networks import both_ends, ways
from models import MODELS

import eqsnn as eq
from eqsnn.backends.cuda import nvrtc
from eqsnn.backends.cuda.build import ARCHITECTURES
from eqsnn.backends.cuda.source import engine_source
from eqsnn.runtime.cuda_plan import source_of


def why_not():
    """Why NVRTC cannot be used, or None."""
    try:
        nvrtc.version()
    except (ImportError, eq.EqsnnError) as error:
        return f"NVRTC cannot be used ({type(error).__name__}: {error}); pip install 'eqsnn[cuda]'"
    return None


WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
NETWORKS = {**MODELS, "ways": ways, "both_ends": both_ends}


def texts_of(name):
    eq.backend("numpy")
    case = NETWORKS[name]()
    case.network.run(0.1 * eq.ms)
    plan = case.network._last.plan
    return {source_of(plan, deterministic).text for deterministic in (True, False)}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_engine_compiles_without_a_word(architecture):
    code, log = nvrtc.compiled(engine_source(), architecture)
    assert log == "" and code.startswith(b"\x7fELF")
    assert b"eq_begin" in code and b"eq_record_events" in code


@pytest.mark.parametrize("name", NETWORKS)
def test_all_kernels_of_a_network_compile_without_a_word(name):
    for text in texts_of(name):
        for architecture in ARCHITECTURES:
            code, log = nvrtc.compiled(text, architecture)
            assert log == "" and code.startswith(b"\x7fELF")


@pytest.mark.parametrize("name", SIZES)
def test_all_kernels_of_an_example_compile_without_a_word(name):
    texts = {source_of(plan, deterministic).text for plan in plans_of(name) for deterministic in (False, True)}
    for text in texts:
        assert nvrtc.compiled(text, "sm_80")[1] == ""


def test_a_warning_would_be_seen():
    text = engine_source().replace("int64_t best = EQ_EVERYTHING_MET;", "int64_t best = EQ_EVERYTHING_MET, nobody;")
    assert 'variable "nobody" was declared but never referenced' in nvrtc.compiled(text, "sm_80")[1]


def test_an_error_shows_the_line():
    text = engine_source() + "\nnonsense"
    with pytest.raises(eq.CompileError, match=r"NVRTC_ERROR_COMPILATION(.|\n)*--gpu-architecture=sm_80(.|\n)*nonsense"):
        nvrtc.compiled(text, "sm_80")


def test_the_machine_code_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    code = nvrtc.cubin(engine_source(), "sm_80")
    monkeypatch.setattr(nvrtc, "compiled", lambda *_: pytest.fail("it is in the cache"))
    assert nvrtc.cubin(engine_source(), "sm_80") == code
