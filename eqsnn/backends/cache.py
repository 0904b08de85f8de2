"""What was compiled, kept for the next run. An entry is found by the hash of all that made it and checked by the hash of what it is.

Entries are written to a temporary name and renamed, so that processes need no lock: the worst that happens is that two build the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from eqsnn.errors import EqsnnError

LIMIT = 1 << 30
"""The size in bytes above which the oldest entries are dropped."""


class CacheWarning(UserWarning):
    """An entry of the cache was damaged and is built anew."""


def directory() -> Path:
    """The cache directory: EQSNN_CACHE_DIR, or the user's. It is made if it is missing, and refused if others can write to it."""
    given = os.environ.get("EQSNN_CACHE_DIR")
    if given:
        path = Path(given)
    else:
        import platformdirs

        path = Path(platformdirs.user_cache_dir("eqsnn"))
    try:
        found = path.stat() if path.is_dir() else None
        if found is None:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = path.stat()
    except OSError as error:
        raise EqsnnError(f"the cache directory {path} cannot be made ({error}); set EQSNN_CACHE_DIR") from None
    if sys.platform != "win32":
        if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EqsnnError(
                f"others can write to the cache directory {path}, and compiled code is loaded from it; "
                "make it yours (chmod 700) or set EQSNN_CACHE_DIR"
            )
    return path


def key_of(*parts: str) -> str:
    """The key of an entry made from these texts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


_warned = False


def find(key: str, suffix: str) -> Path | None:
    """The entry of a key, or None. A damaged one is dropped with one warning a process."""
    global _warned
    folder = directory() / key[:2]
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    for path in [folder / n for n in sorted(names) if n.startswith(f"{key}-") and n.endswith(suffix)]:
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if path.name == f"{key}-{_checksum(data)}{suffix}":
            return path
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue
        if not _warned:
            warnings.warn(f"an entry of the cache was damaged and is built anew ({path})", CacheWarning, stacklevel=2)
            _warned = True
    return None


@contextmanager
def _writing():
    """What goes wrong with the file system, as an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise EqsnnError(
            f"the cache directory {directory()} cannot be written to ({error.strerror or error}); "
            "make room there, or set EQSNN_CACHE_DIR to another directory"
        ) from None


def workspace(files: Mapping[str, str] | None = None) -> Path:
    """A new directory on the file system of the cache, for a build, with these files (name, text) in it."""
    import tempfile

    with _writing():
        folder = Path(tempfile.mkdtemp(dir=_scratch()))
        for name, text in (files or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def _scratch() -> Path:
    """Where entries are made, on the file system of the cache."""
    scratch = directory() / "tmp"
    scratch.mkdir(mode=0o700, exist_ok=True)
    _sweep(scratch)
    return scratch


def _sweep(scratch: Path) -> None:
    """Drop what builds that were killed have left behind, after a day."""
    for path in scratch.iterdir():
        try:
            if time.time() - path.stat().st_mtime > 86400:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue


def store(key: str, suffix: str, built: Path) -> Path:
    """Move a finished file into the cache. Nobody waits for the disk: what a crash of the machine tears is found by its hash."""
    with _writing():
        data = built.read_bytes()
        folder = directory() / key[:2]
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{key}-{_checksum(data)}{suffix}"
        os.replace(built, path)
        _shrink_at_times(path, len(data))
    return path


def store_again(path: Path, key: str, suffix: str) -> Path:
    """Let an entry be found under another key, too."""
    folder = workspace()
    try:
        shutil.copyfile(path, folder / "copy")
        return store(key, suffix, folder / "copy")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def store_text(key: str, suffix: str, text: str) -> Path:
    """Keep a text."""
    import tempfile

    with _writing():
        handle, name = tempfile.mkstemp(dir=_scratch())
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            return store(key, suffix, Path(name))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def entries() -> list[Path]:
    """All entries."""
    return [p for p in directory().glob("??/*") if p.is_file()]


_stored_since_shrinking = LIMIT  # bytes; the first entry that a process stores looks at the size of the cache


def _shrink_at_times(keep: Path, size: int) -> None:
    """Look at the size of the whole cache, which takes a millisecond for some hundred entries, whenever 1/64 of what it may hold was added."""
    global _stored_since_shrinking
    _stored_since_shrinking += size
    if _stored_since_shrinking >= LIMIT // 64:
        _stored_since_shrinking = 0
        _shrink(keep)


def _shrink(keep: Path) -> None:
    found = []
    for path in entries():
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LIMIT:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            total -= size


def clear() -> int:
    """Remove all entries; returns how many there were."""
    found = entries()
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
