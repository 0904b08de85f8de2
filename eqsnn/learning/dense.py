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
        self.connect()
        trained = [v.name for v in self.model.variables if "trainable" in v.flags and not v.shared]
        given = init if isinstance(init, dict) else dict.fromkeys(trained[:1], init)
        for variable, values in given.items():
            if variable not in self.variables:
                raise EqsnnError(f"{self.name}: init= names '{variable}', and its variables are {', '.join(trained)}")
            values = initial.weights(values, len(source), len(target))
            self.state(variable)[:] = (
                values if isinstance(values, str) else np.ravel(values) * self.state(variable).unit
            )
        for v in self.model.variables:
            if "trainable" in v.flags and v.kind != "parameter":
                raise EquationError(
                    f"'{v.name}' of {self.name} evolves, and weights that are trained rest",
                    v.span,
                    "declare it as a parameter",
                )

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
        """The first trainable variable as an array (source, target)."""
        variable = next(v.name for v in self.model.variables if "trainable" in v.flags)
        return np.asarray(self.state(variable)[:]).reshape(len(self.source), len(self.target))


def _has_sum(model) -> bool:
    ast = model.ast if isinstance(model, Equations) else parse(model)
    return any("summed" in d.flags for d in ast.definitions)
