"""Where the time of a run went: the seconds that the engine spent in each operation, gathered for the objects that a user knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from eqsnn.errors import EqsnnError
from eqsnn.runtime.plan import Op
from eqsnn.runtime.schedule import html_table, table
from eqsnn.runtime.team import Team
from eqsnn.units import Quantity, second

_WORDS = {
    "step": "_stateupdater",
    "shared step": "_stateupdater",
    "threshold": "_spike_thresholder",
    "marks": "_spike_thresholder",
    "reset": "_spike_resetter",
    "input": "",
    "held": "_subexpression_update",
    "shared held": "_subexpression_update",
    "spikes": "",
    "record": "",
    "python": "",
    "clear": "_summed_variable",
}
"""What the operations of an object are called, in Brian 2's words. A threshold that is one kernel with the update counts as the update."""
_COLUMNS = ("operation", "time", "share")


def name_of(op: Op) -> str:
    """The name under which the time of an operation is found."""
    if op.name:
        return op.name
    label = op.label
    if label.startswith("pathway "):
        return f"{op.owner.name}_{label.removeprefix('pathway ')}"
    if label.startswith("event "):
        return f"{op.owner.name}_{label.removeprefix('event ')}_thresholder"
    if label.startswith("code for "):
        return f"{op.owner.name}_{label.removeprefix('code for ')}_resetter"
    if label.startswith("record ") or label == "count":
        return op.owner.name
    if label.startswith("summed "):
        return f"{op.owner.name}_summed_variable"
    return f"{op.owner.name}{_WORDS.get(label, '_' + label.replace(' ', '_'))}"


def gathered(ops: Iterable[Op]) -> list[tuple[str, float]]:
    """``(name, seconds)`` of each operation, the longest first."""
    sums: dict[str, float] = {}
    for op in ops:
        sums[name_of(op)] = sums.get(name_of(op), 0.0) + op.seconds
    return sorted(sums.items(), key=lambda item: -item[1])


class Profiled(Protocol):
    """A network that may have been profiled."""

    @property
    def profiling_info(self) -> list[tuple[str, Quantity]]: ...

    @property
    def team(self) -> Team: ...


class ProfilingSummary:
    """Names, times and shares of the operations of a run, the longest first. Prints as a table, in notebooks too. ``threads`` says why fewer
    worked than were asked for; else it is empty."""

    def __init__(self, network: Profiled, show: int | None = None):
        if show is not None and (isinstance(show, bool) or not isinstance(show, int) or show < 1):
            raise EqsnnError(f"profiling_summary(): show= is the number of operations to list; got {show!r}")
        info = [(name, float(time / second)) for name, time in network.profiling_info]
        total = sum(t for _, t in info) or 1.0
        shown = info[:show]
        self.names = [name for name, _ in shown]
        self.times = [t * second for _, t in shown]
        self.percentages = [100 * t / total for _, t in shown]
        team = network.team
        self.threads = f"on {team.threads} of {team.asked} threads: {team.why}" if team.why else ""

    def rows(self) -> list[tuple[str, str, str]]:
        """The cells of the table, without its head."""
        return [
            (n, f"{float(t / second):.3g} s", f"{p:.2f} %") for n, t, p in zip(self.names, self.times, self.percentages)
        ]

    def __str__(self) -> str:
        head = "Profiling summary"
        foot = f"\n{self.threads}" if self.threads else ""
        return f"{head}\n{'=' * len(head)}\n{table(_COLUMNS, self.rows(), right={1, 2})}{foot}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        foot = f"<p>{self.threads}</p>" if self.threads else ""
        return f"<h2>Profiling summary</h2>{html_table(_COLUMNS, self.rows(), right={1, 2})}{foot}"
