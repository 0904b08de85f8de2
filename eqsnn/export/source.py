"""``eq.source``: the text of one kernel of a group."""

from __future__ import annotations

from eqsnn.errors import EqsnnError
from eqsnn.kernel.ir import Kernel
from eqsnn.network.neurongroup import NeuronGroup
from eqsnn.network.synapses import Synapses

BACKENDS = ("c", "cython", "cuda")


def source(o: NeuronGroup | Synapses, part: str, backend: str) -> str:
    """See ``eq.source``."""
    if not isinstance(o, (NeuronGroup, Synapses)):
        raise EqsnnError(f"source() shows the kernels of a group or of synapses; got {o!r}")
    if backend not in BACKENDS:
        raise EqsnnError(
            f"source(): there is no text for the backend {backend!r}; there is {', '.join(map(repr, BACKENDS))}"
        )
    found = parts(o)
    if part not in found:
        raise EqsnnError(
            f"source(): '{o.name}' has no {part!r}; it has {', '.join(map(repr, found)) or 'nothing that runs'}"
        )
    if backend == "cuda":
        from eqsnn.backends.cuda.source import cuda_source

        text = cuda_source([found[part]]).text
        return text[text.index("/* kernel ") :]
    from eqsnn.backends.render import kernel_text

    return kernel_text(found[part])


def parts(o: NeuronGroup | Synapses) -> dict[str, Kernel]:
    """The kernels of a group, as a run without anything else would make them, by what they are for."""
    from eqsnn import pipeline
    from eqsnn.kernel.ir import identifier

    stem, found = f"eqk_{identifier(o.name)}", {}
    if isinstance(o, Synapses):
        step = pipeline.synapse_step(o.model, o.method, frozenset(), f"{stem}_step")
        found |= {"step": step.own, "shared step": step.shared}
        for v in o.model.variables:
            if "summed" in v.flags:
                found[f"summed {v.name}"] = pipeline.summed(o.model, v.name, f"{stem}_{v.name}")
        for p in o.pathways.values():
            found[p.name] = pipeline.pathway(
                o.model, p.statements, p.prepost, f"{stem}_{identifier(p.name)}", False, frozenset()
            ).own
    else:
        step = pipeline.neuron_step(o.model, o.method, frozenset(), f"{stem}_step", True, False)
        found |= {"step": step.own, "shared step": step.shared}
        for event in o.event_names:
            name = "threshold" if event == "spike" else event
            found[name] = pipeline.neuron_step(
                o.model, o.method, frozenset(), f"{stem}_{name}", False, True, event=event
            ).own
        for e in o.model.events:
            if e.reset is not None:
                name = "reset" if e.name == "spike" else f"after {e.name}"
                found[name] = pipeline.reset(o.model, e.reset, f"{stem}_{identifier(name)}")
    return {name: k for name, k in found.items() if k is not None}
