"""Scripts of brian_synapses.py on eqsnn.brian give what Brian 2 gave, with both backends."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from brian_synapses import SCRIPTS

import eqsnn as eq

GOLDEN = json.loads((HERE / "golden_synapses.json").read_text())


@pytest.mark.parametrize("backend", ["c", "numpy"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_about_synapses_gives_what_brian_gives(name, backend):
    eq.settings.backend = backend
    space = {"__name__": "script"}
    exec("from eqsnn.brian import *\nstart_scope()\n" + SCRIPTS[name], space)
    assert set(space["result"]) == set(GOLDEN[name])
    for key, value in space["result"].items():
        expected = np.asarray(GOLDEN[name][key], float)
        found = np.asarray(value, float)
        assert found.shape == expected.shape, key
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=key)
