"""Snapshots in a file: a zip of JSON and npy, never pickle.

``checkpoint.json`` says what the file is and lists, for each snapshot, its numbers and which member holds which array. Members are stored
uncompressed, so that a file never unpacks to more than its size, and are read in memory only; each is checked against its CRC.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from eqsnn.errors import EqsnnError, NoFileError, UnknownNameError
from eqsnn.runtime.checkpoint import Snapshot, State

FORMAT, VERSION = "eqsnn checkpoint", 1
_INDEX = "checkpoint.json"
DAMAGE = (
    zipfile.BadZipFile,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    struct.error,
)
# From zipfile: a method of compression, an encryption or a version that it does not know, where bytes of a header were changed.
DAMAGE += (NotImplementedError, RuntimeError, MemoryError, ZeroDivisionError)


class Damaged(ValueError):
    """What is wrong with the file."""


def write(path: Path, name: str, snapshot: Snapshot) -> None:
    """Put a snapshot into a file, beside those of other names that it holds. The file is replaced when the new one is complete."""
    kept = (
        _read_all(path, advice="it is not overwritten: delete it, or store under another name") if path.exists() else {}
    )
    snapshots = kept | {name: snapshot}
    index: dict[str, object] = {"format": FORMAT, "version": VERSION, "snapshots": {}}
    with replacing(path, "store()") as file:
        for k, (key, s) in enumerate(snapshots.items()):
            index["snapshots"][key] = _put(file, str(k), s)
        file.writestr(_INDEX, json.dumps(index, indent=1))


@contextlib.contextmanager
def replacing(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    """A zip that becomes the file ``path`` when it is complete; what was there stays if anything fails. ``what`` writes, for the error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise EqsnnError(f"{what}: {path} cannot be written: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def put_array(file: zipfile.ZipFile, member: str, array: np.ndarray) -> None:
    """A list of numbers as a member of the zip."""
    data = io.BytesIO()
    np.lib.format.write_array(data, np.ascontiguousarray(array), allow_pickle=False)
    file.writestr(member, data.getvalue())


def array_of(file: zipfile.ZipFile, member: str) -> np.ndarray:
    """The list of numbers that a member of the zip is."""
    return _npy(_member(file, member), member)


def _put(file: zipfile.ZipFile, folder: str, s: Snapshot) -> dict[str, object]:
    objects = {}
    for n, (name, state) in enumerate(s.objects.items()):
        members = {}
        for k, (key, array) in enumerate(state.arrays.items()):
            members[key] = f"{folder}/{n}/{k}.npy"
            put_array(file, members[key], array)
        objects[name] = {"kind": state.kind, "values": state.values, "arrays": members}
    return {"time": [s.time.numerator, s.time.denominator], "random": s.random, "objects": objects}


def read(path: Path, name: str) -> Snapshot:
    """The snapshot of that name. Raises EqsnnError for what is not a whole file of ours."""
    if not path.exists():
        raise NoFileError(f"restore(): there is no file {path}")
    found = _read_all(path, name)
    if name not in found:
        raise UnknownNameError(
            f"restore(): {path} has no snapshot {name!r}; it has {', '.join(map(repr, names(path)))}"
        )
    return found[name]


def names(path: Path) -> list[str]:
    """The names of the snapshots in a file."""
    with zipfile.ZipFile(path) as file:
        return list(_index_of(file))


def _read_all(
    path: Path, only: str | None = None, advice: str = "store it again, or restore from another"
) -> dict[str, Snapshot]:
    try:
        with zipfile.ZipFile(path) as file:
            entries = _index_of(file)
            return {n: _get(file, entry) for n, entry in entries.items() if only in (None, n)}
    except OSError as error:
        raise EqsnnError(f"{path} cannot be read: {error}") from None
    except DAMAGE as error:
        what = str(error) or type(error).__name__
        raise EqsnnError(f"{path} is no whole checkpoint of eqsnn ({what}); {advice}") from None


def _index_of(file: zipfile.ZipFile) -> dict[str, dict]:
    return index_of(file, _INDEX, FORMAT, VERSION)["snapshots"]


def index_of(file: zipfile.ZipFile, member: str, kind: str, version: int) -> dict:
    """What the zip says of itself in JSON. Raises Damaged where that is another kind of file or another version."""
    index = json.loads(_member(file, member))
    if not isinstance(index, dict) or index.get("format") != kind:
        raise Damaged("it does not say that it is one")
    if index.get("version") != version:
        raise Damaged(f"it has version {index.get('version')!r} of the format, and this eqsnn reads version {version}")
    return index


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    info = file.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise Damaged(f"'{name}' is compressed")
    return file.read(info)


def _get(file: zipfile.ZipFile, entry: dict) -> Snapshot:
    objects = {}
    for name, o in entry["objects"].items():
        if not isinstance(o["values"], dict) or not isinstance(o["kind"], str):
            raise Damaged(f"'{name}' has no values")
        arrays = {key: array_of(file, member) for key, member in o["arrays"].items()}
        objects[name] = State(o["kind"], o["values"], arrays)
    numerator, denominator = entry["time"]
    random = entry["random"]
    if not all(isinstance(x, int) for x in (numerator, denominator, random["seed"], random["draws"])) or numerator < 0:
        raise Damaged("its time or seed is no number")
    return Snapshot(Fraction(numerator, denominator), {"seed": random["seed"], "draws": random["draws"]}, objects)


def _npy(data: bytes, name: str) -> np.ndarray:
    """An array of numbers from the bytes of an npy file; its header may not promise more than there is."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise Damaged(f"'{name}' has another version of npy")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    rest = len(data) - stream.tell()
    if dtype.kind not in "fiub" or dtype.hasobject or fortran or len(shape) != 1:
        raise Damaged(f"'{name}' is no list of numbers")
    if shape[0] * dtype.itemsize != rest:
        raise Damaged(f"'{name}' has {rest} bytes, and its header says {shape[0] * dtype.itemsize}")
    return np.frombuffer(data, dtype, offset=len(data) - rest).astype(dtype.newbyteorder("="))
