"""Memory of freed temporaries, given back to the system."""

from __future__ import annotations

import ctypes
import sys

MANY = 1 << 20
"""Of so many synapses, temporaries are worth it."""


def give_back() -> None:
    """glibc keeps what was freed below the end of its heap: after 10^7 synapses were made, as much as they take themselves."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(ctypes.c_size_t(0))
