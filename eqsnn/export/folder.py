"""The directory of an exported project: only files that an export wrote are ever replaced."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from eqsnn.errors import EqsnnError

MANIFEST = ".eqsnn-export.json"


def folder(directory: str | os.PathLike) -> Path:
    """What was given as a directory, as a path. Raises EqsnnError for what is none."""
    try:
        path = Path(directory)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.lstat(path)
    except (TypeError, ValueError, OSError) as error:
        raise EqsnnError(f"export(): the directory must be a path; got {str(directory)[:80]!r} ({error})") from None
    if not str(directory):
        raise EqsnnError("export(): say where to; the directory is '' (the current one is '.')")
    return path


def check_folder(path: Path, names: set[str], overwrite: bool) -> set[str]:
    """The files of an earlier export that are to go. Raises EqsnnError where ``names`` cannot be written into ``path``; nothing has
    changed then."""
    if path.exists() and not path.is_dir():
        raise EqsnnError(f"export(): {path} is a file; a project needs a directory")
    if not path.exists():
        parent = next(p for p in path.absolute().parents if p.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise EqsnnError(f"export(): {path} cannot be made: {parent} cannot be written to")
        return set()
    if not os.access(path, os.W_OK | os.X_OK):
        raise EqsnnError(f"export(): {path} cannot be written to")
    there = {str(p.relative_to(path)) for p in path.rglob("*") if not p.is_dir()}
    if not there:
        return set()
    if not overwrite:
        raise EqsnnError(
            f"export(): {path} is not empty: it has {_some(there)}; name another directory, or say overwrite=True (--overwrite), "
            "which replaces what an earlier export wrote and nothing else"
        )
    ours = _written_before(path) & there
    foreign = (names & (there - ours - {MANIFEST})) | {n for n in {*names, MANIFEST} if _leads_elsewhere(path, n)}
    if foreign:
        raise EqsnnError(
            f"export(): {path} has {_some(foreign)}, which no export wrote, and the project has a file of that name; move yours away"
        )
    return {n for n in ours - names if not _leads_elsewhere(path, n)}


def _leads_elsewhere(path: Path, name: str) -> bool:
    """Whether a name within a directory stands for something outside."""
    parts = [path / name, *(path / p for p in Path(name).parents if p != Path("."))]
    return any(p.is_symlink() for p in parts)


def write_folder(path: Path, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray], gone: set[str]) -> None:
    """Write the files, take away those that are ``gone``, and remember which are ours. Raises EqsnnError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in sorted(gone):
            (path / name).unlink()
        for name, text in texts.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text, encoding="utf-8", newline="\n")
        for name, values in arrays.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            with open(path / name, "wb") as file:
                np.lib.format.write_array(file, values, version=(1, 0), allow_pickle=False)
        about = {
            "written by": "eqsnn",
            "files": {n: hashlib.sha256(t.encode()).hexdigest() for n, t in texts.items()} | dict.fromkeys(arrays, ""),
        }
        (path / MANIFEST).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise EqsnnError(f"export(): {path} cannot be written: {error}") from error


def _written_before(path: Path) -> set[str]:
    try:
        found = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        return {
            name
            for name in found["files"]
            if isinstance(name, str) and ".." not in Path(name).parts and not Path(name).is_absolute()
        } | {MANIFEST}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _some(names: set[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
