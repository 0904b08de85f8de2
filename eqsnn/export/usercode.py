"""Functions of the user in an exported program: those that have code in C."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eqsnn.backends.usercode import C_TYPES, dependencies_of
from eqsnn.errors import EquationError
from eqsnn.kernel.ir import Extern, Let
from eqsnn.runtime.plan import Op


@dataclass(frozen=True)
class UserCode:
    """A function ``name`` of equations, which is ``function`` of the ``code`` in C; ``short``: functions of the vocabulary that the code
    calls by their short names; ``arguments`` and ``result``: types in C."""

    name: str
    function: str
    code: tuple[str, ...]
    short: tuple[str, ...]
    headers: tuple[str, ...]
    arguments: tuple[str, ...]
    result: str


def user_functions(ops: Iterable[Op]) -> list[UserCode]:
    """The functions of the user that operations call, each once. Raises EquationError for one that has no code in C."""
    found: dict[str, UserCode] = {}
    for op in ops:
        for s in () if op.kernel is None else op.kernel.body:
            if isinstance(s, Let) and isinstance(s.expr, Extern):
                made = _code(op, s)
                if found.setdefault(made.name, made) != made:
                    raise EquationError(
                        f"export(): two functions are called '{made.name}', or one is called with other types; give them different names",
                        s.source,
                    )
    return list(found.values())


def _code(op: Op, s: Let) -> UserCode:
    call: Extern = s.expr
    function = op.binding.functions[call.function].function
    code = function.implementations.get("c")
    if code is None:
        raise EquationError(
            f"export(): '{op.owner.name}' calls the function '{function.name}', which has no code in C and cannot leave Python",
            s.source,
            f"write it as an expression, eqsnn.function('{function.name}(x) = ...'), or give its code: @implementation('c', '...')",
        )
    needed = [
        option
        for option in ("sources", "libraries", "include_dirs", "library_dirs", "define_macros")
        if code.options.get(option)
    ]
    if needed:
        raise EquationError(
            f"export(): the code of the function '{function.name}' needs {needed[0]}=, which a project of its own does not "
            f"have; put all of it into the string",
            s.source,
        )
    names, texts = dependencies_of(code)
    types = tuple(C_TYPES[a.type] for a in call.args)
    return UserCode(
        call.function,
        code.name,
        (*texts, code.code),
        tuple(names),
        tuple(code.options.get("headers", ())),
        types,
        C_TYPES[call.type],
    )
