"""The compatibility face: a script for Brian 2 with ``brian2`` in its import lines replaced by ``eqsnn.brian``.

It exports what ``from brian2 import *`` does, the names of numpy and of pyplot included, and holds no engine code: ``only`` says what
stands for each name of Brian 2, ``refused`` why some cannot be had, ``paths`` which submodules there are. It differs from the native face
in manners: a variable that becomes NaN or infinite gives a warning at the end of the run, not an error.
"""

import signal  # noqa: F401 (Brian 2 exports it)

try:
    from pylab import *  # noqa: F403
except ImportError:  # as in Brian 2, plotting is optional
    import datetime  # noqa: F401

    from numpy import *  # noqa: F403
    from numpy import ma  # noqa: F401
    from numpy.fft import *  # noqa: F403
    from numpy.linalg import *  # noqa: F403
    from numpy.random import *  # noqa: F403

from eqsnn import __version__
from eqsnn.backends import cache as _cache
from eqsnn.brian import numpy_, only
from eqsnn.brian import paths as _paths
from eqsnn.brian.only import *  # noqa: F403
from eqsnn.units import matplotlib_units as _matplotlib_units

np = numpy = numpy_
logger = only.get_logger("brian2")
__version_tuple__ = tuple(int(n) for n in __version__.split(".")[:3])


def check_cache(target: str) -> None:
    """Nothing: the cache caps its size by itself. `eqsnn cache` shows it."""


def clear_cache(target: str) -> None:
    """Delete all compiled code."""
    if target != "cython":
        raise ValueError(f"the target '{target}' has no cache; 'cython' has one")
    _cache.clear()


_matplotlib_units.register()
globals().update(_paths.install(__name__))
# The names of this face's own modules are no names of Brian 2.
_OWN = """
    codestrings constants inside knownprefs logs manners methods paths populations preferences recorders refused standalone stringtools unitnames
    userfunctions tools f x rate
""".split()  # noqa: SIM905
__all__ = [n for n in globals() if not n.startswith("_") and n not in _OWN]
