"""The traces of online learning (kernel/traces.py) as C: one loop over the steps of a window, beside a learner whose arrays it reads.

``eq_traces`` takes an array of addresses and one of sizes, in the order of ``places``. Traces of synapses lie [block][sample][source][target], so
that a kernel goes along the targets and samples that are not there cost nothing; all others [block][neuron][sample].
"""

from __future__ import annotations

import ctypes

from eqsnn.backends import cache, compiler
from eqsnn.backends.c.build import EXPORT
from eqsnn.backends.learner import _OPTIONS, Places, _load, _used, beside, lanes, sample_numbers
from eqsnn.backends.render import traces_text, traces_version
from eqsnn.errors import CompileError
from eqsnn.kernel.ir import Kernel, identifier
from eqsnn.kernel.learner import Learner
from eqsnn.kernel.traces import Family, Rule


def places(rule: Rule, learner: Learner) -> Places:
    """Arrays: those of the learner that are read, by its keys; of each layer derivatives ('local', k, name), their copies by sample ('turned', k,
    name) and learning signals ('learning', k, output) with copies ('turned', k, 'learning_'...), errors ('error', k, input); of each family traces
    ('trace', m, name), rows ('row', m, name) and the gradient ('sum', m); feedback ('matrix', k, output); ('signal',) of a projection."""
    keys: list[tuple] = [("in_bits",), ("in_values",), ("readout",), ("signal",), ("scratch",)]
    for k, (layer, local) in enumerate(zip(learner.layers, rule.local)):
        keys += [("bits", k)] + [("tape", k, v) for v in layer.taped] + [("parameter", k, v) for v in layer.parameters]
        keys += [("sent", k, v) for v in layer.sent] + [("table", k, v) for v in layer.tables] + [("numbers", k)]
        keys += [(kind, k, v) for v in local.entries for kind in ("local", "turned")]
        keys += [("learning", k, o) for o in local.outputs] + [("turned", k, f"learning_{o}") for o in local.outputs]
        keys += [("error", k, v) for v in layer.inputs] if local.errors is not None else []
    for m, f in enumerate(rule.families):
        keys += [("sum", m)] + [("trace", m, v) for v in f.traces]
        keys += [] if f.rows is None else [("row", m, b.variable) for b in f.rows.buffers if b.writable]
    keys += [("matrix", f.layer, f.output) for f in rule.feedback]
    keys += [("weights", n) for n, p in enumerate(learner.projections) if not p.linked] if rule.spatial else []
    keys = list(dict.fromkeys(keys))
    sizes: list[tuple] = [("steps",), ("history",), ("before",), ("samples",), ("n_in",), ("scratch",)]
    sizes += [("n", k) for k in range(len(learner.layers))] + [("behind", k) for k in range(len(learner.layers))]
    sizes += [("lag", n) for n in range(len(learner.projections))] + [("key", k) for k in range(len(learner.layers))]
    return Places({key: n for n, key in enumerate(keys)}, {key: n for n, key in enumerate(sizes)})


class _Writer:
    def __init__(self, rule: Rule, learner: Learner):
        self.rule, self.learner, self.places = rule, learner, places(rule, learner)
        self.real = "float" if rule.single else "double"

    def at(self, *key) -> int:
        return self.places.arrays[key]

    def parts(self) -> dict:
        readout = self.learner.readout
        return dict(
            real=self.real,
            lanes=lanes(self.rule.single),
            export=EXPORT,
            size=self.places.sizes,
            array=self.places.arrays,
            layers=[self._layer(k) for k in range(len(self.rule.local))],
            families=[self._family(m, f) for m, f in enumerate(self.rule.families)],
            readout_layer=readout.layer,
            readout_output=identifier(readout.variable),
            feedback=[
                dict(layer=k, output=identifier(o), matrix=self.at("matrix", k, o))
                for k, o in dict.fromkeys((f.layer, f.output) for f in self.rule.feedback)
            ],
        )

    # -- a layer ----------------------------------------------------------------------------------------------------------------

    def _layer(self, k: int) -> dict:
        layer, local = self.learner.layers[k], self.rule.local[k]
        return dict(
            number=k,
            owner=layer.name.replace("*/", ""),
            behind=self.places.sizes["behind", k],
            bits=self.at("bits", k),
            tapes=[(identifier(v), self.at("tape", k, v)) for v in layer.taped],
            sent=[(identifier(v), self.at("sent", k, v)) for v in layer.sent],
            entries=[(identifier(v), self.at("local", k, v), self.at("turned", k, v)) for v in local.entries],
            outputs=[
                (identifier(o), self.at("learning", k, o), self.at("turned", k, f"learning_{o}")) for o in local.outputs
            ],
            local=self._local(k),
            errors=self._kernel(local.errors, lambda v: self._of_layer(k, v)),
            error_places=[(identifier(v), self.at("error", k, v)) for v in layer.inputs] if local.errors else [],
            leads=self._leads(k) if local.errors is not None else [],
        )

    def _local(self, k: int) -> dict | None:
        layer, kernel = self.learner.layers[k], self.rule.local[k].kernel
        found = self._kernel(kernel, lambda v: self._of_step(k, v), dict.fromkeys(layer.parameters, "n"))
        if found is not None:
            arguments, call = beside(kernel, k, layer, self.places)
            found |= dict(
                arguments=arguments + found["arguments"],
                call=call + found["call"],
                lines=(*sample_numbers(kernel), *found["lines"]),
            )
        return found

    def _of_step(self, k: int, variable: str) -> str:
        """What the local kernel of a layer reads and leaves."""
        layer = self.learner.layers[k]
        if variable in layer.parameters:
            return f"(const EQ_REAL *)at[{self.at('parameter', k, variable)}]"
        if variable in self.rule.local[k].entries:
            return f"d{k}_{identifier(variable)} + (now % ring{k}) * n{k} * EQ_LANES"
        return f"tape{k}_{identifier(variable)} + t * n{k} * EQ_LANES"

    def _of_layer(self, k: int, variable: str) -> str:
        """An array [neuron][sample] of a layer, as the step that is dealt with has left it."""
        if variable.startswith("learning_"):
            return f"learning{k}_{identifier(variable.removeprefix('learning_'))}"
        if variable.startswith("error_"):
            return f"error{k}_{identifier(variable.removeprefix('error_'))}"
        if variable.startswith("read_"):
            r = self.learner.readout.layer
            return f"d{r}_{identifier(variable.removeprefix('read_'))} + (now % ring{r}) * n{r} * EQ_LANES"
        return f"d{k}_{identifier(variable)} + ((now - behind{k}) % ring{k}) * n{k} * EQ_LANES"

    def _leads(self, k: int) -> list[dict]:
        """The projections by which errors leave a layer within the step."""
        found = []
        for n, p in enumerate(self.learner.projections):
            if p.target == k and p.source >= 0 and (p.signal or "spike") in self.rule.local[p.source].outputs:
                output = identifier(p.signal or "spike")
                found.append(
                    dict(
                        lag=self.places.sizes["lag", n],
                        linked=p.linked,
                        weights=None if p.linked else self.at("weights", n),
                        error=f"error{k}_{identifier(p.variable)}",
                        into=f"learning{p.source}_{output}",
                        source=p.source,
                    )
                )
        return found

    # -- a family ---------------------------------------------------------------------------------------------------------------

    def _family(self, m: int, f: Family) -> dict:
        signal = self._signal(f) if f.kind != "neurons" else None
        one = {"pairs": "[j]", "sources": "[i]", "neurons": "[i]"}[f.kind]
        return dict(
            number=m,
            kind=f.kind,
            layer=f.layer,
            sum=self.at("sum", m),
            traces=[(identifier(v), self.at("trace", m, v)) for v in f.traces],
            kernel=self._kernel(f.kernel, lambda v: self._argument(m, f, v), self._places_of(f), one),
            rows=self._kernel(
                f.rows, lambda v: self._of_row(m, f, v), {b.variable: "0" for b in self._read_only(f.rows)}
            ),
            row_places=[(identifier(b.variable), self.at("row", m, b.variable)) for b in f.rows.buffers if b.writable]
            if f.rows is not None
            else [],
            products=self._products(m, f),
            turned=self._turned(f),
            signal=signal,
        )

    @staticmethod
    def _read_only(kernel: Kernel | None):
        return [b for b in kernel.buffers if b.variable.startswith("read_")] if kernel is not None else []

    def _turned(self, f: Family) -> list[tuple[str, str]]:
        """What a kernel over pairs reads of its targets, as it lies and where it is turned to."""
        if f.kind != "pairs":
            return []
        names = [b.variable for b in _used(f.kernel) if b.variable.startswith(("d_", "learning_"))]
        return [
            (
                self._of_layer(f.layer, v),
                f"(EQ_REAL *)at[{self.at('turned', f.layer, v)}] + block * EQ_LANES * EQ_PADDED(n{f.layer})",
            )
            for v in names
        ]

    def _places_of(self, f: Family) -> dict[str, str]:
        """Where a kernel finds what is not one a pair, source or neuron."""
        found = {b.variable: "0" for b in self._read_only(f.kernel)}
        if f.kind == "sources" and f.kernel is not None:
            found |= {b.variable: "0" for b in f.kernel.buffers if b.variable.startswith("d_")}
        if f.kind == "pairs":
            found["signal"] = "0"
        return found

    def _argument(self, m: int, f: Family, variable: str) -> str:
        if f.kind == "pairs":
            if variable == "gradient":
                return "sum + i * padded"
            if variable == "signal":
                return "signal + i * EQ_LANES + s"
            if variable in f.traces:
                return f"trace{m}_{identifier(variable)} + (s * n_source + i) * padded"
            if variable.startswith("read_"):
                return self._of_layer(f.layer, variable)
            return f"(EQ_REAL *)at[{self.at('turned', f.layer, variable)}] + (block * EQ_LANES + s) * padded"
        if variable == "gradient":
            return f"(EQ_REAL *)at[{self.at('sum', m)}] + block * n{f.layer} * EQ_LANES"
        if variable in f.traces:
            return f"trace{m}_{identifier(variable)}"
        return "signal" if variable == "signal" and f.kind == "sources" else self._of_layer(f.layer, variable)

    def _of_row(self, m: int, f: Family, variable: str) -> str:
        return f"row{m}_{identifier(variable)}" if variable.startswith("row_") else self._of_layer(f.layer, variable)

    def _products(self, m: int, f: Family) -> list[tuple[str, str]]:
        """What is multiplied to a gradient of all pairs: of the source, of the target."""
        if f.rows is None:
            return []
        rows = [b.variable for b in f.rows.buffers if b.writable]
        pairs = [(f"trace{m}_{identifier(t)}", f"row{m}_row_{identifier(t)}") for t in f.traces if f"row_{t}" in rows]
        return pairs + ([("signal", f"row{m}_row_signal")] if "row_signal" in rows else [])

    def _signal(self, f: Family) -> dict:
        p = self.learner.projections[f.projection]
        presented = p.source < 0
        back = f"(t - behind{f.layer} - lag{f.projection})"
        n_source = "n_in" if presented else f"n{p.source}"
        return dict(
            n_source=n_source,
            guard="1" if p.signal else f"now >= behind{f.layer} + lag{f.projection}",
            bits=None if p.signal else f"{'in_bits' if presented else f'bits{p.source}'} + {back} * {n_source}",
            worth=f"(in_values ? in_values + {back} * n_in * EQ_LANES : NULL)" if p.graded else "NULL",
            carried=f"sent{p.source}_{identifier(p.signal)} + {back} * {n_source} * EQ_LANES" if p.signal else None,
        )

    # -- kernels ----------------------------------------------------------------------------------------------------------------

    def _kernel(
        self, kernel: Kernel | None, where, place: dict[str, str] | None = None, one: str = "[i]"
    ) -> dict | None:
        """The text of a kernel as the body of a loop, its parameters and the arguments with which it is called."""
        if kernel is None:
            return None
        from eqsnn.backends.printer import lines_of

        index = one[1:-1]
        given = place or {}
        lines = lines_of(kernel, {b.name: given.get(b.variable, index) for b in kernel.buffers if b.owner != "table"})
        used = [b for b in _used(kernel) if b.owner != "table"]
        return dict(
            lines=lines,
            arguments=[f"{'' if b.writable else 'const '}{self.real} *EQ_RESTRICT b_{b.name}" for b in used],
            call=[where(b.variable) for b in used],
        )


def source_of(rule: Rule, learner: Learner) -> str:
    """The C file of a rule."""
    return traces_text(_Writer(rule, learner).parts())


def build(rule: Rule, learner: Learner) -> ctypes.CDLL:
    """The compiled rule, from the cache if it was made before. Raises CompileError."""
    key = cache.key_of("traces", traces_version(), repr(rule), repr(learner), compiler.compiler().identity(), *_OPTIONS)
    path = cache.find(key, ".so")
    if path is None:
        try:
            path = compiler.start(
                "traces.c", source_of(rule, learner), suffix=".so", options=_OPTIONS, key=key
            ).finish()
        except compiler.BuildFailure as failure:
            owners = ", ".join(layer.name for layer in learner.layers)
            raise CompileError(f"the traces of {owners} did not compile.\n{failure}") from None
    library = _load(str(path))
    library.eq_traces.restype = ctypes.c_int64
    library.eq_traces.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    return library
