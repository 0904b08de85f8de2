"""Synapses: variables, pathways and connectivity between two groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eqsnn.errors import EqsnnError, NotConnectedError, WrongTypeError, WrongValueError
from eqsnn.integrators.names import check_method
from eqsnn.language.ast import Equations as EquationsAst
from eqsnn.language.parse import parse
from eqsnn.model.model import Scope
from eqsnn.model.resolve import resolve_synapses, statement_scope
from eqsnn.network import connection, in_parts
from eqsnn.network import procedural as making
from eqsnn.network.arrangement import Order, See
from eqsnn.network.base import registry
from eqsnn.network.clock import Clock
from eqsnn.network.equations import Equations, functions_used
from eqsnn.network.events import known_event
from eqsnn.network.group import NUMPY_TYPES, Group, clock_variables, own_array
from eqsnn.network.heap import MANY, give_back
from eqsnn.network.methods import method_of, native_name
from eqsnn.network.neurongroup import SpikeSource
from eqsnn.network.pathway import (
    PathwayView,
    delay_info,
    known_pathway,
    main_pathway,
    pathways,
    set_constructor_delays,
)
from eqsnn.network.row_rules import RowRule
from eqsnn.network.rowpairs import RowPairs, counts_of
from eqsnn.network.storage import fitting, readable, storage_types
from eqsnn.network.synapse_index import Ends, SynapticSubgroup, chosen, numbers_within_pairs, sparse_matrix
from eqsnn.network.synaptic_storage import SynapticArrays
from eqsnn.network.uninterrupted import uninterrupted
from eqsnn.network.variables import VariableInfo, VariableView
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, second


class Synapses(Group):
    """Synapses from ``source`` to ``target`` (default: the same group); either may be ``Synapses`` themselves, connected before.

    ``model``: equations of the synapse; ``on_pre``/``on_post``: statements, or a dict of named pathways; ``on_event``: the event that
    triggers all pathways, or a dict of events by pathway ('spike' for the others); ``delay``: a time for all
    synapses (of the pathway 'pre'), or a dict by pathway; without it, set ``S.delay``. Connect with :meth:`connect`. ``dt`` or ``clock``
    (default: ``defaultclock``) is the step of clock-driven equations; pathways keep that of the group that spikes, summed variables that
    of the group into which they sum. ``multisynaptic_index``: the name of a variable that numbers the synapses of each pair.
    ``order``: the rank of clock-driven equations within their slot; that of a pathway is ``S.pre.order``.
    """

    def __init__(
        self,
        source: SpikeSource | Synapses,
        target: Group | None = None,
        model: str | Equations = "",
        *,
        on_pre: str | Mapping[str, str] | None = None,
        on_post: str | Mapping[str, str] | None = None,
        delay: Quantity | Mapping[str, Quantity] | None = None,
        on_event: str | Mapping[str, str] = "spike",
        multisynaptic_index: str | None = None,
        method: str | Sequence[str] | None = None,
        method_options: Mapping[str, object] | None = None,
        namespace: Mapping[str, object] | None = None,
        dtype=None,
        dt: Quantity | None = None,
        clock: Clock | None = None,
        order: int = 0,
        name: str = "synapses*",
    ):
        self.source, self.target = source, target if target is not None else source
        _check_ends(self.source, self.target, on_pre, on_post)
        super().__init__(name, clock=clock, dt=dt, when="synapses", order=order, namespace=namespace)
        self.multisynaptic_index = multisynaptic_index
        ast = _with_number(model.ast if isinstance(model, Equations) else parse(model), multisynaptic_index)
        self.pathways = {
            p.name: p for side, given in (("pre", on_pre), ("post", on_post)) for p in pathways(side, given)
        }
        self._equations = Equations(ast)
        self._set_events(on_event)
        integration = method_of(method, method_options, ast)
        self.method, self.method_constants = integration.name, dict(integration.constants)
        statements = [p.statements for p in self.pathways.values()]
        self.model = resolve_synapses(
            ast,
            name=self.name,
            pre=source.expression_scope(),
            post=self.target.expression_scope(),
            functions=functions_used(ast, statements, spaces=self.spaces()),
            statements=tuple(statements),
            one_group=_root(self.target) is _root(source),
            delayed=main_pathway(self.pathways) is not None,
            hidden=integration.variables,
        )
        self._types = storage_types(self.model, dtype, self.name)
        check_method(native_name(method), self.name, next((v.span for v in self.model.of_kind("state")), None))
        self.ends = Ends()
        self.connectivity_version = 0
        self.unconnected = True
        set_constructor_delays(self, delay)
        self._make_variables()
        self._check_names_of_pathways()
        self._sealed = True

    @property
    def equations(self) -> Equations:
        """The equations of the synapses."""
        return self._equations

    @property
    def events(self) -> dict[str, str]:
        """The event that each pathway waits for, by the pathway's name."""
        return {p.name: p.event for p in self.pathways.values()}

    def _set_events(self, on_event) -> None:
        by_pathway = on_event if isinstance(on_event, Mapping) else dict.fromkeys(self.pathways, on_event)
        for name, event in by_pathway.items():
            if name not in self.pathways:
                known = ", ".join(self.pathways) or "none"
                raise WrongValueError(
                    f"{self.name}: on_event names the pathway '{name}', which does not exist; it has {known}"
                )
            self.pathways[name].event = event
        for p in self.pathways.values():
            side = self.source if p.prepost == "pre" else self.target
            known_event(side, p.event, f"'{self.name}' waits for", f" (on_{p.prepost})")

    # -- variables -------------------------------------------------------------------------------------------------------------

    def _make_variables(self) -> None:
        self.arrays, self.variables, self.links = SynapticArrays(self), {}, {}
        for v in self.model.variables:
            if v.linked:
                self._add_linked(v.name, v.dim, v.dtype)
            elif v.name == self.multisynaptic_index:
                self._add_array(v.name, v.dim, v.dtype, False, "it numbers the synapses of each pair")
            elif v.held:
                self._add_array(v.name, v.dim, v.dtype, v.shared, "it is computed at the start of each step")
            elif v.kind == "subexpression":
                reader = self._subexpression_reader(v.name, v.shared)
                self._add(v.name, v.dim, v.dtype, reader, None, "it is a subexpression of the equations", v.shared)
            else:
                self._add_array(v.name, v.dim, v.dtype, v.shared)
        if any(v.kind == "state" and "event-driven" in v.flags for v in self.model.variables):
            self._add_array("lastupdate", second.dim, "float", False, "it is set when the synapse is updated")
        self._add_index("i", lambda k: self.index_of("i", k))
        self._add_index("j", lambda k: self.index_of("j", k))
        self._add_index("N", lambda k: np.array([len(self)]), shared=True)
        self._add_index("N_pre", lambda k: np.array([len(self.source)]), shared=True)
        self._add_index("N_post", lambda k: np.array([len(self.target)]), shared=True)
        self.variables |= clock_variables(self)
        self._add_index("N_outgoing", lambda k: self._degree("i", k))
        self._add_index("N_incoming", lambda k: self._degree("j", k))
        self._main = main_pathway(self.pathways)
        if self._main is not None:
            self.variables["delay"] = delay_info(self, self._main)

    def _add_index(self, name: str, read, shared: bool = False) -> None:
        self._add(name, DIMENSIONLESS, "integer", read, None, "it is set by connect()", shared)

    def _add(self, name: str, dim: Dimension, dtype: str, read, write, why: str, shared: bool = False) -> None:
        self.variables[name] = VariableInfo(name, dim, dtype, shared, read, write, why)

    def _add_array(self, name: str, dim: Dimension, dtype: str, shared: bool, why: str = "") -> None:
        self.arrays[name] = np.zeros(1 if shared else 0, self._types.get(name, NUMPY_TYPES[dtype]))

        def read(index):
            if self.ends.made is not None and not shared:
                values = self.ends.made.read(name, index)
            else:
                values = self.arrays[name] if shared else self.arrays.read(name, index)
            return values.astype(bool) if dtype == "boolean" else readable(values)

        def write(index, values):
            if not shared:
                self.must_exist(name)
            if self.ends.made is not None and not shared:
                self.ends.made.set(name, index, values)
                return
            array = own_array(self.arrays, name)
            array[slice(None) if shared else self._internal(index)] = fitting(values, array.dtype, name, self.name)

        self._add(name, dim, dtype, read, None if why else write, why, shared)

    def must_exist(self, name: str) -> None:
        """Refuse to set what synapses have before there are any: the values would be lost."""
        if self.unconnected:
            raise NotConnectedError(f"'{name}' of {self.name} is set before there are synapses; call connect() first")

    def _internal(self, index: np.ndarray | slice | None):
        """Where the values of the synapses ``index`` (None: all) lie in ``arrays``: the only way from the numbers that users count by."""
        if self.ends.order is None:
            return slice(None) if index is None else index
        return self.ends.order.position(index)

    @property
    def position(self) -> np.ndarray | None:
        """Where the values of each synapse lie in ``arrays``; None where that is their order of creation."""
        return None if self.ends.order is None else self.ends.order.position(None)

    def arrange(self, order: Order, see: See | None = None) -> None:
        """Have the values of the synapses lie in another order than that of creation; whoever asks by number sees nothing of it.

        Only from the order of creation: there is one order at a time. ``see``: see ``Arrangement.arrange``.
        """
        names = self._of_each()
        with uninterrupted():
            targets, *values = order.arrange([self.ends.lying, *(self.arrays[n] for n in names)], see)
            self.arrays.update(zip(names, values))
            self.ends.lie(targets, order)

    def in_order(self) -> None:
        """Have them lie in order of creation, as whoever changes connectivity or delays expects."""
        if self.ends.order is None:
            return
        names = self._of_each()
        with uninterrupted():
            targets, *values = self.ends.order.restore([self.ends.lying, *(self.arrays[n] for n in names)])
            self.arrays.update(zip(names, values))
            self.ends.lie(targets, None)

    def _of_each(self) -> list[str]:
        """The variables of which each synapse has its own; what is kept once a neuron lies in no order of synapses."""
        shared = {v.name for v in self.model.variables if v.shared}
        return [name for name in self.arrays.own() if name not in shared]

    def _subexpression_reader(self, name: str, shared: bool):
        def read(index):
            if shared:  # the same for all: that of the first
                self.must_exist(name)
                index = np.zeros(1, np.int64)
            if isinstance(index, slice):
                index = np.arange(*index.indices(len(self)))
            return self.evaluate_text(name, index, f"subexpression '{name}'", None)

        return read

    # -- pathways ----------------------------------------------------------------------------------------------------------------

    def _lookup(self, name: str) -> VariableView | None:
        if name in ("delay", "delay_") and "delay" in self.__dict__.get("variables", ()):
            return getattr(PathwayView(self, self._main), name)
        own = super()._lookup(name)
        return own if own is not None else self._of_an_end(name)

    def known_variable(self, name: str) -> VariableInfo | None:
        own = super().known_variable(name)
        view = self._of_an_end(name) if own is None else None
        return own if view is None else view.info

    def _of_an_end(self, name: str) -> VariableView | None:
        """``S.x_pre``, ``S.x_post``: the variable of the neuron at one end of each synapse."""
        stem, unitless = (name[:-1], True) if name.endswith("_") else (name, False)
        variable, _, side = stem.rpartition("_")
        if side not in ("pre", "post") or "target" not in self.__dict__:
            return None
        group, ends = (self.source, "i") if side == "pre" else (self.target, "j")
        known = getattr(group, "variables", {}).get(variable)
        if known is None:
            return None
        if known.shared:
            return VariableView(group, known, unitless)

        def read(index):
            return known.read(self.index_of(ends, index))

        def write(index, values):
            known.write(self.index_of(ends, index), values)

        info = replace(known, name=stem, read=read, write=None if known.write is None else write)
        return VariableView(self, info, unitless)

    def state(self, name: str, use_units: bool = True) -> VariableView:
        """The variable called ``name``, also where an attribute of the object hides it."""
        if name == "delay" and name in self.variables:
            return self._lookup(name if use_units else "delay_")
        if name not in self.variables and self._of_an_end(name) is not None:
            return self._of_an_end(name if use_units else f"{name}_")
        return super().state(name, use_units)

    def _check_names_of_pathways(self) -> None:
        for name in self.pathways:
            if name in self.variables or hasattr(type(self), name) or name in self.__dict__:
                raise WrongValueError(
                    f"{self.name}: a pathway cannot be called '{name}', which it has already; rename it"
                )

    def __getattr__(self, name: str):
        known = self.__dict__.get("pathways", {})
        if name in known:
            return PathwayView(self, known[name])
        if name in ("pre", "post") and "pathways" in self.__dict__:
            raise AttributeError(f"{self.name} has no pathway '{name}'; it has {', '.join(known) or 'none'}")
        if name in ("delay", "delay_") and "delay" not in self.__dict__.get("variables", {"delay": None}):
            raise AttributeError(self._no_delay())
        return super().__getattr__(name)

    def __setattr__(self, name: str, value) -> None:
        if name in ("delay", "delay_") and "delay" not in self.__dict__.get("variables", {"delay": None}):
            raise AttributeError(self._no_delay())
        if name in self.__dict__.get("pathways", ()):
            raise AttributeError(f"'{name}' is a pathway of {self.name}: set {name}.delay, {name}.order or {name}.when")
        super().__setattr__(name, value)

    def _no_delay(self) -> str:
        if not self.pathways:
            return f"{self.name} has no pathways (on_pre, on_post), and so no delay"
        one = next(iter(self.pathways))
        return f"{self.name} has the pathways {', '.join(self.pathways)}, each with its delay: {self.name}.{one}.delay"

    def pathway(self, name: str) -> PathwayView:
        """The pathway called ``name``, to read and set its ``delay``."""
        return PathwayView(self, known_pathway(self, name))

    # -- connectivity --------------------------------------------------------------------------------------------------------

    def connect(
        self,
        condition: str | bool | None = None,
        i=None,
        j=None,
        p=1.0,
        n=1,
        skip_if_invalid: bool = False,
        namespace: Mapping[str, object] | None = None,
        *,
        in_degree=None,
        out_degree=None,
        total=None,
        autapses: bool = True,
        multapses: bool | None = None,
        procedural: bool = False,
    ) -> None:
        """Create synapses, in addition to those there are.

        ``condition``: a string over ``i``, ``j``, variables ``x_pre``, ``y_post`` and constants, or True (all pairs) or False (none).
        ``i=`` and ``j=``: integers, arrays of one length or subgroups; or one of them a string: ``j='i'``, ``j='i//2 if i % 2 == 0'``,
        ``j='k for k in range(i-3, i+4) if k != i'``, ``j='k for k in sample(N_post, p=0.1)'``. ``p``: the probability of each of these
        pairs, ``n``: how many synapses each of them gets; numbers, strings, or arrays beside arrays. Indices outside the groups raise,
        unless ``skip_if_invalid``. ``namespace``: external constants, in place of those around the call.

        ``in_degree``: exactly so many synapses onto each target, from sources chosen at random (among those that fulfil the condition);
        ``out_degree``: from each source. An integer, one for each neuron, or a string. ``total``: exactly so many synapses in all, at pairs
        chosen at random; an integer, or a string without indices. ``autapses=False``: no neuron is connected to itself.
        ``multapses=False``: no second synapse for a pair, also of earlier calls; with degrees and a total, ``True`` draws with repetition.

        ``procedural=True``: the synapses take no memory, as each row is made anew at every spike; they are those that there would be without it.
        For constant ``p``, ``out_degree`` and ``total`` with ``multapses=True``; of synapses that nothing changes, with one delay.
        """
        registry.refuse_in_a_trial(f"{self.name}.connect()")
        request = connection.Request(
            condition, i, j, p, n, skip_if_invalid, in_degree, out_degree, bool(autapses), multapses, total
        )
        if self.ends.made is not None:
            raise EqsnnError(
                f"{self.name}: procedural synapses are connected by one call of connect(), and there was one"
            )
        if procedural:
            if registry.listener is not None:
                raise EqsnnError(
                    f"{self.name}: a standalone device keeps what a script does, to do it again, and procedural synapses cannot be made twice; "
                    "connect them without procedural=True, which gives the same synapses"
                )
            making.check(self)
            self._make(connection.rule(self, request, namespace))
            return
        if registry.listener is not None:
            space = dict(namespace) if namespace is not None else self.spaces()[1]
            registry.listener.called(self, lambda: self._extend(connection.new_pairs(self, request, space)))
        self._extend(connection.new_pairs(self, request, namespace))

    def common_offset(self) -> int | None:
        """d if source i and target j are one neuron where i == j + d; None if the groups are parts of different ones."""
        return _start(self.target) - _start(self.source) if _root(self.source) is _root(self.target) else None

    @property
    def sources(self) -> np.ndarray:
        """The source neuron of each synapse, counted in the whole source group."""
        return self.ends.sources

    @property
    def targets(self) -> np.ndarray:
        """The target neuron of each synapse, counted in the whole target group."""
        return self.ends.targets

    def _extend(self, made: tuple[np.ndarray, np.ndarray] | RowPairs) -> None:
        """Add the synapses (i, j), counted within the source and the target."""
        self.arrays.expand()
        self.in_order()
        old = len(self)
        n_pre, n_post = len(_root(self.source)), len(_root(self.target))
        if isinstance(made, RowPairs):
            self.ends.extend_rows(made.within(_start(self.source), n_pre, _start(self.target), n_post), n_pre, n_post)
        else:
            pre, post = made
            self.ends.extend(_moved(pre, self.source), _moved(post, self.target), n_pre, n_post)
        new = len(self) - old
        for name in self._of_each():
            self.arrays[name] = _grown(self.arrays[name], new)
        if self.multisynaptic_index is not None:
            self.arrays[self.multisynaptic_index][:] = numbers_within_pairs(self.sources, self.targets)
        for pathway in self.pathways.values():
            pathway.grow(old, new)
        self.unconnected = False
        self.connectivity_version += 1
        if new > MANY:
            give_back()

    def _make(self, rule: RowRule) -> None:
        """Have the synapses of a rule, without keeping them."""
        whole = len(_root(self.source)), len(_root(self.target))
        self.ends = making.MadeEnds(rule, _start(self.source), whole[0], _start(self.target), whole[1])
        self.ends.made = making.Made(self)
        self.unconnected = False
        self.connectivity_version += 1

    def _replace(self, i: np.ndarray, j: np.ndarray) -> None:
        """Have exactly these synapses, all variables zero and no delays; for bringing back a state that was stored."""
        self.ends = Ends()
        self.arrays.forget()
        for pathway in self.pathways.values():
            pathway.delay = np.zeros(1)
        self._extend((i, j))

    def to_scipy(self, variable: str | None = None):
        """The synapses as a sparse matrix of shape (N_pre, N_post): values of ``variable`` (base SI), or 1 each.

        A ``scipy.sparse.coo_array``, in which several synapses of a pair are several entries; ``.tocsr()`` adds them up. Needs scipy.
        """
        return sparse_matrix(self, variable)

    # -- elements ------------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, item) -> SynapticSubgroup:
        return SynapticSubgroup(self, self.indices_of(item))

    def index_of(self, side: str, k: np.ndarray | None) -> np.ndarray:
        """The source ('i') or target ('j') of the synapses ``k`` (None: all), counted within the source or target."""
        group = self.source if side == "i" else self.target
        if k is None:
            ends = self.sources if side == "i" else self.targets
        else:
            ends = self.ends.sources_of(k) if side == "i" else self.ends.targets_of(k)
        return ends.astype(np.int64) - _start(group)

    def _index(self, side: str, k: np.ndarray | None) -> np.ndarray:
        return self.index_of(side, k)

    def _degree(self, side: str, k: np.ndarray | None) -> np.ndarray:
        return self._degrees(side)[self.index_of(side, k)]

    def _degrees(self, side: str) -> np.ndarray:
        group = self.source if side == "i" else self.target
        if side == "j" and self.ends.made is not None:
            return self.ends.incoming[_start(group) : _start(group) + len(group)]
        rows = self.ends.rows if side == "i" else None
        ends = self.ends.lying if side == "j" else None if rows is not None else self.sources
        count = np.diff(rows) if ends is None else counts_of(ends, len(_root(group)))
        return count[_start(group) : _start(group) + len(group)]

    @property
    def N_outgoing_pre(self) -> np.ndarray:
        """How many synapses leave each source, int64."""
        return self._degrees("i")

    @property
    def N_incoming_post(self) -> np.ndarray:
        """How many synapses reach each target, int64."""
        return self._degrees("j")

    two_indices = True
    refuses_strangers = True
    """Whether ``[i, j]`` is an error where a group has no such element; else there is no such synapse."""

    def indices_of(self, item):
        """As for groups; ``[i, j]`` selects by source and target (integers, slices, arrays, subgroups), ``[i, j, k]`` also by number."""
        if isinstance(item, tuple):
            return chosen(self, item)
        if isinstance(item, SynapticSubgroup):
            if item.synapses is not self:
                raise IndexError(f"{item!r} does not index {self.name}")
            return item.indices
        return super().indices_of(item)

    def expression_scope(self) -> Scope:
        return statement_scope(self.model)

    def takes_in_parts(self, info: VariableInfo) -> bool:
        return (len(self) > in_parts.AT_ONCE or self.ends.made is not None) and not info.shared

    def assign_in_parts(self, text: str, info: VariableInfo, units: bool = True) -> None:
        """Set a variable of all synapses to the values of an expression, without a list of these values."""
        if self.ends.made is not None:
            self.ends.made.set_expression(text, info, units)
            return
        in_parts.assign_in_parts(self, text, info, units)

    def host_values(self, owner: str, variable: str, index: np.ndarray | None):
        if owner == "index":
            return self._index_values(variable, index)
        if owner == "clock":
            return {"t": self.time(), "dt": self.clock.dt_}[variable]
        side, _, inner = owner.partition(".")
        if side in ("pre", "post"):
            group, ends = (self.source, "i") if side == "pre" else (self.target, "j")
            return group.host_values(inner or "self", variable, self.index_of(ends, index))
        if variable == "delay":
            return self._main.delays(len(self), index)
        if variable in self.arrays:
            shared = self.variables[variable].shared
            if self.ends.made is not None and not shared:
                return self.ends.made.read(variable, index)
            return self.arrays[variable] if shared else self.arrays.read(variable, index)
        return self.variables[variable].read(index)

    def _index_values(self, variable: str, index: np.ndarray | None):
        """A count or an index; ``i@post`` and ``N@post`` are those of the elements of a connected group, counted in the whole of it."""
        variable, _, frame = variable.partition("@")
        if frame:
            side, _, inner = frame.partition(".")
            group, ends = (self.source, "i") if side == "pre" else (self.target, "j")
            if inner:
                return group._index_values(f"{variable}@{inner}", self.index_of(ends, index))
            if variable == "i":
                return self.index_of(ends, index) + _start(group)
            return self._index_count(_root(group), variable)
        if variable in ("N_outgoing", "N_incoming"):
            return self._degree("i" if variable == "N_outgoing" else "j", index)
        return self.index_of(variable, index) if variable in ("i", "j") else self._index_count(self, variable)

    @staticmethod
    def _index_count(group, variable: str) -> int:
        return len(group) if variable == "N" else len(group.source if variable == "N_pre" else group.target)

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


def _root(group) -> Group:
    return getattr(group, "root", group)


def _start(group) -> int:
    return getattr(group, "start", 0)


def _moved(index: np.ndarray, group) -> np.ndarray:
    """Indices within a group, counted in the whole of which it is a part."""
    return index + _start(group) if _start(group) else index


def _grown(values: np.ndarray, new: int) -> np.ndarray:
    """The values, and as many zeros more. Zeros that nobody writes take no memory, as those of traces that a run keeps once a neuron."""
    grown = np.zeros(len(values) + new, values.dtype)
    if values.any():
        grown[: len(values)] = values
    return grown


def _check_ends(source, target, on_pre, on_post) -> None:
    """Both ends are groups, and what is waited for can come."""
    for what, group, waits, on in (("source", source, on_pre, "on_pre"), ("target", target, on_post, "on_post")):
        if not isinstance(group, (SpikeSource, Group)):
            raise WrongTypeError(f"the {what} of synapses must be a group of neurons or other synapses; got {group!r}")
        if isinstance(group, Synapses) and waits:
            raise EqsnnError(f"{on} waits for spikes of the {what} '{group.name}', and synapses emit none")


def _with_number(ast: EquationsAst, name: str | None) -> EquationsAst:
    """The equations with the variable that numbers the synapses of each pair."""
    if name is None:
        return ast
    if not isinstance(name, str) or not name.isidentifier():
        raise EqsnnError(f"multisynaptic_index= is the name of a variable; got {name!r}")
    added = parse(f"{name} : integer (constant)").definitions
    return EquationsAst(ast.definitions + added, f"{ast.text}\n{name} : integer (constant)")
