"""Python functions called during a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from eqsnn.errors import EqsnnError, WrongTypeError
from eqsnn.network.base import SimObject
from eqsnn.network.clock import Clock
from eqsnn.units import Quantity, second


class NetworkOperation(SimObject):
    """Calls ``function()`` or ``function(t)`` in every step of its clock, in the slot ``when``."""

    takes_event_clock = True

    def __init__(
        self,
        function: Callable,
        *,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        when: str = "start",
        order: int = 0,
        name: str = "networkoperation*",
    ):
        if not callable(function):
            raise WrongTypeError(f"a network operation is a function; got {function!r}")
        parameters = [
            p
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
        ]
        if len(parameters) > 1:
            raise WrongTypeError(
                f"a network operation takes no argument or the time; '{getattr(function, '__name__', function)}' takes {len(parameters)}"
            )
        if parameters and parameters[0].name == "self" and not inspect.ismethod(function):
            raise EqsnnError(
                f"'{function.__name__}' is a method and has no object here: write NetworkOperation(the_object.{function.__name__}) where "
                "there is one"
            )
        super().__init__(name, clock=clock, dt=dt, when=when, order=order)
        self.function, self._takes_time = function, bool(parameters)
        self._time = 0.0

    def call(self) -> None:
        """Do it, at the time of the current step."""
        if self._takes_time:
            self.function(self._time * second)
        else:
            self.function()

    def __call__(self, *args):
        return self.function(*args)

    def __repr__(self) -> str:
        return f"<NetworkOperation {self.name!r}: {getattr(self.function, '__name__', self.function)!s}>"


def network_operation(function: Callable | None = None, **options):
    """Decorator: the function is called in every step. Options as for :class:`NetworkOperation` (``dt``, ``clock``, ``when``, ``order``)."""
    if function is not None and callable(function):
        return NetworkOperation(function, **options)
    if function is not None:
        raise EqsnnError("write @network_operation or @network_operation(dt=..., when=...)")
    return lambda f: NetworkOperation(f, **options)
