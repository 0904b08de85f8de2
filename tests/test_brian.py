"""Scripts of brian_scripts.py on eqsnn.brian give what Brian 2 gave (golden.json, made by that file with Brian 2 installed)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from brian_scripts import SCRIPTS

GOLDEN = json.loads((HERE / "golden.json").read_text())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_gives_what_brian_gives(name):
    space = {"__name__": "script"}
    exec("from eqsnn.brian import *\nstart_scope()\n" + SCRIPTS[name], space)
    assert set(space["result"]) == set(GOLDEN[name])
    for key, value in space["result"].items():
        expected = np.asarray(GOLDEN[name][key], float)
        found = np.asarray(value, float)
        assert found.shape == expected.shape, key
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=key)


def test_the_face_exports_what_a_script_expects():
    import eqsnn.brian as face

    for name in (
        "NeuronGroup",
        "run",
        "ms",
        "mV",
        "nS",
        "np",
        "linspace",
        "array",
        "network_operation",
        "DimensionMismatchError",
        "exp",
    ):
        assert name in face.__all__ and hasattr(face, name), name
    assert not set(face.__all__) - set(dir(face))


def test_not_a_number_warns_here_and_stops_the_native_face():
    import eqsnn as eq
    from eqsnn import brian

    text = "dv/dt = v**2/ms : 1"
    G = brian.NeuronGroup(1, text, method="euler")
    G.v = 10
    with pytest.warns(RuntimeWarning, match=r"v has NaN or infinite"):
        brian.run(20 * brian.ms)
    del G
    eq.start_scope()
    H = eq.NeuronGroup(1, text, method="euler")
    H.v = 10
    with pytest.raises(eq.NotFiniteError, match=r"v\[0\] became"):
        eq.run(20 * eq.ms)
