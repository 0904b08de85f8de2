"""Functions that check the units of their arguments and result."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.quantity import dimensions_of, get_dimensions

_BOOLEANS = (bool, np.bool_)


def _is_boolean(unit: object) -> bool:
    return any(unit is b for b in _BOOLEANS)


def check_units(**units):
    """A decorator: ``@check_units(I=amp, R=ohm, result=volt)``.

    A unit of 1 means a plain number, ``bool`` a boolean or an array of them, the name of another argument the unit of that one; arguments that
    are None or strings pass. ``result`` may also be a function that gets the dimensions of the arguments. A name that is no parameter of a
    function with ``**keywords`` is checked where it is given. Raises ``UnitError``, or ``TypeError`` for what is no number, or no boolean.
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)
        names = [p.name for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        takes_any = any(p.kind == p.VAR_KEYWORD for p in signature.parameters.values())
        for name in units:
            if name not in names and name != "result" and not takes_any:
                raise TypeError(f"{function.__name__}() has no argument '{name}' to check the units of")

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = {**dict(zip(names, args)), **kwargs}
            for name, value in given.items():
                if name in units:
                    _check_argument(function, name, value, units[name], given)
            result = function(*args, **kwargs)
            if "result" in units:
                wanted = units["result"]
                if callable(wanted) and not _is_boolean(wanted):
                    bound = signature.bind(*args, **kwargs)
                    wanted = wanted(*(get_dimensions(bound.arguments[n]) for n in names if n in bound.arguments))
                _check(function, "the result", result, wanted)
            return result

        # What equations need to know to call the function.
        checked._orig_func, checked._arg_names = function, tuple(names)
        checked._arg_units = [units.get(name) for name in names]
        checked._return_unit = units.get("result")
        checked._returns_bool = _is_boolean(units.get("result"))
        return checked

    return decorate


def declare_types(**types):
    """A decorator that says which arguments and results are 'boolean', 'integer' or 'float': ``@declare_types(n='integer', result='float')``."""
    known = ("boolean", "integer", "float", "any", "highest")

    def decorate(function: Callable) -> Callable:
        names = getattr(function, "_arg_names", None) or tuple(inspect.signature(function).parameters)
        for name, kind in types.items():
            if name != "result" and name not in names:
                raise TypeError(f"{function.__name__}() has no argument '{name}' to declare the type of")
            if kind not in known or (kind == "highest" and name != "result"):
                raise TypeError(f"{function.__name__}(): '{kind}' is no type of '{name}'; there are {', '.join(known)}")
        function._arg_types = [types.get(name, "any") for name in names]
        function._return_type = types.get("result", "float")
        return function

    return decorate


def _check_argument(function: Callable, name: str, value, unit, given: dict) -> None:
    if isinstance(unit, str):
        if unit not in given:
            raise TypeError(
                f"{function.__name__}(): the argument '{name}' must have the unit of '{unit}', which was not given"
            )
        if dimensions_of(value) != dimensions_of(given[unit]):
            raise UnitError(
                f"{function.__name__}(): the argument '{name}' must have the unit of '{unit}', {dimensions_of(given[unit])}; "
                f"{value!s} has unit {dimensions_of(value)}"
            )
        return
    _check(function, f"the argument '{name}'", value, unit)


def _check(function: Callable, what: str, value, unit) -> None:
    if value is None or unit is None or isinstance(value, str):
        return
    if _is_boolean(unit):
        if not isinstance(value, _BOOLEANS) and getattr(value, "dtype", None) != np.bool_:
            raise TypeError(f"{function.__name__}(): {what} must be True or False; got {value!r}")
        return
    wanted = dimensions_of(unit)
    try:
        found = get_dimensions(value)
    except TypeError:
        raise TypeError(f"{function.__name__}(): {what} must have unit {wanted}; {value!r} is no number") from None
    if found != wanted:
        raise UnitError(f"{function.__name__}(): {what} must have unit {wanted}; {value!s} has unit {found}")
