"""Functions of the user with the arguments of Brian 2, in its order."""

from __future__ import annotations

from eqsnn.network import functions
from eqsnn.network.notices import tell_once


class Function(functions.Function):
    __doc__ = functions.Function.__doc__

    def __init__(
        self,
        pyfunc,
        sympy_func=None,
        arg_units=None,
        arg_names=None,
        return_unit=None,
        arg_types=None,
        return_type=None,
        stateless=True,
        auto_vectorise=False,
        **more,
    ):
        if sympy_func is not None:
            tell_once(
                "sympy_func= of Function() has no effect: methods treat a function of the user as a value; one that they shall see through is "
                "given as an expression, eqsnn.function('f(x) = ...')"
            )
        super().__init__(
            pyfunc,
            arg_units=arg_units,
            arg_names=arg_names,
            return_unit=return_unit,
            arg_types=arg_types,
            return_type=return_type,
            stateless=stateless,
            auto_vectorise=auto_vectorise,
            **more,
        )


def implementation(
    target, code=None, namespace=None, dependencies=None, discard_units=None, name=None, **compiler_kwds
):
    """Decorator: code in another language for a function. See ``eqsnn.implementation``."""
    decorate = functions.implementation(
        target,
        code,
        namespace=namespace,
        dependencies=dependencies,
        discard_units=discard_units,
        name=name,
        **compiler_kwds,
    )
    return lambda function: decorate(function if isinstance(function, functions.Function) else Function(function))
