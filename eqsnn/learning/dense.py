"""What is made to be trained: all-to-all synapses with weights, and a group whose values are presented from outside."""

from __future__ import annotations

import numpy as np

from eqsnn.errors import EqsnnError, EquationError
from eqsnn.language.parse import parse
from eqsnn.learning import initial
from eqsnn.network.equations import Equations
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.synapses import Synapses
from eqsnn.network.timedarray import TimedArray


class Inputs(NeuronGroup):
    """``N`` values a step that come from outside: a trainer presents them, and in a run ``present`` does.

    An input whose value ``x`` is not 0 is an event in its step; ``on_pre='I_post += w*x_pre'`` weighs it by its value.
    """

    def __init__(self, N: int, name: str = "inputs*", **options):
        super().__init__(N, "x : 1", threshold="x != 0", reset="", name=name, **options)

    def present(self, values, dt=None) -> None:
        """In the runs to come, step k has ``values[k]`` (steps, N); nothing after the last. ``dt``: of the steps; default: the group's."""
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or values.shape[1] != len(self):
            raise EqsnnError(f"{self.name} presents arrays of shape (steps, {len(self)}); got {values.shape}")
        table = TimedArray(np.concatenate([values, np.zeros((1, len(self)))]), self.clock.dt if dt is None else dt)
        for runner in self.contained():
            runner.active = False
        with self.looking_up({"presented_table": table}):
            self.run_regularly("x = presented_table(t, i)", when="start")


class Dense(Synapses):
    """Synapses from each neuron of ``source`` to each of ``target``. ``init``: how the trainable weight begins, a name ('xavier', 'kaiming',
    'uniform', 'orthogonal', 'zeros'), an expression, an array (source, target) or a function of (n_source, n_target, generator).

    ``on_pre``: what a spike adds to an (input) variable of the target; 'I_post += w' unless the equations have a (summed) variable, such as
    'g_post = w*u_pre : 1 (summed)', which carries a continuous variable of the source in every step.

    ``same_step``: a spike or a sum counts in the target's step of the same time, as layers of published networks do; without it in the next, as
    everywhere in eqsnn. The source then tells its spikes before the target is updated, in the slot 'groups'.
    """

    _same_step = False

    def __init__(
        self,
        source,
        target=None,
        model: str = "w : 1 (trainable)",
        on_pre: str | None = None,
        *,
        init="xavier",
        same_step: bool = False,
        name: str = "dense*",
        **options,
    ):
        target = source if target is None else target
        self._same_step = bool(same_step)
        if on_pre is None and not _has_sum(model):
            on_pre = "I_post += w"
        super().__init__(source, target, model, on_pre=on_pre, name=name, **options)
        if same_step:
            self._between(source, target)
        self._make(source, target)
        trained = [v.name for v in self.model.variables if "trainable" in v.flags and not v.shared]
        given = init if isinstance(init, dict) else dict.fromkeys(trained[:1], init)
        for variable, values in given.items():
            if variable not in self.variables:
                raise EqsnnError(f"{self.name}: init= names '{variable}', and its variables are {', '.join(trained)}")
            self._begin(variable, values)
        for v in self.model.variables:
            if "trainable" in v.flags and v.kind != "parameter":
                raise EquationError(
                    f"'{v.name}' of {self.name} evolves, and weights that are trained rest",
                    v.span,
                    "declare it as a parameter",
                )

    def _make(self, source, target) -> None:
        """Make the synapses."""
        self.connect()

    def _begin(self, variable: str, given) -> None:
        """Give a variable what ``init=`` says."""
        if not isinstance(given, str) and not callable(given) and np.ndim(given) == 0:
            self.state(variable)[:] = np.asarray(given) * self.state(variable).unit  # also of a shared one
            return
        values = initial.weights(given, len(self.source), len(self.target))
        if not isinstance(values, str):
            values = self._of_pairs(values, isinstance(given, str)) * self.state(variable).unit
        self.state(variable)[:] = values

    def _of_pairs(self, matrix: np.ndarray, named: bool) -> np.ndarray:
        """The values of the synapses from those of all pairs; ``named``: an initialiser has drawn them for all pairs."""
        return np.ravel(matrix)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The sources and targets of the synapses; None where there is one for each pair, in order."""
        return None

    def _between(self, source, target) -> None:
        if source.root is target.root:
            raise EqsnnError(f"{self.name}: a neuron cannot hear itself in the same step; leave out same_step=")
        order = source.order
        for pathway in self.pathways.values():
            source.root.set_event_schedule("spike", when="groups", order=order + 1)
            pathway.when, pathway.order = "groups", order + 2
        root = target.root
        root.order = max(root.order, order + 3)
        check = root.thresholder.get("spike")
        if check is not None and check.when == "groups":
            check.order = root.order + 1

    @property
    def weights(self) -> np.ndarray:
        """The first trainable variable as an array (source, target), 0 where there is no synapse."""
        variable = next(v.name for v in self.model.variables if "trainable" in v.flags)
        return self.matrix(np.asarray(self.state(variable)[:]))

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """Values of synapses as an array (source, target), 0 where there is none."""
        shape = len(self.source), len(self.target)
        if self.pairs is None:
            return np.broadcast_to(values, (shape[0] * shape[1],)).reshape(shape)
        out = np.zeros(shape, np.asarray(values).dtype)
        out[self.pairs] = values
        return out


class Sparse(Dense):
    """``Dense`` between some pairs: each with probability ``p``, or those for which ``mask`` says so, an array (source, target) or a condition as in
    ``connect``, such as 'abs(i - j) < 5'. There is nothing to train where there is no synapse.

    ``init``: as in ``Dense``; arrays and functions give a value for all pairs, of which those of synapses are taken. What an initialiser of the
    literature draws is divided by the square root of the share of pairs that are connected, since so many fewer add up.
    """

    def __init__(
        self, source, target=None, *arguments, p: float | None = None, mask=None, name: str = "sparse*", **options
    ):
        if (p is None) == (mask is None):
            raise EqsnnError(
                "Sparse takes p=, the probability of a synapse, or mask=, an array or a condition: one of the two"
            )
        self._chosen = p, mask
        super().__init__(source, target, *arguments, name=name, **options)

    def _make(self, source, target) -> None:
        p, mask = self._chosen
        if isinstance(mask, str):
            self.connect(mask)
        elif mask is None:
            if not 0 < p <= 1:
                raise EqsnnError(f"{self.name}: p= is the probability of a synapse, above 0 and up to 1; got {p!r}")
            self.connect(p=p)
        else:
            mask = np.asarray(mask)
            if mask.shape != (len(source), len(target)):
                raise EqsnnError(
                    f"{self.name}: mask= has the shape (source, target) = {(len(source), len(target))}; got {mask.shape}"
                )
            i, j = np.nonzero(mask)
            if len(i):
                self.connect(i=i, j=j)
        if not len(self):
            raise EqsnnError(f"{self.name} has no synapse: p= or mask= chose none")

    def _of_pairs(self, matrix, named):
        values = np.asarray(matrix)[self.pairs]
        share = len(self) / (len(self.source) * len(self.target))
        return values / np.sqrt(share) if named else values

    @property
    def pairs(self):
        return np.asarray(self.i[:]), np.asarray(self.j[:])


def _has_sum(model) -> bool:
    ast = model.ast if isinstance(model, Equations) else parse(model)
    return any("summed" in d.flags for d in ast.definitions)
