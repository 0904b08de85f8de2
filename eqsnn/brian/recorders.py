"""Monitors and operations with the arguments of Brian 2, in its order."""

from __future__ import annotations

import numpy as np

from eqsnn.brian.populations import no_code_object
from eqsnn.errors import EqsnnError
from eqsnn.network import monitors, operations, statemonitor
from eqsnn.network.recorded import column
from eqsnn.units import DIMENSIONLESS


class EventMonitor(monitors.EventMonitor):
    __doc__ = monitors.EventMonitor.__doc__

    def __init__(
        self,
        source,
        event,
        variables=None,
        record=True,
        when=None,
        order=None,
        name="eventmonitor*",
        codeobj_class=None,
    ):
        no_code_object(codeobj_class)
        super().__init__(source, event, variables, record, when=when, order=order, name=name)


class SpikeMonitor(monitors.SpikeMonitor, EventMonitor):
    __doc__ = monitors.SpikeMonitor.__doc__

    def __init__(
        self, source, variables=None, record=True, when=None, order=None, name="spikemonitor*", codeobj_class=None
    ):
        no_code_object(codeobj_class)
        super().__init__(source, variables, record, when=when, order=order, name=name)


class StateMonitor(statemonitor.StateMonitor):
    __doc__ = statemonitor.StateMonitor.__doc__

    def __init__(
        self,
        source,
        variables,
        record=True,
        dt=None,
        clock=None,
        when="start",
        order=0,
        name="statemonitor*",
        dtype=None,
        codeobj_class=None,
        **more,
    ):
        no_code_object(codeobj_class)
        super().__init__(
            source, variables, record, dt=dt, clock=clock, when=when, order=order, name=name, dtype=dtype, **more
        )


class PopulationRateMonitor(monitors.PopulationRateMonitor):
    __doc__ = f"{monitors.PopulationRateMonitor.__doc__} ``dtype``: the type of the rates."

    def __init__(self, source, name="ratemonitor*", codeobj_class=None, dtype=np.float64, **more):
        no_code_object(codeobj_class)
        if np.dtype(dtype).kind != "f":
            raise EqsnnError(f"PopulationRateMonitor: dtype= is a type of floats; got {dtype!r}")
        super().__init__(source, name=name, **more)
        self.dtype = np.dtype(dtype)

    @property
    def rate_(self) -> np.ndarray:
        """The rate in Hz, a plain array."""
        rate = super().rate_
        return column(np.asarray(rate).astype(self.dtype, copy=False), DIMENSIONLESS, self._columns)


class NetworkOperation(operations.NetworkOperation):
    __doc__ = operations.NetworkOperation.__doc__

    def __init__(self, function, dt=None, clock=None, when="start", order=0, name="networkoperation*"):
        super().__init__(function, dt=dt, clock=clock, when=when, order=order, name=name)


def network_operation(function=None, **options):
    """Decorator: the function is called in every step. Options as for :class:`NetworkOperation` (``dt``, ``clock``, ``when``, ``order``)."""
    if function is None:
        return lambda f: NetworkOperation(f, **options)
    if not callable(function):
        raise EqsnnError("write @network_operation or @network_operation(dt=..., when=...)")
    return NetworkOperation(function, **options)
