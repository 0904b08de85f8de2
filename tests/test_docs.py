"""Every code block of docs/ runs, and prints what the page says it prints.

A block ```python runs with the prelude below in a namespace of its own; ```python continued goes on in that of the block before it. A block
```text that follows directly is what it prints; where it ends in an error, the last part is the error's class and message.
"""

import contextlib
import gc
import io
import re
from pathlib import Path

import pytest

import eqsnn as eq
from eqsnn.network.base import registry

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```(python(?: continued)?|text|lark)\n(.*?)^```\n(\s*)", re.S | re.M)
PRELUDE = """
import numpy as np
import eqsnn as eq
from eqsnn import Hz, ms, mV, nS, pA, second, um, volt
"""


def blocks(page):
    """(kind, code, expected output or None, line) of a page."""
    text = page.read_text()
    found = list(BLOCK.finditer(text))
    for k, m in enumerate(found):
        if m[1] in ("text", "lark"):
            continue
        after = found[k + 1] if k + 1 < len(found) else None
        follows = after is not None and after[1] == "text" and after.start() == m.end()
        yield m[1], m[2], after[2] if follows else None, text.count("\n", 0, m.start()) + 1


def run(code, space, name):
    out = io.StringIO()
    error = None
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(code, name, "exec"), space)
        except eq.EqsnnError as e:
            error = e.with_traceback(None)  # whose frames would keep the objects of the block alive
    printed = out.getvalue()
    return printed if error is None else f"{printed}{type(error).__name__}: {error}\n", error


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.stem)
def test_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(eq.settings, "all_threads", False)  # as for a user
    monkeypatch.setattr(registry, "names", {})  # of objects that other tests still hold
    before = eq.defaultclock.dt
    space = {}
    count = 0
    try:
        for kind, code, expected, line in blocks(page):
            if kind == "python":
                space.clear()
                gc.collect()  # so that names such as neurongroup are free again
                eq.start_scope()
                eq.defaultclock.dt = before
                space = {"__name__": f"docs_{page.stem}"}
                exec(PRELUDE, space)
            printed, error = run(code, space, f"{page.name}:{line}")
            if expected is None:
                assert error is None, f"{page.name}, line {line}: {error}"
            else:
                assert printed == expected, f"{page.name}, line {line}"
            count += 1
    finally:
        eq.defaultclock.dt = before
        eq.start_scope()
    assert count or page.stem in ("README", "examples")


def test_the_grammar_in_the_reference_is_the_grammar():
    page = (DOCS / "language.md").read_text()
    grammar = (Path(eq.__file__).parent / "language" / "equations.lark").read_text()
    assert f"```lark\n{grammar}```" in page


def test_every_page_is_in_the_index():
    index = (DOCS / "README.md").read_text()
    assert {m[1] for m in re.finditer(r"\((\w[\w-]*)\.md\)", index)} == {p.stem for p in DOCS.glob("*.md")} - {"README"}


def test_every_example_is_on_its_page_with_its_figure():
    page = (DOCS / "examples.md").read_text(encoding="utf-8")
    for script in (DOCS.parent / "examples").glob("*.py"):
        assert f"(../examples/{script.name})" in page, script.name
        figure = f"images/{script.stem}.png"
        assert figure in page or script.stem == "cuda_kernels", script.name
    for figure in re.findall(r"\]\((images/\S+)\)", page):
        assert (DOCS / figure).is_file(), figure
