"""Lowered kernels kept on disk as JSON, found by the hash of all that made them. Nothing here is ever executed or unpickled.

A kernel that is read back has been checked against its own hash; it is then verified like a fresh one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping

from eqsnn.backends import cache
from eqsnn.backends.texts import Texts
from eqsnn.errors import Span
from eqsnn.kernel import ir
from eqsnn.kernel.verify import verify

_CLASSES = {c.__name__: c for c in vars(ir).values() if dataclasses.is_dataclass(c)} | {"Span": Span}
_memory: dict[str, object] = {}


@functools.cache
def _version() -> str:
    """A hash of the rooms that make kernels: another text of them makes other kernels."""
    from pathlib import Path

    import eqsnn

    digest = hashlib.sha256()
    root = Path(eqsnn.__file__).parent
    files = [root / "update_map.py", root / "pipeline.py"]
    for room in ("language", "model", "integrators", "derivations", "kernel"):
        files += [*(root / room).rglob("*.py"), *(root / room).glob("*.lark")]
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


texts = Texts(_version)
"""What the kernels come from."""


_PLAIN = frozenset((str, int, float, bool, complex, bytes, type(None)))


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass; none for another type."""
    return tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def _canonical(part: object) -> object:
    """A value as nested lists of strings that are equal exactly if the values are, spans included: kernels carry them."""
    kind = type(part)
    if kind in _PLAIN:
        return [kind.__name__, repr(part)]
    if kind is Span:
        return ["span", part.text, part.start, part.end, part.origin]
    if kind is tuple or kind is list:
        return ["list", *map(_canonical, part)]
    if names := _names(kind):
        return [kind.__name__, *(_canonical(getattr(part, name)) for name in names)]
    if isinstance(part, Mapping):
        return ["map", *(_canonical(x) for x in sorted(part.items(), key=repr))]
    if isinstance(part, (frozenset, set)):
        return ["set", *sorted(map(str, part))]
    if isinstance(part, (tuple, list)):
        return ["list", *map(_canonical, part)]
    return [kind.__name__, repr(part)]


_BY_VALUE = (str, int, float, bool, complex, bytes, type(None), frozenset)
_SO_MANY = 512
_keys: dict[tuple, tuple[str, object]] = {}
"""The keys of what was asked for last, found again by the very objects that it consists of, which are held so that no other takes their place:
a network that runs again, or many times over, is not read anew."""


def _identity(part: object) -> Iterator[object]:
    """What ``part`` consists of: lists and tuples by their items, plain values by themselves, all else, which never changes, by its identity."""
    if isinstance(part, (tuple, list)):
        yield "("
        for x in part:
            yield from _identity(x)
        yield ")"
    else:
        yield (type(part), part) if isinstance(part, _BY_VALUE) else id(part)


def _key(parts: object) -> str:
    same = tuple(_identity(parts))
    if same not in _keys:
        text = json.dumps([_version(), _canonical(parts)])
        if len(_keys) >= _SO_MANY:
            del _keys[next(iter(_keys))]
        _keys[same] = hashlib.sha256(text.encode()).hexdigest()[:32], parts
    return _keys[same][0]


def find(parts: tuple, kind: type) -> object | None:
    """What was kept for ``parts``, a dataclass ``kind`` of kernels and texts, or None."""
    texts.flush()
    key = _key(parts)
    if key in _memory:
        return _memory[key]
    path = cache.find(key, ".json")
    if path is None:
        return None
    found = kind(**{n: _decode(v) for n, v in json.loads(path.read_text(encoding="utf-8")).items()})
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if isinstance(value, ir.Kernel):
            verify(value)
    _memory[key] = found
    return found


def keep(parts: tuple, found: object) -> None:
    """Remember ``found`` for ``parts``."""
    key = _key(parts)
    _memory[key] = found
    text = json.dumps({f.name: _encode(getattr(found, f.name)) for f in dataclasses.fields(found)})
    cache.store_text(key, ".json", text)


def _encode(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return [type(value).__name__, *(_encode(getattr(value, f.name)) for f in dataclasses.fields(value))]
    if isinstance(value, tuple):
        return ["", *(_encode(x) for x in value)]
    return value


def _decode(value: object) -> object:
    if not isinstance(value, list):
        return value
    parts = [_decode(x) for x in value[1:]]
    return _CLASSES[value[0]](*parts) if value[0] else tuple(parts)
