"""Ctrl-C in a run: noted when it comes, obeyed at the end of the step, so that state, time and records belong together."""

from __future__ import annotations

import signal
import threading


class Interrupts:
    """While this is entered, Ctrl-C sets ``requested``; a second one is a KeyboardInterrupt at once, for an operation that does not end.

    ``catching``: whether Ctrl-C is ours to handle: in the main thread, and where the process does not ignore it. The engine has a handler of its
    own while it steps, and passes on to this one what it has seen.
    """

    def __init__(self) -> None:
        self.requested = False
        self.catching = False

    def __enter__(self) -> Interrupts:
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(before):
            self._before = signal.signal(signal.SIGINT, self._note)
            self.catching = True
        return self

    def __exit__(self, *_) -> None:
        if self.catching:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number, frame) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
