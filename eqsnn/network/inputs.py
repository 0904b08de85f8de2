"""Sources of spikes that are given, not simulated: Poisson processes and prepared spike trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, UnitError, UnknownNameError, WrongTypeError, WrongValueError
from eqsnn.language.ast import Expr
from eqsnn.language.parse import parse, parse_expression
from eqsnn.language.show import text_of
from eqsnn.model.dimensions import check_value
from eqsnn.model.functions import is_random
from eqsnn.model.model import Scope
from eqsnn.model.resolve import resolve, statement_scope
from eqsnn.network.base import SimObject, registry
from eqsnn.network.clock import Clock
from eqsnn.network.equations import functions_used
from eqsnn.network.group import Group, clock_variables
from eqsnn.network.namespace import user_namespace
from eqsnn.network.neurongroup import NeuronGroup, SpikeSource, _count
from eqsnn.network.variables import VariableInfo
from eqsnn.units import DIMENSIONLESS, Quantity, dimensions_of, hertz, second
from eqsnn.units.show import get_unit


class PoissonGroup(NeuronGroup):
    """``N`` independent Poisson processes: in each step, element ``i`` spikes with probability ``rates[i]*dt``.

    ``rates``: a frequency, an array of them, or a string expression (over ``i``, ``t``, TimedArrays, constants) evaluated in every step.
    Given as values they can be set between runs, and are kept as ``dtype``, float32 or float64. ``when``: the slot in which the elements
    spike.
    """

    def __init__(
        self,
        N: int,
        rates: Quantity | str,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        when: str = "thresholds",
        order: int = 0,
        namespace: Mapping[str, object] | None = None,
        name: str = "poissongroup*",
        dtype=None,
    ):
        if isinstance(rates, str):
            parsed = parse_expression(rates, "rates")
            once = is_random(parsed, functions_used(parsed, spaces=[namespace or {}, user_namespace()]))
            model = f"rates = {rates} : Hz{' (constant over dt)' if once else ''}"  # a random rate is one number a step
        else:
            if dimensions_of(rates) != hertz.dim:
                raise UnitError(f"PoissonGroup: rates must be frequencies such as 10*Hz; got {rates!r}")
            model = "rates : Hz"
        super().__init__(
            N,
            model,
            threshold="rand() < rates*dt",
            dt=dt,
            clock=clock,
            order=order,
            namespace=namespace,
            name=name,
            dtype=dtype,
        )
        self.set_event_schedule("spike", when, order)
        if not isinstance(rates, str):
            if np.any(np.asarray(rates) < 0):
                raise WrongValueError("PoissonGroup: a rate cannot be negative")
            self.rates = rates


class PoissonInput(SimObject):
    """``N`` Poisson sources of ``rate`` that each add ``weight`` to ``target_var`` of every target neuron at a spike.

    The sum of the sources is drawn as one binomial number a neuron and step, so the cost does not depend on ``N``. ``weight`` is a value
    with the unit of the variable, or a string expression.
    """

    def __init__(
        self,
        target: Group,
        target_var: str,
        N: int,
        rate: Quantity,
        weight,
        when: str = "synapses",
        order: int = 0,
        name="poissoninput*",
    ):
        if not isinstance(target, Group) or not hasattr(target, "root"):
            raise WrongTypeError(f"PoissonInput: the target must be a group of neurons; got {target!r}")
        super().__init__(name, clock=target.clock, when=when, order=order)
        self.target, self.functions = target, {}
        if target_var not in target.variables or target.variables[target_var].write is None:
            raise UnknownNameError(f"PoissonInput: {target.name} has no variable '{target_var}' that can be set")
        if dimensions_of(rate) != hertz.dim or np.ndim(rate):
            raise UnitError(f"PoissonInput: rate must be one frequency such as 10*Hz; got {rate!r}")
        info = target.variables[target_var]
        if isinstance(weight, str):
            self.amount: float | Expr = parse_expression(weight, "weight")
            self.functions = functions_used(self.amount, spaces=target.spaces())
            check_value(self.amount, self.scope(), info.dim)
        else:
            if dimensions_of(weight) != info.dim:
                raise UnitError(
                    f"PoissonInput: '{target_var}' has unit {info.dim}, and the weight {weight!s} has unit {dimensions_of(weight)}"
                )
            self.amount = float(np.asarray(weight))
        self.target_var, self.n, self.rate_ = target_var, _count(N), float(rate / hertz)
        if self.rate_ < 0:
            raise WrongValueError("PoissonInput: a rate cannot be negative")

    @property
    def N(self) -> int:
        """How many inputs each element has."""
        return self.n

    def spaces(self) -> list[Mapping[str, object]]:
        """Where external names of the weight are looked up outside a run."""
        return [self.target.spaces()[0], user_namespace()]

    def scope(self) -> Scope:
        """The names that the weight may use: those of the target, and the functions that it calls."""
        scope = self.target.expression_scope()
        return replace(scope, functions={**scope.functions, **self.functions})

    def probability(self) -> float:
        """The probability that one source spikes in one step."""
        p = self.rate_ * self.clock.dt_
        if p > 1:
            raise EqsnnError(
                f"{self.name}: rate*dt is {p:g}, and a source spikes at most once a step; use a smaller dt"
            )
        return p

    @property
    def weight(self) -> Quantity | float | str:
        """What a spike of one source adds: a value with the unit of the variable, or the text of an expression."""
        if not isinstance(self.amount, float):
            return text_of(self.amount)
        return self.amount * get_unit(self.target.variables[self.target_var].dim)

    @property
    def rate(self) -> Quantity:
        """The rate of each source."""
        return self.rate_ * hertz

    def __repr__(self) -> str:
        return f"<PoissonInput {self.name!r}: {self.n} sources of {self.rate_:g} Hz to '{self.target_var}' of {self.target.name!r}>"


class SpikeGeneratorGroup(Group, SpikeSource):
    """``N`` elements that spike at given ``times``: ``indices[k]`` at ``times[k]``; with ``period`` again and again."""

    def __init__(
        self,
        N: int,
        indices,
        times: Quantity,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        period: Quantity | None = None,
        when: str = "thresholds",
        order: int = 0,
        sorted: bool = False,
        name: str = "spikegeneratorgroup*",
    ):
        self._n = _count(N)
        super().__init__(name, clock=clock, dt=dt, when=when, order=order)
        self.root, self.start, self.stop, self._last_events = self, 0, self._n, {}
        self.arrays, self.links = {}, {}
        self.variables = {
            "i": VariableInfo(
                "i",
                DIMENSIONLESS,
                "integer",
                False,
                lambda k: np.arange(self._n) if k is None else k,
                None,
                "it is fixed",
            ),
            "N": VariableInfo("N", DIMENSIONLESS, "integer", True, lambda k: np.array([self._n]), None, "it is fixed"),
        } | clock_variables(self)
        self.model = resolve(parse(""), name=self.name, threshold=None, reset=None, refractory=None, functions={})
        self.set_spikes(indices, times, period, sorted)
        self._sealed = True

    def set_spikes(self, indices, times: Quantity, period: Quantity | None = None, sorted: bool = False) -> None:
        """Replace the spikes; those of a time that lies behind are not emitted any more. Two spikes of one element in one step raise, at the run.

        ``period`` (None or 0*second: none): the spikes come again and again. ``sorted``: they are in order of time, then index, already.
        """
        if registry.listener is not None:
            registry.listener.called(self, lambda: self.set_spikes(indices, times, period, sorted))
        indices = np.asarray(indices)
        if indices.size == 0 or (indices.dtype.kind == "f" and np.array_equal(indices, np.trunc(indices))):
            indices = indices.astype(np.int64)  # such as those of numpy.zeros
        if len(np.atleast_1d(np.asarray(times))) and dimensions_of(times) != second.dim:
            raise UnitError(f"SpikeGeneratorGroup: times must be times such as [1, 2]*ms; got {times!r}")
        seconds = np.atleast_1d(np.asarray(times, np.float64))
        if indices.ndim != 1 or indices.shape != seconds.shape:
            raise WrongValueError(f"SpikeGeneratorGroup: {indices.size} indices and {seconds.size} times")
        if indices.size and (indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= self._n):
            raise WrongValueError(f"SpikeGeneratorGroup: indices must be integers from 0 to {self._n - 1}")
        if np.any(~(seconds >= 0)):
            raise WrongValueError("SpikeGeneratorGroup: a time cannot be negative")
        if not np.all(np.isfinite(seconds)):
            raise WrongValueError("SpikeGeneratorGroup: a time must be finite")
        if period is not None:
            if dimensions_of(period) != second.dim or not float(period / second) >= 0:
                raise UnitError(f"SpikeGeneratorGroup: period must be a positive time; got {period!r}")
            if seconds.size and 0 < float(period / second) <= seconds.max():
                raise WrongValueError("SpikeGeneratorGroup: a spike lies at or after the end of the period")
        self.__dict__["_period"] = None if period is None or not float(period / second) else float(period / second)
        if not sorted:
            order = np.lexsort((indices, seconds))
            indices, seconds = indices[order], seconds[order]
        elif np.any(np.diff(seconds) < 0):
            raise WrongValueError("SpikeGeneratorGroup: sorted=True, and the times are not in ascending order")
        self.__dict__["_indices"], self.__dict__["_seconds"] = indices.astype(np.int32), seconds

    @property
    def neuron_index(self) -> np.ndarray:
        """The element of each spike, in order of time."""
        return self._indices.copy()

    @property
    def spike_time(self) -> Quantity:
        """The time of each spike, ascending."""
        return self._seconds.copy() * second

    @property
    def spike_number(self) -> np.ndarray:
        """The spikes, numbered in order of time."""
        return np.arange(len(self._seconds))

    @property
    def period(self) -> Quantity:
        """After which time the spikes come again; 0 s: never."""
        return (self._period or 0.0) * second

    def schedule(self, dt: float) -> tuple[np.ndarray, np.ndarray, int]:
        """The steps and indices of the spikes, sorted, and the period in steps (0: none)."""
        steps = np.floor((self._seconds + 1e-3 * dt) / dt).astype(np.int64)
        order = np.lexsort((self._indices, steps))
        steps, indices = steps[order], self._indices[order]
        twice = (np.diff(steps) == 0) & (np.diff(indices) == 0)
        if np.any(twice):
            k = int(np.flatnonzero(twice)[0])
            raise WrongValueError(
                f"{self.name}: element {indices[k]} has two spikes in the step at {steps[k] * dt:g} s; use a smaller dt"
            )
        period = 0 if self._period is None else int(np.floor(self._period / dt + 0.5))
        if self._period is not None and abs(period * dt - self._period) > 1e-9 * self._period:
            raise WrongValueError(f"{self.name}: the period {self._period:g} s is no multiple of dt = {dt:g} s")
        if period and len(steps) and steps[-1] >= period:
            raise WrongValueError(
                f"{self.name}: the spike at {self._seconds[-1]:g} s is in the step at the end of the period, {self._period:g} s, with "
                f"dt = {dt:g} s"
            )
        return steps, indices, period

    @property
    def event_names(self) -> tuple[str, ...]:
        return ("spike",)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, item):
        from eqsnn.network.neurongroup import Subgroup

        return Subgroup(self, item)

    def expression_scope(self) -> Scope:
        return statement_scope(self.model)

    def host_values(self, owner: str, variable: str, index):
        if owner == "index":
            return self._n if variable == "N" else np.arange(self._n) if index is None else index
        raise EquationError(f"'{variable}' is no variable of {self.name}")

    def __repr__(self) -> str:
        return f"<SpikeGeneratorGroup {self.name!r}: {self._n} elements, {len(self._indices)} spikes>"


__all__ = ["PoissonGroup", "PoissonInput", "SpikeGeneratorGroup"]
