"""The names by which objects go within a slot of the schedule, where Brian 2 sorts by name.

An object without a name of its own is numbered in the process, by what else lives at the time; that may be a network of earlier, held up by the
garbage collector. Its number within its network, in the order in which objects were made, is the same whatever came before.
"""

from __future__ import annotations

from collections.abc import Iterable

from eqsnn.network.base import SimObject


class PlaceNames:
    """For the objects of one network; ``names(o, text)`` is ``text``, which begins with the name of ``o``, with the number that counts here."""

    def __init__(self, objects: Iterable[SimObject]):
        objects = sorted(objects, key=lambda o: o._age)
        taken = {o.name for o in objects if o._stem is None}
        self._called: dict[SimObject, str] = {}
        for o in objects:
            self._called[o] = o.name if o._stem is None else _free(o._stem, taken)
            taken.add(self._called[o])
        for o in objects:
            for part in o.contained():
                if part.name.startswith(o.name):
                    self._called[part] = self._called[o] + part.name[len(o.name) :]

    def __call__(self, o: SimObject, text: str) -> str:
        if o not in self._called or not text.startswith(o.name):
            return text
        return self._called[o] + text[len(o.name) :]


def _free(stem: str, taken: set[str]) -> str:
    name, k = stem, 0
    while name in taken:
        k += 1
        name = f"{stem}_{k}"
    return name
