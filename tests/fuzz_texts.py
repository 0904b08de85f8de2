"""Texts for fuzzing, as hypothesis strategies: from the grammar itself, models that are right, models with something wrong in them, and rubbish.

A text comes as a *case*: keyword arguments by the names that wrong_inputs.py uses for them ('model', 'threshold', 'synapse', 'on_pre', 'j' ...).

What is made follows a string of bytes, which hypothesis draws and shrinks (0 is the simplest choice everywhere). One draw a case is what makes
100,000 cases a matter of minutes: a draw for each choice takes 20 to 40 ms a case, and hypothesis.extra.lark.from_lark 600, because the grammar's
ladder of precedence recurses at each rung.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from hypothesis import strategies as st

from eqsnn.integrators.names import method_names
from eqsnn.language.reader import parser as _parser

HOSTILE = [
    "NULL", "errno", "M_PI", "E", "S", "I", "Q", "C", "O", "beta", "gamma", "zeta", "lambda_", "register", "volatile", "restrict", "inline", "double", "float_",
    "int32_t", "size_t", "class", "template", "this", "namespace", "new", "delete_", "operator", "true", "false", "threadIdx", "blockDim", "__global__", "warpSize",
    "erf", "tgamma", "j0", "y1", "gammaln", "fma", "printf", "main", "exit", "malloc", "self", "None", "yield", "lambda", "import", "def", "pass", "is", "ctx", "step",
    "result", "spike", "n", "k", "dt_", "t_in", "x_pre", "N_pre", "not_refractory", "lastspike", "lastupdate", "delay", "j", "xi", "xi_1", "_x", "ms", "mV", "e", "pi", "inf",
    "d", "dx", "dtau", "ddt", "True_", "oneself", "Abs", "Symbol", "Add", "a0000000000000000000000000000000000000000000000000000000000000000000000000000000",
]  # fmt: skip
PIECES = [
    "v", "w", "tau", "I", "ms", "mV", "exp", "xi", "t", "dt", "i", "rand", "0", "1", "2.5", "1e-3", "1e400", "1e-400", "0.1e-3.5", "9999999999999999999999999",
    "+", "-", "*", "/", "//", "%", "**", "^", "<", "<=", "==", "!=", "<>", "=", "+=", "(", ")", "[", "]", ":", ";", ",", ".", "and", "or", "not", "True", "if", "else",
    "for", "in", "lambda", "\n", " ", "dv/dt", "dv/dt = -v/tau : volt", "x : 1", "(constant)", "(unless refractory)", "(shared)", "volt", "second", "#", "'", '"', "\\",
    "\\\n", "\t", "\x00", "\xa0", "é", "−", "τ", "Δ", "×", "“", "😀", "_", "exp(", "clip(v, 0, 1)", "v[n+1]", "d", "''", "{", "}", "@", "$", "&&", "||", "!", "\r", "\f",
    "**0", "**-1", "**0.5", "**100", "/0", "*0", "%0", "//0", "*inf", "e", "pi", "x = 3", "dx/dt = xi : 1", "k for k in range(3)", "sample(N_post, p=0.1)",
]  # fmt: skip


class Choices:
    """Choices read from bytes; when they are used up, the first of the possibilities is taken each time."""

    def __init__(self, data: bytes):
        self._data = iter(data)

    def _byte(self) -> int:
        return next(self._data, 0)

    def of(self, possible: Sequence):
        """One of at most 256 possibilities."""
        return possible[self._byte() % len(possible)]

    def number(self, end: int) -> int:
        """0 <= number < end."""
        return self._byte() % end

    def once_in(self, n: int) -> bool:
        return self._byte() % n == n - 1

    def character(self) -> str:
        """Any, mostly of the first planes; no half of a surrogate pair."""
        at = (self._byte() << 8 | self._byte()) + (0x10000 if self.once_in(8) else 0)
        return chr(at) if not 0xD800 <= at < 0xE000 else "\uffff"


def _strategy(make):
    """The strategy of what ``make`` builds by Choices."""
    return st.binary(min_size=80, max_size=400).map(lambda data: make(Choices(data)))


# -- the grammar

_WORDS = {
    "NAME": ["v", "w", "tau", "I", "ms", "mV", "exp", "clip", "t", "i", "xi", "volt", "second", "boolean", "range", *HOSTILE],
    "NUMBER": ["1", "0", "2", "0.5", ".5", "3.", "1e-3", "1E400", "12345678901234567890"],
    "DIFFERENTIAL": ["dv/dt", "dw / dt", "dI/dt"],
    "RECURRENCE": ["v[n+1]", "w [ n + 1 ]"],
    "FLAG": ["constant", "shared", "unless refractory", "event-driven", "summed", "linked", "constant over dt", "input", "nonsense"],
    "ASSIGN": ["+=", "-=", "*=", "/=", "//=", "%=", "**="],
    "COMPARE": ["<", "<=", ">", ">=", "==", "!="],
    "_SEPARATOR": ["\n", "; ", "  # comment\n", "\n\n", ";;"],
}  # fmt: skip
_PLACES = {"equations": "model", "statements": "reset", "expression": "threshold", "generator": "j", "function": "function"}  # fmt: skip
_DEEP = 12  # from here on the shortest expansions are taken


@functools.cache
def _expansions(start: str) -> dict[str, list[tuple[int, list]]]:
    """For each rule what it may become, with the depth of the shortest derivation, shortest first."""
    rules = [(r.origin.name, list(r.expansion)) for r in _parser(start).rules]
    depth: dict[str, int] = {}
    while True:
        found = dict(depth)
        for name, expansion in rules:
            if all(s.is_term or s.name in depth for s in expansion):
                needed = 1 + max((0 if s.is_term else depth[s.name] for s in expansion), default=0)
                found[name] = min(needed, found.get(name, needed))
        if found == depth:
            break
        depth = found
    result: dict[str, list[tuple[int, list]]] = {}
    for name, expansion in rules:
        deepest = 1 + max((0 if s.is_term else depth[s.name] for s in expansion), default=0)
        result.setdefault(name, []).append((deepest, expansion))
    return {name: sorted(options, key=lambda o: (o[0], len(o[1]))) for name, options in result.items()}


@functools.cache
def _terminals(start: str) -> dict[str, str]:
    """The terminals that are one word or sign."""
    return {t.name: t.pattern.value for t in _parser(start).terminals if t.pattern.type == "str"}


def _derived(c: Choices, start: str, name: str, depth: int = 0) -> str:
    options = _expansions(start)[name]
    if depth > _DEEP:
        options = [o for o in options if o[0] <= options[0][0] + 1]
    _, expansion = c.of(options)
    parts = []
    for s in expansion:
        if not s.is_term:
            parts.append(_derived(c, start, s.name, depth + 1 if s.name != "equations" else depth))
            if s.name == "definition" or s.name.startswith("__equations"):
                parts.append("\n")
        elif s.name in _WORDS:
            parts.append(c.of(_WORDS[s.name]))
        else:
            word = _terminals(start)[s.name]
            parts.append(f" {word} " if word.isalpha() and word not in ("True", "False") else word)
    return "".join(parts)


def _grammatical(c: Choices) -> dict:
    start = c.of(list(_PLACES))
    return {_PLACES[start]: _derived(c, start, start)}


def grammatical():
    """What the grammar gives for each kind of text, with names that mostly mean something."""
    return _strategy(_grammatical)


# -- models that are right

_UNITS = {"volt": "mV", "amp": "nA", "siemens": "nS", "second": "ms", "1": None}
_FUNCTIONS = ["exp", "log", "log10", "log1p", "expm1", "exprel", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "sqrt", "abs", "floor", "ceil",
              "sign", "int", "stop"]  # fmt: skip
_NUMBERS = ["0", "1", "2", "3", "0.5", "1e-3", "10", "2.5", "100", "1e10"]


class _Expressions:
    """Expressions in which the units are right, over names given by unit ('boolean' among them)."""

    def __init__(self, c: Choices, names: dict[str, list[str]], random: bool = False):
        self.one_of, self.names, self.random = c.of, names, random

    def leaf(self, unit: str) -> str:
        number = self.one_of(_NUMBERS)
        values = [number if unit == "1" else f"{number}*{_UNITS[unit]}", *self.names.get(unit, ())]
        values += {"1": ["i", "N", "pi", "e", "(-1)", *(["rand()", "randn()"] if self.random else [])], "second": ["t", "dt"]}.get(unit, [])  # fmt: skip
        return self.one_of(values)

    def of(self, unit: str, depth: int) -> str:
        """An expression with this unit."""
        if unit == "boolean":
            return self.condition(depth)
        kind = self.one_of(range(13)) if depth > 0 else 0
        if kind <= 1:
            return self.leaf(unit)
        a = self.of(unit, depth - 1)
        if kind == 2:
            return f"{a} {self.one_of('+-')} {self.of(unit, depth - 1)}"
        if kind == 3:
            return f"({a}){self.one_of(['*', '/'])}({self.of('1', depth - 1)})"
        if kind == 4:
            return f"-({a})"
        if kind == 5:
            return f"clip({a}, {self.leaf(unit)}, {self.leaf(unit)})"
        if kind == 6:
            return f"abs({a})"
        if kind == 7:
            return f"({a}) % ({self.of(unit, depth - 1)})"
        if kind == 8:
            return f"int({self.condition(depth - 1)})*({a})"
        if unit != "1":
            return f"(({a})**2)**0.5" if kind == 9 else f"{self.of('1', depth - 1)}*({a})".join("()")
        other = self.one_of(list(_UNITS))
        if kind == 9:
            return f"({self.of(other, depth - 1)}){self.one_of(['/', '//'])}({self.of(other, depth - 1)})"
        if kind == 10:
            return f"({a})**{self.one_of(['2', '3', '-1', '0', '0.5', '1.5', '(-2)', '10', f'({self.leaf(unit)})'])}"
        return f"{self.one_of(_FUNCTIONS)}({a})"

    def condition(self, depth: int) -> str:
        unit = self.one_of(list(_UNITS))
        kind = self.one_of(range(7)) if depth > 0 else 0
        if kind <= 2:
            sign = self.one_of(["<", "<=", ">", ">=", "==", "!="])
            return f"{self.of(unit, depth - 1)} {sign} {self.of(unit, depth - 1)}"
        if kind == 3:
            return f"({self.condition(depth - 1)}) {self.one_of(['and', 'or'])} ({self.condition(depth - 1)})"
        if kind == 4:
            return f"not ({self.condition(depth - 1)})"
        if kind == 5:
            return f"{self.leaf(unit)} < {self.leaf(unit)} <= {self.leaf(unit)}"
        return self.one_of(["True", "False", *self.names.get("boolean", ())])


_PLAIN_NAMES = ["v", "w", "u", "g_e", "I_syn", "x1", "tau_m", "theta", "a", "b"]


def _flags(c, choices) -> str:
    chosen = c.of([(), (), *choices])
    return f" ({', '.join(chosen)})" if chosen else ""


def _definitions(c, kind: str, reserved: list[str]) -> tuple[list[str], dict[str, list[str]], dict[str, list[str]], set[str]]:  # fmt: skip
    """Lines of equations; all names by unit, and those that statements may write; the kinds of definitions that there are."""
    pool = [n for n in (HOSTILE if c.once_in(3) else _PLAIN_NAMES) if n not in reserved]
    chosen = list(dict.fromkeys(c.of(pool) for _ in range(1 + c.number(4))))
    kinds = [c.of(["state", "state", "parameter", "subexpression", "map"]) for _ in chosen]
    units = [c.of(["1", "volt", "amp", "siemens", "second", *(["boolean", "integer"] if k == "parameter" else [])]) for k in kinds]  # fmt: skip
    names: dict[str, list[str]] = {}
    written: dict[str, list[str]] = {}
    for n, k, u in zip(chosen, kinds, units):
        if k != "subexpression":
            unit = "1" if u == "integer" else u
            names.setdefault(unit, []).append(n)
            if u != "integer":
                written.setdefault(unit, []).append(n)
    lines = []
    noisy = False
    for n, k, u in zip(chosen, kinds, units):
        inside = _Expressions(c, names)
        if k == "state":
            rate = f"({inside.of(u, 2)} - {n})/({c.of(['10*ms', '(5*ms)', 'dt', *names.get('second', ())])})"
            rate = c.of([rate, rate, f"({inside.of(u, 3)})/(10*ms)"])
            if c.once_in(6) and not (noisy and kind == "synapse"):
                noisy = True
                rate += f" + {'1' if u == '1' else f'1*{_UNITS[u]}'}*xi_{c.of('ab')}*({inside.of('1', 1)})*ms**-0.5"
            flags = [("unless refractory",)] if kind == "neuron" else [("event-driven",), ("clock-driven",)]
            lines.append(f"d{n}/dt = {rate} : {u}{_flags(c, flags)}")
        elif k == "map":
            lines.append(f"{n}[n+1] = {inside.of(u, 2)} : {u}")
        elif k == "subexpression":
            lines.append(f"{n} = {inside.of(u, 3)} : {u}{_flags(c, [('constant over dt',)])}")
            names.setdefault(u, []).append(n)
        else:
            flags = _flags(c, [("constant",), ("shared", "constant")])
            lines.append(f"{n} : {u}{flags}")
            if flags and n in written.get(u, ()):
                written[u].remove(n)
    return lines, names, written, set(kinds)


def _statements(c, names, written, depth=2) -> str:
    lines = []
    if c.once_in(2):
        unit = c.of(list(_UNITS))
        lines.append(f"tmp = {_Expressions(c, names, random=True).of(unit, depth)}")
        names = {**names, unit: [*names.get(unit, ()), "tmp"]}
        written = {**written, unit: [*written.get(unit, ()), "tmp"]}
        lines.append("tmp *= 2")
    for unit, owned in written.items():
        for n in owned[:2]:
            inside = _Expressions(c, names, random=True)
            if unit == "boolean":
                lines.append(f"{n} = {inside.of(unit, 1)}")
                continue
            op = c.of(["=", "+=", "-=", "*=", "/=", "%="])
            lines.append(f"{n} {op} {inside.of('1' if op in ('*=', '/=') else unit, depth)}")
    return c.of(["\n", "; "]).join(lines)


def _neurons(c: Choices) -> dict:
    """The parts of a group of neurons; nearly all are right."""
    lines, names, written, _ = _definitions(c, "neuron", [])
    case = {"model": c.of(["\n", "\n\n", "  # comment\n"]).join(lines)}
    if c.once_in(2):
        inside = _Expressions(c, names)
        case["threshold"] = inside.condition(2)
        if written:
            case["reset"] = _statements(c, names, written)
        case["refractory"] = c.of(["2*ms", inside.of("second", 1), inside.condition(1), "1*ms + rand()*ms"])  # fmt: skip
        if c.once_in(5):
            case["events"] = {"other": inside.condition(1)}
            if written:
                case["code"] = _statements(c, names, written, 1)
    case = {key: value for key, value in case.items() if value}
    method = c.of([None, *method_names()])
    return case if method is None else {**case, "method": method}


def _synapses(c: Choices) -> dict:
    """The parts of synapses between two groups that have v : volt and I : amp; nearly all are right."""
    reserved = ["v", "I", "lastupdate", "delay", "j"]
    lines, names, written, _ = _definitions(c, "synapse", reserved)
    names = {**names, "volt": [*names.get("volt", ()), "v_pre", "v_post"], "amp": [*names.get("amp", ()), "I_post"]}
    if c.once_in(4):
        lines.append(f"I_post = {_Expressions(c, {'amp': names['amp'][:-1], 'volt': names['volt']}).of('amp', 2)} : amp (summed)")  # fmt: skip
    written = {**written, "volt": [*written.get("volt", ()), "v_post"]}
    case = {"synapse": "\n".join(lines), "on_pre": _statements(c, names, written)}
    if c.once_in(2):
        case["on_post"] = _statements(c, names, written)
    case[c.of(["connect", "j"])] = None
    if "connect" in case:
        case["connect"] = _Expressions(c, {"volt": ["v_pre", "v_post"], "1": ["j", "N_pre"]}).condition(2)
    else:
        inside = _Expressions(c, {"1": ["N_post"]})
        case["j"] = c.of(["i", "(i + 1) % N_post", f"k for k in range(int(clip({inside.of('1', 1)}, 0, 2))) if {inside.condition(1)}",
                                          "k for k in sample(N_post, p=0.5)", "k for k in sample(N_post, size=1)"])  # fmt: skip
    return case


# -- models with something wrong in them, and rubbish

_TOKENS = re.compile(r"\w+|\s+|\*\*|//|[<>=!+\-*/]=|.", re.DOTALL)


def _mutated(c: Choices) -> dict:
    """A right model in one text of which tokens are lost, doubled, exchanged or replaced."""
    case = c.of((_neurons, _neurons, _synapses))(c)
    key = c.of([k for k, v in case.items() if isinstance(v, str) and k != "method"])
    tokens = _TOKENS.findall(case[key])
    for _ in range(1 + c.number(3)):
        if not tokens:
            break
        at = c.number(len(tokens))
        match c.of(["lose", "double", "exchange", "replace", "insert", "any"]):
            case "lose":
                del tokens[at]
            case "double":
                tokens.insert(at, tokens[at])
            case "exchange":
                other = c.number(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "replace":
                tokens[at] = c.of([*PIECES, *HOSTILE])
            case "insert":
                tokens.insert(at, c.of([*PIECES, *HOSTILE]))
            case "any":
                tokens.insert(at, c.character())
    return {**case, key: "".join(tokens)}


def _rubbish(c: Choices) -> dict:
    """Pieces of the language in any order."""
    place = c.of(tuple(_PLACES.values()))
    return {place: "".join(c.of(PIECES) for _ in range(c.number(25)))}


def neurons():
    return _strategy(_neurons)


def synapses():
    return _strategy(_synapses)


def mutated():
    return _strategy(_mutated)


def rubbish():
    return _strategy(_rubbish)


KINDS = {"grammar": _grammatical, "neurons": _neurons, "synapses": _synapses, "mutated": _mutated, "rubbish": _rubbish}


def cases():
    """Everything above, each with the name of its kind."""
    return _strategy(lambda c: (lambda kind: (kind, KINDS[kind](c)))(c.of(("mutated", *KINDS))))
