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
    # -- what other languages, paper and word processors write
    "flags that are opened only": dict(model="v : 1 ("),
    "parentheses without a flag": dict(model="v : 1 ()"),
    "flags without a comma": dict(model="v : 1 (constant shared)"),
    "derivative with a blank": dict(model="d v/dt = -v/(10*ms) : volt"),
    "derivative with parentheses": dict(model="d(v)/dt = -v/(10*ms) : volt"),
    "derivative with a blank in dt": dict(model="dv/d t = -v/(10*ms) : volt"),
    "BASIC not equal": dict(model=LIF, threshold="v <> 1*mV"),
    "comparison the wrong way round": dict(model=LIF, threshold="v => 1*mV"),
    "Greek letter": dict(model="dv/dt = -v/τ : volt"),
    "Greek capital in a name": dict(model="dv/dt = -v/Δ_T/ms : volt"),
    "Greek mu": dict(model="dv/dt = -v/tau_μ : volt"),
    "Greek lambda": dict(model="λ : 1"),
    "division sign": dict(model="dv/dt = -v÷(10*ms) : volt"),
    "multiplication sign": dict(model="dv/dt = -v×2/(10*ms) : volt"),
    "multiplication dot": dict(model="dv/dt = -v·2/(10*ms) : volt"),
    "C bitwise and": dict(model=LIF, threshold="v > 1*mV & v < 2*mV"),
    "missing unit before another definition": dict(model="dv/dt = -v/(10*ms)\nw : 1"),
    "missing unit after a number": dict(model="a = 3\nb = 4 : 1"),
    "backslash for a division": dict(model="dv\\dt = -v/(10*ms) : volt"),
    "implicit multiplication by a unit": dict(model="dv/dt = (2 mV - v)/(10*ms) : volt"),
    "number that runs into a unit": dict(model="dv/dt = -v/(10ms) : volt"),
    "ternary in a reset": dict(model=LIF, threshold="v > 1*mV", reset="v = 3*mV if v > 2*mV else 0*mV"),
    "block in a reset": dict(model=LIF, threshold="v > 1*mV", reset="if v > 1*mV:\n  v = 0*mV\nelse:\n  v = 1*mV"),
    "else in a reset": dict(model=LIF, threshold="v > 1*mV", reset="v = 1*mV\nelse: v = 0*mV"),
    "lambda in a reset": dict(model=LIF, threshold="v > 1*mV", reset="f = lambda x: x"),
    "variable as a function of time": dict(model="dv/dt = -v(t)/(10*ms) : volt"),
    "variable at an earlier time": dict(model="dv/dt = -v(t-dt)/(10*ms) : volt"),
    "derivative of a function of time": dict(model="dv(t)/dt = -v/(10*ms) : volt"),
    "input as a function of time": dict(model="dv/dt = (I(t)-v)/(10*ms) : volt", run=True),
    "function without parentheses before its argument": dict(model="x = exp v : 1"),
    "variable before parentheses": dict(model="g : siemens\nI_syn = g(v-0*mV) : amp\n" + LIF),
    "parenthesis that is open over lines": dict(model="dv/dt = (-v\n + 2*mV/(10*ms) : volt\nw : 1"),
    "no-break space": dict(model="dv/dt =\xa0-v/(10*ms) : volt"),
    "zero width space": dict(model="dv/dt = -v\u200b/(10*ms) : volt"),
    "quotation marks of print": dict(model="“dv/dt = -v/(10*ms) : volt”"),
    "prime of print": dict(model="v’ = -v/(10*ms) : volt"),
    "C comment after a unit": dict(model=LIF + " // membrane"),
    "C comment": dict(model="// membrane\n" + LIF),
    "TeX comment after a unit": dict(model=LIF + " % membrane"),
    "TeX comment": dict(model="% membrane\n" + LIF),
    "C comment with a star": dict(model=LIF + " /* membrane */"),
    "C comment in a reset": dict(model=LIF, threshold="v > 1*mV", reset="v = 0*mV // back", run=True),
    "decimal comma": dict(model="x = 0,5 : 1"),
    "decimal comma in a reset": dict(model=LIF, threshold="v > 1*mV", reset="v = 0,5*mV"),
    "broken exponent": dict(model="x = 1e-3.5 : 1"),
    "two decimal points": dict(model="x = 1.2.3 : 1"),
    "exponent that is missing": dict(model="x = 1e : 1"),
    "hexadecimal number": dict(model="x = 0x10 : 1"),
    "digits with underscores": dict(model="x = 1_000 : 1"),
    "missing comma between arguments": dict(model="x = clip(1 2, 3) : 1"),
    "semicolon between arguments": dict(model="x = clip(1; 2; 3) : 1"),
    "argument with a name": dict(model="x = clip(1, low=2, high=3) : 1"),
    "parameter called like a unit": dict(model="ms : 1"),
    "parameter called like a constant": dict(model="pi : 1"),
    "subexpression called like a function": dict(model="sin = 3 : 1"),
    "symbol of a unit": dict(model="v : V"),
    "base unit in the wrong case": dict(model="v : Volt"),
    "unit with an odd exponent": dict(model="v : volt**1e-3"),
    "power with an odd exponent": dict(model="v : volt\nw = v**0.001 : 1"),
    "unit dimensionless": dict(model="x : dimensionless"),
    "unit in brackets": dict(model="v : [volt]"),
    "two units side by side": dict(model="a : volt second"),
    "flag with an underscore": dict(model="dv/dt = -v/(10*ms) : 1 (unless_refractory)"),
    "flag in the wrong case": dict(model="v : 1 (Constant)"),
    "flag in brackets": dict(model="v : 1 [constant]"),
    "flag without parentheses": dict(model="v : 1 constant"),
    "variable in the wrong case": dict(model="dv/dt = (EL - v)/(10*ms) : volt\nEl : volt", run=True),
    "constant in the wrong case": dict(model="dv/dt = (EL - v)/(10*ms) : volt", namespace={"El": 3 * eq.mV}, run=True),
    "function in the wrong case": dict(model="x = Exp(3) : 1"),
    "and in capitals": dict(model=LIF, threshold="v > 1*mV AND v < 2*mV"),
    "not in capitals": dict(model=LIF, threshold="NOT (v > 1*mV)"),
    "true in small letters": dict(model=LIF, threshold="true", run=True),
    "root sign": dict(model="x = √2 : 1"),
    "superscript": dict(model="x = 2² : 1"),
    "less or equal of print": dict(model=LIF, threshold="v ≤ 1*mV"),
    "and of mathematics": dict(model=LIF, threshold="v > 1*mV ∧ v < 2*mV"),
    "micro sign": dict(model="dv/dt = (3*µV - v)/(10*ms) : volt"),
    "infinity sign": dict(model="x = ∞ : 1"),
    "partial derivative": dict(model="∂v/∂t = -v/(10*ms) : volt"),
    "Omega for ohm": dict(model="R : Ω"),
    "full-width parenthesis": dict(model="x = （3） : 1"),
    "LaTeX": dict(model="\\frac{dv}{dt} = -v/(10*ms) : volt"),
    "dollar sign": dict(model="x = $a : 1"),
    "augmented assignment in equations": dict(model="v += 3 : 1"),
    "maximum of two values": dict(model="x = max(1, 2) : 1"),
    "call in a reset": dict(model=LIF, threshold="v > 1*mV", reset="print(v)"),
    "arrow for an assignment": dict(model=LIF, threshold="v > 1*mV", reset="v <- 0*mV"),
    "comma between statements": dict(model=LIF, threshold="v > 1*mV", reset="v = 0*mV, w = 3"),
    "two names in one assignment": dict(model=LIF + "\nw : 1", threshold="v > 1*mV", reset="v, w = 0*mV, 3"),
    "return in a reset": dict(model=LIF, threshold="v > 1*mV", reset="return 0*mV"),
    "import in equations": dict(model="import numpy"),
    "loop in a reset": dict(model=LIF, threshold="v > 1*mV", reset="for k in range(3): v += 1*mV"),
    "is as a comparison": dict(model=LIF, threshold="v is 1"),
    "unit without a colon": dict(model="dv/dt = -v/(10*ms) volt"),
    "two names for one expression": dict(model="v, w = 3 : 1"),
    "comma without a second name": dict(model="v, : 1"),
    "number instead of equations": dict(model="3"),
    "two primes": dict(model="v'' = -v/(10*ms)**2 : volt"),
    "second derivative with ^": dict(model="d^2v/dt^2 = -v/(10*ms)**2 : volt"),
    "map that indexes its right-hand side": dict(model="x[n] = x[n-1] : 1"),
    "map over t": dict(model="x[t+1] = 2*x : 1"),
    "misspelt variable in an augmented assignment": dict(synapse="w : 1", on_pre="v_pots += w*mV"),
    # -- names
    "unknown name": dict(model="dv/dt = (I_e - v)/(10*ms) : volt", run=True),
    "unknown name that is nearly known": dict(model="dv/dt = (Iext - v)/(10*ms) : volt\nI_ext : volt", run=True),
    "unknown function": dict(model="dv/dt = -foo(v)/(10*ms) : volt", run=True),
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
    "stop of two": dict(model="x = stop(1, 2) : 1"),
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
    # -- flags
    "unknown flag": dict(model="dv/dt = -v/(10*ms) : volt (unless refractry)"),
    "random subexpression": dict(model="dv/dt = x/ms : 1\nx = 2*rand() : 1"),
    "flag at the wrong place": dict(model="dv/dt = -v/(10*ms) : volt (constant)"),
    "event-driven in a neuron": dict(model="dv/dt = -v/(10*ms) : volt (event-driven)"),
    "shared reads what is not": dict(model="x = v*2 : volt (shared)\n" + LIF),
    "linked and constant": dict(model=LIF + "\nx : 1 (linked, constant)"),
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
