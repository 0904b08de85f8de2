"""What never ran says so."""

import os
import subprocess
import sys
import textwrap

import pytest


def notices(script):
    """What a script prints to stderr."""
    environment = {**os.environ, "EQSNN_BACKEND": "numpy"}
    head = "import eqsnn as eq\nfrom eqsnn import ms\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return [
        line for line in done.stderr.splitlines() if "never ran" in line or "deleted as soon" in line or "Error" in line
    ]


GROUP = "G = eq.NeuronGroup(2, 'v : 1', threshold='v > 1', name='cells')\n"


def test_a_monitor_in_a_list_says_that_it_never_ran():
    assert notices(GROUP + "monitors = [eq.SpikeMonitor(G, name='hidden')]\neq.run(1*ms)") == [
        "eqsnn: the SpikeMonitor 'hidden' (<string>:4) never ran, although run() did: it takes what has a name where it is called, not "
        "what a list, a dict or an attribute holds; use net = Network(collect()) and net.add(...)"
    ]


def test_an_object_that_is_not_in_the_network_says_so():
    script = GROUP + "S = eq.Synapses(G, G, on_pre='v += 1', name='links')\neq.Network(G).run(1*ms)\n"
    assert notices(script) == [
        "eqsnn: the Synapses 'links' (<string>:4) never ran, although 'cells' did; add it to the network: net.add(...)"
    ]
    assert notices(script + "del S\nprint('end')") == notices(script)


def test_an_object_that_nothing_holds_says_so_at_once():
    assert notices(GROUP + "eq.PoissonInput(G, 'v', 10, 5*eq.Hz, 0.1, name='lost')\neq.run(1*ms)") == [
        "eqsnn: the PoissonInput 'lost' (<string>:4) was deleted as soon as it was made, since nothing holds it, and will not run; "
        "keep it in a variable: name = PoissonInput(...)"
    ]


@pytest.mark.parametrize(
    "script",
    [
        GROUP + "M = eq.SpikeMonitor(G)\neq.run(1*ms)",
        GROUP + "M = [eq.SpikeMonitor(G)]\neq.Network(G, M).run(1*ms)",
        GROUP + "M = [eq.SpikeMonitor(G)]\nnet = eq.Network(G)\nnet.run(1*ms)\nnet.add(M)\nnet.run(1*ms)",
        GROUP + "eq.Network(G, eq.SpikeMonitor(G)).run(1*ms)",
        GROUP,
        GROUP
        + "G = eq.NeuronGroup(2, 'v : 1', threshold='v > 1', name='cells')\nM = eq.SpikeMonitor(G)\nM = eq.SpikeMonitor(G)\neq.run(1*ms)",
        GROUP + "part = G[:1]\neq.SpikeMonitor\neq.run(1*ms)",
        GROUP + "other = eq.NeuronGroup(1, 'v : 1')\neq.Network(G).run(1*ms)",
        GROUP
        + "try:\n    eq.Synapses(G, G, 'w : volt', on_pre='v += w')\nexcept eq.UnitError:\n    pass\neq.run(1*ms)",
        "def trial():\n    G = eq.NeuronGroup(1, 'v : 1')\n    eq.run(1*ms)\n    return G\nkept = [trial() for _ in range(3)]",
        GROUP + "net = eq.Network(eq.collect())\nnet.run(1*ms)\nnet.remove(G)",
    ],
)
def test_no_false_alarm(script):
    assert notices(script) == []


def test_a_script_that_fails_is_not_lectured():
    found = notices(GROUP + "monitors = [eq.SpikeMonitor(G)]\neq.run(1*ms)\nraise ValueError('mine')")
    assert found == ["ValueError: mine"]
