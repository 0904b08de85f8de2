"""Where the states of each sample begin, if not all where the groups' variables are: ``Trainer(start={'hidden.u': ...})``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.engine import Values
from eqsnn.learning.initial import generator
from eqsnn.learning.network import LearnedNetwork
from eqsnn.model.suggest import closest

Start = Callable[[int, int, np.random.Generator], np.ndarray]
"""``start(samples, neurons, generator)``: values (samples, neurons) in base SI."""


class Starts:
    """``given``: by 'group.variable' a function (samples, neurons, generator) that gives values (samples, neurons), drawn anew for each batch;
    several names in a tuple begin with the same values. Raises EqsnnError for what is no state of the network."""

    def __init__(self, given: Mapping[str | tuple[str, ...], Start] | None, network: LearnedNetwork):
        self.given = {(k,) if isinstance(k, str) else tuple(k): f for k, f in dict(given or {}).items()}
        states = {f"{t.group.name}.{v}": (k, v) for k, t in enumerate(network.trained) for v in t.layer.states}
        for name, start in [(n, f) for names, f in self.given.items() for n in names]:
            if name not in states:
                meant = closest(name, states)
                advice = f"did you mean '{meant}'?" if meant else f"states are {', '.join(states)}"
                raise EqsnnError(f"start= names '{name}', which is no state of the network; {advice}")
            if name in network.parameters:
                raise EqsnnError(f"'{name}' is trainable, so its start is what is trained; leave it out of start=")
            if not callable(start):
                raise EqsnnError(
                    f"start= has a function of (samples, neurons, generator) for '{name}'; got {type(start).__name__} "
                    "(a start that all samples share is the value of the group's variable)"
                )
        self.places = {names: [states[n] for n in names] for names in self.given}

    def of(self, values: Values, samples: int) -> Values:
        """``values`` with the start of these samples."""
        if not self.given:
            return values
        starts, rng = [dict(s) for s in values.start], generator()
        for names, places in self.places.items():
            sizes = [len(starts[layer][variable]) for layer, variable in places]
            drawn = np.asarray(self.given[names](samples, sizes[0], rng), np.float64)
            if any(drawn.shape != (samples, n) for n in sizes):
                raise EqsnnError(
                    f"start= of {', '.join(map(repr, names))} gives values of shape (samples, neurons) = {(samples, sizes[0])}; got {drawn.shape}"
                )
            for layer, variable in places:
                starts[layer][variable] = drawn
        return replace(values, start=starts)
