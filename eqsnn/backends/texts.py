"""Parsed texts kept on disk as JSON, so that a text that was parsed before needs no parser.

They are written when the kernels that came of them are asked for (store.py): what is parsed and never run leaves nothing behind.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

from eqsnn.backends import cache
from eqsnn.errors import EqsnnError, Span
from eqsnn.language import ast

_CLASSES = {c.__name__: c for c in vars(ast).values() if dataclasses.is_dataclass(c)}
_FIELDS = {c: tuple(f.name for f in dataclasses.fields(c)) for c in _CLASSES.values()}
_AT_ONCE = 1000
"""How many texts may wait to be written; beyond, nobody seems to run what is parsed."""


class Texts:
    """The memory of ``language.parse``. ``version`` gives the identity of the code that parses."""

    def __init__(self, version: Callable[[], str]):
        self._version = version
        self._waiting: dict[str, object] = {}

    def _key(self, start: str, text: str, origin: str) -> str:
        return cache.key_of("text", self._version(), start, ascii(text), origin)

    def find(self, start: str, text: str, origin: str) -> object | None:
        """What was parsed before, or None; also where the cache cannot be used: whoever needs it for more than this says so."""
        try:
            path = cache.find(self._key(start, text, origin), ".json")
        except EqsnnError:
            return None
        return None if path is None else _decoded(json.loads(path.read_text(encoding="utf-8")), text, origin)

    def keep(self, start: str, text: str, origin: str, parsed: object) -> None:
        """Let it be written at the next ``flush``."""
        if len(self._waiting) < _AT_ONCE:
            self._waiting[self._key(start, text, origin)] = parsed

    def flush(self) -> None:
        """Write what was parsed, if the cache can be used."""
        waiting, self._waiting = self._waiting, {}
        try:
            for key, parsed in waiting.items():
                cache.store_text(key, ".json", json.dumps(_encoded(parsed), separators=(",", ":")))
        except EqsnnError:
            pass


def _encoded(part: object) -> object:
    """Nested lists: a node as its class and fields, a span as its two ends, a tuple as what it holds after an empty name."""
    if isinstance(part, Span):
        return ["@", part.start, part.end]
    if isinstance(part, tuple):
        return ["", *(_encoded(x) for x in part)]
    if type(part) in _FIELDS:
        return [type(part).__name__, *(_encoded(getattr(part, name)) for name in _FIELDS[type(part)])]
    return part


def _decoded(part: object, text: str, origin: str) -> object:
    if not isinstance(part, list):
        return part
    name, *rest = part
    if name == "@":
        return Span(text, *rest, origin)
    values = [_decoded(x, text, origin) for x in rest]
    return _CLASSES[name](*values) if name else tuple(values)
