"""``prefs``: Brian 2's preferences by item and by attribute. What has a counterpart here sets it; the rest says once that it has none."""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eqsnn.brian.knownprefs import KNOWN, Effect, Refused
from eqsnn.errors import EqsnnError
from eqsnn.network.notices import tell_once

_DTYPES = {n: getattr(np, n) for n in ("float32", "float64", "int32", "int64")}


class PreferenceError(EqsnnError):
    """There is no such preference, or it cannot have the value."""


@dataclass
class BrianPreference:
    """The definition of a preference of one's own: ``prefs.register_preferences('mine', 'doc', speed=BrianPreference(1, 'doc'))``."""

    default: object
    docs: str
    validator: Callable[[object], bool] | None = None
    representor: Callable[[object], str] = repr

    def __post_init__(self) -> None:
        if self.validator is None:
            kind = type(self.default)
            self.validator = lambda value: isinstance(value, kind)


class _Preferences(MutableMapping):
    """A category of preferences; ``_base`` is its dotted name, '' for all."""

    def __init__(self, store: _Store, base: str = ""):
        object.__setattr__(self, "_store", store)
        object.__setattr__(self, "_base", base)

    def _full(self, name: str) -> str:
        return f"{self._base}.{name}" if self._base else name

    def __getitem__(self, name: str):
        full = self._full(name)
        if self._store.is_category(full):
            return _Preferences(self._store, full)
        return self._store.get(full)

    def __setitem__(self, name: str, value: object) -> None:
        self._store.set(self._full(name), value)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except PreferenceError as error:
            raise AttributeError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delitem__(self, name: str) -> None:
        raise PreferenceError(f"the preference '{self._full(name)}' cannot be deleted; reset_to_defaults() resets all")

    __delattr__ = __delitem__

    def __iter__(self) -> Iterator[str]:
        start = f"{self._base}." if self._base else ""
        return (n.removeprefix(start) for n in sorted(self._store.values) if n.startswith(start))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(n.partition(".")[0] for n in self)})

    def __repr__(self) -> str:
        return f"<preferences{f' {self._base}' if self._base else ''}: {', '.join(f'{n}={self[n]!r}' for n in self)}>"


class _Store:
    """The values of all preferences by dotted name, and what each does."""

    def __init__(self) -> None:
        self.defaults: dict[str, object] = {n: default for n, (default, _) in KNOWN.items()}
        self.effects: dict[str, Effect] = {n: effect for n, (_, effect) in KNOWN.items()}
        self.own: dict[str, BrianPreference] = {}
        self.values = copy.deepcopy(self.defaults)

    def is_category(self, name: str) -> bool:
        return any(n.startswith(name + ".") for n in self.values)

    def get(self, name: str) -> object:
        if name not in self.values:
            raise PreferenceError(self._unknown(name))
        return self.values[name]

    def set(self, name: str, value: object) -> None:
        if name not in self.values:
            what = f"'{name}' is a category of preferences and has no value of its own"
            raise PreferenceError(what if self.is_category(name) else self._unknown(name))
        if name in self.own:
            if not self.own[name].validator(value):
                raise PreferenceError(f"the preference '{name}' cannot have the value {value!r}")
        elif value != self.values[name]:
            self._apply(name, value)
        self.values[name] = value

    def _apply(self, name: str, value: object) -> None:
        effect = self.effects[name]
        if isinstance(effect, str):
            tell_once(f"prefs.{name} = {value!r} changes nothing here: {effect}")
            return
        try:
            effect(value)
        except (Refused, EqsnnError) as error:
            raise PreferenceError(f"the preference '{name}' cannot have the value {value!r}: {error}") from None

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.values, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"there is no preference '{name}'{hint}"


class BrianGlobalPreferences(_Preferences):
    """All preferences: ``prefs['codegen.target'] = 'numpy'``, ``prefs.codegen.target = 'numpy'``.

    No file is read unless it is named: :meth:`read_preference_file`.
    """

    def __init__(self) -> None:
        super().__init__(_Store())

    def register_preferences(self, prefbasename: str, prefbasedoc: str, **prefs: BrianPreference) -> None:
        """Add preferences of one's own in the category ``prefbasename``."""
        for name, definition in prefs.items():
            full = f"{prefbasename}.{name}"
            if full in self._store.values:
                raise PreferenceError(f"the preference '{full}' exists already")
            if not definition.validator(definition.default):
                raise PreferenceError(
                    f"the default {definition.default!r} of the preference '{full}' is not a valid value"
                )
            self._store.own[full] = definition
            self._store.defaults[full] = self._store.values[full] = definition.default

    def read_preference_file(self, file) -> None:
        """Set what a file says: lines ``a.b = value``, below ``[a]`` as ``b = value``; ``#`` begins a comment.

        Values are Python literals, or the names of numpy's float and integer types. ``file``: a path or an open file.
        """
        text = file.read() if hasattr(file, "read") else Path(file).read_text(encoding="utf-8")
        category = ""
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("[") and line.endswith("]"):
                category = line[1:-1].strip()
                continue
            name, equals, value = (part.strip() for part in line.partition("="))
            if not equals or not name:
                raise PreferenceError(f"line {number} of the preferences is not of the form name = value: {line}")
            self[f"{category}.{name}" if category else name] = _literal(value, number)

    def load_preferences(self) -> None:
        """Read ``~/.brian/user_preferences`` and ``./brian_preferences``, where they exist. Not done on import, as it is in Brian 2."""
        for path in (Path.home() / ".brian" / "user_preferences", Path("brian_preferences")):
            if path.is_file():
                self.read_preference_file(path)

    def reset_to_defaults(self) -> None:
        """Set every preference to its default."""
        for name, value in copy.deepcopy(self._store.defaults).items():
            self[name] = value

    @property
    def as_file(self) -> str:
        """The preferences as the text of a preference file."""
        return "\n".join(f"{n} = {_written(v)}" for n, v in sorted(self._store.values.items())) + "\n"

    @property
    def defaults_as_file(self) -> str:
        """The defaults as the text of a preference file."""
        return "\n".join(f"{n} = {_written(v)}" for n, v in sorted(self._store.defaults.items())) + "\n"

    def get_documentation(self, basename: str | None = None, link_targets: bool = True) -> str:
        """What each preference (of a category) does here."""
        names = [n for n in self if basename is None or n == basename or n.startswith(basename + ".")]
        return "\n".join(f"{n} = {_written(self._store.defaults[n])}: {self._says(n)}" for n in names)

    def _says(self, name: str) -> str:
        if name in self._store.own:
            return self._store.own[name].docs.strip()
        effect = self._store.effects[name]
        return f"changes nothing: {effect}" if isinstance(effect, str) else "is honoured"

    def do_validation(self) -> None:
        """Nothing: a value is checked when it is set."""

    check_all_validated = do_validation


def _literal(text: str, number: int) -> object:
    if text in _DTYPES:
        return _DTYPES[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise PreferenceError(f"line {number} of the preferences: {text} is not a Python literal") from None


def _written(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


class _Renamed:
    """``brian_prefs``, the name that Brian 2 gave up."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise PreferenceError(f"'brian_prefs' is called 'prefs': prefs.{name}")

    def __getitem__(self, name: str):
        raise PreferenceError(f"'brian_prefs' is called 'prefs': prefs[{name!r}]")


prefs = BrianGlobalPreferences()
brian_prefs = _Renamed()
