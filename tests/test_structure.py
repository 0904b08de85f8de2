"""Imports run downhill: a room imports only rooms to its left (docs: README, 'The road')."""

import ast
from pathlib import Path

import eqsnn

RANKS = {
    "frozen": -1,
    "errors": 0,
    "units": 1,
    "language": 2,
    "model": 3,
    "update_map": 4,
    "integrators": 5,
    "derivations": 5,
    "kernel": 6,
    "backends": 7,
    "pipeline": 8,
    "network": 9,
    "runtime": 10,
    "learning": 11,
    "export": 11,
    "hardware": 11,
    "brian": 12,
    "plot": 12,
    "cli": 12,
}
ROOT = Path(eqsnn.__file__).parent


def imported_rooms(path: Path) -> list[tuple[int, str]]:
    """Line and room of each import of eqsnn in a file, hidden ones inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "eqsnn" else [node.module]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found += [(node.lineno, n.split(".")[1]) for n in names if n.startswith("eqsnn.")]
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append((node.lineno, "relative"))
    return found


def test_a_room_imports_only_rooms_to_its_left():
    climbing = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        here = parts[0].removesuffix(".py")
        if here in ("__init__", "__main__"):
            continue
        assert here in RANKS, f"{here} is a room that the order of rooms does not know"
        for line, room in imported_rooms(path):
            if room != here and RANKS.get(room, -2) >= RANKS[here] and not (RANKS.get(room) == 5 == RANKS[here]):
                climbing.append(f"{path.relative_to(ROOT)}:{line} imports {room}")
    assert climbing == []


def test_the_check_sees_an_import_that_climbs(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from eqsnn.runtime import x\n")
    assert imported_rooms(bad) == [(2, "runtime")]


def test_user_text_is_never_evaluated_and_no_pickle_is_read():
    forbidden = {"eval", "exec", "sympify", "lambdify", "parse_expr"}
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                owner = getattr(getattr(node.func, "value", None), "id", "")
                if (name in forbidden and owner in ("", "sympy")) or (owner == "pickle" and name in ("load", "loads")):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    # `eqsnn check SCRIPT.py` runs the user's script on request, through runpy.
    assert found == []
