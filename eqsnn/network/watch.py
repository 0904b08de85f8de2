"""Objects that were made and never ran: they say so when they go, or when the process ends, and only if they could have run.

An object could have run if a run took place while it lived, in which a group that it belongs to took part, or which was to take
everything that can be seen by name. Where a script ended with an error, nothing is said: the run may have been still to come.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass, field

from eqsnn.network.notices import tell_once


@dataclass
class Watch:
    """What is known of one object, without holding it."""

    kind: str
    name: str
    network: str | None = None  # the name of a network that it was added to
    missed: str | None = None  # what makes its absence from a run strange
    place: str = ""
    _frame: tuple[int, int] | None = field(default=None, repr=False)  # the call that made it, and the line

    def begin(self, o: object) -> None:
        """Look after ``o``, which its constructor has just finished."""
        if not getattr(o, "add_to_magic_network", False):
            return
        frame = user_frame()
        if frame is not None:
            self.place = f" ({frame.f_code.co_filename}:{frame.f_lineno})"
            if any(hasattr(o, a) for a in ("source", "target", "function")):  # nobody makes these but to act on others
                self._frame = (id(frame), frame.f_lineno)
        weakref.finalize(o, self._gone)

    def _gone(self) -> None:
        """The object is no more, or the process ends."""
        if self.network is not None or hasattr(sys, "last_value") or hasattr(sys, "last_exc"):
            return
        frame = user_frame()
        if self.missed is not None:
            tell_once(f"the {self.kind} '{self.name}'{self.place} never ran, although {self.missed}")
        elif frame is not None and self._frame == (id(frame), frame.f_lineno) and sys.exc_info()[0] is None:
            tell_once(
                f"the {self.kind} '{self.name}'{self.place} was deleted as soon as it was made, since nothing holds it, and will "
                f"not run; keep it in a variable: name = {self.kind}(...)"
            )


def user_frame():
    """The innermost frame of code that is not eqsnn's own."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("eqsnn", "weakref"):
        frame = frame.f_back
    return frame
