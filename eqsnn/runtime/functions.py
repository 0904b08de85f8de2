"""The user's functions as a run calls them: through a pointer, with arrays of one block of elements."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_double, c_int64, c_void_p

import numpy as np

from eqsnn.errors import FunctionError, IntegrationError
from eqsnn.kernel.ir import Extern, Require
from eqsnn.model.functions import UserFunction
from eqsnn.network.functions import Function
from eqsnn.network.notices import tell_once
from eqsnn.runtime.plan import Op, Plan

_ENTER = CFUNCTYPE(c_int64, c_void_p, c_int64, c_void_p, c_void_p)


def say_what_is_slow(plan: Plan, backend: str) -> None:
    """A notice, once, for each function that compiled kernels call in Python."""
    if backend == "numpy" or backend.startswith("cuda"):  # there nothing can run in Python, and it is refused
        return
    for op in plan.ops:
        for spec in op.binding.functions.values() if op.binding is not None else ():
            if spec.function.implementation_for(backend) is None:
                tell_once(
                    f"the function '{spec.name}' runs in Python, once for each block of elements and step: that is Python's speed; "
                    f"an expression (eqsnn.function('{spec.name}(x) = ...')) or @implementation('{backend}', ...) is compiled"
                )


def unmet(op: Op, element: int, t: float) -> IntegrationError:
    """The error about an operation one of whose elements did not meet a requirement in the step at ``t`` (seconds)."""
    message = " or ".join(dict.fromkeys(s.message for s in op.kernel.body if isinstance(s, Require)))
    values = {n.removeprefix("_"): v for n, v in op.owner.method_constants.items()}
    return IntegrationError(
        f"{op.owner.name}: {message.format(**values)}, for element {element} in the step at t = {t * 1e3:g} ms"
    )


def entry_point(extern: Extern, spec: UserFunction, backend: str, failures: list[BaseException], alive: list) -> int:
    """The address behind ``eq_call.enter`` (templates/c/eq_abi.h). What fails is put into ``failures``; ``alive`` keeps what must live on."""
    function: Function = spec.function
    code = function.implementation_for(backend)
    if code is None:
        entered = _ENTER(_python_entry(extern, function, failures))
        alive.append(entered)
        return ctypes.cast(entered, c_void_p).value
    from eqsnn.backends.usercode import compiled

    built = compiled(code, tuple(a.type for a in extern.args), extern.type)
    alive.append(built)
    built.report_to(
        lambda error: failures.append(
            FunctionError(f"the function '{function.name}' raised {type(error).__name__}: {error}")
        )
    )
    return built.address


def _python_entry(extern: Extern, function: Function, failures: list[BaseException]):
    types = [a.type for a in extern.args]

    def enter(_, n: int, args: int, result: int) -> int:
        try:
            pointers = (c_void_p * (len(types) + 1)).from_address(args)
            values = function.vector([_copied(p, n, t) for p, t in zip(pointers, types)], n)
            _view(result, n, extern.type)[:] = values
            return 0
        except BaseException as error:  # it cannot cross the engine: it is raised when the step has ended
            failures.append(error)
            return 1

    return enter


def _view(address: int, n: int, type_: str) -> np.ndarray:
    element = c_double if type_ == "f64" else c_int64
    return np.ctypeslib.as_array((element * n).from_address(address))


def _copied(address: int, n: int, type_: str) -> np.ndarray:
    values = _view(address, n, type_)
    return values != 0 if type_ == "b8" else values.copy()
