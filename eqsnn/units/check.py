"""Functions that check the units of their arguments and result."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

from eqsnn.errors import UnitError
from eqsnn.units.quantity import dimensions_of, is_zero_like


def check_units(**units):
    """A decorator: ``@check_units(I=amp, R=ohm, result=volt)``.

    A unit of 1 means a plain number, ``bool`` a boolean; ``None`` as an argument passes. ``result`` may be a function of the
    argument's units. Raises ``UnitError``, or ``TypeError`` for a name that the function does not have.
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)
        for name in units:
            if name != "result" and name not in signature.parameters:
                raise TypeError(f"{function.__name__}() has no argument '{name}' to check the units of")

        @functools.wraps(function)
        def checked(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            for name, unit in units.items():
                if name != "result":
                    _check(function, f"the argument '{name}'", bound.arguments[name], unit)
            result = function(*args, **kwargs)
            if "result" in units:
                wanted = units["result"]
                if callable(wanted) and wanted is not bool:
                    wanted = wanted(*(bound.arguments[n] for n in signature.parameters if n in units))
                _check(function, "the result", result, wanted)
            return result

        checked._arg_units = [units.get(name) for name in signature.parameters]
        checked._return_unit = units.get("result")
        return checked

    return decorate


def _check(function: Callable, what: str, value, unit) -> None:
    if value is None or unit is None or isinstance(value, str):
        return
    if unit is bool:
        if not isinstance(value, bool):
            raise TypeError(f"{function.__name__}(): {what} must be True or False; got {value!r}")
        return
    wanted = dimensions_of(unit)
    if dimensions_of(value) != wanted and not is_zero_like(value):
        raise UnitError(
            f"{function.__name__}(): {what} must have unit {wanted}; {value!s} has unit {dimensions_of(value)}"
        )
