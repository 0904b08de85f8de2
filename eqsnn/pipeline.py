"""The whole road on one page: a model's parts -> update maps (discretise) -> kernels (lower).

``text -> parse -> resolve`` happens where a group is made; ``render -> compile -> bind -> run`` where a network runs. Between them is this page. Each
function here takes resolved pieces of a model and returns kernels that do not depend on the values of constants. Kernels and parsed texts are
remembered on disk (backends/store.py, texts.py), so that a run that was made before imports neither lark, sympy nor the integrators.
"""

from __future__ import annotations

import functools
import gc
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from eqsnn.backends import store
from eqsnn.errors import Span
from eqsnn.kernel.ir import Kernel
from eqsnn.language import parse
from eqsnn.language.ast import Expr, Statements
from eqsnn.model.model import Model, Scope
from eqsnn.model.sharing import NOTHING_SHARED, OWNER, Sharing, Side

parse.memory = store.texts


@dataclass(frozen=True)
class StepKernels:
    """The kernels of one step: ``own`` for each element, ``shared`` for the variables that the whole group shares (None: nothing to do).

    ``method`` and ``message`` say which integrator was chosen and why. ``order``: what two synapses may share so that their order matters,
    each with the variable and the statement at which it shows (derivations/commutation.py). ``once``: of synapses, what happens once for each
    neuron whose synapses have something in common (model/sharing.py); it comes after ``own``.
    """

    own: Kernel | None
    shared: Kernel | None = None
    method: str | None = None
    message: str | None = None
    order: tuple[tuple[str, str, str], ...] = ()
    once: Kernel | None = None


def _nothing() -> None:
    """The runtime has not been imported."""


before_making: Callable[[], None] = _nothing
"""Called when kernels have to be made: whoever knows the backend has its compilers begin, while sympy is on its way."""


@functools.cache
def make_ready() -> None:
    """Import what makes kernels and their text, without Python's search for cycles of garbage: it would take a sixth of the time, and find none."""
    collects = gc.isenabled()
    gc.disable()
    try:
        from eqsnn.backends import render
        from eqsnn.integrators import discretise  # noqa: F401
        from eqsnn.kernel import lower  # noqa: F401

        render.make_ready()
    finally:
        if collects:
            if gc.get_freeze_count() == 0:  # what is there now counts as old, as if it had been looked at
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _remembered(make: Callable[[], StepKernels], *parts: object) -> StepKernels:
    found = store.find(parts, StepKernels)
    if found is None:
        before_making()
        make_ready()
        found = make()
        store.keep(parts, found)
    return found


def _lowered(map_, domain: str, name: str, owner: str, **options) -> Kernel | None:
    """The kernel of a map, or None if it does nothing."""
    from eqsnn.kernel.lower import lower

    return lower(map_, domain, name=name, owner=owner, **options) if map_.writes or map_.event else None


def neuron_step(
    model: Model,
    method: str | None,
    varying: frozenset[str],
    name: str,
    update: bool,
    threshold: bool,
    check: bool = True,
    event: str = "spike",
) -> StepKernels:
    """One step of a neuron: its equations (``update``), the condition of its ``event`` (``threshold``), or both in one kernel."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import step_map
        from eqsnn.kernel.lower import lower

        step = step_map(model, method, varying, update=update, threshold=threshold, event=event)
        shared_names = {v.name for v in model.variables if v.shared}
        shared = [w for w in step.map.writes if w.variable in shared_names]
        own = [w for w in step.map.writes if w.variable not in shared_names]
        kernel = shared_kernel = None
        if own or step.map.event:
            kernel = lower(step.map, "neuron", name=name, owner=model.name, check=check, writes=own)
        if shared:
            shared_kernel = lower(
                step.map, "neuron", name=f"{name}_shared", owner=model.name, check=check, writes=shared, event=False
            )
        return StepKernels(kernel, shared_kernel, step.method, step.message)

    flags = (update, threshold, check)
    return _remembered(make, "neuron", _model_parts(model), method, sorted(varying), name, event, *flags)


def held(model: Model, name: str, check: bool = True) -> StepKernels:
    """The subexpressions that are (constant over dt): one value a step."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import held_map

        map_ = held_map(model)
        return StepKernels(None) if map_ is None else StepKernels(*_own_and_shared(map_, model, name, check))

    return _remembered(make, "held", _model_parts(model), name, check)


def regular(model: Model, statements: Statements, scope: Scope, name: str, check: bool = True) -> StepKernels:
    """Statements that run for all elements; ``scope``: that of the model with the functions that they call."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import statements_map

        return StepKernels(*_own_and_shared(statements_map(name, statements, scope, True, True), model, name, check))

    return _remembered(make, "regular", _model_parts(model), _scope_parts(scope), statements, name, check)


def _own_and_shared(map_, model: Model, name: str, check: bool) -> tuple:
    """Two kernels of one map: for what each element has, and for what the whole group shares. Synapses that read or write neurons are a pathway."""
    from eqsnn.kernel.lower import lower

    alone = all(i.owner in ("self", "external", "clock") or i.variable in ("N", "N_pre", "N_post") for i in map_.inputs)
    alone = alone and all(w.owner == "self" for w in map_.writes)
    domain = "neuron" if alone or model.scope.post is None else "pathway"
    shared_names = {v.name for v in model.variables if v.shared}
    own = [w for w in map_.writes if w.variable not in shared_names]
    shared = [w for w in map_.writes if w.variable in shared_names]
    return (
        lower(map_, domain, name=name, owner=model.name, check=check, writes=own) if own else None,
        lower(map_, "neuron", name=f"{name}_shared", owner=model.name, check=check, writes=shared) if shared else None,
    )


def marks_of_a_spike(model: Model, name: str) -> Kernel | None:
    """What a spike leaves behind for refractoriness."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import spike_marks

        map_ = spike_marks(model)
        return StepKernels(None if map_ is None else _lowered(map_, "event", name, model.name))

    return _remembered(make, "marks", _model_parts(model), name).own


def reset(model: Model, statements: Statements, name: str, check: bool = True) -> Kernel | None:
    """The statements after a spike, for one neuron."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import statements_map

        map_ = statements_map(model.name, statements, model.scope)
        return StepKernels(_lowered(map_, "event", name, model.name, check=check))

    return _remembered(make, "reset", _model_parts(model), statements, name, check).own


def pathway(
    model: Model,
    statements: Statements,
    rows: str,
    name: str,
    one_group: bool,
    changing: frozenset[tuple[str, str]],
    check: bool = True,
    unchecked: frozenset[tuple[str, str]] = frozenset(),
    sharing: Sharing = NOTHING_SHARED,
    together: bool = True,
) -> StepKernels:
    """What happens at a synapse when a spike arrives; ``rows`` is the side that spikes, ``one_group`` whether the two sides share neurons.

    ``changing``: the (owner, variable) of parameters of the connected neurons that the run changes; ``unchecked``: see ``lower``; ``sharing``,
    ``together``: see ``pathway_map``.
    """

    def make() -> StepKernels:
        from eqsnn.derivations.commutation import order_dependence
        from eqsnn.integrators.discretise import pathway_map

        map_ = pathway_map(model, model.name, statements, changing, sharing, rows, together)
        order = tuple(
            (
                d.sharing,
                d.write.variable + ("" if d.write.owner == "self" else f"_{d.write.owner}"),
                _statement(d.write.source),
            )
            for d in order_dependence(map_, one_group)
        )
        options = dict(rows=rows, check=check, unchecked=unchecked)
        return StepKernels(
            _of_synapses(map_, "pathway", name, model.name, **options),
            order=order,
            once=_of_neurons(map_, rows, "event", f"{name}_once", model.name, **options),
        )

    parts = (statements, rows, name, one_group, sorted(map(list, changing)), check, sorted(map(list, unchecked)))
    parts += (sharing, together)
    return _remembered(make, "pathway", _model_parts(model), *parts)


def _of_synapses(map_, domain: str, name: str, owner: str, **options) -> Kernel | None:
    """What a map does to each synapse and to the neurons that it connects."""
    from eqsnn.kernel.lower import lower

    writes = [w for w in map_.writes if w.owner not in OWNER.values()]
    return lower(map_, domain, name=name, owner=owner, writes=writes, **options) if writes else None


def _of_neurons(map_, side: Side, domain: str, name: str, owner: str, **options) -> Kernel | None:
    """What a map of synapses does to what those of a neuron of ``side`` have in common, as a kernel over these neurons."""
    from eqsnn.kernel.lower import lower
    from eqsnn.kernel.passes.onto_neurons import onto_neurons

    writes = [w for w in map_.writes if w.owner == OWNER[side]]
    if not writes:
        return None
    return onto_neurons(lower(map_, "pathway", name=name, owner=owner, writes=writes, **options), side, domain)


def _statement(span: Span) -> str:
    """The whole statement that begins where the span does."""
    return re.split(r"[;\n#]", span.text[span.start :])[0].strip()


def synapse_step(
    model: Model,
    method: str | None,
    varying: frozenset[str],
    name: str,
    check: bool = True,
    sharing: Sharing = NOTHING_SHARED,
    resting: frozenset[str] = frozenset(),
) -> StepKernels:
    """One step of the clock-driven equations of synapses: a neuron kernel over synapses, or a pathway where it reads neurons.

    ``resting``: the variables of the neurons at the ends (``tau_post``) that nothing changes during the run.
    """

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import synapse_step_map

        step = synapse_step_map(model, method, varying, sharing, resting)
        if step is None:
            return StepKernels(None)
        side = next((s for s, o in OWNER.items() if any(w.owner == o for w in step.map.writes)), None)
        if side is not None:  # all of it, or nothing
            once = _of_neurons(step.map, side, "neuron", name, model.name, check=check)
            return StepKernels(None, None, step.method, step.message, once=once)
        own, shared = _own_and_shared(step.map, model, name, check)
        if own is not None and own.domain == "pathway":
            own = replace(own, whole=True)
        return StepKernels(own, shared, step.method, step.message)

    parts = (_model_parts(model), method, sorted(varying), sorted(resting), name, check, sharing)
    return _remembered(make, "synapse", *parts)


def brought_up_to(model: Model, sharing: Sharing, side: Side) -> Kernel:
    """The event-driven variables that the synapses of a neuron of ``side`` have in common, some time after their last update; a detached one."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import brought_up_to_map, detached

        map_ = detached(brought_up_to_map(model, sharing, side))
        return StepKernels(_lowered(map_, "neuron", "brought_up_to", model.name))

    return _remembered(make, "brought up to", _model_parts(model), sharing, side).own


def summed(model: Model, variable: str, name: str, check: bool = True, sharing: Sharing = NOTHING_SHARED) -> Kernel:
    """The contribution of each synapse to a summed variable of a connected neuron."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import summed_map

        kernel = _lowered(summed_map(model, variable, sharing), "pathway", name, model.name, check=check)
        return StepKernels(replace(kernel, whole=True))

    return _remembered(make, "summed", _model_parts(model), variable, name, check, sharing).own


def poisson_input(
    scope: Scope, variable: str, weight: Expr | None, owner: str, name: str, check: bool = True
) -> Kernel:
    """A binomial number of spikes times the weight, added to ``variable``. Without an expression the weight is the constant ``_weight``."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import poisson_input_map

        map_ = poisson_input_map(scope, variable, weight, name)
        return StepKernels(_lowered(map_, "neuron", name, owner, check=check))

    return _remembered(make, "poisson input", _scope_parts(scope), variable, weight, owner, name, check).own


def expression(expr: Expr, scope: Scope, name: str, owner: str, domain: str = "neuron") -> Kernel:
    """The value of one expression for each element, written to the variable ``result``; see ``hostkernel`` for a detached one."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import expression_map

        return StepKernels(_lowered(expression_map(name, expr, scope), domain, name, owner))

    return _remembered(make, "expression", _scope_parts(scope), expr, name, owner, domain).own


def detached_expression(expr: Expr, scope: Scope) -> Kernel:
    """As ``expression``, but every value that differs between elements is a buffer ``owner.variable`` of the kernel's own elements."""

    def make() -> StepKernels:
        from eqsnn.integrators.discretise import detached, expression_map

        return StepKernels(
            _lowered(detached(expression_map("expression", expr, scope)), "neuron", "expression", "expression")
        )

    return _remembered(make, "detached", _scope_parts(scope), expr).own


def _model_parts(model: Model) -> tuple:
    """What of a model decides its kernels. The name of the object stands in error messages and comments."""
    events = [(e.name, e.condition, e.reset) for e in model.events]
    return (model.name, model.variables, events, model.refractory, model.text, _scope_parts(model.scope))


def _scope_parts(scope: Scope | None) -> tuple:
    if scope is None:
        return ()
    given = sorted(((n, f.identity) for n, f in scope.functions.items()), key=lambda pair: pair[0])
    return (sorted(scope.symbols.items()), given, _scope_parts(scope.pre), _scope_parts(scope.post))
