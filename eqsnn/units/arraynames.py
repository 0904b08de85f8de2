"""Which functions of numpy's namespace follow which simple rule for units, by name (versions of numpy differ in what they have)."""

# ruff: noqa: SIM905 (one name a line would be two hundred lines)

KEEP = """
    amax amin apply_along_axis around array_split broadcast_to copy cumsum delete diag diagflat diagonal diff
    dsplit  empty_like expand_dims fix flip fliplr flipud hsplit imag matrix_transpose max mean median
    min moveaxis nan_to_num nancumsum nanmax nanmean nanmedian nanmin nanstd nansum
    ones_like partition permute_dims ptp ravel real real_if_close repeat reshape resize
    roll rollaxis rot90 round round_ sort sort_complex split squeeze std sum swapaxes take take_along_axis
    tile trace transpose tril trim_zeros triu unstack vsplit zeros_like
""".split()
"""The unit of the first argument stays; other quantities have the same."""

SAME = """
    append block clip column_stack concat concatenate dstack ediff1d hstack insert intersect1d maximum minimum polyadd
    polysub select setdiff1d setxor1d stack union1d vstack
""".split()
"""All values have one unit, and so has the result."""

SAME_TO_PLAIN = """
    allclose in1d isclose isin searchsorted
""".split()
"""Two values have one unit, the result none."""

PLAIN = """
    all any argmax argmin argpartition argsort argwhere bincount can_cast common_type corrcoef count_nonzero
    diag_indices_from flatnonzero iscomplex iscomplexobj isneginf isposinf isreal isrealobj lexsort
    may_share_memory min_scalar_type mintypecode nanargmax nanargmin ndim nonzero result_type shape
    shares_memory size tril_indices_from triu_indices_from
""".split()
"""The result (indices, truth values, sizes) does not depend on units."""

FILES = "save savez savez_compressed savetxt".split()
"""What is written is the numbers in base SI, as in Brian 2; a file of numpy holds no unit."""

PRODUCT = """
    convolve correlate cross dot inner kron matmul outer tensordot vdot
""".split()
"""The unit is the product of the units of the first two arguments."""

FFT = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftshift ifftshift".split()
"""Functions of ``numpy.fft``: linear, so the unit stays."""

BASE_SI = "polyfit polyval polymul polydiv polyder polyint poly roots vander unwrap".split()
"""Their numbers would each have a unit of its own: they take values in base SI and give plain numbers, as in Brian 2, and warn."""
