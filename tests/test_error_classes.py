"""An error is also of the built-in class that a script for Brian 2 may catch: recorded from Brian 2.11, expression by expression."""

import pytest

import eqsnn as eq

EXPECTED = {
    "G[1.5]": TypeError,
    "G[::2]": IndexError,
    "G[5:5]": IndexError,
    "G[30]": IndexError,
    "G.foo": AttributeError,
    "G.v[30]": IndexError,
    "net.add(3)": TypeError,
    "net.remove(3)": TypeError,
    "net['zz']": KeyError,
    "M.w": AttributeError,
    "M[7]": IndexError,
    "NeuronGroup(-1, 'v : 1')": ValueError,
    "NeuronGroup(1, 'v : 1', name='a b')": ValueError,
    "Synapses(G, G).connect('i != j', j='i')": ValueError,
    "Synapses(G, G).connect(i=[50], j=[0])": IndexError,
    "Synapses(G, G).connect(i=[-1], j=[0])": IndexError,
    "SpikeGeneratorGroup(3, [5], [1]*ms)": ValueError,
    "SpikeGeneratorGroup(3, [1, 2], [1]*ms)": ValueError,
    "StateMonitor(G, 'zz', record=True)": KeyError,
    "SpikeMonitor(3)": TypeError,
    "PopulationRateMonitor(G).smooth_rate('zz')": TypeError,
    "net.run(-1*ms)": ValueError,
    "net.restore('zz')": KeyError,
    "Network(NeuronGroup(1, 'v : 1', name='a'), NeuronGroup(1, 'v : 1', name='a')).run(1*ms)": ValueError,
    "seed('a')": TypeError,
    "G.get_states(['zz'])": KeyError,
    "G.set_states({'zz': 3})": KeyError,
    "G.run_on_event('zz', 'v = 0*mV')": ValueError,
    "profiling_summary(net)": ValueError,
    "SpikeMonitor(G).values('zz')": KeyError,
    "PoissonInput(G, 'zz', 3, 3*Hz, 1*mV)": KeyError,
    "NeuronGroup(1, 'v : 1', name='1x')": ValueError,
    "NeuronGroup(1, 'v : 1', dt=1*ms, clock=Clock(1*ms))": ValueError,
    "NeuronGroup(1, 'v : 1', dt=-1*ms)": ValueError,
    "setattr(G, 'i', 3)": TypeError,
    "setattr(G, 't', 3*ms)": TypeError,
    "setattr(S, 'i', 3)": TypeError,
    "setattr(G, 'w', [1, 2, 3])": ValueError,
    "PoissonGroup(3, rates=[1, 2]*Hz)": ValueError,
    "SpikeGeneratorGroup(3, [0], [-1]*ms)": ValueError,
    "SpikeGeneratorGroup(3, [0], [5]*ms, period=3*ms)": ValueError,
    "Network(SpikeGeneratorGroup(1, [0, 0], [1, 1.01]*ms, name='twice')).run(1*ms)": ValueError,
    "TimedArray([1, 2], dt=1*ms)(1*ms, 1)": TypeError,
    "TimedArray([[1, 2]], dt=1*ms)(1*ms)": TypeError,
    "Synapses(G, G, on_pre='w += 1', delay={'post': 1*ms})": ValueError,
    "Synapses(G, G, on_pre={'a b': 'w += 1'})": ValueError,
    "Synapses(G, G).connect(i='j', j='i')": TypeError,
    "Synapses(G, G).connect(i=1)": ValueError,
    "Synapses(G, G).connect(i=[1], j=[1.5])": TypeError,
    "Synapses(G, G).connect(i=[1, 2], j=[1, 2, 3])": ValueError,
    "Synapses(G, G).connect(i=1, j=[[1, 2]])": ValueError,
    "Synapses(G, G).connect(3)": TypeError,
    "Synapses(G, G).connect('i == j', n=1.5)": TypeError,
    "Synapses(G, G).connect(j='i + 1')": IndexError,
    "SpikeMonitor(NeuronGroup(1, 'v : 1'))": ValueError,
    "PopulationRateMonitor(G).smooth_rate(array([1.0, 2.0]))": TypeError,
    "PopulationRateMonitor(G).smooth_rate(array([1.0]), width=1*ms)": TypeError,
    "PopulationRateMonitor(G).binned_rate(0.05*ms)": ValueError,
    "Network(S).run(1*ms)": ValueError,
    "net.run(1*ms, report='zz')": ValueError,
    "net.run(1*ms, report=3)": TypeError,
    "net.restore('zz', filename='no such file')": FileNotFoundError,
    "setattr(net, 'schedule', 3)": TypeError,
    "setattr(net, 'schedule', ['before_groups'])": ValueError,
    "3*mV + 2*mA": eq.UnitError,
    "net.run(3)": eq.UnitError,
    "Equations('v : 1\\nv : 1')": eq.EquationError,
}


@pytest.fixture(scope="module")
def space():
    space: dict = {}
    exec("from eqsnn.brian import *", space)
    exec(
        """
G = NeuronGroup(10, 'dv/dt = -v/(10*ms) : volt\\nw : 1', threshold='v > 1*mV', reset='v = 0*mV')
S = Synapses(G, G, 'x : 1', on_pre='v += 1*mV')
S.connect(j='i')
M = StateMonitor(G, 'v', record=[1, 2])
net = Network(G, S, M)
""",
        space,
    )
    return space


@pytest.mark.parametrize("expression", EXPECTED)
def test_the_class_of_an_error_is_the_one_that_scripts_catch(expression, space):
    with pytest.raises(EXPECTED[expression]) as caught:
        eval(expression, space)
    assert str(caught.value)[0] + str(caught.value)[-1] not in ("''", '""')  # a KeyError quotes its text


@pytest.mark.parametrize("kind", [eq.errors.WrongValueError, eq.errors.OutOfRangeError, eq.errors.UnknownNameError])
def test_they_are_errors_of_eqsnn_too_and_survive_a_process(kind):
    import pickle

    error = pickle.loads(pickle.dumps(kind("what was found")))
    assert isinstance(error, eq.EqsnnError) and str(error) == "what was found"


def test_attributes_may_be_asked_for(space):
    assert not hasattr(space["G"], "foo") and getattr(space["M"], "foo", 3) == 3
