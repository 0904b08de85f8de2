"""The parse tables of the grammar, built ahead: ``python -m eqsnn.language.tables`` writes them anew after a change of equations.lark.

Lark takes 50 ms to make the table of one kind of text, and 5 to read it. There is one for each kind, since the table of a grammar with several
start rules merges states, and what may follow at an error becomes vague. A table is JSON: what lark would pickle, with its keys as texts.
It belongs to one grammar and one version of lark; with others the grammar itself is read.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import lark

STARTS = ("equations", "statements", "expression", "generator", "function")
FOLDER = Path(__file__).with_name("parse_tables")


@functools.cache
def _grammar() -> str:
    return Path(__file__).with_name("equations.lark").read_text(encoding="utf-8")


def identity() -> dict[str, str]:
    """What a table depends on."""
    return {"lark": lark.__version__, "grammar": hashlib.sha256(_grammar().encode()).hexdigest()}


def build(start: str) -> lark.Lark:
    """The parser of the texts of one kind, from the grammar."""
    return lark.Lark(_grammar(), start=start, parser="lalr", propagate_positions=False, maybe_placeholders=True)


def load(start: str) -> lark.Lark | None:
    """The same from its table; None if there is none for this grammar and this lark."""
    path = FOLDER / f"{start}.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["identity"] != identity():
        return None
    data, table = found["data"], found["data"]["parser"]["parser"]
    table["tokens"] = _by_number(table["tokens"])
    table["states"] = {number: _by_number(state) for number, state in _by_number(table["states"]).items()}
    return lark.Lark._load_from_dict(data, _by_number(found["memo"]))


def _by_number(table: dict[str, object]) -> dict[int, object]:
    return {int(number): value for number, value in table.items()}


def text_of(start: str) -> str:
    """The table of the texts of one kind, as it is written: the same whenever it is made."""
    data, memo = build(start).memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    found = json.loads(json.dumps({"identity": identity(), "data": data, "memo": memo}))
    return json.dumps(_in_order(found, start), separators=(",", ":"), sort_keys=True) + "\n"


def _in_order(found: dict, start: str) -> dict:
    """Lark numbers rules, tokens and states in an order that varies. Here: by content, by name, and as they are reached from the first one."""
    memo, table = found["memo"], found["data"]["parser"]["parser"]
    things = {old: new for new, old in enumerate(sorted(memo, key=lambda n: json.dumps(memo[n], sort_keys=True)))}
    tokens = {old: new for new, old in enumerate(sorted(table["tokens"], key=table["tokens"].__getitem__))}
    states: dict[int, int] = {}
    waiting = [table["start_states"][start]]
    while waiting:
        state = waiting.pop(0)
        if state not in states:
            states[state] = len(states)
            actions = table["states"][str(state)]
            waiting += [actions[t][1] for t in sorted(actions, key=tokens.__getitem__) if actions[t][0] == 0]

    def renamed(part):
        if isinstance(part, dict):
            return {"@": things[str(part["@"])]} if "@" in part else {k: renamed(v) for k, v in part.items()}
        return [renamed(x) for x in part] if isinstance(part, list) else part

    def action(pair: list) -> list:
        return [0, states[pair[1]]] if pair[0] == 0 else renamed(pair)

    rows = {states[int(n)]: {tokens[t]: action(p) for t, p in row.items()} for n, row in table["states"].items()}
    data = renamed(found["data"])
    data["parser"]["parser"] = {
        "tokens": {tokens[n]: name for n, name in table["tokens"].items()},
        "states": rows,
        "start_states": {start: states[table["start_states"][start]]},
        "end_states": {start: states[table["end_states"][start]]},
    }
    return {"identity": found["identity"], "data": data, "memo": {things[n]: thing for n, thing in memo.items()}}


def main() -> None:
    """Write all tables."""
    FOLDER.mkdir(exist_ok=True)
    for start in STARTS:
        (FOLDER / f"{start}.json").write_text(text_of(start), encoding="utf-8")


if __name__ == "__main__":
    main()
