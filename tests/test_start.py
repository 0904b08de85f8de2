"""How eqsnn is begun: ``from eqsnn import *``, ``python -m eqsnn``."""

import subprocess
import sys

import eqsnn as eq


def test_a_star_import_gives_classes_functions_and_units():
    space = {}
    exec("from eqsnn import *", space)
    for name in ("NeuronGroup", "Synapses", "run", "ms", "mV", "nS", "second", "volt", "units", "NotConnectedError"):
        assert space[name] is getattr(eq, name)
    assert len(eq.__all__) == len(set(eq.__all__)) and not any(n.startswith("_") for n in eq.__all__)
    assert not {"plot", "describe", "np", "exp"} & set(space), "what needs other packages is asked for by name"


def test_the_module_is_the_command():
    def said(*arguments):
        done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert said("eqsnn", "--version") == (0, f"eqsnn {eq.__version__}\n", "")
    code, out, error = said("eqsnn", "check", "nothing.toml")
    assert code == 1 and out == "" and "nothing.toml" in error
    assert said("eqsnn", "--help")[1].startswith("usage: eqsnn ")
