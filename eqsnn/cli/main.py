"""The command line: ``eqsnn doctor``, ``check MODEL``, ``export``, ``bench``, ``cuda SCRIPT`` and ``cache``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import eqsnn
from eqsnn.errors import EqsnnError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="eqsnn", description="Spiking neural networks from equations, compiled on the fly."
    )
    parser.add_argument("--version", action="version", version=f"eqsnn {eqsnn.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "doctor",
        help="say what this machine has, by compiling and running a probe; exit 0 if a model can be built and run",
    )
    check = commands.add_parser(
        "check", help="print a model as eqsnn understands it: equations, integrator, derived update, kernels"
    )
    check.add_argument(
        "model",
        help="MODEL.toml with equations, threshold, reset, refractory, method, parameters; or SCRIPT.py, which is EXECUTED",
    )
    check.add_argument("--source", action="store_true", help="print the generated kernels, too")
    check.add_argument(
        "--derive",
        nargs="+",
        choices=("adjoint", "eligibility"),
        default=(),
        help="print what training derives from the step of a group: its adjoint, its eligibility traces, as equations beside it",
    )
    from eqsnn.cli import export

    export.add_arguments(commands)
    bench = commands.add_parser(
        "bench",
        help="measure this machine and a few standard networks on it; takes about 20 s, and more the first time",
    )
    bench.add_argument("--short", action="store_true", help="a tenth of the networks' time, for trying")
    cuda = commands.add_parser("cuda", help="compile the kernels of a script for GPUs, and print what they take of one")
    cuda.add_argument("script", help="SCRIPT.py, which is EXECUTED; a GPU is not needed, nvcc is")
    cuda.add_argument("arguments", nargs=argparse.REMAINDER, help="those of the script")
    cuda.add_argument("--deterministic", action="store_true", help="the kernels of eqsnn.settings.deterministic")
    cuda.add_argument("--out", help="write the text to this file, too")
    cache = commands.add_parser("cache", help="where compiled code is kept")
    cache.add_argument("action", nargs="?", choices=("show", "clear"), default="show")
    arguments = parser.parse_args(argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # What reads the output has stopped, as `head` does. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # what a shell reports of a command that SIGPIPE has ended
    except EqsnnError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "doctor":
        from eqsnn.cli.doctor import doctor

        return doctor()
    if arguments.command == "check":
        from eqsnn.cli.check import check_model_file

        return check_model_file(arguments.model, arguments.source, arguments.derive)
    if arguments.command == "export":
        from eqsnn.cli.export import export

        return export(arguments)
    if arguments.command == "bench":
        from eqsnn.cli.bench import bench

        return bench(0.1 if arguments.short else 1.0)
    if arguments.command == "cuda":
        from eqsnn.cli.gpu import compile_script

        return compile_script(arguments.script, arguments.arguments, arguments.deterministic, arguments.out)
    return _cache(arguments.action)


def _cache(action: str) -> int:
    from eqsnn.backends import cache

    if action == "clear":
        print(f"{cache.clear()} entries removed from {cache.directory()}")
        return 0
    found = cache.entries()
    size = sum(p.stat().st_size for p in found)
    print(
        f"{cache.directory()}: {len(found)} entries, {size / 1e6:.1f} MB (at most {cache.LIMIT / 1e6:.0f} MB are kept)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
