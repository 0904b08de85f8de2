"""Scripts of network_scripts.py on eqsnn.brian give what Brian 2 gave, on both engines."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from network_scripts import SCRIPTS

import eqsnn as eq

GOLDEN = json.loads((HERE / "network_golden.json").read_text())


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gives_what_brian_gives(name, backend):
    eq.settings.backend = backend
    space = {"__name__": "script"}
    exec("from eqsnn.brian import *\nstart_scope()\n" + SCRIPTS[name], space)
    assert set(space["result"]) == set(GOLDEN[name])
    for key, value in space["result"].items():
        expected, found = np.asarray(GOLDEN[name][key], float), np.asarray(value, float)
        assert found.shape == expected.shape, key
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=key)
