"""Synapses: variables, pathways and connectivity between two groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EqsnnError, EquationError, UnitError
from eqsnn.integrators.names import check_method
from eqsnn.language.ast import Generator, Statements
from eqsnn.language.parse import parse, parse_expression, parse_generator, parse_statements
from eqsnn.model.model import Scope
from eqsnn.model.resolve import resolve_synapses, statement_scope
from eqsnn.network import connect as rules
from eqsnn.network.base import host_site
from eqsnn.network.clock import Clock
from eqsnn.network.equations import Equations, functions_used
from eqsnn.network.events import known_event
from eqsnn.network.group import NUMPY_TYPES, Group
from eqsnn.network.methods import method_of, native_name
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.network.variables import VariableInfo, VariableView
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of, second


@dataclass
class Pathway:
    """What happens when a neuron of one side emits ``event``: ``prepost`` 'pre' or 'post', after ``delay`` (seconds; one, or one a synapse)."""

    name: str
    prepost: str
    statements: Statements
    order: int
    delay: np.ndarray = field(default_factory=lambda: np.zeros(1))
    fixed_delay: bool = False
    event: str = "spike"


class Synapses(Group):
    """Synapses from ``source`` to ``target`` (default: the same group).

    ``model``: equations of the synapse; ``on_pre``/``on_post``: statements, or a dict of named pathways; ``on_event``: the event that
    triggers all pathways, or a dict of events by pathway ('spike' for the others); ``delay``: a time for all
    synapses (of the pathway 'pre'), or a dict by pathway; without it, set ``S.delay``. Connect with :meth:`connect`. ``dt`` or ``clock``
    (default: ``defaultclock``) is the step of clock-driven equations; pathways keep that of the group that spikes, summed variables that
    of the group into which they sum.
    """

    def __init__(
        self,
        source: SpikeSource,
        target: Group | None = None,
        model: str | Equations = "",
        *,
        on_pre: str | Mapping[str, str] | None = None,
        on_post: str | Mapping[str, str] | None = None,
        delay: Quantity | Mapping[str, Quantity] | None = None,
        on_event: str | Mapping[str, str] = "spike",
        method: str | None = None,
        method_options: Mapping[str, object] | None = None,
        namespace: Mapping[str, object] | None = None,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        order: int = 0,
        name: str = "synapses*",
    ):
        if not isinstance(source, SpikeSource):
            raise EqsnnError(f"the source of synapses must be a group that emits spikes; got {source!r}")
        self.source, self.target = source, target if target is not None else source
        if not isinstance(self.target, Group) or isinstance(self.target, Synapses):
            raise EqsnnError(f"the target of synapses must be a group of neurons; got {self.target!r}")
        super().__init__(name, clock=clock, dt=dt, when="synapses", order=order, namespace=namespace)
        ast = model.ast if isinstance(model, Equations) else parse(model)
        self.pathways = {
            p.name: p for side, given in (("pre", on_pre), ("post", on_post)) for p in _pathways(side, given)
        }
        self._set_events(on_event)
        chosen = method_of(method, method_options, ast)
        self.method, self.method_constants = chosen.name, dict(chosen.constants)
        statements = [p.statements for p in self.pathways.values()]
        functions = functions_used(ast, statements, spaces=self.spaces())
        self.model = resolve_synapses(
            ast,
            name=self.name,
            pre=source.expression_scope(),
            post=self.target.expression_scope(),
            functions=functions,
            statements=tuple(statements),
            one_group=getattr(self.target, "root", self.target) is source.root,
            hidden=chosen.variables,
        )
        check_method(native_name(method), self.name, next((v.span for v in self.model.of_kind("state")), None))
        self.unconnected = True
        self._pre_ends, self._pre_start = np.empty(0, np.uint16), None
        self._post_ends = np.empty(0, np.uint16)
        self.position: np.ndarray | None = None  # creation index -> internal index, or None where they are the same
        self.connectivity_version = 0
        self._make_variables()
        self._set_constructor_delays(delay)
        self._sealed = True

    # -- variables -------------------------------------------------------------------------------------------------------------

    def _make_variables(self) -> None:
        self.arrays, self.variables = {}, {}
        for v in self.model.variables:
            if v.held:
                self._add_array(v.name, v.dim, v.dtype, v.shared, "it is computed at the start of each step")
            elif v.kind == "subexpression":
                self._add(
                    v.name,
                    v.dim,
                    v.dtype,
                    self._subexpression_reader(v.name),
                    None,
                    "it is a subexpression of the equations",
                )
            else:
                self._add_array(v.name, v.dim, v.dtype, v.shared)
        if any(v.kind == "state" and "event-driven" in v.flags for v in self.model.variables):
            self._add_array("lastupdate", second.dim, "float", False, "it is set when the synapse is updated")
        self._add("i", DIMENSIONLESS, "integer", lambda k: self._index("i", k), None, "it is set by connect()")
        self._add("j", DIMENSIONLESS, "integer", lambda k: self._index("j", k), None, "it is set by connect()")
        for name, count in (
            ("N", lambda: len(self)),
            ("N_pre", lambda: len(self.source)),
            ("N_post", lambda: len(self.target)),
        ):
            reader = lambda k, count=count: np.array([count()])  # noqa: E731
            self._add(name, DIMENSIONLESS, "integer", reader, None, "it is fixed", shared=True)
        for name, side in (("N_outgoing", "i"), ("N_incoming", "j")):
            self._add(
                name,
                DIMENSIONLESS,
                "integer",
                lambda k, side=side: self._degree(side, k),
                None,
                "it is set by connect()",
            )
        first = next((p for p in self.pathways.values() if p.prepost == "pre"), None) or next(
            iter(self.pathways.values()), None
        )
        if first is not None:
            self.variables["delay"] = self._delay_info(first)

    def _add(self, name: str, dim: Dimension, dtype: str, read, write, why: str, shared: bool = False) -> None:
        self.variables[name] = VariableInfo(name, dim, dtype, shared, read, write, why)

    def _add_array(self, name: str, dim: Dimension, dtype: str, shared: bool, why: str = "") -> None:
        self.arrays[name] = np.zeros(1 if shared else 0, NUMPY_TYPES[dtype])

        def read(index):
            values = self.arrays[name] if shared else self.arrays[name][self._internal(index)]
            return values.astype(bool) if dtype == "boolean" else values.copy()

        def write(index, values):
            self.arrays[name][slice(None) if shared else self._internal(index)] = values

        self._add(name, dim, dtype, read, None if why else write, why, shared)

    def _internal(self, index: np.ndarray | None):
        if self.position is None:
            return slice(None) if index is None else index
        return self.position if index is None else self.position[index]

    def _index(self, side: str, k: np.ndarray | None) -> np.ndarray:
        ends, first = (self.sources, self.source.start) if side == "i" else (self.targets, _start(self.target))
        return (ends if k is None else ends[k]).astype(np.int64) - first

    def _degree(self, side: str, k: np.ndarray | None) -> np.ndarray:
        index = self._index(side, None)
        counts = np.bincount(index, minlength=1)
        return counts[index if k is None else index[k]]

    def _subexpression_reader(self, name: str):
        return lambda index: self.evaluate_text(name, index, f"subexpression '{name}'", None)

    def _delay_info(self, pathway: Pathway) -> VariableInfo:
        def read(index):
            values = np.broadcast_to(pathway.delay, len(self)) if pathway.delay.size == 1 else pathway.delay
            return values.copy() if index is None else values[index]

        def write(index, values):
            if pathway.fixed_delay and (index is not None or np.ptp(values) > 0):
                raise EqsnnError(
                    f"{self.name} was made with one delay for all synapses; leave delay= out to set it for each"
                )
            if np.any(~(np.asarray(values) >= 0)):
                raise EqsnnError(f"a delay cannot be negative; got {np.min(values):g} s")
            if index is None:
                values = np.broadcast_to(values, max(len(self), 1)).astype(np.float64)
                pathway.delay = values[:1].copy() if len(values) == 0 or np.ptp(values) == 0 else values.copy()
            else:
                full = np.broadcast_to(pathway.delay, len(self)).copy()
                full[index] = values
                pathway.delay = full
            self.connectivity_version += 1

        return VariableInfo("delay", second.dim, "float", False, read, write)

    def _set_events(self, on_event) -> None:
        by_pathway = on_event if isinstance(on_event, Mapping) else dict.fromkeys(self.pathways, on_event)
        for name, event in by_pathway.items():
            if name not in self.pathways:
                known = ", ".join(self.pathways) or "none"
                raise EqsnnError(
                    f"{self.name}: on_event names the pathway '{name}', which does not exist; it has {known}"
                )
            self.pathways[name].event = event
        for p in self.pathways.values():
            side = self.source if p.prepost == "pre" else self.target
            known_event(side, p.event, f"'{self.name}' waits for", f" (on_{p.prepost})")

    def _set_constructor_delays(self, delay) -> None:
        if delay is None:
            return
        if not isinstance(delay, Mapping):
            if "pre" not in self.pathways:
                raise EqsnnError(
                    f"{self.name}: delay= is that of the pathway 'pre', and there is no on_pre; use delay={{'post': ...}}"
                )
            delay = {"pre": delay}
        for name, value in delay.items():
            if name not in self.pathways:
                raise EqsnnError(f"{self.name} has no pathway '{name}'; it has {', '.join(self.pathways) or 'none'}")
            if dimensions_of(value) != second.dim or np.ndim(value):
                raise UnitError(f"{self.name}: delay must be one time such as 2*ms; got {value!r}")
            if not float(value / second) >= 0:
                raise EqsnnError(f"{self.name}: a delay cannot be negative; got {value!s}")
            self.pathways[name].delay = np.array([float(value / second)])
            self.pathways[name].fixed_delay = True

    def __getattr__(self, name: str):
        pathways = self.__dict__.get("pathways", {})
        if name in pathways:
            return PathwayView(self, pathways[name])
        if name in ("pre", "post") and "pathways" in self.__dict__:
            raise AttributeError(f"{self.name} has no pathway '{name}'; it has {', '.join(pathways) or 'none'}")
        return super().__getattr__(name)

    def pathway(self, name: str) -> PathwayView:
        """The pathway called ``name``, to read and set its ``delay``."""
        if name not in self.pathways:
            raise EqsnnError(f"{self.name} has no pathway '{name}'; it has {', '.join(self.pathways) or 'none'}")
        return PathwayView(self, self.pathways[name])

    # -- connectivity --------------------------------------------------------------------------------------------------------

    def connect(self, condition=None, i=None, j=None, p=1.0, n: int = 1, skip_if_invalid: bool = False) -> None:
        """Create synapses.

        ``condition``: a string over ``i``, ``j``, variables ``x_pre``, ``y_post`` and constants (or
        True: all pairs), each pair with probability ``p``; or ``i=`` and ``j=``: integers or arrays of
        one length; or one of them a string: ``j='i'``, ``j='k for k in range(i-3, i+4) if k != i'``.
        ``n``: synapses per pair. Indices outside the groups raise, unless ``skip_if_invalid``.
        """
        pre, post = self._pairs(condition, i, j, p)
        pre, post = self._valid(np.asarray(pre, np.int64), np.asarray(post, np.int64), skip_if_invalid)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise EqsnnError(f"connect(): n must be an integer, the number of synapses per pair; got {n!r}")
        if n != 1:
            pre, post = np.repeat(pre, n), np.repeat(post, n)
        self._extend(pre, post)
        self.unconnected = False

    def _pairs(self, condition, i, j, p):
        builder = self._builder()
        if condition is not None and (i is not None or j is not None):
            raise EqsnnError("connect(): give a condition, or i= and j=, not both")
        probability = parse_expression(p if isinstance(p, str) else _number_text(p), "p")
        certain = rules.is_one(probability)
        if i is None and j is None:
            if condition is None or condition is True:
                parsed = None
            elif isinstance(condition, str):
                parsed = parse_expression(condition, "condition")
            else:
                raise EqsnnError(f"connect(): the condition must be a string or True; got {condition!r}")
            return rules.by_condition(builder, parsed, None if certain else probability)
        if isinstance(i, str) or isinstance(j, str):
            if i is not None and j is not None:
                raise EqsnnError(
                    "connect(): with a string for one of i and j, leave the other out: it takes all values"
                )
            given, text = ("j", j) if j is not None else ("i", i)
            parsed = parse_generator(text, f"{given}=")
            rule = rules.by_generator if isinstance(parsed, Generator) else None
            pairs = rule(builder, parsed, given) if rule else rules.one_to_one(builder, parsed, given, None)
        elif i is None or j is None:
            raise EqsnnError("connect(): give both i= and j= as indices (of one length, or one of them a single index)")
        else:
            pairs = _index_pairs(i, j)
        if certain:
            return pairs
        pre, post = (np.asarray(x, np.int64) for x in pairs)
        chance = builder.evaluate(probability, pre, post, DIMENSIONLESS, {}, "p")
        keep = (
            rules.uniform(rules.key_of(*builder.site, "pairs"), np.arange(len(pre), dtype=np.uint64), np.uint64(0))
            < chance
        )
        return pre[keep], post[keep]

    def _builder(self) -> rules.Builder:
        def values(owner: str, variable: str, i: np.ndarray, j: np.ndarray):
            if owner == "index":
                fixed = {"N_pre": len(self.source), "N_post": len(self.target), "N": len(self)}
                return fixed[variable] if variable in fixed else {"i": i, "j": j}[variable]
            if owner == "clock":
                return {"t": self.time(), "dt": self.clock.dt_}[variable]
            if owner == "pre":
                return self.source.host_values("self", variable, i)
            if owner == "post":
                return self.target.host_values("self", variable, j)
            raise EquationError(f"'{variable}' is a variable of the synapses, which do not exist before connect()")

        return rules.Builder(
            len(self.source), len(self.target), statement_scope(self.model), values, self.spaces(), host_site()
        )

    def _valid(self, pre: np.ndarray, post: np.ndarray, skip: bool) -> tuple[np.ndarray, np.ndarray]:
        ok = (pre >= 0) & (pre < len(self.source)) & (post >= 0) & (post < len(self.target))
        if np.all(ok):
            return pre, post
        if skip:
            return pre[ok], post[ok]
        bad = int(np.flatnonzero(~ok)[0])
        raise EqsnnError(
            f"connect(): the pair i={pre[bad]}, j={post[bad]} does not exist; {self.source.name} has {len(self.source)} and "
            f"{self.target.name} has {len(self.target)} elements (skip_if_invalid=True leaves such pairs out)"
        )

    @property
    def sources(self) -> np.ndarray:
        """The source neuron of each synapse, counted in the whole source group."""
        if self._pre_start is None:
            return self._pre_ends
        return np.repeat(np.arange(len(self._pre_start) - 1, dtype=np.int32), np.diff(self._pre_start))

    @property
    def targets(self) -> np.ndarray:
        """The target neuron of each synapse, counted in the whole target group."""
        return self._post_ends

    def _extend(self, pre: np.ndarray, post: np.ndarray) -> None:
        new = len(pre)
        old = len(self)
        all_pre = np.concatenate([self.sources, pre + self.source.start])
        n_pre = len(self.source.root)
        if np.all(all_pre[1:] >= all_pre[:-1]):
            self._pre_ends, self._pre_start = None, np.searchsorted(all_pre, np.arange(n_pre + 1))
        else:
            self._pre_ends, self._pre_start = all_pre.astype(_narrowest(n_pre)), None
        n_post = len(getattr(self.target, "root", self.target))
        self._post_ends = np.concatenate([self._post_ends, post + _start(self.target)]).astype(_narrowest(n_post))
        shared = {v.name for v in self.model.variables if v.shared}
        for name, array in self.arrays.items():
            if name not in shared:
                self.arrays[name] = np.concatenate([array, np.zeros(new, array.dtype)])
        for pathway in self.pathways.values():
            if pathway.delay.size > 1 or (
                old and pathway.delay.size == 1 and pathway.delay[0] != 0 and not pathway.fixed_delay
            ):
                previous = np.broadcast_to(pathway.delay, old)
                pathway.delay = np.concatenate([previous, np.zeros(new)])
        if self.position is not None:
            self.position = np.concatenate([self.position, np.arange(old, old + new)])
        self.connectivity_version += 1

    def _replace(self, i: np.ndarray, j: np.ndarray) -> None:
        """Have exactly these synapses, all variables zero and no delays; for bringing back a state that was stored."""
        shared = {v.name for v in self.model.variables if v.shared}
        self._pre_ends, self._pre_start, self._post_ends, self.position = (
            np.empty(0, np.uint16),
            None,
            np.empty(0, np.uint16),
            None,
        )
        self.arrays.update({n: np.zeros(0, a.dtype) for n, a in self.arrays.items() if n not in shared})
        for pathway in self.pathways.values():
            pathway.delay = np.zeros(1)
        self._extend(i, j)

    # -- elements ------------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._post_ends)

    def indices_of(self, item):
        """As for groups; ``S.w[i, j]`` selects by source and target index (integers, slices, arrays)."""
        if isinstance(item, SynapseSelection):
            if item.synapses is not self:
                raise IndexError(f"{item!r} are not synapses of {self.name}")
            return item.numbers
        if isinstance(item, tuple):
            if len(item) != 2:
                raise IndexError(
                    f"{self.name} is indexed by a synapse number, by [i, j], or by a condition in a string"
                )
            keep = np.ones(len(self), bool)
            for side, chosen, n in (("i", item[0], len(self.source)), ("j", item[1], len(self.target))):
                mask = np.zeros(n, bool)
                mask[chosen] = True
                keep &= mask[self._index(side, None)]
            return np.flatnonzero(keep)
        return super().indices_of(item)

    def __getitem__(self, item) -> SynapseSelection:
        """Some of the synapses, such as ``S[0, :]`` or ``S['w > 1']``, to be recorded or to index variables and monitors with."""
        return SynapseSelection(self, np.atleast_1d(self.indices_of(item)))

    def expression_scope(self) -> Scope:
        return statement_scope(self.model)

    def host_values(self, owner: str, variable: str, index: np.ndarray | None):
        if owner == "index":
            if variable in ("N", "N_pre", "N_post"):
                return {"N": len(self), "N_pre": len(self.source), "N_post": len(self.target)}[variable]
            if variable in ("N_outgoing", "N_incoming"):
                return self._degree("i" if variable == "N_outgoing" else "j", index)
            return self._index(variable, index)
        if owner == "clock":
            return {"t": self.time(), "dt": self.clock.dt_}[variable]
        if owner == "pre":
            return self.source.host_values("self", variable, self._index("i", index))
        if owner == "post":
            return self.target.host_values("self", variable, self._index("j", index))
        array = self.arrays[variable]
        if self.variables[variable].shared:
            return array
        return array[self._internal(index)]

    def time(self) -> float:
        """The time in seconds up to which the synapses have run."""
        return self.__dict__.get("_time", 0.0)

    def __repr__(self) -> str:
        return f"<Synapses {self.name!r}: {len(self)} synapses from {self.source.name!r} to {self.target.name!r}>"

    def _repr_latex_(self) -> str:
        from eqsnn.network.describe import equations_latex

        return f"${equations_latex(self)}$"

    def _repr_html_(self) -> str:
        from eqsnn.network.describe import html

        return html(self)


class SynapseSelection:
    """Some synapses, by number: ``S.w[S[0, :]]``, ``StateMonitor(S, 'w', record=S[0, :])``."""

    def __init__(self, synapses: Synapses, numbers: np.ndarray):
        self.synapses, self.numbers = synapses, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self):
        return iter(self.numbers.tolist())

    def __repr__(self) -> str:
        return f"<{len(self)} synapses of {self.synapses.name!r}>"


class PathwayView:
    """One pathway of synapses from Python: its ``delay``."""

    def __init__(self, synapses: Synapses, pathway: Pathway):
        object.__setattr__(self, "_synapses", synapses)
        object.__setattr__(self, "_pathway", pathway)

    @property
    def delay(self) -> VariableView:
        """The delay of each synapse on this pathway (a time)."""
        return VariableView(self._synapses, self._synapses._delay_info(self._pathway))

    def __setattr__(self, name: str, value) -> None:
        if name != "delay":
            raise AttributeError(f"a pathway has nothing to set but its delay; got '{name}'")
        if isinstance(value, VariableView) and value.group is self._synapses and value.info.name == "delay":
            return  # S.pre.delay += x has already written in place
        self.delay[:] = value

    def __repr__(self) -> str:
        side = "source" if self._pathway.prepost == "pre" else "target"
        text = "; ".join(str(self._pathway.statements).splitlines())
        return f"<pathway {self._pathway.name!r} of {self._synapses.name!r}: at spikes of the {side}, {text}>"


def _narrowest(n: int) -> type:
    """The smallest type for indices below ``n``: connectivity is most of a network's memory."""
    return np.uint16 if n <= 1 << 16 else np.int32


def _start(group) -> int:
    return getattr(group, "start", 0)


def _pathways(side: str, given) -> list[Pathway]:
    if given is None:
        return []
    named = dict(given) if isinstance(given, Mapping) else {side: given}
    order = -1 if side == "pre" else 1
    result = []
    for name, text in named.items():
        if not isinstance(text, str):
            raise EquationError(f"on_{side} must be a string of statements; got {text!r}")
        result.append(Pathway(name, side, parse_statements(text, f"on_{side}"), order))
    return result


def _number_text(p: object) -> str:
    if isinstance(p, bool) or dimensions_of(p) != DIMENSIONLESS or np.ndim(p) or np.asarray(p).dtype.kind not in "fiu":
        raise EqsnnError(f"connect(): the probability p must be a number or a string; got {p!r}")
    if not 0 <= float(p) <= 1:
        raise EqsnnError(f"connect(): the probability p is {float(p):g}; a probability lies between 0 and 1")
    return repr(float(p))


def _index_pairs(i, j) -> tuple[np.ndarray, np.ndarray]:
    for name, x in (("i", i), ("j", j)):
        if isinstance(x, Group):
            raise EqsnnError(f"connect(): {name} must be integers; got {x!r}")
    arrays = [np.asarray(x) for x in (i, j)]
    for name, array in zip("ij", arrays):
        if array.dtype.kind not in "iu" and array.size:
            raise EqsnnError(f"connect(): {name} must be integers; got {array.dtype}")
    try:
        pre, post = np.broadcast_arrays(*(a.ravel() for a in arrays))
    except ValueError:
        raise EqsnnError(f"connect(): i has {arrays[0].size} and j has {arrays[1].size} indices") from None
    return pre.astype(np.int64), post.astype(np.int64)
