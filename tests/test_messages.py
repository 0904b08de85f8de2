"""Every wrong input of wrong_inputs.py with the exact text that a user reads."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from wrong_inputs import ROWS, show

MESSAGES = {
    "power with ^": """\
EquationError: '^' is not an operator
  in the equations:
    dv/dt = -v^2/(10*ms) : 1
              ^
  write a power as v**2""",
    "missing closing parenthesis": """\
EquationError: '(' is never closed
  in the equations:
    dv/dt = -v/(10*ms : volt
               ^
  a ')' is missing""",
    "missing opening parenthesis": """\
EquationError: ')' without '('
  in the equations:
    dv/dt = -v/10*ms) : volt
                    ^
  remove it, or open it before""",
    "missing unit": """\
EquationError: the unit is missing
  in the equations:
    dv/dt = -v/(10*ms)
                     ^
  end the definition with ': unit', such as ': volt' or ': 1'""",
    "missing unit of a parameter": """\
EquationError: the unit is missing
  in line 2 of the equations:
    I
    ^
  end the definition with ': unit', such as ': volt' or ': 1'""",
    "missing right-hand side": """\
EquationError: ':' ends the expression too early
  in the equations:
    dv/dt = : volt
            ^
  a value is missing before the unit""",
    "missing operand": """\
EquationError: ':' ends the expression too early
  in the equations:
    dv/dt = -v/(10*ms) + : volt
                         ^
  a value is missing before the unit""",
    "two operators": """\
EquationError: a value is missing before '/'
  in the equations:
    dv/dt = -v */ (10*ms) : volt
                ^
  an operator stands between two values""",
    "implicit multiplication": """\
EquationError: a number runs into the name 'v'
  in the equations:
    dv/dt = -2v/(10*ms) : volt
              ^
  multiply with '*', as in 2*v""",
    "implicit multiplication of names": """\
EquationError: an operator is missing before 'I'
  in the equations:
    dv/dt = -v I : volt
               ^
  multiply with '*', as in v*I; a function is called with parentheses, v(I)""",
    "attribute access": """\
EquationError: attribute access ('.') is not part of the language
  in the equations:
    dv/dt = -v/self.tau : volt
                   ^
  use a plain name: a variable of the model or an external constant""",
    "indexing": """\
EquationError: indexing ('[') is not part of the language
  in the equations:
    dv/dt = -v[0]/(10*ms) : volt
              ^
  a variable stands for the element's own value; use a TimedArray or a synapse to reach others""",
    "double equals in a definition": """\
EquationError: '==' compares, and this defines a name
  in the equations:
    x == 3 : 1
       ^
  define with '='""",
    "assignment in a condition": """\
EquationError: '=' assigns, and this is an expression
  in the threshold:
    v = 1*mV
      ^
  compare with '=='""",
    "two conditions": """\
EquationError: ';' separates statements, and this is one expression
  in the threshold:
    v > 1*mV; v < 2*mV
            ^
  remove it""",
    "C and": """\
EquationError: '&&' is not an operator
  in the threshold:
    v > 1*mV && v < 2*mV
             ^^
  write 'and'""",
    "C or": """\
EquationError: '||' is not an operator
  in the threshold:
    v > 1*mV || v < 2*mV
             ^^
  write 'or'""",
    "C not": """\
EquationError: '!' is not an operator
  in the threshold:
    !(v > 1*mV)
    ^
  write 'not'""",
    "ternary": """\
EquationError: 'if' is not an operator
  in line 2 of the equations:
    x = 1 if v > 0*mV else 0 : 1
          ^^
  write the condition as a number: int(v > 0)*x + int(v <= 0)*y""",
    "lambda": """\
EquationError: 'lambda' is not part of the language
  in the equations:
    x = lambda y: y : 1
        ^^^^^^
  define a function before, f = eqsnn.function('f(x) = ...')""",
    "string literal": """\
EquationError: a string is not part of the language
  in the equations:
    x = 'a' : 1
        ^
  use numbers, names and functions""",
    "list": """\
EquationError: indexing ('[') is not part of the language
  in the equations:
    x = [1, 2] : 1
        ^
  a variable stands for the element's own value; use a TimedArray or a synapse to reach others""",
    "second derivative": """\
EquationError: only first derivatives are part of the language
  in the equations:
    d2v/dt2 = -v/(10*ms)**2 : volt
    ^^^^^^^
  write two equations: dx/dt = y : ... and dy/dt = ... : ...""",
    "derivative by another variable": """\
EquationError: only derivatives with respect to time are part of the language
  in the equations:
    dv/dx = -v/(10*ms) : volt
      ^^^
  write dx/dt = ... : unit""",
    "prime for a derivative": """\
EquationError: a prime is not part of the language
  in the equations:
    v' = -v/(10*ms) : volt
     ^
  write a derivative as dx/dt = ... : unit""",
    "increment": """\
EquationError: '++' is not an operator
  in the reset:
    v++
     ^^
  write x += 1""",
    "unicode minus": """\
EquationError: '−' is a dash, not a minus sign
  in the equations:
    dv/dt = −v/(10*ms) : volt
            ^
  write '-'""",
    "unclosed flags": """\
EquationError: '(' is never closed
  in the equations:
    dv/dt = -v/(10*ms) : volt (unless refractory
                              ^
  a ')' is missing""",
    "semicolon between definitions": """\
EquationError: ';' separates statements, not equations
  in the equations:
    dv/dt = -v/(10*ms) : volt; I : 1
                             ^
  start each definition on a new line""",
    "unknown name": """\
EquationError: the name 'I_e' is not known
  in the equations:
    dv/dt = (I_e - v)/(10*ms) : volt
             ^^^
  define 'I_e' in the equations, give it in namespace=, or assign it before run()""",
    "unknown name that is nearly known": """\
EquationError: the name 'Iext' is not known
  in line 1 of the equations:
    dv/dt = (Iext - v)/(10*ms) : volt
             ^^^^
  did you mean 'I_ext'?""",
    "unknown function": """\
EquationError: the function 'foo' is not known
  in the equations:
    dv/dt = -foo(v)/(10*ms) : volt
             ^^^
  did you mean 'floor'?""",
    "unknown function that is nearly known": """\
EquationError: the function 'expp' is not known
  in the equations:
    x = expp(3) : 1
        ^^^^
  did you mean 'exp'?""",
    "function without parentheses": """\
EquationError: 'exp' is a function
  in the equations:
    x = exp : 1
        ^^^
  call it: exp(...)""",
    "too many arguments": """\
EquationError: exp() takes one argument; 2 given
  in the equations:
    x = exp(1, 2) : 1
        ^^^^^^^^^
  exp: e^x""",
    "stop of two": """\
EquationError: stop() takes one argument; 2 given
  in the equations:
    x = stop(1, 2) : 1
        ^^^^^^^^^^
  stop: x itself, which counts as a constant where derivatives are taken""",
    "too few arguments": """\
EquationError: clip() takes 3 arguments; 1 given
  in the equations:
    x = clip(1) : 1
        ^^^^^^^
  clip: clip(x, low, high): x, but not below low nor above high""",
    "double definition": """\
EquationError: 'v' is defined twice
  in line 2 of the equations:
    v : volt
    ^
  the first definition is in line 1""",
    "name of a unit": """\
EquationError: 'mV' is a constant or a unit and cannot be defined
  in the equations:
    dmV/dt = -mV/(10*ms) : volt
     ^^
  choose another name""",
    "name of a function": """\
EquationError: 'exp' is a function and cannot be defined
  in the equations:
    exp : 1
    ^^^
  choose another name""",
    "name of the time": """\
EquationError: 't' is the time and cannot be defined
  in the equations:
    t : second
    ^
  choose another name""",
    "name that begins with an underscore": """\
EquationError: the name '_v' begins with an underscore
  in the equations:
    _v : volt
    ^^
  such names are reserved""",
    "name that ends in _pre": """\
EquationError: the name 'v_pre' ends like that of a connected neuron's variable
  in the equations:
    v_pre : volt
    ^^^^^
  choose a name without _pre or _post""",
    "xi in a subexpression of a threshold": """\
EquationError: the name 'xi' is not known
  in the threshold:
    v > xi*mV
        ^^
  noise such as xi stands in differential equations only""",
    "cyclic subexpressions": """\
EquationError: a subexpression depends on itself
  in line 2 of the equations:
    b = a - 1 : 1
        ^
  the cycle is a -> b -> a""",
    "subexpression of itself": """\
EquationError: a subexpression depends on itself
  in the equations:
    a = a + 1 : 1
        ^
  the cycle is a -> a""",
    "wrong unit of an equation": """\
UnitError: dv/dt must have unit V/s, and this has unit V
  in the equations:
    dv/dt = -v : volt
            ^^
  divide by a time constant: dx/dt = (...)/tau""",
    "wrong unit of a sum": """\
UnitError: '+' combines values with units V and A
  in the equations:
    dv/dt = (-v + 3*nA)/(10*ms) : volt
             ^^^^^^^^^""",
    "wrong unit of a subexpression": """\
UnitError: 'x' is declared with unit A, and this has unit V
  in the equations:
    x = 3*mV : amp
        ^^^^""",
    "wrong unit in a function": """\
UnitError: exp() takes a plain number; this has unit V
  in the equations:
    x = exp(3*mV) : 1
            ^^^^
  divide it by a scale of the same unit, as in exp(v/mV)""",
    "wrong unit in a condition": """\
UnitError: '>' compares values with units V and 1
  in the threshold:
    v > 1
    ^^^^^
  give the number its unit, V""",
    "wrong unit in a reset": """\
UnitError: 'v' has unit V, and a value with unit A is assigned
  in the reset:
    v = 0*nA
        ^^^^""",
    "wrong unit of an exponent": """\
UnitError: an exponent is a plain number; this has unit V
  in the equations:
    x = 2**(3*mV) : 1
            ^^^^""",
    "unknown unit": """\
EquationError: the unit 'volts' is not known
  in the equations:
    dv/dt = -v/(10*ms) : volts
                         ^^^^^
  did you mean 'volt'?""",
    "unit with a number": """\
UnitError: '5*mV' is not a base unit, and variables are kept in base units
  in the equations:
    I : 5*mV
        ^^^^
  write the unit without prefix, here volt (volt, amp, siemens, second, metre ...); values may keep theirs: 5*mV""",
    "wrong unit of a constant": """\
UnitError: '-' combines values with units A and V
  in the equations:
    dv/dt = (E_L - v)/(10*ms) : volt
             ^^^^^^^""",
    "wrong unit of a refractory time": """\
UnitError: refractory must be a time or a condition, and this has unit V
  in the refractory:
    3*mV
    ^^^^""",
    "one noise or two": """\
EquationError: 'xi' stands in dw/dt and in dv/dt: one noise or two?
  in line 2 of the equations:
    dw/dt = -w/ms + xi/ms**.5 : 1
                    ^^
  write xi_name in both for one noise, or two names, such as xi_v and xi_w, for two""",
    "noise with a wrong unit": """\
UnitError: '+' combines values with units V/s and V/s^1/2
  in the equations:
    dv/dt = -v/(10*ms) + xi*mV : volt
            ^^^^^^^^^^^^^^^^^^""",
    "number as a condition": """\
EquationError: the threshold is a number, and a condition is expected
  in the threshold:
    v
    ^
  compare it with something, such as v > 0*mV""",
    "linked and constant": """\
EquationError: a linked variable has no other flags: it is what the other group's variable is
  in line 2 of the equations:
    x : 1 (linked, constant)
                   ^^^^^^^^
  remove it""",
    "linked to nothing": """\
EqsnnError: 'x' of 'cells' is declared (linked) and not linked: cells.x = linked_var(...)""",
    "none of several methods": """\
EquationError: cells: none of these methods can integrate these equations
  in the equations:
    dv/dt = -v**2/(10*ms) : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  not 'exact': the equation of 'v' is not linear; not 'exponential_euler': the equation of 'v' is not linear in 'v', the other variables held""",
    "unknown flag": """\
EquationError: the flag 'unless refractry' is not known
  in the equations:
    dv/dt = -v/(10*ms) : volt (unless refractry)
                               ^^^^^^^^^^^^^^^^
  did you mean 'unless refractory'?""",
    "flag at the wrong place": """\
EquationError: the flag 'constant' has no meaning for a differential equation of a neuron
  in the equations:
    dv/dt = -v/(10*ms) : volt (constant)
                               ^^^^^^^^
  a differential equation may have trainable, unless refractory""",
    "event-driven in a neuron": """\
EquationError: the flag 'event-driven' has no meaning for a differential equation of a neuron
  in the equations:
    dv/dt = -v/(10*ms) : volt (event-driven)
                               ^^^^^^^^^^^^
  a differential equation may have trainable, unless refractory""",
    "shared reads what is not": """\
EquationError: 'x' is shared, and 'v' differs between elements
  in line 1 of the equations:
    x = v*2 : volt (shared)
        ^
  declare 'v' as shared""",
    "local that nothing reads": """\
EquationError: 'w' is no variable of the model, and nothing reads it
  in the reset:
    w = 3*mV
    ^
  define 'w' in the equations if it is a variable, or remove the line""",
    "misspelt variable in a reset": """\
EquationError: 'vn' is no variable of the model, and nothing reads it
  in the reset:
    vn = 0*mV
    ^^
  define 'vn' in the equations if it is a variable, or remove the line""",
    "assignment to a subexpression": """\
EquationError: 'x' is a subexpression and cannot be assigned to
  in the reset:
    x = 0*mV
    ^
  declare it as a parameter ('x : unit') to set it""",
    "assignment to a constant parameter": """\
EquationError: 'x' is constant and cannot change during a run
  in the reset:
    x = 0
    ^
  remove the flag (constant)""",
    "assignment to the time": """\
EquationError: 't' cannot be assigned to: eqsnn sets it
  in the reset:
    t = 0*ms
    ^
  choose another name""",
    "assignment to a function": """\
EquationError: 'exp' is a function and cannot be assigned to
  in the reset:
    exp = 3
    ^^^
  choose another name""",
    "condition in a reset": """\
EquationError: 'if' is not part of the language
  in the reset:
    if v > 3*mV: v = 0*mV
    ^^
  write the condition as a number: x = x + int(v > 0)*dx""",
    "reset without a threshold": """\
EquationError: cells has a reset but no threshold
  give threshold='...', the condition of a spike""",
    "assignment to a number": """\
EquationError: a number stands where a name is expected
  in the reset:
    3 = v
    ^
  write name = value""",
    "unknown method": """\
EquationError: cells: there is no method 'rungekutta'
  in the equations:
    dv/dt = -v/(10*ms) : volt
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  there are dopri87, euler, exact, exponential_euler, heun, milstein, rk2, rk32, rk4, rk4_doubling, rkck, rkf45""",
    "renamed method": """\
EquationError: cells: there is no method 'midpoint'
  in the equations:
    dv/dt = -v/(10*ms) : volt
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  did you mean 'rk2'?""",
    "exact for what is not linear": """\
EquationError: cells: the method 'exact' cannot integrate these equations: the equation of 'v' is not linear
  in the equations:
    dv/dt = -v**2/(10*ms) : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  use euler or heun or rk4 or milstein""",
    "user function with a wrong unit": """\
UnitError: f() takes a value with unit V; this has unit 1
  in the equations:
    x = f(3) : 1
          ^
  give the number its unit, V""",
    "user function with too many arguments": """\
EquationError: the function 'f' takes one argument; 2 given
  in the equations:
    x = f(3*mV, 2) : 1
        ^^^^^^^^^^
  the units of its arguments are V""",
    "Python function without units": """\
EquationError: the function 'f' does not say the units of its arguments; decorate it with @check_units(x=..., result=...), or give arg_units= and return_unit= to Function
  in the equations:
    x = f(3) : 1
        ^""",
    "function of numpy": """\
EquationError: 'arctan2' is a function of numpy and does not say its units
  in the equations:
    x = arctan2(1, 2) : 1
        ^^^^^^^
  make it known with arctan2 = Function(numpy.arctan2, arg_units=[1, ...], return_unit=1)""",
    "wrong unit inside a function": """\
UnitError: '+' combines values with units S and 1, in the function 'g' called as g(y) in line 2
  in the function:
    g(x) = x/(3*mV) + 1
           ^^^^^^^^^^^^
  give the number its unit, S""",
    "function that uses a variable": """\
EquationError: the function 'g' uses 's', which is a variable here
  in the function:
    g(x) = x/s
             ^
  make it an argument""",
    "result of another length": """\
FunctionError: the function 'longer' gave an array of shape (7,) for 2 elements
  it gives one number for each element, or one for all""",
    "poisson with a unit": """\
UnitError: poisson() takes a plain number; this has unit Hz
  in the equations:
    x = poisson(3*Hz) : 1 (constant over dt)
                ^^^^
  divide it by a scale of the same unit, as in exp(v/mV)""",
    "random function in a subexpression": """\
EquationError: 'x' calls poisson(), and would be another number wherever it is read
  in the equations:
    x = poisson(3) : 1
        ^^^^^^^^^^
  add the flag (constant over dt) for one number a step""",
    "adaptive method with noise": """\
EquationError: cells: the method 'rkf45' cannot integrate these equations: they contain the noise 'xi', and an estimate of the error needs smooth solutions
  in the equations:
    dv/dt = -v/(10*ms) + xi/ms**.5 : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  use euler or heun or milstein""",
    "unknown option of a method": """\
EquationError: the method 'rkf45' has no option 'abs_error'
  did you mean 'absolute_error'?""",
    "option of a method without any": """\
EquationError: the method 'euler' has no option 'max_steps'
  options are for the adaptive methods rk32, rk4_doubling, rkf45, rkck, dopri87""",
    "tolerance with a wrong unit": """\
UnitError: the option absolute_error_per_variable of 'v' is a value with unit V; 1. nA has unit A""",
    "rk4 with noise": """\
EquationError: cells: the method 'rk4' cannot integrate these equations: they contain the noise 'xi', and this method is for deterministic equations
  in the equations:
    dv/dt = -v/(10*ms) + xi/ms**.5 : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  use euler or heun or milstein""",
    "euler with multiplicative noise": """\
EquationError: cells: the method 'euler' cannot integrate these equations: the noise of 'v' is multiplicative, and Euler's step would be an Ito solution
  in the equations:
    dv/dt = -v/(10*ms) + v*xi/ms**.5 : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  use heun or milstein""",
    "noise that is not linear": """\
EquationError: the noise 'xi' does not stand linearly in dv/dt
  in the equations:
    dv/dt = -v/(10*ms) + xi**2*ms/ms : 1
            ^^^^^^^^^^^^^^^^^^^^^^^^
  noise is added: f + g*xi""",
    "division by zero": """\
EquationError: this has no finite real value
  in the equations:
    dv/dt = -v/(0*ms) : 1
            ^^^^^^^^
  look for a division by 0, or a root or log of a negative number""",
    "division by zero in a subexpression": """\
EquationError: this has no finite real value
  in line 2 of the equations:
    w = v/0 : 1
        ^^^
  look for a division by 0, or a root or log of a negative number""",
    "division by zero in an augmented assignment": """\
EquationError: this has no finite real value
  in the reset:
    v /= 0
    ^^^^^^
  look for a division by 0, or a root or log of a negative number""",
    "variable that the source has not": """\
EquationError: 'u_pre' is no variable of the source group
  in the on_pre:
    w = u_pre
        ^^^^^
  names that end in _pre or _post belong to the connected neurons""",
    "variable that nobody has": """\
EquationError: 'gee' is changed before it has a value
  in the on_pre:
    gee += w
    ^^^
  define it in the equations, or assign it with '='""",
    "wrong unit at a synapse": """\
UnitError: 'v' has unit V, and a value with unit 1 is combined with it
  in the on_pre:
    v += w
         ^""",
    "summed without a destination": """\
EquationError: 'v_sum' is summed and must name its destination
  in the equations:
    v_sum = 3*mV : volt (summed)
    ^^^^^
  write v_sum_post for a variable of the target group""",
    "event-driven that cannot be solved": """\
EquationError: syn: event-driven equations cannot be solved between events: the equation of 'w' is not linear
  in the equations:
    dw/dt = -w**2/(10*ms) : 1 (event-driven)
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  use (clock-driven)""",
    "condition of connect with an unknown name": """\
EquationError: the name 'jj' is not known
  in the condition:
    i != jj
         ^^
  define 'jj' in the equations, give it in namespace=, or assign it before run()""",
    "assignment of a wrong unit": """\
UnitError: 'v' of cells has unit V, and the value 3. nA has unit A""",
    "assignment of an expression of a wrong unit": """\
UnitError: this has unit A, and V is expected
  in the expression for cells.v:
    3*nA
    ^^^^""",
    "assignment of an unknown name": """\
EquationError: the name 'v_start' is not known
  in the expression for cells.v:
    v_start
    ^^^^^^^
  define 'v_start' in the equations, give it in namespace=, or assign it before run()""",
    "event-driven that reads clock-driven": """\
EquationError: the event-driven 'y' reads the clock-driven 'x'
  in line 2 of the equations:
    dy/dt = (x - y)/ms : 1 (event-driven)
             ^
  an event-driven variable has its value at events only; make both equations (clock-driven)""",
    "clock-driven that reads event-driven": """\
EquationError: the clock-driven 'z' reads the event-driven 'x' (through 'y')
  in line 3 of the equations:
    dz/dt = (y - z)/ms : 1 (clock-driven)
             ^
  an event-driven variable has its value at events only; make both equations (clock-driven)""",
    "sum of event-driven": """\
EquationError: the summed 'total_post' reads the event-driven 'x'
  in line 2 of the equations:
    total_post = x : volt (summed)
                 ^
  make the equation of 'x' (clock-driven)""",
    "sum into a differential equation": """\
EquationError: 'v' of the target group has an equation of its own and cannot be a sum
  in the equations:
    v_post = 3*mV : volt (summed)
    ^^^^^^
  declare a parameter there, 'total : ...', use it in the equation, and sum into total_post""",
    "random subexpression": """\
EquationError: 'x' calls rand(), and would be another number wherever it is read
  in line 2 of the equations:
    x = 2*rand() : 1
          ^^^^^^
  add the flag (constant over dt) for one number a step""",
    "no method": """\
EquationError: cells: there is no method 3
  in the equations:
    dv/dt = -v/(10*ms) : volt
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  there are dopri87, euler, exact, exponential_euler, heun, milstein, rk2, rk32, rk4, rk4_doubling, rkck, rkf45""",
    "function as a method": """\
EquationError: cells: a method is given by its name, and 'len' is a Python function
  in the equations:
    dv/dt = -v/(10*ms) : volt
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  a method of your own is a file in eqsnn/integrators (README, 'To add a method of integration')""",
    "delay assigned in statements": """\
EquationError: 'delay' is constant and cannot change during a run
  in the on_pre:
    delay = w*ms
    ^^^^^
  set the delays between two runs: S.delay = ...""",
    "exact for a second equation": """\
EquationError: cells: the method 'exact' cannot integrate these equations: the equation of 'w' is not linear
  in line 2 of the equations:
    dw/dt = -w**2/(10*ms) : 1
    ^^^^^^^^^^^^^^^^^^^^^^^^^
  use euler or heun or rk4 or milstein""",
    "unit in the wrong case": """\
EquationError: the name 'mv' is not known
  in the equations:
    dv/dt = (3*mv - v)/(10*ms) : volt
               ^^
  did you mean 'mV'?""",
    "unit in the plural": """\
EquationError: the name 'millivolts' is not known
  in the equations:
    dv/dt = (3*millivolts - v)/(10*ms) : volt
               ^^^^^^^^^^
  did you mean 'mvolt'?""",
    "synaptic variable called like the target's": """\
EquationError: the source group has a variable 'v' too
  in the equations:
    v : 1
    ^
  rename one of them, for example this one to 'v_syn'""",
    "two sums into one variable": """\
EquationError: 'I_pre' and 'I_post' both sum into 'I' of one group
  in line 2 of the equations:
    I_post = 2*nA : amp (summed)
    ^^^^^^
  use two variables, and add them up in the equations of the group""",
    "lastupdate beside event-driven": """\
EquationError: 'lastupdate' is kept by eqsnn, since 'x' is event-driven
  in line 1 of the equations:
    lastupdate : second
    ^^^^^^^^^^
  remove the definition""",
    "connect reads a synaptic variable": """\
EquationError: 'w' belongs to the synapses, which do not exist before connect()
  in the condition:
    w > 3
    ^
  use i, j, N_pre, N_post, and variables of the connected groups, such as x_pre""",
    "connect outside the group": """\
NoSuchPairError: the pair i=1, j=2 does not exist; cells0 has 2 and cells1 has 2 elements
  in the j=:
    i + 1
    ^^^^^
  skip_if_invalid=True leaves such pairs out""",
    "connect by what is chosen": """\
EquationError: range() reads 'j' of the target, which it chooses
  in the j=:
    k for k in range(j)
                     ^
  use i and variables of the source group; a condition after 'if' may read both""",
    "connect by a fraction": """\
EquationError: an argument of range() is 0.5
  in the j=:
    k for k in range(i/2, 2)
                     ^^^
  this must be a whole number: write int(...)""",
    "connect with a mapping of the wrong side": """\
EquationError: i= reads 'i' of the source, which it chooses
  in the i=:
    i
    ^
  use j and variables of the target group; a condition after 'if' may read both""",
    "sample of too many": """\
EquationError: sample(): size is larger than the number of elements to choose from, or negative: 3 of 2
  in the j=:
    k for k in sample(N_post, size=3)
                                   ^
  skip_if_invalid=True takes all, or none""",
    "wrong unit in the condition of an event": """\
UnitError: '>' compares values with units V and 1
  in the condition of the event 'high':
    v > 1
    ^^^^^
  give the number its unit, V""",
    "number as the condition of an event": """\
EquationError: the condition of the event 'high' is a number, and a condition is expected
  in the condition of the event 'high':
    2*v
    ^^^
  compare it with something, such as v > 0*mV""",
    "assignment in the condition of an event": """\
EquationError: '=' assigns, and this is an expression
  in the condition of the event 'high':
    v = 1*mV
      ^
  compare with '=='""",
    "unknown name in the condition of an event": """\
EquationError: the name 'v_high' is not known
  in the condition of the event 'high':
    v > v_high
        ^^^^^^
  define 'v_high' in the equations, give it in namespace=, or assign it before run()""",
    "noise in the condition of an event": """\
EquationError: the name 'xi' is not known
  in the condition of the event 'high':
    v > xi*mV
        ^^
  noise such as xi stands in differential equations only""",
    "wrong unit in the code of an event": """\
UnitError: 'v' has unit V, and a value with unit A is assigned
  in the code for the event 'high':
    v = 3*nA
        ^^^^""",
    "misspelt variable in the code of an event": """\
EquationError: 'vn' is no variable of the model, and nothing reads it
  in the code for the event 'high':
    vn = 0*mV
    ^^
  define 'vn' in the equations if it is a variable, or remove the line""",
    "unknown name in the code of an event": """\
EquationError: the name 'v_rest' is not known
  in the code for the event 'high':
    v = v_rest
        ^^^^^^
  define 'v_rest' in the equations, give it in namespace=, or assign it before run()""",
    "flags that are opened only": """\
EquationError: '(' is never closed
  in the equations:
    v : 1 (
          ^
  flags stand in it, separated by commas, and a ')' follows""",
    "parentheses without a flag": """\
EquationError: no flag stands between the parentheses
  in the equations:
    v : 1 ()
          ^^
  write one, such as (constant), or remove them""",
    "flags without a comma": """\
EquationError: the flag 'constant shared' is not known
  in the equations:
    v : 1 (constant shared)
           ^^^^^^^^^^^^^^^
  did you mean 'constant, shared'?""",
    "derivative with a blank": """\
EquationError: 'd v/dt' is not a derivative
  in the equations:
    d v/dt = -v/(10*ms) : volt
    ^^^^^^
  write it without blanks: dv/dt = ... : unit""",
    "derivative with parentheses": """\
EquationError: 'd(v)/dt' is not a derivative
  in the equations:
    d(v)/dt = -v/(10*ms) : volt
    ^^^^^^^
  write it without parentheses: dx/dt = ... : unit""",
    "derivative with a blank in dt": """\
EquationError: 'dv/d t' is not a derivative
  in the equations:
    dv/d t = -v/(10*ms) : volt
    ^^^^^^
  write it without blanks: dx/dt = ... : unit""",
    "BASIC not equal": """\
EquationError: '<>' is not an operator
  in the threshold:
    v <> 1*mV
      ^^
  write '!='""",
    "comparison the wrong way round": """\
EquationError: '=>' is not an operator
  in the threshold:
    v => 1*mV
      ^^
  write '>='""",
    "Greek letter": """\
EquationError: 'τ' cannot be part of a name
  in the equations:
    dv/dt = -v/τ : volt
               ^
  write 'tau'""",
    "Greek capital in a name": """\
EquationError: 'Δ' cannot be part of a name
  in the equations:
    dv/dt = -v/Δ_T/ms : volt
               ^
  write 'Delta'""",
    "Greek mu": """\
EquationError: 'μ' cannot be part of a name
  in the equations:
    dv/dt = -v/tau_μ : volt
                   ^
  write 'mu', or 'u' for micro: uV, us""",
    "Greek lambda": """\
EquationError: 'λ' cannot be part of a name
  in the equations:
    λ : 1
    ^
  write 'lambda_'""",
    "division sign": """\
EquationError: '÷' is not an operator
  in the equations:
    dv/dt = -v÷(10*ms) : volt
              ^
  divide with '/'""",
    "multiplication sign": """\
EquationError: '×' is not an operator
  in the equations:
    dv/dt = -v×2/(10*ms) : volt
              ^
  multiply with '*'""",
    "multiplication dot": """\
EquationError: '·' is not an operator
  in the equations:
    dv/dt = -v·2/(10*ms) : volt
              ^
  multiply with '*'""",
    "C bitwise and": """\
EquationError: '&' is not an operator
  in the threshold:
    v > 1*mV & v < 2*mV
             ^
  write 'and'""",
    "missing unit before another definition": """\
EquationError: the unit of the previous definition is missing
  in line 1 of the equations:
    dv/dt = -v/(10*ms)
                     ^
  end each definition with ': unit', such as ': volt' or ': 1'""",
    "missing unit after a number": """\
EquationError: the unit of the previous definition is missing
  in line 1 of the equations:
    a = 3
        ^
  end each definition with ': unit', such as ': volt' or ': 1'""",
    "backslash for a division": """\
EquationError: '\\' is not an operator
  in the equations:
    dv\\dt = -v/(10*ms) : volt
      ^
  divide with '/': dx/dt = ... : unit""",
    "implicit multiplication by a unit": """\
EquationError: an operator is missing before 'mV'
  in the equations:
    dv/dt = (2 mV - v)/(10*ms) : volt
               ^^
  multiply with '*', as in 2*mV""",
    "number that runs into a unit": """\
EquationError: a number runs into the name 'ms'
  in the equations:
    dv/dt = -v/(10ms) : volt
                  ^^
  multiply with '*', as in 10*ms""",
    "ternary in a reset": """\
EquationError: 'if' is not an operator
  in the reset:
    v = 3*mV if v > 2*mV else 0*mV
             ^^
  write the condition as a number: int(v > 0)*x + int(v <= 0)*y""",
    "block in a reset": """\
EquationError: 'if' is not part of the language
  in line 1 of the reset:
    if v > 1*mV:
    ^^
  write the condition as a number: x = x + int(v > 0)*dx""",
    "else in a reset": """\
EquationError: 'else' is not part of the language
  in line 2 of the reset:
    else: v = 0*mV
    ^^^^
  write the condition as a number: x = x + int(v > 0)*dx""",
    "lambda in a reset": """\
EquationError: 'lambda' is not part of the language
  in the reset:
    f = lambda x: x
        ^^^^^^
  define a function before, f = eqsnn.function('f(x) = ...')""",
    "variable as a function of time": """\
EquationError: 'v' is not a function
  in the equations:
    dv/dt = -v(t)/(10*ms) : volt
             ^
  write 'v' alone: every variable is a function of time""",
    "variable at an earlier time": """\
EquationError: 'v' is not a function
  in the equations:
    dv/dt = -v(t-dt)/(10*ms) : volt
             ^
  its value at another time is not kept; synapses may have a delay, and a TimedArray is called with a time""",
    "derivative of a function of time": """\
EquationError: 'dv(t)' is not part of the language
  in the equations:
    dv(t)/dt = -v/(10*ms) : volt
    ^^^^^
  write dv/dt: every variable is a function of time""",
    "input as a function of time": """\
EquationError: the function 'I' is not known
  in the equations:
    dv/dt = (I(t)-v)/(10*ms) : volt
             ^
  declare 'I : unit' and write 'I' alone, or give a TimedArray called 'I'""",
    "function without parentheses before its argument": """\
EquationError: an operator is missing before 'v'
  in the equations:
    x = exp v : 1
            ^
  multiply with '*', as in exp*v; a function is called with parentheses, exp(v)""",
    "variable before parentheses": """\
EquationError: 'g' is not a function
  in line 2 of the equations:
    I_syn = g(v-0*mV) : amp
            ^
  multiply with '*': g*(...)""",
    "parenthesis that is open over lines": """\
EquationError: '(' is never closed
  in line 1 of the equations:
    dv/dt = (-v
            ^
  a ')' is missing""",
    "no-break space": """\
EquationError: this is no plain blank but U+00A0, no-break space
  in the equations:
    dv/dt =\u00a0-v/(10*ms) : volt
           ^
  replace it by a blank""",
    "zero width space": """\
EquationError: an invisible character, U+200B (zero width space), stands here
  in the equations:
    dv/dt = -v\u200b/(10*ms) : volt
              ^
  remove it""",
    "quotation marks of print": """\
EquationError: '“' is a quotation mark, and not part of the language
  in the equations:
    “dv/dt = -v/(10*ms) : volt”
    ^
  remove it""",
    "prime of print": """\
EquationError: a prime is not part of the language
  in the equations:
    v’ = -v/(10*ms) : volt
     ^
  write a derivative as dx/dt = ... : unit""",
    "C comment after a unit": """\
EquationError: '//' does not start a comment
  in the equations:
    dv/dt = -v/(10*ms) : volt // membrane
                              ^^
  a comment starts with '#'""",
    "C comment": """\
EquationError: '//' does not start a comment
  in line 1 of the equations:
    // membrane
    ^^
  a comment starts with '#'""",
    "TeX comment after a unit": """\
EquationError: '%' does not start a comment
  in the equations:
    dv/dt = -v/(10*ms) : volt % membrane
                              ^
  a comment starts with '#'""",
    "TeX comment": """\
EquationError: '%' does not start a comment
  in line 1 of the equations:
    % membrane
    ^
  a comment starts with '#'""",
    "C comment with a star": """\
EquationError: '/*' does not start a comment
  in the equations:
    dv/dt = -v/(10*ms) : volt /* membrane */
                              ^^
  a comment starts with '#'""",
    "C comment in a reset": """\
EquationError: the name 'back' is not known
  in the reset:
    v = 0*mV // back
                ^^^^
  define it; or write '#' before 'back' if a comment begins there""",
    "decimal comma": """\
EquationError: '0,5' is not a number
  in the equations:
    x = 0,5 : 1
        ^^^
  write decimal fractions with a point, 0.5""",
    "decimal comma in a reset": """\
EquationError: '0,5' is not a number
  in the reset:
    v = 0,5*mV
        ^^^
  write decimal fractions with a point, 0.5""",
    "broken exponent": """\
EquationError: '1e-3.5' is not a number: its exponent is no whole number
  in the equations:
    x = 1e-3.5 : 1
        ^^^^^^
  write 1*10**(-3.5)""",
    "two decimal points": """\
EquationError: '1.2.3' is not a number
  in the equations:
    x = 1.2.3 : 1
        ^^^^^
  a number has one decimal point""",
    "exponent that is missing": """\
EquationError: '1e' is not a number: its exponent is missing
  in the equations:
    x = 1e : 1
        ^^
  write 1e-3; Euler's number is multiplied, 2*e""",
    "hexadecimal number": """\
EquationError: '0x10' is not a number of the language
  in the equations:
    x = 0x10 : 1
        ^^^^
  write it in decimals""",
    "digits with underscores": """\
EquationError: '1_000' is not a number of the language
  in the equations:
    x = 1_000 : 1
        ^^^^^
  write its digits without '_'""",
    "missing comma between arguments": """\
EquationError: two values stand side by side
  in the equations:
    x = clip(1 2, 3) : 1
               ^
  an operator is missing, or a comma between arguments""",
    "semicolon between arguments": """\
EquationError: ';' does not separate arguments
  in the equations:
    x = clip(1; 2; 3) : 1
              ^
  separate them by ','""",
    "argument with a name": """\
EquationError: arguments have no names
  in the equations:
    x = clip(1, low=2, high=3) : 1
                ^^^^
  write them in their order, as in clip(x, low, high)""",
    "parameter called like a unit": """\
EquationError: 'ms' is a constant or a unit and cannot be defined
  in the equations:
    ms : 1
    ^^
  choose another name""",
    "parameter called like a constant": """\
EquationError: 'pi' is a constant or a unit and cannot be defined
  in the equations:
    pi : 1
    ^^
  choose another name""",
    "subexpression called like a function": """\
EquationError: 'sin' is a function and cannot be defined
  in the equations:
    sin = 3 : 1
    ^^^
  choose another name""",
    "symbol of a unit": """\
EquationError: the unit 'V' is not known
  in the equations:
    v : V
        ^
  did you mean 'volt'?""",
    "unit with an odd exponent": """\
EquationError: the exponent of a unit is a simple fraction
  in the equations:
    v : volt**1e-3
              ^^^^
  as in metre**2 or hertz**0.5""",
    "power with an odd exponent": """\
UnitError: a dimension cannot be raised to the power 1/1000: it is no simple fraction
  in line 2 of the equations:
    w = v**0.001 : 1
           ^^^^^
  use a simple fraction""",
    "base unit in the wrong case": """\
EquationError: the unit 'Volt' is not known
  in the equations:
    v : Volt
        ^^^^
  did you mean 'volt'?""",
    "unit dimensionless": """\
EquationError: the unit 'dimensionless' is not known
  in the equations:
    x : dimensionless
        ^^^^^^^^^^^^^
  did you mean '1'?""",
    "unit in brackets": """\
EquationError: units stand without brackets
  in the equations:
    v : [volt]
        ^
  write 'x : volt'""",
    "two units side by side": """\
EquationError: a word follows the unit
  in the equations:
    a : volt second
             ^^^^^^
  flags stand in parentheses: x : volt (constant); units are multiplied with '*'""",
    "flag with an underscore": """\
EquationError: the flag 'unless_refractory' is not known
  in the equations:
    dv/dt = -v/(10*ms) : 1 (unless_refractory)
                            ^^^^^^^^^^^^^^^^^
  did you mean 'unless refractory'?""",
    "flag in the wrong case": """\
EquationError: the flag 'Constant' is not known
  in the equations:
    v : 1 (Constant)
           ^^^^^^^^
  did you mean 'constant'?""",
    "flag in brackets": """\
EquationError: flags do not stand in brackets
  in the equations:
    v : 1 [constant]
          ^
  flags stand in parentheses: x : volt (constant)""",
    "flag without parentheses": """\
EquationError: a word follows the unit
  in the equations:
    v : 1 constant
          ^^^^^^^^
  flags stand in parentheses: x : volt (constant); units are multiplied with '*'""",
    "variable in the wrong case": """\
EquationError: the name 'EL' is not known
  in line 1 of the equations:
    dv/dt = (EL - v)/(10*ms) : volt
             ^^
  did you mean 'El'?""",
    "constant in the wrong case": """\
EquationError: the name 'EL' is not known
  in the equations:
    dv/dt = (EL - v)/(10*ms) : volt
             ^^
  did you mean 'El'?""",
    "function in the wrong case": """\
EquationError: the function 'Exp' is not known
  in the equations:
    x = Exp(3) : 1
        ^^^
  did you mean 'exp'?""",
    "and in capitals": """\
EquationError: 'AND' is not an operator
  in the threshold:
    v > 1*mV AND v < 2*mV
             ^^^
  write 'and'""",
    "not in capitals": """\
EquationError: 'NOT' is not an operator
  in the threshold:
    NOT (v > 1*mV)
    ^^^
  write 'not'""",
    "true in small letters": """\
EquationError: the name 'true' is not known
  in the threshold:
    true
    ^^^^
  did you mean 'True'?""",
    "root sign": """\
EquationError: '√' is not part of the language
  in the equations:
    x = √2 : 1
        ^
  write sqrt(...)""",
    "superscript": """\
EquationError: '²' is not an operator
  in the equations:
    x = 2² : 1
         ^
  write a power as v**2""",
    "less or equal of print": """\
EquationError: '≤' is not an operator
  in the threshold:
    v ≤ 1*mV
      ^
  write '<='""",
    "and of mathematics": """\
EquationError: '∧' is not an operator
  in the threshold:
    v > 1*mV ∧ v < 2*mV
             ^
  write 'and'""",
    "micro sign": """\
EquationError: 'µ' cannot be part of a name
  in the equations:
    dv/dt = (3*µV - v)/(10*ms) : volt
               ^
  write 'u' for micro: uV, us""",
    "infinity sign": """\
EquationError: '∞' is not part of the language
  in the equations:
    x = ∞ : 1
        ^
  write inf""",
    "partial derivative": """\
EquationError: '∂' is not part of the language
  in the equations:
    ∂v/∂t = -v/(10*ms) : volt
    ^
  write a derivative as dx/dt = ... : unit""",
    "Omega for ohm": """\
EquationError: 'Ω' cannot be part of a name
  in the equations:
    R : Ω
        ^
  write 'Omega', or 'ohm' for the unit""",
    "full-width parenthesis": """\
EquationError: '（' (U+FF08) is not part of the language
  in the equations:
    x = （3） : 1
        ^
  write '('""",
    "LaTeX": """\
EquationError: '\\frac' is LaTeX, and not part of the language
  in the equations:
    \\frac{dv}{dt} = -v/(10*ms) : volt
    ^^^^^
  write plain text, such as dv/dt = -v/tau : volt""",
    "dollar sign": """\
EquationError: '$' is not part of the language
  in the equations:
    x = $a : 1
        ^
  write the name alone""",
    "augmented assignment in equations": """\
EquationError: '+=' is not part of equations
  in the equations:
    v += 3 : 1
      ^
  write 'x = ... : unit' for a subexpression; changes at an event stand in a reset or on_pre""",
    "maximum of two values": """\
EquationError: the function 'max' is not known
  in the equations:
    x = max(1, 2) : 1
        ^^^
  did you mean 'clip(x, low, inf)'?""",
    "call in a reset": """\
EquationError: print(...) is called where a name and its value are expected
  in the reset:
    print(v)
    ^^^^^
  write name = value""",
    "arrow for an assignment": """\
EquationError: '<-' is not an operator
  in the reset:
    v <- 0*mV
      ^^
  assign with '='""",
    "comma between statements": """\
EquationError: ',' does not separate statements
  in the reset:
    v = 0*mV, w = 3
            ^
  write ';', or start a new line""",
    "two names in one assignment": """\
EquationError: two names stand before '='
  in the reset:
    v, w = 0*mV, 3
     ^
  write one statement for each: v = ...; w = ...""",
    "return in a reset": """\
EquationError: 'return' is not part of the language
  in the reset:
    return 0*mV
    ^^^^^^
  assign the value, as in v = El""",
    "import in equations": """\
EquationError: 'import' is not part of the language
  in the equations:
    import numpy
    ^^^^^^
  give constants and functions by namespace=, or define them before the group""",
    "loop in a reset": """\
EquationError: 'for' is not part of the language
  in the reset:
    for k in range(3): v += 1*mV
    ^^^
  statements run once for each element""",
    "is as a comparison": """\
EquationError: 'is' is not part of the language
  in the threshold:
    v is 1
      ^^
  compare with '=='""",
    "unit without a colon": """\
EquationError: ':' is missing before the unit, or an operator before 'volt'
  in the equations:
    dv/dt = -v/(10*ms) volt
                       ^^^^
  write ': volt' if it is the unit""",
    "two names for one expression": """\
EquationError: '=' gives one value, and several names stand before it
  in the equations:
    v, w = 3 : 1
         ^
  write one definition for each name""",
    "comma without a second name": """\
EquationError: a name is missing after ','
  in the equations:
    v, : 1
     ^
  write 'a, b : unit'""",
    "number instead of equations": """\
EquationError: a number stands where a name is expected
  in the equations:
    3
    ^
  write 'x = ... : 1' to give a value a name""",
    "two primes": """\
EquationError: a prime is not part of the language, and only first derivatives are
  in the equations:
    v'' = -v/(10*ms)**2 : volt
     ^^
  write two equations: dx/dt = y : ... and dy/dt = ... : ...""",
    "second derivative with ^": """\
EquationError: only first derivatives are part of the language
  in the equations:
    d^2v/dt^2 = -v/(10*ms)**2 : volt
    ^^^^^^
  write two equations: dx/dt = y : ... and dy/dt = ... : ...""",
    "map that indexes its right-hand side": """\
EquationError: 'x[n]' is not part of the language
  in the equations:
    x[n] = x[n-1] : 1
    ^^^^
  write x alone: in x[n+1] = ... a name stands for its value before the step""",
    "map over t": """\
EquationError: 'x[t+1]' is not part of the language
  in the equations:
    x[t+1] = 2*x : 1
    ^^^^^^
  write a map as x[n+1] = ... : unit""",
    "misspelt variable in an augmented assignment": """\
EquationError: 'v_pots' is changed before it has a value
  in the on_pre:
    v_pots += w*mV
    ^^^^^^
  did you mean 'v_post'?""",
}


def test_there_are_enough_rows_and_each_has_its_message():
    assert len(ROWS) >= 60
    assert set(ROWS) == set(MESSAGES)


@pytest.mark.parametrize("name", ROWS)
def test_message(name, monkeypatch):
    monkeypatch.setenv("EQSNN_BACKEND", "numpy")
    assert show(ROWS[name]) == MESSAGES[name]
