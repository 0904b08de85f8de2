"""The memory of synaptic variables: an array with one value a synapse, or one with a value for each neuron at one side.

What the synapses of a neuron have in common (model/sharing.py) is kept once a neuron while it runs. Whoever asks for the array of a synaptic
variable gets one with a value for each synapse: then all of them have their own again. An event-driven variable that is kept once a neuron is as
it was at the last event of that neuron; as the variable of a synapse it reads as at the last event of either end, as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.model.sharing import SIDES, Sharing, Side
from eqsnn.network.namespace import constants

if TYPE_CHECKING:
    from eqsnn.network.synapses import Synapses


@dataclass
class OnceANeuron:
    """What is kept once a neuron: ``arrays`` by side and name, one value for each neuron of the whole source or target group; 'lastupdate' is when
    the event-driven ones of the side were brought up to date. ``constants``: the external constants of the run, None before there was one.
    """

    sharing: Sharing
    arrays: dict[Side, dict[str, np.ndarray]]
    constants: Mapping[str, float | int | bool] | None = None

    def copy(self) -> OnceANeuron:
        """The same values in memory of its own."""
        arrays = {side: {name: a.copy() for name, a in of.items()} for side, of in self.arrays.items()}
        return OnceANeuron(self.sharing, arrays, self.constants)

    def names(self) -> set[str]:
        """The variables that no array of synapses holds."""
        return {*self.sharing.sides} | ({"lastupdate"} if not self.sharing.own_lastupdate else set())


class SynapticArrays(dict[str, np.ndarray]):
    """The arrays of a synapse's variables by name, in the order of their places. A missing one is made of what is kept ``once`` a neuron."""

    def __init__(self, synapses: Synapses):
        super().__init__()
        self.synapses = synapses
        self.once: OnceANeuron | None = None

    # -- as the mapping that it is to all others -------------------------------------------------------------------------------

    def _elsewhere(self) -> set[str]:
        return set() if self.once is None else self.once.names() - set(self.own())

    def own(self) -> list[str]:
        """The variables that have a value for each synapse in memory, or one for all of them."""
        return list(super().keys())

    def __missing__(self, name: str) -> np.ndarray:
        if name not in self._elsewhere():
            raise KeyError(name)
        self.expand()
        return self[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._elsewhere()

    def __iter__(self) -> Iterator[str]:
        return iter([*self.own(), *sorted(self._elsewhere())])

    def __len__(self) -> int:
        return super().__len__() + len(self._elsewhere())

    def keys(self):
        return dict.fromkeys(self).keys()

    def get(self, name: str, default=None):
        return self[name] if name in self else default

    def items(self):
        self.expand()
        return super().items()

    def values(self):
        self.expand()
        return super().values()

    # -- values of synapses --------------------------------------------------------------------------------------------------------

    def read(self, name: str, index: np.ndarray | None) -> np.ndarray:
        """The values of some synapses (None: all), in order of creation."""
        if super().__contains__(name):
            found = self[name][self.synapses._internal(index)]
            return np.maximum(found, self._last_of_neurons(index)) if name == "lastupdate" and self.once else found
        if name == "lastupdate":
            return self._last_of_neurons(index)
        side = self.once.sharing.sides[name]
        values = self.once.arrays[side][name][self._end(side, index)]
        return self._brought_up(name, side, index) if self._event_driven(name) else values

    def _event_driven(self, name: str) -> bool:
        return "event-driven" in self.synapses.model[name].flags

    def _end(self, side: Side, index: np.ndarray | None) -> np.ndarray:
        ends = self.synapses.sources if side == "pre" else self.synapses.targets
        return ends if index is None else ends[index]

    def _last_of_neurons(self, index: np.ndarray | None) -> np.ndarray:
        last = [a["lastupdate"][self._end(s, index)] for s, a in self.once.arrays.items() if "lastupdate" in a]
        return np.maximum.reduce(last) if last else np.zeros(1)

    def _brought_up(self, name: str, side: Side, index: np.ndarray | None) -> np.ndarray:
        """The value of an event-driven variable at the last event of each synapse."""
        from eqsnn.kernel.interpret import evaluate_hoisted
        from eqsnn.network.hostkernel import buffer_values, scalar_value
        from eqsnn.network.hostrun import run_kernel
        from eqsnn.pipeline import brought_up_to

        o, once = self.synapses, self.once
        kernel = brought_up_to(o.model, once.sharing, side)
        place = self._end(side, index)
        n = len(place)
        given = {"elapsed": self.read("lastupdate", index) - once.arrays[side]["lastupdate"][place]}

        def supply(owner: str, variable: str):
            if owner == "self" and variable in given:
                return given[variable]
            if owner == "self" and variable in once.sharing.sides:
                return once.arrays[side][variable][place]
            return o.host_values(owner, variable, index)

        known = once.constants if once.constants is not None else constants(o.model.externals, o.spaces())[0]
        buffers = {b.name: buffer_values(b, n, supply, o.model.scope) for b in kernel.buffers}
        scalars = {
            s.name: scalar_value(s, supply, known, o.model.scope, ()) for s in kernel.scalars if s.owner != "derived"
        }
        evaluate_hoisted(kernel, buffers, scalars)
        run_kernel(kernel, buffers, scalars, {}, n)
        return buffers[next(b.name for b in kernel.buffers if b.writable and b.variable == name)].astype(
            once.arrays[side][name].dtype, copy=False
        )

    # -- the two ways to keep them ---------------------------------------------------------------------------------------------------

    def expand(self) -> None:
        """Give each synapse its own value of every variable."""
        if self.once is None:
            return
        position = self.synapses.position
        names = self.once.names() | ({"lastupdate"} if "lastupdate" in self else set())
        found = {n: np.ascontiguousarray(self.read(n, None)) for n in sorted(names)}
        self.once = None
        for name, values in found.items():
            if position is not None:
                placed = np.empty_like(values)
                placed[position] = values
                values = placed
            self[name] = values

    def created(self, name: str) -> np.ndarray:
        """The array of a variable, in the order of creation."""
        values = self[name]
        return values if self.synapses.variables[name].shared else values[self.synapses._internal(None)]

    def forget(self) -> None:
        """Have no synapses any more."""
        shared = {v.name for v in self.synapses.model.variables if v.shared}
        types = {n: self[n].dtype for n in self.own()}
        if self.once is not None:
            types |= {n: a.dtype for arrays in self.once.arrays.values() for n, a in arrays.items()}
        self.once = None
        self.update({n: np.zeros(0, t) for n, t in types.items() if n not in shared})

    def held(self, name: str) -> np.ndarray | None:
        """The array in which a variable is held: one value a synapse, or one a neuron. None for what no array holds."""
        if super().__contains__(name):
            return self[name]
        once = {} if self.once is None else self.once.arrays
        return next((a[name] for a in once.values() if name in a), None)

    def bring_back(
        self,
        arrays: dict[Side, dict[str, np.ndarray]],
        own_lastupdate: bool,
        known: Mapping[str, float | int | bool] | None,
    ) -> None:
        """Keep these variables once a neuron, and no more for each synapse."""
        sides = {n: s for s, found in arrays.items() for n in found if n != "lastupdate"}
        ordered = {v.name: sides[v.name] for v in self.synapses.model.variables if v.name in sides}
        driven = any(self._event_driven(v.name) for v in self.synapses.model.of_kind("state"))
        self.once = OnceANeuron(Sharing(ordered, own_lastupdate or not driven), arrays, known)
        for name in self.once.names():
            self.pop(name, None)

    def unequal(self, sharing: Sharing) -> set[str]:
        """Those of the variables that are to be kept once a neuron whose values now differ between synapses of one neuron."""
        different: set[str] = set()
        for side in SIDES:
            names = [n for n, s in sharing.sides.items() if s == side]
            driven = [n for n in names if self._event_driven(n)]
            if driven and not self._alike("lastupdate", side):
                different.update(driven)
            different.update(n for n in names if n not in different and not self._alike(n, side))
        return different

    def _alike(self, name: str, side: Side) -> bool:
        values = self[name]
        if len(values) == 0 or np.all(values == values[0]):
            return True
        place = self._places(side)
        first = np.zeros(self._size(side), values.dtype)
        first[place] = values
        return bool(np.array_equal(first[place], values))

    def _size(self, side: Side) -> int:
        group = self.synapses.source if side == "pre" else self.synapses.target
        return len(getattr(group, "root", group))

    def _places(self, side: Side) -> np.ndarray:
        """The neuron of the synapse at each place."""
        if side == "post":
            return self.synapses.ends.lying
        ends, position = self.synapses.sources, self.synapses.position
        if position is None:
            return ends
        lying = np.empty_like(ends)
        lying[position] = ends
        return lying

    def share(self, sharing: Sharing, known: Mapping[str, float | int | bool]) -> None:
        """Keep variables once a neuron, whose values must be alike. ``known``: the external constants of the run."""
        arrays: dict[Side, dict[str, np.ndarray]] = {"pre": {}, "post": {}}
        for name, side in sharing.sides.items():
            arrays[side][name] = self._once(name, side)
        for side in SIDES:
            if any(self._event_driven(n) for n in arrays[side]) or (
                "lastupdate" in self and not sharing.own_lastupdate
            ):
                alike = any(self._event_driven(n) for n in arrays[side]) or self._alike("lastupdate", side)
                arrays[side]["lastupdate"] = (
                    self._once("lastupdate", side) if alike else np.zeros(self._size(side), np.float64)
                )
        self.once = OnceANeuron(sharing, arrays, dict(known))
        for name in self.once.names():
            del self[name]

    def _once(self, name: str, side: Side) -> np.ndarray:
        """One value for each neuron; a neuron without synapses gets that of some other, so that it can be treated like all of them."""
        values = self[name]
        found = np.full(self._size(side), values[0] if len(values) else 0, values.dtype)
        found[self._places(side)] = values
        return found
