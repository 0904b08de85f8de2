"""'Did you mean ...?'"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` most likely stands for, or None."""
    known = list(known)
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    found = difflib.get_close_matches(name, known, 1, cutoff=0.7)
    return found[0] if found else None
