"""Groups and synapses with the arguments of Brian 2, in its order. An argument that has no meaning here says so when it is given."""

from __future__ import annotations

import numpy as np

from eqsnn.brian.preferences import prefs
from eqsnn.network import inputs, neurongroup, synapses, timedarray
from eqsnn.network.connection import within_bounds
from eqsnn.network.notices import tell_once


def no_code_object(codeobj_class) -> None:
    """Say that a class for generated code changes nothing; None is the default."""
    if codeobj_class is not None:
        tell_once(
            "codeobj_class= has no effect: every kernel is compiled by the one backend of prefs.codegen.target, and all backends give the "
            "same results"
        )


def _float_type(dtype):
    """``dtype=``, or else the preference, which None stands for where it is double precision."""
    preferred = prefs["core.default_float_dtype"]
    return preferred if dtype is None and preferred is not np.float64 else dtype


class _Arguments:
    """The methods of groups that take more arguments in Brian 2."""

    def run_regularly(self, code, dt=None, clock=None, when="start", order=0, name=None, codeobj_class=None):
        """Run statements for every element, regularly; see the native ``run_regularly``."""
        no_code_object(codeobj_class)
        return super().run_regularly(code, dt=dt, clock=clock, when=when, order=order, name=name)

    def state(self, name: str, use_units: bool = True, level: int = 0):
        """The variable called ``name``, also where an attribute of the object hides it."""
        if level:
            tell_once(
                "state(level=) has no effect, as in Brian 2: names in an index are looked up where the variable is indexed; "
                "use get_item(item, level=...)"
            )
        return super().state(name, use_units)

    @property
    def t(self):
        """The time up to which the group has run, read as any shared variable: ``G.t``, ``G.t[:]``."""
        return super().state("t")

    @property
    def dt(self):
        """The time step of its clock: ``G.dt``, ``G.dt[:]``."""
        return super().state("dt")


class NeuronGroup(_Arguments, neurongroup.NeuronGroup):
    __doc__ = neurongroup.NeuronGroup.__doc__

    def __init__(
        self,
        N,
        model="",
        method=None,
        method_options=None,
        threshold=None,
        reset=None,
        refractory=False,
        events=None,
        namespace=None,
        dtype=None,
        dt=None,
        clock=None,
        order=0,
        name="neurongroup*",
        codeobj_class=None,
    ):
        no_code_object(codeobj_class)
        super().__init__(
            N,
            model,
            method,
            method_options,
            threshold,
            reset,
            refractory,
            events,
            namespace,
            _float_type(dtype),
            dt,
            clock,
            order,
            name,
        )

    def free_to_change(self, name: str, index: np.ndarray | None) -> np.ndarray | None:
        """Of a variable that rests while a neuron is refractory, a string changes only that of the other neurons."""
        symbol = self.model.scope.symbols.get(name)
        free = self.arrays.get("not_refractory")
        if symbol is None or not symbol.unless_refractory or free is None or free.all():
            return index
        return np.flatnonzero(free) if index is None else index[free[index] != 0]


class PoissonGroup(_Arguments, inputs.PoissonGroup):
    __doc__ = inputs.PoissonGroup.__doc__

    def __init__(
        self,
        N,
        rates,
        dt=None,
        clock=None,
        when="thresholds",
        order=0,
        namespace=None,
        name="poissongroup*",
        codeobj_class=None,
    ):
        no_code_object(codeobj_class)
        super().__init__(N, rates, dt, clock, when, order, namespace, name, _float_type(None))


class SpikeGeneratorGroup(_Arguments, inputs.SpikeGeneratorGroup):
    __doc__ = inputs.SpikeGeneratorGroup.__doc__

    def __init__(
        self,
        N,
        indices,
        times,
        dt=None,
        clock=None,
        period=None,
        when="thresholds",
        order=0,
        sorted=False,
        name="spikegeneratorgroup*",
        codeobj_class=None,
    ):
        no_code_object(codeobj_class)
        super().__init__(N, indices, times, dt, clock, period, when, order, sorted, name)


class Synapses(_Arguments, synapses.Synapses):
    __doc__ = (
        f"{synapses.Synapses.__doc__}\n    ``pre`` and ``post`` are older names of ``on_pre`` and ``on_post``.\n    "
    )
    refuses_strangers = False

    def __init__(
        self,
        source,
        target=None,
        model=None,
        on_pre=None,
        pre=None,
        on_post=None,
        post=None,
        connect=None,
        delay=None,
        on_event="spike",
        multisynaptic_index=None,
        namespace=None,
        dtype=None,
        codeobj_class=None,
        dt=None,
        clock=None,
        order=0,
        method=None,
        method_options=None,
        name="synapses*",
    ):
        if connect is not None:
            raise TypeError("Synapses() takes no connect=; make the synapses, then call their method connect()")
        no_code_object(codeobj_class)
        super().__init__(
            source,
            target,
            "" if model is None else model,
            on_pre=_renamed("pre", pre, on_pre),
            on_post=_renamed("post", post, on_post),
            delay=delay,
            on_event=on_event,
            multisynaptic_index=multisynaptic_index,
            namespace=namespace,
            dtype=_float_type(dtype),
            dt=dt,
            clock=clock,
            order=order,
            method=method,
            method_options=method_options,
            name=name,
        )

    def connect(
        self, condition=None, i=None, j=None, p=1.0, n=1, skip_if_invalid=False, namespace=None, level=0, **more
    ) -> None:
        """See the native ``connect``; ``level``: external names are looked up so many calls further out. ``p`` may lie outside 0 .. 1."""
        with self.looking_up(None, level):
            super().connect(condition, i, j, within_bounds(p), n, skip_if_invalid, namespace, **more)


def _renamed(old: str, given, now):
    """The statements given under the older name of an argument, or under the present one."""
    if given is None:
        return now
    if now is not None:
        raise TypeError(f"Synapses() takes on_{old}= or its older name {old}=, not both")
    tell_once(f"{old}= of Synapses() is called on_{old}= now")
    return given


class TimedArray(timedarray.TimedArray):
    __doc__ = timedarray.TimedArray.__doc__

    @property
    def dt(self) -> float:
        """How long each value holds, in seconds: Brian 2 keeps numbers in base SI here."""
        return self.dt_

    @property
    def values(self) -> np.ndarray:
        """The values in base SI."""
        return self.values_
