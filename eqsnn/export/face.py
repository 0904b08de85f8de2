"""``eq.export`` and ``Network.export``, as light as an import of eqsnn must be: what makes text is imported when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping

from eqsnn.runtime import simulation
from eqsnn.runtime.magic import magic_network
from eqsnn.units import Quantity


def export(
    directory: str | os.PathLike,
    language: str = "c",
    profile: str | None = None,
    overwrite: bool = False,
    duration: Quantity | None = None,
    namespace: Mapping[str, object] | None = None,
    level: int = 0,
):
    """Export all objects that the calling code can see by name, those that ``run()`` would run. See :meth:`Network.export`."""
    return magic_network.export(directory, language, profile, overwrite, duration, namespace, level)


def source(group, part: str, backend: str = "c") -> str:
    """The text of one kernel of a group: ``part`` is 'step', 'threshold', 'reset' or an event's name; of synapses 'step', a pathway
    ('pre', 'post') or 'summed' and a variable. ``backend``: 'c', 'cython' (which compiles the same text) or 'cuda'. Raises EqsnnError."""
    from eqsnn.export.source import source as text

    return text(group, part, backend)


def _export(network: simulation.Network, *arguments):
    from eqsnn.export.project import export as write

    return write(network, *arguments)


simulation.exporter = _export
