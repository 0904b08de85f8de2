"""``net.export(directory)``: a network as a project that builds without Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eqsnn.backends.backend import backend
from eqsnn.errors import CompileError, EqsnnError
from eqsnn.export.c import CProject
from eqsnn.export.cuda import CudaProject
from eqsnn.export.cuda_program import CudaProgram, CudaProgramMaker
from eqsnn.export.embedded import in_single_precision
from eqsnn.export.folder import check_folder, folder, write_folder
from eqsnn.export.program import Program, ProgramMaker
from eqsnn.export.refused import check_exportable
from eqsnn.network.namespace import user_namespace
from eqsnn.network.notices import tell_once
from eqsnn.runtime.planner import Built, Planner
from eqsnn.runtime.settings import settings
from eqsnn.runtime.simulation import Network, engine_of, in_seconds
from eqsnn.units import Quantity

LANGUAGES = {"c": (ProgramMaker, CProject), "cuda": (CudaProgramMaker, CudaProject)}
"""What makes a program of a plan, and the files of a project of that, by the name of the language."""
PROFILES = (None, "embedded")


@dataclass(frozen=True)
class Exported:
    """A project that was written: where, which ``files`` (relative paths), and the ``command`` that builds it. ``ram`` and ``flash``:
    bytes that the state and what never changes take. ``host_command`` builds a CUDA project for the CPU, for checking; None for C."""

    directory: Path
    files: tuple[str, ...]
    command: str
    ram: int
    flash: int
    host_command: str | None = None


def export(
    network: Network,
    directory: str | os.PathLike,
    language: str = "c",
    profile: str | None = None,
    overwrite: bool = False,
    duration: Quantity | None = None,
    namespace: Mapping[str, object] | None = None,
    level: int = 0,
) -> Exported:
    """Write the project of a network as it stands now. See ``Network.export``."""
    check_choice(language, profile)
    path = folder(directory)
    seconds = None if duration is None else in_seconds(duration, "duration", "export")
    space = dict(namespace) if namespace is not None else user_namespace(level)
    embedded = profile == "embedded"
    maker, files = LANGUAGES[language]
    project = files(program_of(network, space, seconds, embedded, maker), embedded)
    texts = project.sources()
    arrays = {f"data/{f.path}.npy": f.values for f in project.data}
    gone = check_folder(path, {*texts, *arrays}, overwrite)
    write_folder(path, texts, arrays, gone)
    found = Exported(path, (*texts, *arrays), project.command, project.ram, project.flash, project.host_command)
    if embedded:
        tell_once(
            f"{path}: the network takes {found.ram} bytes of RAM, and {found.flash} bytes of flash besides its code"
        )
    return found


def program_of(
    network: Network,
    space: Mapping[str, object],
    seconds: float | None,
    single: bool = False,
    maker: type[ProgramMaker] | type[CudaProgramMaker] = ProgramMaker,
) -> Program | CudaProgram:
    """The program of a network. Raises what is wrong with it, and EqsnnError where something in it cannot leave Python."""
    network._may_run("export")
    check_exportable(network.objects)
    one_block = replace(settings, synapses_per_block=1 << 62)
    options = (space, _engine(), one_block, network.stop_if_not_finite, tuple(network.schedule))
    planner = Planner(network.objects, *options)
    built = planner.build()
    if single:  # a plan has been made before: synapses lie as they will
        with in_single_precision(planner.objects):
            planner = Planner(network.objects, *options)
            return _program(network, planner, planner.build(), seconds, maker)
    return _program(network, planner, built, seconds, maker)


def _engine():
    """Whose memory the plan is about: the engine of the next run, which may have events on their way. Without a compiler nothing has run but in
    the oracle."""
    try:
        return engine_of(backend(settings.effective_backend()))
    except CompileError:
        return engine_of(backend("numpy"))


def _program(network: Network, planner: Planner, built: Built, seconds: float | None, maker):
    first, last = network._ticks(built, seconds or 0.0)
    ticks = None if seconds is None else last - first
    return maker(built, planner.objects, first, ticks, planner.constants).program()


def check_choice(language: str, profile: str | None) -> None:
    """Raises EqsnnError for a language or a profile that there is not."""
    if language not in LANGUAGES:
        known = ", ".join(map(repr, LANGUAGES))
        raise EqsnnError(f"export(): there is no language {language!r}; there is {known}")
    if profile not in PROFILES:
        raise EqsnnError(
            f"export(): there is no profile {profile!r}; there is 'embedded', or None for a computer with files"
        )
    if profile is not None and language != "c":
        raise EqsnnError(
            f"export(): the profile {profile!r} is for microcontrollers, in C; language={language!r} has none"
        )
