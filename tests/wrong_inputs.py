"""Wrong inputs, by name. ``show`` builds what a row describes and returns the error's text; tests/test_messages.py compares it."""

import numpy as np

import eqsnn as eq

FUNCTIONS = {
    "checked": eq.check_units(x=eq.volt, result=1)(lambda x: x / eq.mV),
    "plain": lambda x: x,
    "text": eq.function("g(x) = x/(3*mV) + 1"),
    "open": eq.function("g(x) = x/s"),
    "longer": eq.Function(lambda x: np.zeros(7), arg_units=[1], return_unit=1, name="longer"),
}
LIF = "dv/dt = -v/(10*ms) : volt"

# name: keyword arguments. 'model', 'threshold', 'reset', 'refractory', 'method' go to a NeuronGroup, 'synapse', 'on_pre', 'on_post' to Synapses
# between two such groups, 'connect' to connect(), 'set' is assigned to v, 'code' follows the event 'high', 'run' runs for one step.
ROWS = {
    # -- syntax
    "power with ^": dict(model="dv/dt = -v^2/(10*ms) : 1"),
    "missing closing parenthesis": dict(model="dv/dt = -v/(10*ms : volt"),
    "missing opening parenthesis": dict(model="dv/dt = -v/10*ms) : volt"),
    "missing unit": dict(model="dv/dt = -v/(10*ms)"),
    "missing unit of a parameter": dict(model=LIF + "\nI"),
    "missing right-hand side": dict(model="dv/dt = : volt"),
    "missing operand": dict(model="dv/dt = -v/(10*ms) + : volt"),
    "two operators": dict(model="dv/dt = -v */ (10*ms) : volt"),
    "implicit multiplication": dict(model="dv/dt = -2v/(10*ms) : volt"),
    "implicit multiplication of names": dict(model="dv/dt = -v I : volt"),
    "attribute access": dict(model="dv/dt = -v/self.tau : volt"),
    "indexing": dict(model="dv/dt = -v[0]/(10*ms) : volt"),
    "double equals in a definition": dict(model="x == 3 : 1"),
    "assignment in a condition": dict(model=LIF, threshold="v = 1*mV"),
    "two conditions": dict(model=LIF, threshold="v > 1*mV; v < 2*mV"),
    "C and": dict(model=LIF, threshold="v > 1*mV && v < 2*mV"),
    "C or": dict(model=LIF, threshold="v > 1*mV || v < 2*mV"),
    "C not": dict(model=LIF, threshold="!(v > 1*mV)"),
    "ternary": dict(model="dv/dt = -v/(10*ms) : volt\nx = 1 if v > 0*mV else 0 : 1"),
    "lambda": dict(model="x = lambda y: y : 1"),
    "string literal": dict(model="x = 'a' : 1"),
    "list": dict(model="x = [1, 2] : 1"),
    "second derivative": dict(model="d2v/dt2 = -v/(10*ms)**2 : volt"),
    "derivative by another variable": dict(model="dv/dx = -v/(10*ms) : volt"),
    "prime for a derivative": dict(model="v' = -v/(10*ms) : volt"),
    "increment": dict(model=LIF, threshold="v > 1*mV", reset="v++"),
    "unicode minus": dict(model="dv/dt = −v/(10*ms) : volt"),
    "unclosed flags": dict(model="dv/dt = -v/(10*ms) : volt (unless refractory"),
    "semicolon between definitions": dict(model="dv/dt = -v/(10*ms) : volt; I : 1"),
    # -- names
    "unknown name": dict(model="dv/dt = (I_e - v)/(10*ms) : volt", run=True),
    "unknown name that is nearly known": dict(model="dv/dt = (Iext - v)/(10*ms) : volt\nI_ext : volt", run=True),
    "unknown function": dict(model="dv/dt = -foo(v)/(10*ms) : volt"),
    "unknown function that is nearly known": dict(model="x = expp(3) : 1"),
    "user function with a wrong unit": dict(model="x = f(3) : 1", namespace={"f": FUNCTIONS["checked"]}),
    "user function with too many arguments": dict(model="x = f(3*mV, 2) : 1", namespace={"f": FUNCTIONS["checked"]}),
    "Python function without units": dict(model="x = f(3) : 1", namespace={"f": FUNCTIONS["plain"]}),
    "function of numpy": dict(model="x = arctan2(1, 2) : 1", namespace={"arctan2": np.arctan2}),
    "wrong unit inside a function": dict(model="y = 3*nA : amp\nx = g(y) : 1", namespace={"g": FUNCTIONS["text"]}),
    "function that uses a variable": dict(model="s : 1\nx = g(3*mV) : 1", namespace={"g": FUNCTIONS["open"]}),
    "result of another length": dict(
        model="dx/dt = -g(x)/ms : 1", method="euler", namespace={"g": FUNCTIONS["longer"]}, run=True
    ),
    "poisson with a unit": dict(model="x = poisson(3*Hz) : 1 (constant over dt)"),
    "random function in a subexpression": dict(model="x = poisson(3) : 1"),
    "function without parentheses": dict(model="x = exp : 1", run=True),
    "too many arguments": dict(model="x = exp(1, 2) : 1"),
    "too few arguments": dict(model="x = clip(1) : 1"),
    "double definition": dict(model=LIF + "\nv : volt"),
    "name of a unit": dict(model="dmV/dt = -mV/(10*ms) : volt"),
    "name of a function": dict(model="exp : 1"),
    "name of the time": dict(model="t : second"),
    "name that begins with an underscore": dict(model="_v : volt"),
    "name that ends in _pre": dict(model="v_pre : volt"),
    "xi in a subexpression of a threshold": dict(model=LIF, threshold="v > xi*mV"),
    "cyclic subexpressions": dict(model="a = b + 1 : 1\nb = a - 1 : 1"),
    "subexpression of itself": dict(model="a = a + 1 : 1"),
    # -- units
    "wrong unit of an equation": dict(model="dv/dt = -v : volt"),
    "wrong unit of a sum": dict(model="dv/dt = (-v + 3*nA)/(10*ms) : volt"),
    "wrong unit of a subexpression": dict(model="x = 3*mV : amp"),
    "wrong unit in a function": dict(model="x = exp(3*mV) : 1"),
    "wrong unit in a condition": dict(model=LIF, threshold="v > 1"),
    "wrong unit in a reset": dict(model=LIF, threshold="v > 1*mV", reset="v = 0*nA"),
    "wrong unit of an exponent": dict(model="x = 2**(3*mV) : 1"),
    "unit in the wrong case": dict(model="dv/dt = (3*mv - v)/(10*ms) : volt", run=True),
    "unit in the plural": dict(model="dv/dt = (3*millivolts - v)/(10*ms) : volt", run=True),
    "unknown unit": dict(model="dv/dt = -v/(10*ms) : volts"),
    "unit with a number": dict(model="I : 5*mV"),
    "wrong unit of a constant": dict(model="dv/dt = (E_L - v)/(10*ms) : volt", namespace={"E_L": 3 * eq.nA}, run=True),
    "wrong unit of a refractory time": dict(model=LIF, threshold="v > 1*mV", refractory="3*mV"),
    "one noise or two": dict(model="dv/dt = -v/ms + xi/ms**.5 : 1\ndw/dt = -w/ms + xi/ms**.5 : 1"),
    "noise with a wrong unit": dict(model="dv/dt = -v/(10*ms) + xi*mV : volt"),
    # -- kinds of values
    "number as a condition": dict(model=LIF, threshold="v"),
    "condition as a number": dict(model="x = 1 + (3 > 2) : 1"),
    "boolean with arithmetic": dict(model="x = True + 1 : 1"),
    # -- flags
    "unknown flag": dict(model="dv/dt = -v/(10*ms) : volt (unless refractry)"),
    "random subexpression": dict(model="dv/dt = x/ms : 1\nx = 2*rand() : 1"),
    "flag at the wrong place": dict(model="dv/dt = -v/(10*ms) : volt (constant)"),
    "event-driven in a neuron": dict(model="dv/dt = -v/(10*ms) : volt (event-driven)"),
    "shared reads what is not": dict(model="x = v*2 : volt (shared)\n" + LIF),
    "linked and constant": dict(model=LIF + "\nx : 1 (linked, constant)"),
    "linked is written": dict(model=LIF + "\nx : 1 (linked)", threshold="v > 1*mV", reset="x += 1"),
    "linked to nothing": dict(model=LIF + "\nx : 1 (linked)", run=True),
    "none of several methods": dict(model="dv/dt = -v**2/(10*ms) : 1", method=("exact", "exponential_euler"), run=True),
    # -- statements
    "local that nothing reads": dict(model=LIF, threshold="v > 1*mV", reset="w = 3*mV"),
    "misspelt variable in a reset": dict(model="dvm/dt = -vm/(10*ms) : volt", threshold="vm > 1*mV", reset="vn = 0*mV"),
    "assignment to a subexpression": dict(model=LIF + "\nx = 2*v : volt", threshold="v > 1*mV", reset="x = 0*mV"),
    "assignment to a constant parameter": dict(model=LIF + "\nx : 1 (constant)", threshold="v > 1*mV", reset="x = 0"),
    "assignment to the time": dict(model=LIF, threshold="v > 1*mV", reset="t = 0*ms"),
    "assignment to a function": dict(model=LIF, threshold="v > 1*mV", reset="exp = 3"),
    "condition in a reset": dict(model=LIF, threshold="v > 1*mV", reset="if v > 3*mV: v = 0*mV"),
    "reset without a threshold": dict(model=LIF, reset="v = 0*mV"),
    "assignment to a number": dict(model=LIF, threshold="v > 1*mV", reset="3 = v"),
    # -- events
    "wrong unit in the condition of an event": dict(model=LIF, events={"high": "v > 1"}),
    "number as the condition of an event": dict(model=LIF, events={"high": "2*v"}),
    "assignment in the condition of an event": dict(model=LIF, events={"high": "v = 1*mV"}),
    "unknown name in the condition of an event": dict(model=LIF, events={"high": "v > v_high"}, run=True),
    "noise in the condition of an event": dict(model=LIF, events={"high": "v > xi*mV"}),
    "wrong unit in the code of an event": dict(model=LIF, events={"high": "v > 1*mV"}, code="v = 3*nA"),
    "misspelt variable in the code of an event": dict(
        model="dvm/dt = -vm/(10*ms) : volt", events={"high": "vm > 1*mV"}, code="vn = 0*mV"
    ),
    "unknown name in the code of an event": dict(model=LIF, events={"high": "v > 1*mV"}, code="v = v_rest", run=True),
    # -- methods
    "unknown method": dict(model=LIF, threshold="v > 1*mV", method="rungekutta"),
    "renamed method": dict(model=LIF, method="midpoint"),
    "exact for what is not linear": dict(model="dv/dt = -v**2/(10*ms) : 1", method="exact", run=True),
    "function as a method": dict(model=LIF, method=len),
    "delay assigned in statements": dict(synapse="w : 1", on_pre="delay = w*ms"),
    "no method": dict(model=LIF, method=3),
    "exact for a second equation": dict(model=LIF + "\ndw/dt = -w**2/(10*ms) : 1", method="exact", run=True),
    "adaptive method with noise": dict(model="dv/dt = -v/(10*ms) + xi/ms**.5 : 1", method="gsl_rkf45", run=True),
    "unknown option of a method": dict(model=LIF, method="rkf45", method_options={"abs_error": 1e-3}),
    "option of a method without any": dict(model=LIF, method="euler", method_options={"max_steps": 3}),
    "tolerance with a wrong unit": dict(
        model=LIF, method="gsl", method_options={"absolute_error_per_variable": {"v": 1 * eq.nA}}
    ),
    "rk4 with noise": dict(model="dv/dt = -v/(10*ms) + xi/ms**.5 : 1", method="rk4", run=True),
    "euler with multiplicative noise": dict(model="dv/dt = -v/(10*ms) + v*xi/ms**.5 : 1", method="euler", run=True),
    "noise that is not linear": dict(model="dv/dt = -v/(10*ms) + xi**2*ms/ms : 1", run=True),
    "division by zero": dict(model="dv/dt = -v/(0*ms) : 1", method="euler", run=True),
    "division by zero in a subexpression": dict(model="dv/dt = w/ms : 1\nw = v/0 : 1", run=True),
    "division by zero in an augmented assignment": dict(
        model="dv/dt = 1/ms : 1", threshold="v > 1", reset="v /= 0", run=True
    ),
    # -- synapses
    "variable that the source has not": dict(synapse="w : 1", on_pre="w = u_pre"),
    "variable that nobody has": dict(synapse="w : 1", on_pre="gee += w"),
    "wrong unit at a synapse": dict(synapse="w : 1", on_pre="v += w"),
    "summed without a destination": dict(synapse="v_sum = 3*mV : volt (summed)"),
    "event-driven that cannot be solved": dict(
        synapse="dw/dt = -w**2/(10*ms) : 1 (event-driven)", on_pre="w += 1", run=True
    ),
    "event-driven that reads clock-driven": dict(
        synapse="dx/dt = -x/ms : 1 (clock-driven)\ndy/dt = (x - y)/ms : 1 (event-driven)", on_pre="x += 1"
    ),
    "clock-driven that reads event-driven": dict(
        synapse="dx/dt = -x/ms : 1 (event-driven)\ny = 2*x : 1\ndz/dt = (y - z)/ms : 1 (clock-driven)", on_pre="x += 1"
    ),
    "sum of event-driven": dict(synapse="dx/dt = -x/ms : volt (event-driven)\ntotal_post = x : volt (summed)"),
    "sum into a differential equation": dict(synapse="v_post = 3*mV : volt (summed)"),
    "synaptic variable called like the target's": dict(synapse="v : 1"),
    "two sums into one variable": dict(
        one_group=True, synapse="I_pre = 3*nA : amp (summed)\nI_post = 2*nA : amp (summed)"
    ),
    "lastupdate beside event-driven": dict(
        synapse="lastupdate : second\ndx/dt = -x/ms : 1 (event-driven)", on_pre="x += 1"
    ),
    "connect reads a synaptic variable": dict(synapse="w : 1", connect="w > 3"),
    "connect outside the group": dict(synapse="w : 1", j="i + 1"),
    "connect by what is chosen": dict(synapse="w : 1", j="k for k in range(j)"),
    "connect by a fraction": dict(synapse="w : 1", j="k for k in range(i/2, 2)"),
    "connect with a mapping of the wrong side": dict(synapse="w : 1", i="i"),
    "sample of too many": dict(synapse="w : 1", j="k for k in sample(N_post, size=3)"),
    "condition of connect with an unknown name": dict(synapse="w : 1", connect="i != jj"),
    # -- values
    "assignment of a wrong unit": dict(model=LIF, set=3 * eq.nA),
    "assignment of an expression of a wrong unit": dict(model=LIF, set="3*nA"),
    "assignment of an unknown name": dict(model=LIF, set="v_start"),
}


def show(row: dict) -> str:
    """The type and the text of the error that a row gives."""
    row = dict(row)
    try:
        keep = build(row)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError(f"no error from {keep}")


def build(row: dict):
    """What a row describes."""
    namespace = row.pop("namespace", {})
    run, value = row.pop("run", False), row.pop("set", None)
    if "synapse" in row:
        model = LIF + ("\nI : amp" if row.get("one_group") else "")
        groups = [eq.NeuronGroup(2, model, threshold="v > 1*mV", name=f"cells{k}", namespace={}) for k in (0, 1)]
        ends = [groups[0], groups[0]] if row.get("one_group") else groups
        synapses = eq.Synapses(*ends, row["synapse"], on_pre=row.get("on_pre"), name="syn", namespace={})
        synapses.connect(row.get("connect"), i=row.get("i"), j=row.get("j"))
        objects = [*groups, synapses]
    else:
        code = row.pop("code", None)
        group = eq.NeuronGroup(2, **row, name="cells", namespace=namespace)
        if code is not None:
            group.run_on_event("high", code)
        if value is not None:
            group.v = value
        objects = [group]
    if run:
        eq.Network(*objects).run(0.1 * eq.ms)
    return objects
