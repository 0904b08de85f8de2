"""``torch_module``: a neuron model in equations as a module of PyTorch. PyTorch is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eqsnn.errors import EqsnnError
from eqsnn.network.equations import Equations
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.surrogate import Surrogate


def torch_module(
    model: NeuronGroup | Equations | str,
    *,
    n: int | None = None,
    threshold: str | None = None,
    reset: str | None = None,
    surrogate: str | Surrogate | None = None,
    method: str | None = None,
    values: Mapping[str, object] | None = None,
    namespace: Mapping[str, object] | None = None,
    dt=None,
    inputs: str | Sequence[str] | None = None,
    returns: str | Sequence[str] | None = None,
    bounds: str = "clamp",
    units: Mapping[str, object] | None = None,
    dtype=None,
    threads: int | None = None,
    smooth: bool = False,
):
    """``n`` neurons as a ``torch.nn.Module`` on the compiled kernels of their equations and of the adjoint.

    ``model``: equations, with ``threshold``, ``reset``, ``surrogate``, ``method``, ``namespace`` and ``dt`` as of a NeuronGroup, or a
    NeuronGroup, whose values are taken. ``values``: what parameters are and states begin with, by name. ``inputs``: the (input)
    variables in the order of ``forward``'s arguments; default: all, as declared. ``returns``: what comes out, 'spike' and states;
    default: 'spike', or the state of a model without threshold. ``bounds``: 'clamp' puts trained values back onto their bounds;
    'transform' trains numbers without bounds that are mapped into them. ``units``: in which unit numbers of an input or of a returned
    state are, by name; default: base SI. ``dtype``: of parameters, torch's default otherwise. ``threads``: torch's number otherwise.
    ``smooth``: the primitive of the surrogate in place of spikes, which finite differences see.

    ``module(x)`` takes (batch, steps, n) and gives the same shape; ``module(x, state=s)`` takes one step (batch, n), too, and gives
    (output, state); ``module.start(batch)`` is the first state. Raises EqsnnError without PyTorch, and EquationError for what has no
    gradient.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise EqsnnError(
            f"torch_module() makes a module of PyTorch, which cannot be imported ({type(error).__name__}: {error}); "
            "pip install 'eqsnn[torch]'"
        ) from error
    from eqsnn.learning.torch_neurons import Neurons, Options

    options = Options(
        inputs=None if inputs is None else _names(inputs),
        returns=None if returns is None else _names(returns),
        bounds=bounds,
        units=dict(units or {}),
        dtype=dtype,
        threads=threads,
        smooth=smooth,
    )
    given = dict(n=n, threshold=threshold, reset=reset, surrogate=surrogate, method=method, namespace=namespace, dt=dt)
    return Neurons(_group(model, given, values or {}), options)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _group(model, given: dict[str, object], values: Mapping[str, object]) -> NeuronGroup:
    if isinstance(model, NeuronGroup):
        twice = [name for name, value in given.items() if value is not None]
        if twice:
            raise EqsnnError(
                f"torch_module() was given the group {model.name} and {', '.join(f'{t}=' for t in twice)}, which the group has"
            )
        if values:
            raise EqsnnError(
                f"torch_module() takes the values of the group {model.name}; set them there instead of in values="
            )
        return model
    if not isinstance(model, (str, Equations)):
        raise EqsnnError(f"torch_module() takes equations or a NeuronGroup; got {type(model).__name__}")
    n = given.pop("n")
    if n is None:
        raise EqsnnError("torch_module() of equations needs n=, the number of neurons")
    group = NeuronGroup(n, model, name="torch_neurons*", **given)
    for name, value in values.items():
        group.state(name)[:] = value
    return group
