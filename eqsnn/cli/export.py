"""``eqsnn export SCRIPT.py --out DIR`` and ``eqsnn export --kernel MODEL.toml``."""

from __future__ import annotations

import argparse
import re
import runpy
import sys
from pathlib import Path

from eqsnn.errors import EqsnnError
from eqsnn.runtime import simulation
from eqsnn.units import Quantity, second

_TIME = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(s|second|ms|us|min)?")
_SECONDS = {None: 1.0, "s": 1.0, "second": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}


class _Done(BaseException):
    """The network was exported, and the script need not go on. No ``except Exception`` of the script catches it."""


def add_arguments(commands) -> None:
    """The command's place on the command line."""
    parser = commands.add_parser(
        "export",
        help="write a script's network, or one neuron model, as source that builds without Python",
        description="With SCRIPT.py, which is EXECUTED up to its run(): the network that would run there, as it stands, is written as "
        "a project into DIR, "
        "and the script ends. With --kernel MODEL.toml: one neuron model as one function.",
    )
    parser.add_argument("script", nargs="?", help="SCRIPT.py, which is EXECUTED up to its first run()")
    parser.add_argument(
        "--kernel",
        metavar="MODEL.toml",
        help="in place of a script: a model file with equations, threshold, reset, refractory, parameters",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to write; with --kernel, the function is printed if this is not given"
    )
    parser.add_argument("--language", help="'c' (default) or 'cuda'; with --kernel also 'cython'", default="c")
    parser.add_argument("--profile", help="'embedded': single precision, no files, no memory from the system")
    parser.add_argument(
        "--duration",
        help="how long the program runs if it is not told, such as '1 s' or 100ms (default: as that run())",
    )
    parser.add_argument(
        "--run",
        type=int,
        default=1,
        metavar="N",
        help="export at the N-th run() of the script; those before it are done",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier export wrote into DIR; other files stay"
    )
    parser.add_argument("--method", help="with --kernel: the method of integration")
    parser.add_argument(
        "--dt", help="with --kernel: the time step, such as 0.1ms (default: that of the model file, or 0.1 ms)"
    )


def export(arguments: argparse.Namespace) -> int:
    """Does it; returns the exit status. Raises EqsnnError."""
    if (arguments.script is None) == (arguments.kernel is None):
        raise EqsnnError("export: name a SCRIPT.py, or --kernel MODEL.toml")
    return _kernel(arguments) if arguments.kernel else _script(arguments)


def _script(arguments: argparse.Namespace) -> int:
    file = Path(arguments.script)
    if not file.is_file() or file.suffix != ".py":
        raise EqsnnError(f"export: {'there is no file' if not file.is_file() else 'no Python script:'} {file}")
    if not arguments.out:
        raise EqsnnError("export: say where to: --out DIR")
    if arguments.run < 1:
        raise EqsnnError(f"export: runs are counted from 1; got --run {arguments.run}")
    if arguments.method or arguments.dt:
        raise EqsnnError("export: --method and --dt belong to --kernel; a script says them itself")
    duration = None if arguments.duration is None else time(arguments.duration)
    out, done, seen = Path(arguments.out).absolute(), [], 0
    _check_before(out, arguments)

    def instead(network: simulation.Network, seconds: float, space) -> None:
        nonlocal seen
        seen += 1
        if seen == arguments.run:
            long = seconds * second if duration is None else duration
            done.append(network.export(out, arguments.language, arguments.profile, arguments.overwrite, long, space))
            raise _Done

    ours, path = sys.argv, sys.path[:]
    sys.argv, simulation.before_run = [str(file)], instead
    sys.path.insert(0, str(file.parent.absolute()))
    try:
        runpy.run_path(str(file), run_name="__main__")
    except _Done:
        pass
    finally:
        sys.argv, simulation.before_run, sys.path[:] = ours, None, path
    if not done:
        times = "never" if not seen else "once" if seen == 1 else f"{seen} times"
        raise EqsnnError(
            f"export: {file} called run() "
            f"{times}{'' if arguments.run == 1 else f', and --run {arguments.run} was asked for'}; nothing was written"
        )
    found = done[0]
    print(f"{arguments.out}: {len(found.files)} files; build with\n  cd {arguments.out} && {found.command}")
    print(
        f"The network takes {found.ram} bytes"
        + (f" of RAM, and {found.flash} bytes of flash besides its code." if arguments.profile else ".")
    )
    return 0


def _check_before(out: Path, arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before a script has made its network. Raises EqsnnError."""
    from eqsnn.export.folder import check_folder, folder
    from eqsnn.export.project import check_choice

    check_choice(arguments.language, arguments.profile)
    check_folder(folder(out), set(), arguments.overwrite)


def _kernel(arguments: argparse.Namespace) -> int:
    from eqsnn.export.folder import check_folder, write_folder
    from eqsnn.export.one_neuron import OneNeuron, model_from_toml

    for name in ("profile", "duration"):
        if getattr(arguments, name):
            raise EqsnnError(f"export: --{name} belongs to a SCRIPT.py; a single function has none")
    function = OneNeuron(model_from_toml(Path(arguments.kernel), arguments.method, arguments.dt))
    files = function.sources(arguments.language)
    if not arguments.out:
        print("\n".join(text for name, text in files.items() if name != "eq_math.h"))
        return 0
    out = Path(arguments.out)
    write_folder(out, files, {}, check_folder(out, set(files), arguments.overwrite))
    print(f"{out}: {', '.join(files)}")
    return 0


def time(text: str) -> Quantity:
    """A time on the command line. Raises EqsnnError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise EqsnnError(f"export: a time is written as '1 s' or 100ms; got {text!r}")
    return float(match[1]) * _SECONDS[match[2]] * second
