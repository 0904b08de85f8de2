"""The door from Cython to C, ahead: ``python -m eqsnn.backends.cython.translate`` writes templates/cython/door.c anew after a change of door.pyx.

Cython takes 0.9 s to translate the twenty lines of the door, nearly all of it to prepare itself; compiling the result takes 0.1 s. C text that
Cython has made serves every CPython that its version knows; for another Python the door is translated where it is needed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from eqsnn.backends.render import templates

KNOWN = range(11, 15)
"""The minor versions of CPython 3 that the translation is for."""


def pyx() -> str:
    """The text of the door."""
    return (templates() / "cython" / "door.pyx").read_text(encoding="utf-8")


def translated() -> str | None:
    """The translation, if it is for this Python."""
    if sys.implementation.name != "cpython" or sys.version_info[0] != 3 or sys.version_info[1] not in KNOWN:
        return None
    return (templates() / "cython" / "door.c").read_text(encoding="utf-8")


def command(name: str) -> list[str]:
    """What translates ``name``.pyx in the working directory."""
    return [sys.executable, "-m", "cython", "-3", f"{name}.pyx", "-o", f"{name}.c"]


def text() -> str:
    """The translation by the Cython that is installed, after a line that says of what."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "door.pyx").write_text(pyx(), encoding="utf-8")
        subprocess.run(command("door"), cwd=folder, check=True)
        made = Path(folder, "door.c").read_text(encoding="utf-8")
    return f"{heading()}\n{made}"


def heading() -> str:
    """The first line of the translation."""
    return f"/* door.pyx {hashlib.sha256(pyx().encode()).hexdigest()} */"


if __name__ == "__main__":
    (templates() / "cython" / "door.c").write_text(text(), encoding="utf-8")
