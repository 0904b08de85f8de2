"""Which neurons each synapse connects, and how users speak of synapses: by number, by ``[i, j]``, by ``[i, j, k]``, by condition."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.network.arrangement import Order, Permutation
from eqsnn.network.neurongroup import Subgroup
from eqsnn.network.rowpairs import RowPairs, narrowest

if TYPE_CHECKING:
    from eqsnn.network.group import Group
    from eqsnn.network.procedural import Made
    from eqsnn.network.synapses import Synapses

_VERSIONS = itertools.count()


class Ends:
    """The two ends of each synapse in order of creation, counted in the whole source and target group.

    Indices are kept in the narrowest type, and sources that ascend as the starts of their rows: connectivity is most of a network's memory.
    """

    def __init__(self) -> None:
        self._pre, self._pre_start = np.empty(0, np.uint16), None
        self._post = np.empty(0, np.uint16)
        self.made: Made | None = None  # the variables, where synapses are made and not kept (procedural.py)
        self.order: Order | None = None  # in which targets and variables lie; None for that of creation
        self.version = next(_VERSIONS)  # of the order

    def __len__(self) -> int:
        return len(self._post)

    @property
    def sources(self) -> np.ndarray:
        """The source of each synapse."""
        if self._pre_start is None:
            return self._pre
        n = len(self._pre_start) - 1
        return np.repeat(np.arange(n, dtype=narrowest(n)), np.diff(self._pre_start))

    @property
    def targets(self) -> np.ndarray:
        """The target of each synapse."""
        return self._post if self.order is None else self._post[self.order.position(None)]

    @property
    def lying(self) -> np.ndarray:
        """The target of each synapse, in the order in which the variables of the synapses lie in memory."""
        return self._post

    @property
    def rows(self) -> np.ndarray | None:
        """Where the synapses of each source begin, if the sources ascend; n_pre + 1 numbers."""
        return self._pre_start

    def sources_of(self, k: np.ndarray | slice) -> np.ndarray:
        """The sources of some synapses."""
        if self._pre_start is None:
            return self._pre[k]
        if not isinstance(k, slice):
            return np.searchsorted(self._pre_start, k, side="right") - 1
        first, last, step = k.indices(len(self))
        lo, hi = np.searchsorted(self._pre_start, [first, max(last - 1, first)], side="right") - 1
        cuts = np.clip(self._pre_start[lo : hi + 2], first, last)
        return np.repeat(np.arange(lo, hi + 1, dtype=np.int32), np.diff(cuts))[::step]

    def targets_of(self, k: np.ndarray | slice) -> np.ndarray:
        """The targets of some synapses."""
        return self._post[k if self.order is None else self.order.position(k)]

    def lie(self, targets: np.ndarray, order: Order | None) -> None:
        """Keep the targets in another order, or in that of creation."""
        self._post, self.order = targets, order
        self.version = next(_VERSIONS)

    def copy(self) -> Ends:
        """The same ends by themselves: in the order of a list if they have one, else in that of creation."""
        new = Ends()
        new._pre, new._pre_start = self._pre, self._pre_start
        if isinstance(self.order, Permutation):
            new._post, new.order = self._post, self.order
        else:
            new._post = self.targets.copy()
        return new

    def extend_rows(self, made: RowPairs, n_pre: int, n_post: int) -> None:
        """Add synapses between groups of ``n_pre`` and ``n_post`` elements; the first are taken over as they are."""
        if len(self):
            self.extend(*made.pairs(), n_pre, n_post)
        else:
            self._pre, self._pre_start, self._post = None, made.start, made.post

    def extend(self, pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> None:
        """Add synapses between groups of ``n_pre`` and ``n_post`` elements."""
        everyone = np.concatenate([self.sources, pre]) if len(self) else pre
        if np.all(everyone[1:] >= everyone[:-1]):
            self._pre, self._pre_start = None, np.searchsorted(everyone, np.arange(n_pre + 1))
        else:
            self._pre, self._pre_start = everyone.astype(narrowest(n_pre)), None
        post = post.astype(narrowest(n_post))
        self._post = np.concatenate([self._post, post]) if len(self) else post


class SynapticSubgroup:
    """Some synapses, as ``S[i, j]`` or ``S['w > 0']`` chose them: to record them, to index a monitor or a variable, or to connect to them.

    Numbers them in order of creation; a later ``connect`` does not change the choice.
    """

    def __init__(self, synapses: Synapses, indices: np.ndarray):
        self.synapses = synapses
        self.indices = np.ascontiguousarray(np.atleast_1d(indices), np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __array__(self, dtype=None, copy=None):
        return self.indices.astype(dtype or np.int64)

    def __iter__(self):
        return iter(self.indices.tolist())

    @property
    def i(self) -> np.ndarray:
        """The source of each."""
        return self.synapses.i[self.indices]

    @property
    def j(self) -> np.ndarray:
        """The target of each."""
        return self.synapses.j[self.indices]

    def __repr__(self) -> str:
        return f"<{len(self)} of the {len(self.synapses)} synapses of {self.synapses.name!r}>"


def chosen(synapses: Synapses, item: tuple) -> np.ndarray:
    """The synapses that ``[i, j]`` or ``[i, j, k]`` selects, ascending."""
    if len(item) not in (2, 3):
        raise IndexError(
            f"{synapses.name} is indexed by a synapse number, by [i, j] or [i, j, k], or by a condition in a string"
        )
    keep = np.ones(len(synapses), bool)
    for side, part, group in (("i", item[0], synapses.source), ("j", item[1], synapses.target)):
        if isinstance(part, slice) and part == slice(None):
            continue
        keep &= _mask(part, group, side, synapses)[synapses.index_of(side, None)]
    found = np.flatnonzero(keep)
    if len(item) == 2 or (isinstance(item[2], slice) and item[2] == slice(None)):
        return found
    if synapses.multisynaptic_index is None:
        raise IndexError(
            f"{synapses.name}[i, j, k] needs the number of each synapse of a pair: make it with multisynaptic_index='k'"
        )
    number = synapses.arrays[synapses.multisynaptic_index]
    most = int(number.max(initial=-1)) + 1
    wanted = np.zeros(most + 1, bool)
    if isinstance(item[2], slice):
        wanted[:most][item[2]] = True
    else:
        k = _integers(item[2], "k", synapses.name)
        wanted[np.where((k >= 0) & (k < most), k, most)] = True  # a pair may have fewer synapses
        wanted[most] = False
    return found[wanted[number[found]]]


def _mask(part, group: Group, side: str, synapses: Synapses) -> np.ndarray:
    """Which elements of a connected group an index stands for: an integer, slice, array, mask, subgroup or condition."""
    n = len(group)
    mask = np.zeros(n, bool)
    if isinstance(part, Subgroup):
        mask[subgroup_indices(part, group, side)] = True
    elif isinstance(part, slice):
        mask[part] = True
    elif isinstance(part, str) or np.asarray(part).dtype.kind == "b":
        mask[group.indices_of(part)] = True
    else:
        k = _integers(part, side, synapses.name)
        outside = (k < -n) | (k >= n)
        if outside.any() and synapses.refuses_strangers:
            bad = int(k[outside][0])
            raise IndexError(f"{synapses.name}: {side} = {bad} is out of range; {group.name} has {n} elements")
        mask[k[~outside]] = True
    return mask


def subgroup_indices(part: Subgroup, group, side: str) -> np.ndarray:
    """The elements of ``part`` as they are counted in ``group``."""
    root, start = getattr(group, "root", group), getattr(group, "start", 0)
    if part.root is not root or part.start < start or part.stop > start + len(group):
        raise EqsnnError(f"{side}: the subgroup '{part.name}' is no part of '{group.name}'")
    return np.arange(part.start - start, part.stop - start)


def _integers(part, side: str, name: str) -> np.ndarray:
    k = np.atleast_1d(np.asarray(part))
    if k.dtype.kind not in "iu" and k.size:
        raise IndexError(f"{name}: {side} is an integer, slice, array of integers, mask or subgroup; got {part!r}")
    return k.astype(np.int64).ravel()


def numbers_within_pairs(pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """For each synapse, how many earlier ones connect the same pair."""
    order = np.lexsort((np.arange(len(pre)), post, pre))
    a, b = pre[order], post[order]
    new = np.ones(len(order), bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    position = np.arange(len(order))
    first = np.maximum.accumulate(np.where(new, position, 0))
    number = np.empty(len(order), np.int64)
    number[order] = position - first
    return number


def sparse_matrix(synapses: Synapses, variable: str | None):
    """See ``Synapses.to_scipy``."""
    try:
        from scipy.sparse import coo_array
    except ImportError:
        raise EqsnnError("to_scipy() needs scipy; install it with: pip install scipy") from None
    if variable is None:
        values = np.ones(len(synapses))
    else:
        if variable not in synapses.variables:
            raise EqsnnError(synapses._no_such(variable))
        info = synapses.variables[variable]
        values = np.broadcast_to(info.read(None), len(synapses))
    ends = synapses.index_of("i", None), synapses.index_of("j", None)
    return coo_array((values, ends), shape=(len(synapses.source), len(synapses.target)))
