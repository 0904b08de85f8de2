"""Notices: what a user should know but need not act on, such as the method that was chosen. Each is given once a process.

They go to the logger ``eqsnn`` at level INFO. As long as nobody has set up logging, they are printed to stderr.
"""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("eqsnn")
_told: set[str] = set()


class _Stderr(logging.StreamHandler):
    """Prints while the program has no handlers of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers and len(logger.handlers) == 1:
            self.setStream(sys.stderr)
            super().emit(record)


def show_notices() -> None:
    """Let notices be printed, unless the program has set up logging itself."""
    if logger.handlers:
        return
    handler = _Stderr()
    handler.setFormatter(logging.Formatter("eqsnn: %(message)s"))
    logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def told() -> frozenset[str]:
    """The notices that have been given."""
    return frozenset(_told)


def leave_to_the_caller() -> None:
    """Give no notices in this process, one of many; the caller gives what ``told()`` has here."""
    logger.setLevel(logging.WARNING)


def tell_once(message: str) -> None:
    """Give a notice, if it has not been given before."""
    if message in _told:
        return
    _told.add(message)
    show_notices()
    logger.info(message)
