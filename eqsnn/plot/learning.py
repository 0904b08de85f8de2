"""Figures of a training: what became of loss, accuracy and rates, weights, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.dense import Dense
from eqsnn.learning.history import History
from eqsnn.plot.axes import axes, label_of, needs, unit_for

_LABELS = {"loss": "loss", "accuracy": "accuracy", "rate": "spikes a neuron and step"}


def history(history: History, what: str = "loss", *, ax=None, **options):
    """Over epochs ``what``, 'loss', 'accuracy', 'rate' or another column, and that of the validation; layers have rates of their own."""
    needs(history, History, "history")
    layers = [n for n in history.columns if n.startswith("rate_")] if what == "rate" else []
    chosen = layers or [n for n in (what, f"validation_{what}") if n in history]
    if not chosen:
        history[what]  # whose error names the columns
    ax = axes(ax)
    for name in chosen:
        column = history[name]
        label = name.removeprefix("rate_") if layers else name.replace("_", " ")
        marker = "." if len(column) < 3 else ""
        ax.plot(np.arange(1, len(column) + 1), column, marker=marker, **{"label": label, **options})
    ax.set_xlabel("epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_ylabel(_LABELS.get(what, what.replace("_", " ")))
    if what == "accuracy":
        ax.set_ylim(None, 1)
    if len(chosen) > 1:
        ax.legend()
    return ax


def weights(dense: Dense, variable: str | None = None, *, ax=None, bar: bool = True, **options):
    """The weights of a projection as an image, sources upwards and targets to the right; 0 is white. ``bar``: what colours mean, beside it."""
    needs(dense, Dense, "weights")
    ax = axes(ax)
    name = variable or next(v.name for v in dense.model.variables if "trainable" in v.flags)
    values = dense.state(name)[:]
    size, unit = unit_for(values)
    matrix = dense.matrix(np.asarray(values)) / size
    largest = float(np.abs(matrix).max(initial=0)) or 1.0
    options = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, "aspect": "auto", "origin": "lower", **options}
    image = ax.imshow(matrix, interpolation="nearest", **options)
    ax.set_xlabel(f"neuron of {dense.target.name}")
    ax.set_ylabel(f"neuron of {dense.source.name}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(integer=True)
    if bar:
        ax.figure.colorbar(image, ax=ax, label=label_of(name, unit))
    return ax


def confusion(wanted, read, *, labels: Sequence[str] | None = None, ax=None, **options):
    """How often each class ``wanted`` (rows) was ``read`` as each (columns), in numbers, shaded by the share of its row. ``read``: classes, or what
    ``Trainer.predict`` gives, the last axis being classes; -1 in ``wanted`` does not count."""
    wanted, read = np.asarray(wanted), np.asarray(read)
    if read.ndim == wanted.ndim + 1:
        read = read.argmax(axis=-1)
    if wanted.shape != read.shape or wanted.dtype.kind not in "iu" or read.dtype.kind not in "iu":
        raise EqsnnError(
            f"plot.confusion() takes the classes that are wanted and those that are read; got {wanted.dtype} {wanted.shape} and "
            f"{read.dtype} {read.shape}"
        )
    counted = wanted >= 0
    wanted, read = wanted[counted], read[counted]
    n = max(int(wanted.max(initial=0)), int(read.max(initial=0))) + 1
    n = max(n, len(labels)) if labels is not None else n
    table = np.zeros((n, n), int)
    np.add.at(table, (wanted, read), 1)
    ax = axes(ax)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, **{"cmap": "Blues", "vmin": 0, "vmax": 1, **options})
    if n <= 20:
        for row, column in zip(*np.nonzero(table)):
            dark = share[row, column] > 0.6
            ax.text(column, row, table[row, column], ha="center", va="center", color="w" if dark else "k", fontsize=8)
    names = [str(k) for k in range(n)] if labels is None else [*labels, *map(str, range(len(labels), n))]
    ax.set_xticks(range(n), names)
    ax.set_yticks(range(n), names)
    ax.set_xlabel("read as")
    ax.set_ylabel("wanted")
    return ax
