"""Numbers and arrays with a physical dimension: base-SI values in a numpy subclass.

A dimensionless result is always a plain number or array. Numpy functions either keep dimensions right or raise ``UnitError``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eqsnn.errors import UnitError
from eqsnn.units.dimension import DIMENSIONLESS, Dimension, dimension, exact_power
from eqsnn.units.ufuncs import ufunc_rule


def dimensions_of(value: object) -> Dimension:
    """The dimension of a quantity, or DIMENSIONLESS for plain numbers and arrays (and lists of them)."""
    dim = getattr(value, "dim", None)
    if isinstance(dim, Dimension):
        return dim
    if isinstance(value, (list, tuple)) and value:
        found = {dimensions_of(v) for v in value}
        if len(found) > 1:
            raise UnitError(f"a list mixes values with units {', '.join(sorted(map(str, found)))}")
        return found.pop()
    return DIMENSIONLESS


def get_dimensions(obj: object) -> Dimension:
    """The dimension of a number, an array, a list of quantities or a dimension; TypeError for what has none."""
    dim = dimensions_of(obj)
    if dim == DIMENSIONLESS and not isinstance(obj, Dimension) and np.asarray(obj).dtype.kind not in "fciub":
        raise TypeError(f"{obj!r} is no number or array, and has no dimension")
    return dim


def plain(value: object) -> np.ndarray:
    """The base-SI values of anything as an array without a unit."""
    if isinstance(value, (list, tuple)):
        dimensions_of(value)
    return np.asarray(value).view(np.ndarray) if isinstance(value, np.ndarray) else np.asarray(value)


def with_dim(value, dim: Dimension):
    """``value`` with a dimension; a plain number or array if that is none."""
    if dim == DIMENSIONLESS:
        if isinstance(value, np.ndarray):
            value = value.view(np.ndarray)
            return value[()] if value.ndim == 0 else value
        return value
    result = np.asarray(value, dtype=None if np.asarray(value).dtype.kind in "fc" else np.float64).view(Quantity)
    result.dim = dim
    return result


def is_zero_like(value: object) -> bool:
    """True for plain numbers that agree with any unit: zeros (one, or an array of nothing else), a scalar infinity or NaN."""
    if dimensions_of(value) != DIMENSIONLESS:
        return False
    array = np.asarray(value).view(np.ndarray)
    if array.dtype.kind not in "fiub":
        return False
    return not array.any() or (array.ndim == 0 and not np.isfinite(array))


class Quantity(np.ndarray):
    """``Quantity([1, 2], dim=volt.dim)``: an array of base-SI values with one dimension; usually written ``[1, 2]*volt``."""

    dim: Dimension
    __array_priority__ = 1000.0

    def __new__(cls, arr, dim: Dimension | None = None, dtype=None, copy: bool = False, force_quantity: bool = False):
        found = dimensions_of(arr)
        if dim is not None and found not in (DIMENSIONLESS, dim):
            raise UnitError(f"values with unit {found} cannot become a quantity of unit {dim}")
        array = np.array(plain(arr), dtype=dtype) if copy else np.asarray(plain(arr), dtype=dtype)
        if array.dtype.kind not in "fciub":
            raise TypeError(f"a quantity holds numbers; got {arr!r}")
        if dim == DIMENSIONLESS and not force_quantity:
            return array if array.ndim else array.item()
        if array.dtype.kind not in "fc":
            array = array.astype(np.float64)
        self = array.view(Quantity)
        self.dim = dim if dim is not None else found
        return self

    def __array_finalize__(self, parent) -> None:
        self.dim = getattr(parent, "dim", DIMENSIONLESS)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return with_dim(array, self.dim)

    # -- numpy protocols ------------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if any(hasattr(type(x), "__array_ufunc__") and not isinstance(x, np.ndarray | np.generic) for x in inputs):
            return NotImplemented
        dims = [dimensions_of(x) for x in inputs]
        dim = ufunc_rule(ufunc, method, inputs, dims, is_zero_like, kwargs)
        if out is not None:
            for target in out:
                if isinstance(target, np.ndarray) and dimensions_of(target) != _first(dim):
                    raise UnitError(
                        f"the result of np.{ufunc.__name__} has unit {_first(dim)}, the array it goes to {dimensions_of(target)}"
                    )
            kwargs["out"] = tuple(plain(t) if isinstance(t, np.ndarray) else t for t in out)
        result = getattr(ufunc, method)(*(plain(x) if isinstance(x, Quantity) else x for x in inputs), **kwargs)
        if out is not None:
            return out[0] if len(out) == 1 else out
        if isinstance(result, tuple):
            return tuple(
                with_dim(r, d) for r, d in zip(result, dim if isinstance(dim, tuple) else (dim,) * len(result))
            )
        return None if result is None else with_dim(result, _first(dim))

    def __array_function__(self, function, types, args, kwargs):
        from eqsnn.units.arrayfunctions import apply

        if not all(issubclass(t, np.ndarray) for t in types):
            return NotImplemented  # others know what they hold: a variable of a group becomes a quantity itself

        return apply(function, args, kwargs)

    # -- items ----------------------------------------------------------------------------------------------------------------

    def __getitem__(self, item):
        result = np.ndarray.__getitem__(self, item)
        return result if isinstance(result, Quantity) else with_dim(result, self.dim)

    def __setitem__(self, item, value) -> None:
        self._must_match(value, "an element of this array")
        np.ndarray.__setitem__(self.view(np.ndarray), item, plain(value))

    def __iter__(self) -> Iterator[Quantity]:
        return (with_dim(v, self.dim) for v in iter(self.view(np.ndarray)))

    def _must_match(self, value, what: str) -> None:
        if dimensions_of(value) != self.dim and not is_zero_like(value):
            raise UnitError(f"{what} has unit {self.dim}, and {value!s} has unit {dimensions_of(value)}")

    def item(self, *index) -> Quantity:
        """One element as a quantity."""
        return with_dim(self.view(np.ndarray).item(*index), self.dim)

    def tolist(self) -> list:
        """Nested lists of quantities."""
        return [x.tolist() if x.ndim else x for x in self] if self.ndim else self.copy()

    def fill(self, value) -> None:
        self[...] = value

    def put(self, indices, values, mode: str = "raise") -> None:
        self._must_match(values, "an element of this array")
        self.view(np.ndarray).put(indices, plain(values), mode)

    # -- methods of arrays, through the same rules as the functions ---------------------------------------------------------------

    def sum(self, *args, **kwargs):
        return np.sum(self, *args, **kwargs)

    def mean(self, *args, **kwargs):
        return np.mean(self, *args, **kwargs)

    def std(self, *args, **kwargs):
        return np.std(self, *args, **kwargs)

    def var(self, *args, **kwargs):
        return np.var(self, *args, **kwargs)

    def min(self, *args, **kwargs):
        return np.min(self, *args, **kwargs)

    def max(self, *args, **kwargs):
        return np.max(self, *args, **kwargs)

    def prod(self, *args, **kwargs):
        return np.prod(self, *args, **kwargs)

    def cumsum(self, *args, **kwargs):
        return np.cumsum(self, *args, **kwargs)

    def cumprod(self, *args, **kwargs):
        return np.cumprod(self, *args, **kwargs)

    def dot(self, other, **kwargs):
        return np.dot(self, other, **kwargs)

    def clip(self, *args, **kwargs):
        return np.clip(self, *args, **kwargs)

    def round(self, *args, **kwargs):
        return np.round(self, *args, **kwargs)

    def trace(self, *args, **kwargs):
        return np.trace(self, *args, **kwargs)

    def searchsorted(self, values, *args, **kwargs):
        return np.searchsorted(self, values, *args, **kwargs)

    def argsort(self, *args, **kwargs):
        return self.view(np.ndarray).argsort(*args, **kwargs)

    def argmin(self, *args, **kwargs):
        return self.view(np.ndarray).argmin(*args, **kwargs)

    def argmax(self, *args, **kwargs):
        return self.view(np.ndarray).argmax(*args, **kwargs)

    def nonzero(self):
        return self.view(np.ndarray).nonzero()

    def all(self, *args, **kwargs):
        return self.view(np.ndarray).all(*args, **kwargs)

    def any(self, *args, **kwargs):
        return self.view(np.ndarray).any(*args, **kwargs)

    def astype(self, dtype, *args, **kwargs):
        """The values as another float type, with the unit; an integer type is refused, since base-SI values would be cut."""
        if np.dtype(dtype).kind not in "fc":
            raise UnitError(f"a quantity in {self.dim} cannot become {np.dtype(dtype)}: divide by a unit first")
        return with_dim(self.view(np.ndarray).astype(dtype, *args, **kwargs), self.dim)

    # -- arithmetic that changes the dimension of the left side: a new object instead of a changed view -----------------------------

    # A scalar is a value, like a Python float: an operation in place makes a new one. An array is changed in place, for all who hold it.

    def __iadd__(self, other):
        return super().__iadd__(other) if self.ndim else self + other

    def __isub__(self, other):
        return super().__isub__(other) if self.ndim else self - other

    def __imul__(self, other):
        return super().__imul__(other) if self.ndim and dimensions_of(other) == DIMENSIONLESS else self * other

    def __itruediv__(self, other):
        return super().__itruediv__(other) if self.ndim and dimensions_of(other) == DIMENSIONLESS else self / other

    def __imod__(self, other):
        return super().__imod__(other) if self.ndim else self % other

    def __ifloordiv__(self, other):
        return self // other

    def __ipow__(self, other):
        return self**other

    def __pow__(self, power):
        """``power`` is a plain number, one for all elements."""
        if isinstance(power, Quantity):
            raise UnitError(f"an exponent is a plain number; got {power!s} with unit {power.dim}")
        if np.size(power) != 1:
            raise UnitError(f"a quantity with unit {self.dim} takes one exponent for all elements; got {power!r}")
        exponent = float(np.asarray(power).reshape(()))
        return with_dim(plain(self) ** exponent, _power(self.dim, exponent))

    def __rpow__(self, base):
        raise UnitError(f"an exponent is a plain number; got {self!s} with unit {self.dim}")

    # -- comparison with what is no number: not equal, as for every object ------------------------------------------------------------

    def __eq__(self, other):
        return super().__eq__(other) if _comparable(other) else NotImplemented

    def __ne__(self, other):
        return super().__ne__(other) if _comparable(other) else NotImplemented

    # -- Python protocols ------------------------------------------------------------------------------------------------------

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self):
        return _rebuild, (self.view(np.ndarray).copy(), self.dim)

    def __copy__(self):
        return with_dim(self.view(np.ndarray).copy(), self.dim)

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __format__(self, spec: str) -> str:
        """Without ``spec`` as ``str``; ``f'{v:.3f}'`` formats the number in base SI and leaves the unit out: write ``f'{v/mV:.3f} mV'``."""
        return format(self.view(np.ndarray)[()], spec) if spec else str(self)

    def __str__(self) -> str:
        from eqsnn.units.show import format_quantity

        return format_quantity(self)

    def __repr__(self) -> str:
        from eqsnn.units.show import represent

        return represent(self)

    def _repr_latex_(self) -> str:
        from eqsnn.units.show import latex

        return latex(self)

    def in_unit(self, u: Quantity, precision: int | None = None, python_code: bool = False) -> str:
        """The text of the value in the unit ``u``: ``(3*mV).in_unit(volt)`` is ``'0.003 V'``, as Python code ``'0.003 * volt'``."""
        from eqsnn.units.show import in_unit

        return in_unit(self, u, precision, python_code)

    def in_best_unit(self, precision: int | None = None, python_code: bool = False, *regs) -> str:
        """The text of the value in the unit in which its numbers are nearest to 10; ``regs``: registers of units to choose from."""
        from eqsnn.units.show import best_unit, in_unit

        return in_unit(self, best_unit(self, *regs), precision, python_code)

    def get_best_unit(self, *regs):
        """The unit in which the numbers are nearest to 10."""
        from eqsnn.units.show import best_unit

        return best_unit(self, *regs)

    @staticmethod
    def with_dimensions(value, *args, **keywords) -> Quantity:
        """``value`` with a dimension: a Dimension, seven exponents, or keywords such as ``length=1, time=-2``."""
        dim = args[0] if args and isinstance(args[0], Dimension) else dimension(*args, **keywords)
        return with_dim(value, dim)

    @property
    def is_dimensionless(self) -> bool:
        """True for a quantity without dimension (only a Unit such as radian can be one)."""
        return self.dim == DIMENSIONLESS

    @property
    def dimensions(self) -> Dimension:
        """The dimension, under Brian 2's name."""
        return self.dim

    def has_same_dimensions(self, other) -> bool:
        """Whether ``other`` has the dimension of this quantity."""
        return self.dim == dimensions_of(other)


def _comparable(value: object) -> bool:
    return isinstance(value, (np.ndarray, np.generic, int, float, complex, list, tuple)) or hasattr(value, "__array__")


def _power(dim: Dimension, power: float) -> Dimension:
    try:
        return dim ** exact_power(power) if dim != DIMENSIONLESS else dim
    except ValueError as error:
        raise UnitError(str(error)) from None


def _first(dim) -> Dimension:
    return dim[0] if isinstance(dim, tuple) else dim


def _rebuild(values: np.ndarray, dim: Dimension):
    return with_dim(values, dim)


def have_same_dimensions(obj1, obj2) -> bool:
    """Whether two values have one dimension."""
    return dimensions_of(obj1) == dimensions_of(obj2)


def is_dimensionless(obj) -> bool:
    """Whether a value is a plain number or array."""
    return dimensions_of(obj) == DIMENSIONLESS


def is_scalar_type(obj) -> bool:
    """Whether a value is one plain number."""
    if isinstance(obj, np.ndarray | np.generic):
        return obj.ndim == 0 and is_dimensionless(obj)
    return bool(np.isscalar(obj)) and not isinstance(obj, str)


def fail_for_dimension_mismatch(
    obj1, obj2=None, error_message: str = "the units do not agree", **error_quantities
) -> tuple[Dimension, Dimension]:
    """Raise ``UnitError`` unless the two values (zeros, inf and NaN agree with all) have one dimension; returns both.

    ``error_quantities`` are values for placeholders in the message: ``'{value} is no time'``.
    """
    first, second = dimensions_of(obj1), dimensions_of(obj2) if obj2 is not None else DIMENSIONLESS
    if first != second and not is_zero_like(obj1) and not (obj2 is not None and is_zero_like(obj2)):
        with np.printoptions(edgeitems=2, threshold=5):
            message = error_message.format(**{n: str(q) for n, q in error_quantities.items()})
        raise UnitError(f"{message}: {first} and {second}")
    return first, second


def quantity_with_dimensions(floatval, dims: Dimension):
    """A value with a dimension."""
    return with_dim(floatval, dims)
