"""The text helpers of ``brian2.utils``, for scripts that build equations from pieces."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping

_KEYWORDS = frozenset({"and", "or", "not", "True", "False"})


def indent(text: str, numtabs: int = 1, spacespertab: int = 4, tab: str | None = None) -> str:
    """Each line behind ``numtabs`` tabs (of spaces unless ``tab`` is given)."""
    return textwrap.indent(text, (tab if tab is not None else " " * spacespertab) * numtabs, lambda line: True)


def deindent(text: str, numtabs: int | None = None, spacespertab: int = 4, docstring: bool = False) -> str:
    """Without the indentation common to all lines (``docstring``: all but the first), or without ``numtabs`` tabs."""
    lines = text.replace("\t", " " * spacespertab).split("\n")
    counted = [line for line in (lines[1:] if docstring else lines) if line.strip()]
    cut = numtabs * spacespertab if numtabs is not None else min((len(c) - len(c.lstrip()) for c in counted), default=0)
    start = 1 if docstring else 0
    return "\n".join(lines[:start] + [line[cut:] for line in lines[start:]])


def word_substitute(expr: str, substitutions: Mapping[str, object]) -> str:
    """``expr`` with whole words replaced: ``word_substitute('a*_b', {'_b': 'c'})`` is ``'a*c'``."""
    if not substitutions:
        return expr
    pattern = "|".join(rf"\b{re.escape(word)}\b" for word in substitutions)
    return re.sub(pattern, lambda match: str(substitutions[match.group()]), expr)


def replace(s: str, substitutions: Mapping[str, object]) -> str:
    """``s`` with pieces of text replaced, one after the other."""
    for old, new in substitutions.items():
        s = s.replace(old, str(new))
    return s


def get_identifiers(expr: str, include_numbers: bool = False) -> set[str]:
    """The names in an expression; with ``include_numbers`` the numbers too."""
    names = set(re.findall(r"\b[A-Za-z_][A-Za-z0-9_]*\b", expr)) - _KEYWORDS
    number = r"(?<=[^A-Za-z_])[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
    return names | set(re.findall(number, " " + expr)) if include_numbers else names


def strip_empty_lines(s: str) -> str:
    """Without the empty lines."""
    return "\n".join(line for line in s.split("\n") if line.strip())


def strip_empty_leading_and_trailing_lines(s: str) -> str:
    """Without the empty lines at both ends."""
    lines = s.split("\n")
    full = [k for k, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""


def stripped_deindented_lines(code: str) -> list[str]:
    """The lines that are not empty, without their common indentation and without spaces at the end."""
    return [line.rstrip() for line in deindent(code).split("\n") if line.strip()]


def running_from_ipython() -> bool:
    """Whether IPython, or a notebook, runs the script."""
    return "get_ipython" in vars(sys.modules.get("builtins", object()))


def ensure_directory(d: str) -> str:
    """The directory ``d``, made if it does not exist."""
    os.makedirs(d, exist_ok=True)
    return d


def ensure_directory_of_file(f: str) -> str:
    """The directory of a file, made if it does not exist."""
    return ensure_directory(os.path.dirname(os.path.abspath(f)))


@contextlib.contextmanager
def in_directory(new_dir: str) -> Iterator[None]:
    """``with in_directory(d):`` runs the block with ``d`` as the working directory."""
    before = os.getcwd()
    os.chdir(new_dir)
    try:
        yield
    finally:
        os.chdir(before)


def copy_directory(source: str, target: str) -> None:
    """Copy what is in ``source`` into ``target``."""
    shutil.copytree(source, target, dirs_exist_ok=True)
