"""Scripts of brian_events.py on eqsnn.brian give what Brian 2 gave (golden_events.json), on every backend."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from brian_events import SCRIPTS

GOLDEN = json.loads((HERE / "golden_events.json").read_text())


def outcome(name):
    space = {"__name__": "script"}
    exec("from eqsnn.brian import *\nstart_scope()\n" + SCRIPTS[name], space)
    return {k: np.asarray(v, float) for k, v in space["result"].items()}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_a_script_gives_what_brian_gives(name, backend):
    eq.settings.backend = backend
    found = outcome(name)
    assert set(found) == set(GOLDEN[name])
    for key, value in found.items():
        expected = np.asarray(GOLDEN[name][key], float)
        assert value.shape == expected.shape, key
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=key)


def test_the_default_backend_and_several_threads_give_the_same_bits(monkeypatch):
    name = "pathways that wait for events"
    eq.settings.backend = "c"
    plain = outcome(name)
    eq.settings.backend, eq.settings.threads = "cython", 3
    eq.settings.neurons_per_block = 1
    for key, value in outcome(name).items():
        np.testing.assert_array_equal(value, plain[key], err_msg=key)
