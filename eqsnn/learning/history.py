"""What happened in each epoch of a training, and which epoch was the best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.model.suggest import closest


@dataclass
class History:
    """What happened in each epoch: ``columns`` by name, NaN where an epoch had no such value."""

    columns: dict[str, list[float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return max(map(len, self.columns.values()), default=0)

    def add(self, **values: float) -> None:
        """One more epoch."""
        epochs = len(self)
        for name in {**self.columns, **values}:
            column = self.columns.setdefault(name, [float("nan")] * epochs)
            column.append(float(values.get(name, float("nan"))))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.columns:
            raise EqsnnError(
                f"the history has no '{name}'; it has {', '.join(self.columns) or 'nothing yet: fit() fills it'}"
            )
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def pandas(self):
        """As a DataFrame, a row an epoch, counted from 1."""
        import pandas

        return pandas.DataFrame(self.columns, index=pandas.RangeIndex(1, len(self) + 1, name="epoch"))


@dataclass(frozen=True)
class Best:
    """The best epoch so far by the column ``monitor`` of the history, its value, and the parameters after it."""

    monitor: str
    epoch: int
    value: float
    parameters: dict[str, np.ndarray]


@dataclass(frozen=True)
class EarlyStopping:
    """``fit(stop=EarlyStopping(...))`` ends when ``monitor``, a column of the history, has not become better in ``patience`` epochs, and leaves
    the parameters of the best epoch, also where all epochs were run. An accuracy is the better the larger, anything else the smaller. ``margin``:
    by how much a better value is better. ``restore=False`` leaves the last parameters.
    """

    patience: int = 10
    monitor: str = "validation_loss"
    margin: float = 0.0
    restore: bool = True

    def __post_init__(self):
        if not (isinstance(self.patience, (int, np.integer)) and self.patience > 0):
            raise EqsnnError(
                f"patience= is how many epochs may pass without a better one, 1 or more; got {self.patience!r}"
            )
        if not self.margin >= 0:
            raise EqsnnError(f"margin= is by how much a better value is better, 0 or more; got {self.margin!r}")

    def value(self, row: dict[str, float]) -> float:
        """What the epoch is judged by. Raises EqsnnError if it has no such column."""
        if self.monitor in row:
            return row[self.monitor]
        if self.monitor.startswith("validation_") and not any(n.startswith("validation_") for n in row):
            raise EqsnnError(f"EarlyStopping looks at '{self.monitor}', and fit() has no validation=")
        meant = closest(self.monitor, row)
        advice = f"did you mean '{meant}'?" if meant else f"an epoch has {', '.join(row)}"
        raise EqsnnError(f"EarlyStopping looks at '{self.monitor}', which no epoch has; {advice}")

    def judge(self, best: Best | None, epoch: int, row: dict[str, float], parameters) -> Best:
        """The best epoch, this one included."""
        value = self.value(row)
        if best is None or best.monitor != self.monitor or self._better(value, best.value):
            return Best(self.monitor, epoch, value, {n: p.copy() for n, p in parameters.items()})
        return best

    def _better(self, value: float, than: float) -> bool:
        if np.isnan(than):
            return not np.isnan(value)
        return value > than + self.margin if self.monitor.endswith("accuracy") else value < than - self.margin
