"""Brian 2's logger over Python's ``logging``: names that begin with ``brian2`` are those of ``eqsnn`` here, notices included."""

from __future__ import annotations

import contextlib
import io
import logging
import sys

from eqsnn.errors import EqsnnError
from eqsnn.network.notices import logger as _root
from eqsnn.network.notices import show_notices

DIAGNOSTIC = 5
LOG_LEVELS = {
    "CRITICAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "DIAGNOSTIC": DIAGNOSTIC,
}
logging.addLevelName(DIAGNOSTIC, "DIAGNOSTIC")


def _own_name(name: str) -> str:
    """``brian2.codegen`` is ``eqsnn.codegen``; a module of the user's is a child of ``eqsnn`` too, so that levels hold for it."""
    head, _, rest = name.partition(".")
    if head in ("brian2", "eqsnn"):
        return f"eqsnn.{rest.removeprefix('brian.')}" if rest and rest != "brian" else "eqsnn"
    return f"eqsnn.{name}"


class _Filter(logging.Filter):
    """Drops records below one name, or that end in one."""

    def __init__(self, hierarchy: str | None = None, ending: str | None = None):
        super().__init__()
        self.hierarchy, self.ending = hierarchy, ending

    def filter(self, record: logging.LogRecord) -> bool:
        if self.hierarchy is not None:
            return not (record.name == self.hierarchy or record.name.startswith(self.hierarchy + "."))
        return record.name.rpartition(".")[2] != self.ending


class BrianLogger:
    """A named logger; its static methods say what is shown: ``BrianLogger.log_level_error()``, ``BrianLogger.suppress_name('x')``."""

    tmp_log = tmp_script = tmp_stdout = tmp_stderr = None
    """The names of log files: there are none."""
    _said: set[tuple] = set()
    _filters: list[_Filter] = []

    def __init__(self, name: str):
        self.name = name

    def _log(self, level: str, msg: str, name_suffix: str | None, once: bool) -> None:
        name = _own_name(f"{self.name}.{name_suffix}" if name_suffix else self.name)
        if once and (name, level, msg) in self._said:
            return
        self._said.add((name, level, msg))
        record = logging.getLogger(name)
        show_notices()
        for f in BrianLogger._filters:  # a filter of a parent does not hold for what its children log
            if f not in record.filters:
                record.addFilter(f)
        record.log(LOG_LEVELS[level], msg)

    def diagnostic(self, msg: str, name_suffix: str | None = None, once: bool = False) -> None:
        """Log what helps to find a defect of the simulator."""
        self._log("DIAGNOSTIC", msg, name_suffix, once)

    def debug(self, msg: str, name_suffix: str | None = None, once: bool = False) -> None:
        """Log what helps to find a defect of a model."""
        self._log("DEBUG", msg, name_suffix, once)

    def info(self, msg: str, name_suffix: str | None = None, once: bool = False) -> None:
        """Log a choice that was made for the user."""
        self._log("INFO", msg, name_suffix, once)

    def warn(self, msg: str, name_suffix: str | None = None, once: bool = False) -> None:
        """Log what is most likely a mistake."""
        self._log("WARNING", msg, name_suffix, once)

    warning = warn

    def error(self, msg: str, name_suffix: str | None = None, once: bool = False) -> None:
        """Log an error."""
        self._log("ERROR", msg, name_suffix, once)

    @staticmethod
    def suppress_hierarchy(name: str, filter_log_file: bool = False) -> None:
        """Show no message of ``name`` and what is below it; 'brian2' stands for all of eqsnn's."""
        _add_filter(_Filter(hierarchy=_own_name(name)))

    @staticmethod
    def suppress_name(name: str, filter_log_file: bool = False) -> None:
        """Show no message whose name ends in ``name``."""
        _add_filter(_Filter(ending=name))

    @staticmethod
    def log_level_diagnostic() -> None:
        """Show everything."""
        set_level("DIAGNOSTIC")

    @staticmethod
    def log_level_debug() -> None:
        """Show messages from DEBUG on."""
        set_level("DEBUG")

    @staticmethod
    def log_level_info() -> None:
        """Show messages from INFO on (the default)."""
        set_level("INFO")

    @staticmethod
    def log_level_warn() -> None:
        """Show warnings and errors, no notices."""
        set_level("WARNING")

    @staticmethod
    def log_level_error() -> None:
        """Show errors only."""
        set_level("ERROR")

    @staticmethod
    def initialize() -> None:
        """Show messages as by default: from INFO on, nothing suppressed."""
        for f in BrianLogger._filters:
            _root.removeFilter(f)
        BrianLogger._filters.clear()
        BrianLogger._said.clear()
        show_notices()
        set_level("INFO")


def set_level(name: str) -> None:
    """Show messages from the level ``name`` on."""
    if str(name).upper() not in LOG_LEVELS:
        raise EqsnnError(f"there is no log level '{name}'; there are {', '.join(LOG_LEVELS)}")
    _root.setLevel(LOG_LEVELS[str(name).upper()])


def _add_filter(f: _Filter) -> None:
    BrianLogger._filters.append(f)
    _root.addFilter(f)


def get_logger(module_name: str = "brian2") -> BrianLogger:
    """The logger of a module: ``get_logger(__name__).info('...')``."""
    return BrianLogger(module_name)


class catch_logs:
    """``with catch_logs() as logs:`` collects ``(level, name, message)`` from WARNING on instead of showing them."""

    def __init__(self, log_level: int = logging.WARNING, only_from=("brian2", "eqsnn")):
        self._level, self._from = log_level, tuple(_own_name(n) for n in only_from)
        self._logs: list[tuple[str, str, str]] = []

    def __enter__(self) -> list[tuple[str, str, str]]:
        logs, sources = self._logs, self._from

        class Collect(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.name.startswith(sources):
                    logs.append((record.levelname, record.name, record.getMessage()))

        self._before = _root.handlers[:], _root.propagate
        _root.handlers[:], _root.propagate = [Collect(self._level)], False
        return logs

    def __exit__(self, *error) -> None:
        _root.handlers[:], _root.propagate = self._before


class std_silent:
    """``with std_silent():`` holds back what is printed, and shows it only if an exception leaves the block."""

    def __init__(self, alwaysprint: bool = False):
        self._always = alwaysprint

    def __enter__(self) -> None:
        self._text = io.StringIO()
        self._stack = contextlib.ExitStack()
        if not self._always:
            self._stack.enter_context(contextlib.redirect_stdout(self._text))
            self._stack.enter_context(contextlib.redirect_stderr(self._text))

    def __exit__(self, kind, *error) -> None:
        self._stack.close()
        if kind is not None:
            sys.stdout.write(self._text.getvalue())
