"""The C compiler of this machine: which one, with which flags, and what a failure means to the user."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from eqsnn.backends import cache
from eqsnn.errors import CompileError, EqsnnError

FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC")
"""Fast, and the same bits everywhere: no fused multiply-add behind our back, NaN and Inf keep their meaning."""
_NATIVE = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
_WIDE = ("-mprefer-vector-width=512",)
LIBRARY_SUFFIX = ".so"


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its command and what it says of itself."""

    command: tuple[str, ...]
    version: str

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        packaged = "ziglang" in self.command
        return "the Python package ziglang, eqsnn[cc]" if packaged else "CC" if os.environ.get("CC") else "PATH"

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of every build on this machine."""
        return (*FLAGS, _NATIVE, *(_WIDE if has_fast_512() else ()))

    def identity(self) -> str:
        """All of the machine that a compiled file depends on."""
        return "\n".join((*self.command, self.version, *self.flags, cpu()))


def native_flags() -> tuple[str, ...]:
    """What makes a compiler use all of this processor."""
    return (_NATIVE,)


@functools.cache
def cpu() -> str:
    """The kind of processor, as far as it decides which instructions exist."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        chosen = [line for line in lines if line.startswith(("flags", "Features", "model name"))][:2]
        return hashlib.sha256("\n".join(chosen).encode()).hexdigest()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


@functools.cache
def has_fast_512() -> bool:
    """Whether vectors of 512 bits pay. Processors that slow down for them came before those with AVX512_VBMI2 (Ice Lake, Zen 4)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.startswith("flags") and "avx512_vbmi2" in line.split() for line in lines)


def _candidates() -> list[list[str]]:
    given = os.environ.get("CC")
    if given:
        return [shlex.split(given)]
    found = [[path] for name in ("cc", "gcc", "clang") if (path := shutil.which(name))]
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


def environment() -> dict[str, str]:
    """The environment of a build. Zig keeps what it compiles once, such as start-up code, in a cache of its own: ours holds it."""
    try:
        return {"ZIG_GLOBAL_CACHE_DIR": str(cache.directory() / "zig"), **os.environ}
    except EqsnnError:  # an unusable cache: whoever stores something says so
        return dict(os.environ)


def compiler() -> Compiler:
    """The compiler: CC if set, else cc, gcc, clang, or that of the package ziglang. Raises CompileError."""
    return _compiler(os.environ.get("CC"), os.environ.get("PATH"))


@functools.cache
def _compiler(cc: str | None, path: str | None) -> Compiler:
    for command in _candidates():
        version = _version(command)
        if version is not None:
            return Compiler(tuple(command), version)
    tried = f"CC is set to {cc!r}, which does not run" if cc else "no C compiler was found"
    raise CompileError(
        f"{tried}. Install one (Debian/Ubuntu: apt install gcc; macOS: xcode-select --install; anywhere: pip install 'eqsnn[cc]'), "
        "or run without one: eqsnn.settings.backend = 'numpy'"
    )


def _version(command: list[str]) -> str | None:
    """What a compiler says of itself, or None if it does not run. It is asked once: the answer is kept for as long as its files do not change."""
    key = cache.key_of("compiler", *command, *map(_trace, command))
    try:
        known = cache.find(key, ".txt")
    except EqsnnError:  # an unusable cache: whoever needs it for more than this says so
        known = None
    if known is not None:
        return known.read_text(encoding="utf-8")
    try:
        done = subprocess.run(
            [*command, "--version"], env=environment(), capture_output=True, text=True, timeout=120, check=False
        )
    except OSError:
        return None
    if done.returncode != 0:
        return None
    try:
        cache.store_text(key, ".txt", done.stdout)
    except EqsnnError:
        pass
    return done.stdout


def _trace(word: str) -> str:
    """By which a changed program can be told: the file behind a word of a command, its size and its time. For the package ziglang, the version."""
    if word == "ziglang":
        from importlib.metadata import version

        return version("ziglang")
    path = shutil.which(word)
    if path is None:
        return ""
    real = os.path.realpath(path)
    found = os.stat(real)
    return f"{real} {found.st_size} {found.st_mtime_ns}"


_APART: dict[str, int] = {"process_group": 0} if os.name == "posix" else {}
"""A build runs apart from the terminal: Ctrl-C is for the program, and may come while it does something else."""
_running: list[Job] = []


@atexit.register
def _abandon() -> None:
    """At the end of a process that needs them no more, its builds end too, and leave nothing behind."""
    for job in _running:
        if job.started_by == os.getpid():
            if job.running and _APART:
                os.killpg(job.process.pid, signal.SIGKILL)  # what the compiler has started, too
            job.process.kill()
            job.process.communicate()
            shutil.rmtree(job.folder, ignore_errors=True)


@dataclass
class Job:
    """A running build: the process, what it makes, and the key under which that is kept."""

    process: subprocess.Popen | None
    command: list[str]
    folder: Path | None
    output: Path
    key: str
    suffix: str
    source: str
    started_by: int = field(default_factory=os.getpid)

    @property
    def running(self) -> bool:
        """Whether ``finish`` would wait."""
        return self.process is not None and self.process.poll() is None

    def yield_to_others(self) -> None:
        """Let what is needed sooner go first where processors are few."""
        if self.process is not None and hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.process.pid, 10)

    def finish(self) -> Path:
        """Wait; the finished file in the cache. Raises CompileError."""
        if self.process is None:
            return self.output
        _, log = self.process.communicate()
        _running.remove(self)
        if self.process.returncode != 0 or not self.output.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            raise BuildFailure(self.command, self.process.returncode, log.decode(errors="replace"), self.source)
        path = cache.store(self.key, self.suffix, self.output)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.process, self.output = None, path
        return path


class BuildFailure(CompileError):
    """A command that failed; whoever knows the model says which part of it was meant."""

    def __init__(self, command: list[str], status: int, log: str, source: str):
        self.command, self.status, self.log, self.source = command, status, log, source
        super().__init__(f"compiling failed (exit code {status}):\n  {shlex.join(command)}\n{log.strip()}")


def start(
    name: str,
    source: str,
    *,
    suffix: str,
    options: tuple[str, ...],
    headers=(),
    key: str | None = None,
) -> Job:
    """Begin to compile ``source`` (file name ``name``); a job that is done already if the cache has it.

    ``headers``: (name, text) pairs to lie beside it. ``key``: that of the cache, where more than this decides what is made.
    """
    used = compiler()
    key = key or cache.key_of(name, source, used.identity(), *options, *(t for h in headers for t in h))
    found = cache.find(key, suffix)
    if found is not None:
        return Job(None, [], None, found, key, suffix, source)
    folder = cache.workspace({name: source, **dict(headers)})
    output = folder / f"built{suffix}"
    command = [*used.command, *used.flags, *options, name, "-o", output.name]
    if "-shared" in options:
        command.append("-lm")
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **_APART,
        )
    except OSError as error:
        raise CompileError(f"the compiler {used.command[0]} could not be started: {error}") from None
    job = Job(process, command, folder, output, key, suffix, source)
    _running.append(job)
    return job
