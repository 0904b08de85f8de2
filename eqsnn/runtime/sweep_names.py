"""What a function must take along to another process: the constants that only its equations name.

A function of the script itself or of a notebook travels with the global names that its code uses. ``tau`` in "dv/dt = -v/tau : volt" is none of
them: to Python it is a part of a text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from numbers import Number
from types import CodeType, FunctionType

import numpy as np

from eqsnn.network.equations import Equations
from eqsnn.network.functions import ExpressionFunction, Function
from eqsnn.network.timedarray import TimedArray

_WORD = re.compile(r"[^\W\d]\w*")
_SENT = (Number, np.ndarray, np.generic, Function, ExpressionFunction, TimedArray)


def named_in_texts(function: Callable) -> dict[str, object]:
    """The global constants and functions that stand in texts of ``function``, of functions of the same script that it calls and of texts that it
    names."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)  # of a method
    if not isinstance(function, FunctionType):
        return {}
    space = function.__globals__
    found: dict[str, object] = {}
    seen: set[str] = set()
    waiting: list[object] = [function]
    while waiting:
        words, names = _words(waiting.pop())
        for name in (words | names) - seen:
            seen.add(name)
            value = space.get(name)
            if name in words and isinstance(value, _SENT):
                found[name] = value
            if isinstance(value, (str, Equations)) or (isinstance(value, FunctionType) and value.__globals__ is space):
                waiting.append(value)
    return found


def put_back(function: Callable, constants: Mapping[str, object]) -> None:
    """In the other process: let the function see them."""
    while isinstance(function, functools.partial):
        function = function.func
    space = getattr(getattr(function, "__func__", function), "__globals__", {})
    for name, value in constants.items():
        space.setdefault(name, value)


def _words(of: object) -> tuple[set[str], set[str]]:
    """The words in the texts of a function, or of a text, and the names that its code uses."""
    if not isinstance(of, FunctionType):
        return set(_WORD.findall(str(of))), set()
    codes = list(_codes(of.__code__))
    texts = (text for code in codes for text in code.co_consts if isinstance(text, str))
    defaults = (v for v in (*(of.__defaults__ or ()), *(of.__kwdefaults__ or {}).values()) if isinstance(v, str))
    return {w for text in (*texts, *defaults) for w in _WORD.findall(text)}, {n for c in codes for n in c.co_names}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
