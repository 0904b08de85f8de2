"""Delays at half steps arrive in the step in which they do in Brian 2 (golden_delays.json), since strings have the same last bits."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import brian_delays

GOLDEN = json.loads((HERE / "golden_delays.json").read_text())


def test_delays_between_two_steps_arrive_as_in_brian():
    space = {}
    exec("from eqsnn.brian import *", space)
    found = brian_delays.sweep(space)
    assert set(found) == set(GOLDEN) - {"brian2"}
    assert [name for name, values in found.items() if values != GOLDEN[name]] == []
    assert sum(map(len, found.values())) > 3000
