"""Without a C compiler on the machine, the extra ``eqsnn[cc]`` (the package ziglang) builds all that the compiled backends need."""

import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import hashlib, sys
    import eqsnn as eq
    from eqsnn import ms, mV

    eq.seed(1)
    tau_m, tau_e, tau_i = 20*ms, 5*ms, 10*ms
    G = eq.NeuronGroup(400, '''dv/dt = (ge + gi - (v + 49*mV))/tau_m : volt (unless refractory)
    dge/dt = -ge/tau_e : volt
    dgi/dt = -gi/tau_i : volt''', threshold='v > -50*mV', reset='v = -60*mV', refractory=5*ms)
    G.v = '-60*mV + 10*mV*rand()'
    E = eq.Synapses(G[:320], G, on_pre='ge += 1.62*mV')
    E.connect(p=0.1)
    I = eq.Synapses(G[320:], G, on_pre='gi += -9*mV', delay=1*ms)
    I.connect(p=0.1)
    M = eq.SpikeMonitor(G)
    eq.run(100*ms)
    print(M.num_spikes, hashlib.sha256(M.t_.tobytes() + M.i.tobytes() + G.v_[:].tobytes()).hexdigest())
    """
)


def outcome(backend, cache, **changes):
    environment = {**os.environ, "EQSNN_BACKEND": backend, "EQSNN_CACHE_DIR": str(cache), **changes}
    environment.pop("CC", None)
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs eqsnn[cc]")
def test_ziglang_builds_everything_and_gives_the_same_bits(tmp_path):
    nothing = tmp_path / "empty"
    nothing.mkdir()
    expected, _ = outcome("c", tmp_path / "cache")
    found, error = outcome("c", tmp_path / "zig", PATH=str(nothing), HOME=str(nothing))
    assert found == expected and int(found.split()[0]) > 100, error
    assert list(nothing.iterdir()) == [], "what zig keeps belongs into our cache"


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is not None, reason="ziglang is installed")
def test_without_any_compiler_the_error_names_the_extra(tmp_path):
    found, error = outcome("c", tmp_path / "cache", PATH=str(tmp_path))
    assert found == "" and "pip install 'eqsnn[cc]'" in error and "eqsnn.settings.backend = 'numpy'" in error
    found, error = outcome("numpy", tmp_path / "cache", PATH=str(tmp_path))
    assert int(found.split()[0]) > 100, error
