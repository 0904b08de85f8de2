"""``eqsnn cuda SCRIPT.py``: the kernels of a script, compiled for GPUs that need not be there, and what they take of them."""

from __future__ import annotations

import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from eqsnn.backends.cuda.build import ARCHITECTURES, Resources, compile_for
from eqsnn.backends.cuda.learner import learner_source
from eqsnn.backends.cuda.source import engine_source
from eqsnn.errors import EqsnnError
from eqsnn.learning import engine
from eqsnn.runtime import simulation
from eqsnn.runtime.cuda_plan import source_of


def sources_of(script: str, arguments: Sequence[str] = (), deterministic: bool = False) -> list[str]:
    """The CUDA text of each plan that a script runs and of what it trains, once. The script is EXECUTED, on the backend that it chooses."""
    texts: list[str] = []

    def add(text: str) -> None:
        if text not in texts:
            texts.append(text)

    def note(plan) -> None:
        add(source_of(plan, deterministic).text)

    def note_learner(learner) -> None:
        add(learner_source(learner))

    ours = sys.argv
    sys.argv = [script, *arguments]
    simulation.planned.append(note)
    engine.asked.append(note_learner)
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        simulation.planned.remove(note)
        engine.asked.remove(note_learner)
        sys.argv = ours
    if not texts:
        raise EqsnnError(f"{script} runs and trains no network, so that there are no kernels")
    return texts


def table(found: Sequence[Resources]) -> str:
    """One line a kernel: registers on each architecture, and what it takes besides."""
    lines = [f"{'kernel':<44}{'registers':>22}{'spilled':>9}{'shared':>8}{'stack':>7}"]
    lines.append(f"{'':<44}{' '.join(f'{a:>6}' for a in ARCHITECTURES):>22}{'bytes':>9}{'bytes':>8}{'bytes':>7}")
    for name in dict.fromkeys(sorted(r.kernel for r in found)):
        own = {r.architecture: r for r in found if r.kernel == name}
        registers = " ".join(f"{own[a].registers if a in own else '-':>6}" for a in ARCHITECTURES)
        most = [max(getattr(r, field) for r in own.values()) for field in ("spilled", "shared", "stack")]
        lines.append(f"{name:<44}{registers:>22}{most[0]:>9}{most[1]:>8}{most[2]:>7}")
    return "\n".join(lines)


def compile_script(script: str, arguments: Sequence[str], deterministic: bool, out: str | None) -> int:
    """Print what the kernels of a script, and those that every network needs, take of a GPU; write the text to ``out``, if given."""
    if not Path(script).is_file():
        raise EqsnnError(f"there is no file {script}")
    texts = sources_of(script, arguments, deterministic)
    if out is not None:
        Path(out).write_text("\n".join([engine_source(), *texts]), encoding="utf-8")
    for title, text in [
        *((f"plan {k + 1} of {script}", t) for k, t in enumerate(texts)),
        ("every network", engine_source()),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{title}\n{table(compile_for(text, Path(folder)))}")
    return 0
