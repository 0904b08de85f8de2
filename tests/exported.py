"""What the tests of exported projects share: building them, running them, and comparing with the run in Python."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
NATIVE = ("-march=native",)


def compiler() -> str:
    """The C compiler; a test without one is skipped."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("no C compiler")
    return found


def build(folder: Path, *flags: str, name: str = "network", command: list[str] | None = None) -> Path:
    """The program of a project, built by one line; ``command``: another compiler."""
    files = sorted(f.name for f in folder.glob("*.c"))
    command = [*(command or [compiler()]), *flags, *STRICT, *files, "-lm", "-o", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:4000]}"
    return folder / name


def run(program: Path, seconds: float, *more: str, env=None, status: int = 0) -> Path:
    """Run it; the folder with what it wrote."""
    out = program.parent / f"out_{program.name}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [str(program), repr(seconds), out.name, "data", *more]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == status, f"{done.returncode}: {done.stderr[-4000:]}"
    (out / "stderr").write_text(done.stderr)
    return out


def recorded(network: eq.Network) -> dict[str, np.ndarray]:
    """What the monitors of a network hold, under the names of the files of its program."""
    found = {}
    for o in network.objects:
        if isinstance(o, eq.EventMonitor):
            for name in ("i", "t"):
                if name in o.asked:
                    found[f"{o.name}.{name}"] = np.asarray(getattr(o, "t_" if name == "t" else "i"))
            for name in o.names:
                found[f"{o.name}.{name}"] = np.asarray(getattr(o, f"{name}_"))
            if not o.asked and not o.names:
                found[f"{o.name}.count"] = np.asarray(o.count)
        elif isinstance(o, eq.StateMonitor):
            found[f"{o.name}.t"] = o.t_
            found |= {f"{o.name}.{n}": np.asarray(getattr(o, f"{n}_")) for n in o.names if o.width(n)}
        elif isinstance(o, eq.PopulationRateMonitor):
            found |= {f"{o.name}.t": o.t_, f"{o.name}.rate": o.rate_}
    return found


def check_same(out: Path, wanted: dict[str, np.ndarray]) -> None:
    """Every array in the folder has the same bits as the one wanted."""
    for name, values in wanted.items():
        got = np.load(out / f"{name}.npy")
        if got.ndim == 2 and len(got) == 1 < len(values):
            got = np.broadcast_to(got, (len(values), got.shape[1]))  # a shared variable is recorded once
        assert got.shape == values.shape, f"{name}: {got.shape} {values.shape}"
        assert np.array_equal(got, values, equal_nan=values.dtype.kind == "f"), f"{name} differs"
