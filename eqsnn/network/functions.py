"""Functions of the user in equations: a Python function with units, code in another language, or an expression.

- ``@check_units(x=volt, result=1)`` makes a Python function callable in equations; :class:`Function` says the same of one that has no decorator.
- ``@implementation('cython', code)`` adds code that compiled backends call instead.
- ``function('f(x) = x**2/(1 + x)')`` is an expression with a name: it stands for its text on every backend, and has a derivative.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, FunctionError, Span
from eqsnn.language.parse import parse_function
from eqsnn.model.functions import FUNCTIONS, FunctionSpec, InlineFunction, UserFunction, is_reserved, known_constant
from eqsnn.model.model import Scope, Symbol
from eqsnn.network.namespace import user_namespace
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of

DEFAULT_FUNCTIONS: Mapping[str, FunctionSpec] = FUNCTIONS
"""The functions that every equation may call."""

TARGETS = ("cython", "c", "cpp", "cuda")
_CALLED_BY = {
    "cython": ("cython", "c", "cpp"),
    "c": ("c", "cpp"),
    "numpy": (),
    "cuda": ("cuda",),
    "cuda-host": ("cuda",),
}
"""Which code each backend can call, best first."""
_TYPES = ("boolean", "integer", "float")


@dataclass(frozen=True)
class Implementation:
    """Code of a function for one ``target``; it defines a function called ``name``.

    ``dependencies``: functions that the code calls, of the vocabulary or the user's; ``options``: what the compiler is told besides
    (``sources``, ``headers``, ``include_dirs``, ``libraries``, ``library_dirs``, ``runtime_library_dirs``, ``define_macros``).
    """

    target: str
    name: str
    code: str
    dependencies: tuple[tuple[str, object], ...] = ()
    options: Mapping[str, tuple] = field(default_factory=dict, compare=False)


_OPTIONS = ("sources", "headers", "include_dirs", "libraries", "library_dirs", "runtime_library_dirs", "define_macros")


class Function:
    """A function that equations may call.

    ``pyfunc``: gets arrays with units, one value an element, and gives an array. ``arg_units``, ``return_unit``: units (1 for a plain number), where
    ``pyfunc`` does not say them by ``@check_units``; None as an argument stands for any unit, a string for any that is the same for all
    arguments of that name; ``return_unit`` may be ``bool`` or a function of the arguments' dimensions. ``arg_types``: 'float', 'integer',
    'boolean' or 'any'; ``return_type``: one of the first three, or 'highest'. A ``stateless`` function gives the same for the same arguments;
    others are called in the order of the elements, on one thread. ``auto_vectorise``: it gets the indices of the elements as last argument.
    """

    def __init__(
        self,
        pyfunc: Callable | None,
        *,
        arg_units=None,
        arg_names=None,
        return_unit=None,
        arg_types=None,
        return_type: str | None = None,
        stateless: bool = True,
        auto_vectorise: bool = False,
        name: str | None = None,
    ):
        if pyfunc is not None and not callable(pyfunc):
            raise EqsnnError(f"Function: a Python function is expected; got {pyfunc!r}")
        self.name = name or getattr(pyfunc, "__name__", "function")
        self.pyfunc, self.stateless, self.auto_vectorise = pyfunc, bool(stateless), bool(auto_vectorise)
        units = arg_units if arg_units is not None else getattr(pyfunc, "_arg_units", None)
        self.arg_dims = _argument_dimensions(self.name, pyfunc, units, arg_units is not None, arg_names)
        result = return_unit if return_unit is not None else getattr(pyfunc, "_return_unit", None)
        if result is None:
            raise EqsnnError(
                f"the function '{self.name}' does not say the unit of its result; decorate it with @check_units(..., result=...)"
            )
        is_boolean = result in (bool, np.bool_) if isinstance(result, type) else False
        self.result = DIMENSIONLESS if is_boolean else result if callable(result) else dimensions_of(result)
        self.return_type = return_type or getattr(pyfunc, "_return_type", "boolean" if is_boolean else "float")
        self.arg_types = tuple(arg_types or getattr(pyfunc, "_arg_types", None) or ["any"] * len(self.arg_dims))
        self._check_types()
        self.implementations = Implementations(self)
        self.__doc__ = getattr(pyfunc, "__doc__", None)

    def _check_types(self) -> None:
        if self.return_type not in (*_TYPES, "highest"):
            raise EqsnnError(
                f"{self.name}: '{self.return_type}' is no type of a result; there are {', '.join(_TYPES)}, highest"
            )
        if len(self.arg_types) != len(self.arg_dims):
            raise EqsnnError(f"{self.name} has {len(self.arg_dims)} arguments; {len(self.arg_types)} types are given")
        for kind in self.arg_types:
            if kind not in (*_TYPES, "any"):
                raise EqsnnError(f"{self.name}: '{kind}' is no type of an argument; there are {', '.join(_TYPES)}, any")

    def __call__(self, *args, **kwargs):
        if self.pyfunc is None:
            raise EqsnnError(f"the function '{self.name}' has no Python code")
        return self.pyfunc(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Function {self.name!r}: {', '.join(self.implementations) or 'Python'}>"

    def specification(self) -> UserFunction:
        """What the equation checker needs to know."""
        return UserFunction(
            self.name,
            self.arg_dims,
            self.result,
            self.arg_types,
            self.return_type,
            self.stateless,
            self.auto_vectorise,
            self,
        )

    def implementation_for(self, backend: str) -> Implementation | None:
        """The code that a backend calls, or None for the Python function. Raises EqsnnError if there is code, for other backends only."""
        for target in _CALLED_BY[backend]:
            if target in self.implementations:
                return self.implementations[target]
        if self.implementations and backend != "numpy":
            has = " and ".join(f"'{t}'" for t in self.implementations)
            raise EqsnnError(
                f"the function '{self.name}' has code for {has}, which the backend '{backend}' cannot call; "
                f"add @implementation('{_CALLED_BY[backend][0]}', ...), or choose another backend (eqsnn.settings.backend)"
            )
        return None

    def vector(self, args: list[np.ndarray], n: int) -> np.ndarray:
        """The values for arrays of ``n`` arguments, in base units, by the Python function. Raises FunctionError."""
        if self.pyfunc is None:
            raise FunctionError(f"the function '{self.name}' has no Python code, and it is called in Python here")
        given = [
            Quantity(np.asarray(a, np.float64), dim=d) if isinstance(d, Dimension) and d != DIMENSIONLESS else a
            for a, d in zip(args, (*self.arg_dims, None))
        ]
        try:
            result = self._unchecked()(*given)
        except Exception as error:
            raise self._failed(error) from error
        return self._values(result, n)

    def _unchecked(self) -> Callable:
        """The Python function without the checks of ``check_units``, which the equations have made already."""
        return (
            self.pyfunc.__wrapped__
            if hasattr(self.pyfunc, "_arg_units") and hasattr(self.pyfunc, "__wrapped__")
            else self.pyfunc
        )

    def _values(self, result, n: int) -> np.ndarray:
        try:
            found, values = dimensions_of(result), np.asarray(result)
            fits = values.dtype.kind in "fiub" and (values.size == 1 or values.shape == (n,))
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise FunctionError(
                f"the function '{self.name}' gave {_short(result)} for {n} elements",
                None,
                "it gives one number for each element, or one for all",
            )
        if not callable(self.result) and found != self.result and np.any(values != 0):
            raise FunctionError(
                f"the function '{self.name}' promised a result with unit {self.result}, and gave one with unit {found}"
            )
        return np.broadcast_to(values.ravel() if values.size == 1 else values, (n,))

    def _failed(self, error: Exception) -> FunctionError:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if "/eqsnn/" not in f.filename.replace("\\", "/")] or frames
        where = f"line {own[-1].lineno} of {own[-1].filename}: {own[-1].line}" if own else ""
        if isinstance(error, ValueError) and "truth value of an array" in str(error):
            where += "\n  it gets arrays, one value for each element: use numpy.where(condition, a, b) instead of 'if'"
        return FunctionError(f"the function '{self.name}' raised {type(error).__name__}: {error}", None, where)


def _argument_dimensions(name: str, pyfunc, units, given: bool, names) -> tuple[Dimension | str | None, ...]:
    if units is None:
        raise EqsnnError(
            f"the function '{name}' does not say the units of its arguments; decorate it with @check_units(x=..., result=...), "
            "or give arg_units= and return_unit= to Function"
        )
    known = list(names) if names is not None else _parameters(pyfunc)
    found: list[Dimension | str | None] = []
    for k, unit in enumerate(units):
        if unit is None and not given:
            which = known[k] if k < len(known) else f"number {k + 1}"
            raise EqsnnError(
                f"the function '{name}' does not say the unit of its argument {which}; write @check_units({which}=..., ...)"
            )
        if isinstance(unit, str):
            found.append(unit)
        elif unit is None:
            found.append(known[k] if known and known[k] in units else None)
        else:
            found.append(DIMENSIONLESS if unit is bool else dimensions_of(unit))
    return tuple(found)


def _parameters(pyfunc) -> list[str]:
    try:
        return list(inspect.signature(pyfunc).parameters)
    except (TypeError, ValueError):  # a numpy function, or nothing
        return []


def _short(value) -> str:
    text = f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)
    return text if len(text) < 60 else text[:57] + "..."


class Implementations(dict):
    """The code of a function, by target."""

    def __init__(self, function: Function):
        super().__init__()
        self._function = function

    def add_implementation(
        self, target: str, code, name: str | None = None, dependencies=None, namespace=None, **options
    ) -> None:
        """Add code for ``target``: 'cython', 'c', 'cpp', or 'numpy' for a Python function."""
        function = self._function
        if target in ("numpy", "python"):
            if code is not None:
                if not callable(code):
                    raise EqsnnError(
                        f"{function.name}: the implementation for 'numpy' is a Python function; got {code!r}"
                    )
                function.pyfunc = code
            return
        if target not in TARGETS:
            raise EqsnnError(
                f"{function.name}: there is no target '{target}'; there are 'numpy', {', '.join(map(repr, TARGETS))}"
            )
        if namespace:
            raise EqsnnError(
                f"{function.name}: namespace= of an implementation is not supported, since code is compiled apart from the model; "
                "make the values arguments of the function, or use a TimedArray"
            )
        unknown = set(options) - set(_OPTIONS)
        if unknown:
            raise EqsnnError(
                f"{function.name}: implementation() does not know '{sorted(unknown)[0]}'; it takes {', '.join(_OPTIONS)}"
            )
        if isinstance(code, Mapping):
            code = "\n".join(code[part] for part in ("hashdefine_code", "support_code") if part in code)
        if not isinstance(code, str):
            raise EqsnnError(f"{function.name}: the implementation for '{target}' is a string of code; got {code!r}")
        known = tuple(sorted((dependencies or {}).items()))
        kept = {k: tuple([v] if isinstance(v, str) else v) for k, v in options.items()}
        self[target] = Implementation(target, name or function.name, code, known, kept)


def implementation(
    target: str, code=None, *, namespace=None, dependencies=None, discard_units=None, name=None, **options
):
    """Decorator: code in another language for a function, called on that backend. See :meth:`Implementations.add_implementation`.

    Below it stands ``@check_units``, or another ``@implementation``. ``discard_units`` is accepted: units never enter compiled code,
    and Python code gets them, which gives the same results.
    """

    def decorate(function) -> Function:
        wrapped = function if isinstance(function, Function) else Function(function)
        wrapped.implementations.add_implementation(target, code, name, dependencies, namespace, **options)
        return wrapped

    return decorate


class ExpressionFunction:
    """A function given as text; see :func:`function`."""

    def __init__(self, text: str):
        parsed = parse_function(text)
        self.name, self.parameters, self.body, self.span = parsed.name, parsed.parameters, parsed.body, parsed.span
        _check_names(parsed.name, parsed.parameters, parsed.spans)

    def specification(self) -> InlineFunction:
        """What the equation checker needs to know."""
        return InlineFunction(self.name, self.parameters, self.body, self.span)

    def __call__(self, *args):
        """The value for numbers, quantities or arrays; constants are looked up where the call stands."""
        if len(args) != len(self.parameters):
            raise EqsnnError(f"{self.name}() takes {len(self.parameters)} arguments; {len(args)} given")
        arrays = np.broadcast_arrays(*map(np.asarray, args)) if args else []
        shape, dims = (arrays[0].shape if args else ()), [dimensions_of(a) for a in args]
        scope = Scope({p: Symbol(p, "self", p, d) for p, d in zip(self.parameters, dims)})
        values = {p: np.asarray(a, np.float64).ravel() for p, a in zip(self.parameters, arrays)}
        from eqsnn.network.base import host_site
        from eqsnn.network.evaluate import HostExpression

        space = user_namespace()
        expr = HostExpression(self.body, scope)
        n = int(np.prod(shape, dtype=int))
        found = expr.values(n, lambda owner, variable: values[variable], [space], host_site()).reshape(shape)
        dim = expr.dimension([space])
        result = found[()] if not shape else found
        return result if dim in (None, DIMENSIONLESS) else Quantity(result, dim=dim)

    def __repr__(self) -> str:
        return f"function({self.span.source!r})"


def _check_names(name: str, parameters: tuple[str, ...], spans: tuple[Span, ...]) -> None:
    for word, span in zip((name, *parameters), spans):
        what = (
            "a function of the language"
            if is_reserved(word)
            else "a constant or a unit"
            if known_constant(word)
            else ""
        )
        if what or word in ("t", "dt", "i", "j", "N") or word == "xi" or word.startswith(("xi_", "_")):
            raise EquationError(
                f"'{word}' is {what or 'a name of the language'} and cannot be used here", span, "choose another name"
            )
    for k, (word, span) in enumerate(zip(parameters, spans[1:])):
        if word in parameters[:k]:
            raise EquationError(f"the parameter '{word}' is given twice", span, "remove one")


def function(text: str) -> ExpressionFunction:
    """A function given as an expression, ``function('f(x) = x**2/(1 + x)')``: a call of it stands for the expression.

    It takes any units that the expression allows, works on every backend, and can be differentiated. Names that are no parameters are constants of
    the namespace in which the equations look them up.
    """
    return ExpressionFunction(text)
