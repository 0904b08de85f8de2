"""Reading and writing the variables of a group from Python: ``G.v``, ``G.v[3:5]``, ``G.v['i > 5']``, ``G.v = 'El + rand()*mV'``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError, UnitError, WrongTypeError, WrongValueError
from eqsnn.network import foreign
from eqsnn.network.base import registry
from eqsnn.units import DIMENSIONLESS, Dimension, Quantity, dimensions_of
from eqsnn.units.show import get_unit

if TYPE_CHECKING:
    from eqsnn.network.group import Group


@dataclass(frozen=True)
class VariableInfo:
    """What Python may do with one variable of a group.

    ``read`` gives the values of some elements (base SI, creation order), ``write`` sets them or is None for a read-only variable.
    """

    name: str
    dim: Dimension
    dtype: str
    shared: bool
    read: Callable[[np.ndarray | None], np.ndarray]
    write: Callable[[np.ndarray | None, np.ndarray], None] | None
    why_read_only: str = ""


class VariableView:
    """A variable of a group as an array with units. Arithmetic gives quantities; item assignment writes into the group."""

    __array_priority__ = 1001.0

    def __init__(self, group: Group, info: VariableInfo, unitless: bool = False):
        self.group, self.info, self._unitless = group, info, unitless

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def dim(self) -> Dimension:
        """The dimension of the values."""
        return DIMENSIONLESS if self._unitless else self.info.dim

    @property
    def unit(self) -> Quantity:
        """The unit in which the values are kept: ``volt`` for a variable in mV."""
        return get_unit(self.dim)

    def _with_unit(self, values: np.ndarray):
        dim = self.dim
        return values if dim == DIMENSIONLESS else Quantity(values, dim=dim)

    def get(self):
        """All values: a Quantity, or a plain array if dimensionless."""
        values = self.info.read(None)
        return self._with_unit(values[0] if self.info.shared else values)

    def __getitem__(self, item):
        if _adds_axes(item):
            return np.asanyarray(self.get())[item]
        if self.info.shared:
            self._only_value(item)
            return self.get()
        if isinstance(item, tuple):
            self._one_index(item)
        index = self.group.indices_of(item)
        values = self.info.read(np.atleast_1d(index))
        return self._with_unit(values if np.ndim(index) else values[0])

    def __setitem__(self, item, value) -> None:
        self.check_writable()
        if self.info.shared:
            self._only_value(item)
        elif isinstance(item, tuple):
            self._one_index(item)
        everything = isinstance(item, slice) and item == slice(None)
        if registry.listener is not None:
            registry.listener.assigned(self, item, value)
        index = None if everything or self.info.shared else np.atleast_1d(self.group.indices_of(item))
        if isinstance(value, str) or isinstance(item, str):
            index = self.group.free_to_change(self.name, index)
        if isinstance(value, str) and index is None and self.group.takes_in_parts(self.info):
            self.group.assign_in_parts(value, self.info, units=not self._unitless)
            return
        if isinstance(value, str):
            self.info.write(index, self.group.evaluate(value, index, self.info, units=not self._unitless))
            return
        self.info.write(index, self._plain(value, index))

    def check_writable(self) -> None:
        """Raises EqsnnError for a variable that cannot be set."""
        if self.info.write is None:
            raise WrongTypeError(f"'{self.name}' of {self.group.name} cannot be set: {self.info.why_read_only}")

    def _only_value(self, item) -> None:
        """A shared variable is indexed by [:] or [0]; a condition about elements has no meaning for it."""
        everything = (isinstance(item, slice) and item == slice(None)) or item is Ellipsis
        if not everything and not (isinstance(item, (int, np.integer)) and item == 0):
            raise IndexError(
                f"'{self.name}' is shared by the whole group: it has one value, read and set as .{self.name}[:]"
            )

    def _one_index(self, item: tuple) -> None:
        if not getattr(self.group, "two_indices", False):
            raise IndexError(f"'{self.name}' of {self.group.name} takes one index; got {len(item)}: {item!r}")

    def get_item(self, item, level: int = 0, namespace: Mapping[str, object] | None = None):
        """``G.v[item]``; the names in a condition are looked up in ``namespace``, else where this is called, or ``level`` calls further out."""
        with self.group.looking_up(namespace, level):
            return self[item]

    def set_item(self, item, value, level: int = 0, namespace: Mapping[str, object] | None = None) -> None:
        """``G.v[item] = value``, with names looked up as in :meth:`get_item`."""
        with self.group.looking_up(namespace, level):
            self[item] = value

    def _plain(self, value, index: np.ndarray | None) -> np.ndarray:
        if isinstance(value, VariableView):
            value = value.get()
        value = foreign.plain(value)
        found = dimensions_of(value)
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise WrongTypeError(
                f"'{self.name}' of {self.group.name} takes numbers or a string expression; got {value!r}"
            )
        zero_like = found == DIMENSIONLESS and not np.any(array[np.isfinite(array)] != 0)
        if found != self.dim and not (zero_like and array.size == 1):
            raise UnitError(
                f"'{self.name}' of {self.group.name} has unit {self.dim}, and the value {value!s} has unit {found}"
            )
        wanted = (1 if self.info.shared else len(self.group)) if index is None else len(index)
        if array.ndim > 1 or (array.ndim == 1 and array.size not in (1, wanted)):
            raise WrongValueError(
                f"'{self.name}' of {self.group.name}: {wanted} elements are set, and the value has shape {array.shape}"
            )
        if self.info.dtype == "integer" and array.dtype.kind == "f" and np.any(array != np.trunc(array)):
            raise WrongValueError(f"'{self.name}' of {self.group.name} is an integer; got {value!s}")
        if self.info.dtype == "boolean" and array.dtype.kind != "b":
            array = array != 0
        return np.broadcast_to(array, wanted)

    def __len__(self) -> int:
        return 1 if self.info.shared else len(self.group)

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.info.shared else (len(self.group),)

    def __array__(self, dtype=None, copy=None):
        values = np.asanyarray(self.get())  # with its unit, which asanyarray() keeps and asarray() drops
        return values if dtype is None else values.astype(dtype)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Between runs, the values are in the memory of the CPU."""
        return 1, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A copy of the values, in SI units, for ``numpy.from_dlpack`` and the like of other libraries; on a GPU if they ask for it there."""
        return foreign.exported(np.asarray(self.get()), dl_device, copy)

    def on_gpu(self):
        """A copy of the values, in SI units, on the GPU: ``cupy.asarray(G.v.on_gpu())``, ``torch.from_dlpack(G.v.on_gpu())``."""
        return foreign.on_gpu(np.asarray(self.get()))

    def __iter__(self):
        return iter(self.get())

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.get(), name)

    def __repr__(self) -> str:
        values = self.get()
        shown = repr(values) if np.ndim(values) or isinstance(values, Quantity) else str(values)
        return f"<{self.group.name}.{self.name}{'_' if self._unitless else ''}: {shown}>"

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [x.get() if isinstance(x, VariableView) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        def strip(x):
            if isinstance(x, VariableView):
                return x.get()
            return type(x)(strip(y) for y in x) if isinstance(x, (list, tuple)) else x

        return function(*strip(args), **{k: strip(v) for k, v in kwargs.items()})

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __bool__(self) -> bool:
        return bool(self.get())

    __hash__ = object.__hash__


def _adds_axes(item) -> bool:
    """Whether ``item`` holds ``numpy.newaxis``, which speaks of the array and not of elements: matplotlib makes columns so."""
    return item is None or (isinstance(item, tuple) and any(x is None for x in item))


def _binary(name: str):
    def operator(self, other):
        other = other.get() if isinstance(other, VariableView) else other
        return getattr(np.asanyarray(self.get()), name)(other)

    operator.__name__ = name
    return operator


def _inplace(name: str):
    def operator(self, other):
        if isinstance(other, str):
            raise EqsnnError(
                f"{self.group.name}.{self.name}: an operation in place takes values; write = '{self.name} + ...' for expressions"
            )
        self[:] = getattr(np.asanyarray(self.get()), name)(other.get() if isinstance(other, VariableView) else other)
        return self

    operator.__name__ = name.replace("__", "__i", 1)
    return operator


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(VariableView, f"__{_name}__", _binary(f"__{_name}__"))
    setattr(VariableView, f"__r{_name}__", _binary(f"__r{_name}__"))
    setattr(VariableView, f"__i{_name}__", _inplace(f"__{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor"):
    setattr(VariableView, f"__{_name}__", _binary(f"__{_name}__"))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(VariableView, f"__{_name}__", lambda self, _n=f"__{_name}__": getattr(np.asanyarray(self.get()), _n)())
