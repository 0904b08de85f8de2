"""A training in a file, to be taken up again bit by bit: a zip of JSON and npy, never pickle, written and read as those of ``store`` are.

It holds what decides how a training goes on: parameters, what optimiser and method remember, the history, the best epoch, the position of the random
streams, and the values of the network that are not trained. Equations, loss and options are those of the script that makes the trainer.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqsnn.errors import EqsnnError
from eqsnn.learning.history import Best
from eqsnn.network.base import registry
from eqsnn.runtime.checkpoint_file import DAMAGE, Damaged, array_of, index_of, put_array, replacing

if TYPE_CHECKING:
    from eqsnn.learning.trainer import Trainer

FORMAT, VERSION = "eqsnn training", 1
_INDEX = "training.json"

Arrays = dict[str, dict[str, np.ndarray]]
"""Lists of numbers by the name of what they belong to, and by what they are."""


def save(trainer: Trainer, path: str | Path) -> None:
    """Put the training into the file ``path``, which is replaced when the new one is complete."""
    path = Path(path)
    optimiser, best = trainer.optimizer, trainer.best
    index = {
        "format": FORMAT,
        "version": VERSION,
        "epoch": trainer.epoch,
        "optimiser": {"kind": type(optimiser).__name__, "steps": optimiser.steps, "rate": optimiser.rate},
        "method": type(trainer.method).__name__,
        "history": trainer.history.columns,
        "random": {"seed": registry.seed_value, "draws": registry.draws},
        "best": None if best is None else {"monitor": best.monitor, "epoch": best.epoch, "value": best.value},
    }
    with replacing(path, "save()") as file:
        index["arrays"] = {
            "parameters": _put(file, "parameters", {n: {"value": p} for n, p in trainer.parameters.items()}),
            "network": _put(file, "network", trainer.network.untrained()),
            "optimiser": _put(file, "optimiser", optimiser.memory),
            "method": _put(file, "method", trainer.method.memory()),
            "best": _put(file, "best", {n: {"value": p} for n, p in (best.parameters if best else {}).items()}),
        }
        file.writestr(_INDEX, json.dumps(index, indent=1))


def _put(file: zipfile.ZipFile, folder: str, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> dict:
    """Write arrays; which member holds which."""
    members: dict[str, dict[str, str]] = {}
    for k, (name, own) in enumerate(arrays.items()):
        members[name] = {key: f"{folder}/{k}/{n}.npy" for n, key in enumerate(own)}
        for key, array in own.items():
            put_array(file, members[name][key], np.ravel(array))
    return members


def load(trainer: Trainer, path: str | Path) -> None:
    """Go on where ``path`` was saved. Raises EqsnnError, and changes nothing, where the file is none or is that of another network."""
    path = Path(path)
    if not path.exists():
        raise EqsnnError(f"load(): there is no file {path}")
    try:
        with zipfile.ZipFile(path) as file:
            index = index_of(file, _INDEX, FORMAT, VERSION)
            arrays = {
                part: {
                    name: {key: array_of(file, member) for key, member in own.items()} for name, own in members.items()
                }
                for part, members in index["arrays"].items()
            }
            _whole(index, arrays)
    except OSError as error:
        raise EqsnnError(f"load(): {path} cannot be read: {error}") from None
    except DAMAGE as error:
        what = str(error) or type(error).__name__
        raise EqsnnError(f"load(): {path} is no whole training of eqsnn ({what})") from None
    _must_fit(trainer, path, index, arrays)
    _fill(trainer, index, arrays)


def _whole(index: dict, arrays: dict[str, Arrays]) -> None:
    """Raises Damaged or what looking at it raises, where the file does not say all that there is to say."""
    numbers = (index["epoch"], index["optimiser"]["steps"], index["random"]["seed"], index["random"]["draws"])
    if (
        not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
        or min(numbers[:2]) < 0
        or numbers[3] < 0
    ):
        raise Damaged("an epoch, a step or a seed is no number")
    rate = index["optimiser"]["rate"]
    if not isinstance(rate, float) or not (math.isfinite(rate) and rate > 0):
        raise Damaged("the learning rate is no number")
    columns = index["history"]
    if any(len(c) != index["epoch"] or not all(isinstance(v, float) for v in c) for c in columns.values()):
        raise Damaged("the history has not one number an epoch")
    for part in ("parameters", "network", "optimiser", "method", "best"):
        if any(not np.issubdtype(a.dtype, np.floating) for own in arrays[part].values() for a in own.values()):
            raise Damaged(f"'{part}' has other things than numbers")
    best = index["best"]
    if best is not None and not (
        isinstance(best["monitor"], str) and isinstance(best["epoch"], int) and isinstance(best["value"], float)
    ):
        raise Damaged("the best epoch is none")
    if any("value" not in own for part in ("parameters", "best") for own in arrays[part].values()):
        raise Damaged("a parameter has no value")


def _must_fit(trainer: Trainer, path: Path, index: dict, arrays: dict[str, Arrays]) -> None:
    """Raises EqsnnError where the training is that of another network, optimiser or method."""
    own = {n: {"value": p} for n, p in trainer.parameters.items()}
    _same(path, "trained", own, arrays["parameters"])
    _same(path, "not trained", trainer.network.untrained(), arrays["network"])
    if index["best"] is not None:
        _same(path, "trained", own, arrays["best"])
    for what, ours, theirs in (
        ("optimizer", type(trainer.optimizer).__name__, index["optimiser"]["kind"]),
        ("method", type(trainer.method).__name__, index["method"]),
    ):
        if ours != theirs:
            raise EqsnnError(f"load(): {path} was saved with the {what} {theirs}, and this trainer has {ours}")
    for part in ("optimiser", "method"):
        for name, values in arrays[part].items():
            size = trainer.parameters[name].size if name in trainer.parameters else None
            for key, a in values.items():
                if size is not None and a.size != size:
                    raise EqsnnError(
                        f"load(): {path} remembers {a.size} values of '{key}' for {name}, which has {size}"
                    )


def _same(path: Path, what: str, ours: Mapping[str, Mapping], theirs: Arrays) -> None:
    ours = {f"{n}.{k}" if k != "value" else n: a.size for n, own in ours.items() for k, a in own.items()}
    theirs = {f"{n}.{k}" if k != "value" else n: a.size for n, own in theirs.items() for k, a in own.items()}
    for name in (*theirs, *ours):
        if name not in ours:
            raise EqsnnError(f"load(): {path} has '{name}', which in this network does not exist or is not {what}")
        if name not in theirs:
            raise EqsnnError(f"load(): {path} has no '{name}', which in this network is {what}")
        if ours[name] != theirs[name]:
            raise EqsnnError(f"load(): '{name}' has {theirs[name]} values in {path}, and {ours[name]} in this network")


def _fill(trainer: Trainer, index: dict, arrays: dict[str, Arrays]) -> None:
    trainer.method.remember(arrays["method"])
    for name, own in arrays["parameters"].items():
        trainer.parameters[name][...] = own["value"]
    trainer.network.set_untrained(arrays["network"])
    trainer.optimizer.memory = arrays["optimiser"]
    trainer.optimizer.steps, trainer.optimizer.rate = index["optimiser"]["steps"], index["optimiser"]["rate"]
    trainer.history.columns = index["history"]
    trainer.epoch = index["epoch"]
    best = index["best"]
    values = {n: own["value"] for n, own in arrays["best"].items()}
    trainer.best = None if best is None else Best(best["monitor"], best["epoch"], best["value"], values)
    registry.seed_value, registry.draws = index["random"]["seed"], index["random"]["draws"]
    trainer.network.write_back()
