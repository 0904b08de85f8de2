"""What a user probably meant: malformed texts and the message each deserves. A kinder message is one more row.

A row has a pattern on the text from the place of the error on (``here``), or on the text up to it (``before``), a message and a hint.
``{found}`` stands for what was found there, the name of a group for what the group matched, ``{text}`` for what is underlined. Rows are tried in
order; the last resort says what was found and what may follow. Characters that are no part of the language: characters.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from eqsnn.errors import EquationError, Span
from eqsnn.language.characters import explain_character


@dataclass(frozen=True)
class Row:
    """One misspelling. ``start`` limits it to one kind of text; ``mark`` is how many characters to underline (0: what was found).

    A group ``at`` in ``before`` is where the line under the text begins; it ends with that group (``mark`` -1) or with what ``here`` matches.
    """

    here: str
    message: str
    hint: str
    before: str = ""
    start: str = ""
    mark: int = 0


_NUMBER = r"(?<![\w.])(?P<n>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)"
_UNIT_MISSING = "end the definition with ': unit', such as ': volt' or ': 1'"
_UNIT_BEFORE = "end each definition with ': unit', such as ': volt' or ': 1'"
_NO_VALUE = "write name = value"
_PREVIOUS = "the unit of the previous definition is missing"

_DERIVATIVES = (
    Row(r"\s*/\s*dt?\s*(\*\*|\^)?2", "only first derivatives are part of the language", "write two equations: dx/dt = y : ... and dy/dt = ... : ...", start="equations", before=r"(^|\n)\s*(?P<at>d2\w+)$"),
    Row(r"(\^|\*\*)2\s*\w+\s*/\s*d", "only first derivatives are part of the language", "write two equations: dx/dt = y : ... and dy/dt = ... : ...", start="equations", before=r"(^|\n)\s*(?P<at>d)\s*$"),
    Row(r"''+\s*=", "a prime is not part of the language, and only first derivatives are", "write two equations: dx/dt = y : ... and dy/dt = ... : ...", start="equations", mark=2),
    Row(r"'\s*=", "a prime is not part of the language", "write a derivative as dx/dt = ... : unit", start="equations", mark=1),
    Row(r"[A-Za-z_]\w*\s*/\s*d\s*t\b", "'{text}' is not a derivative", "write it without blanks: d{found}/dt = ... : unit", start="equations", before=r"(^|\n)\s*(?P<at>d\s+)$"),
    Row(r"\(\s*[A-Za-z_]\w*\s*\)\s*/\s*d\s*t\b", "'{text}' is not a derivative", "write it without parentheses: dx/dt = ... : unit", start="equations", before=r"(^|\n)\s*(?P<at>d)\s*$"),
    Row(r"/\s*d\s+t\b", "'{text}' is not a derivative", "write it without blanks: dx/dt = ... : unit", start="equations", before=r"(^|\n)\s*(?P<at>d\w+)\s*$"),
    Row(r"\(\s*t\s*\)(?=\s*/)", "'{text}' is not part of the language", "write {v}/dt: every variable is a function of time", start="equations", before=r"(^|\n)\s*(?P<at>(?P<v>d\w+))\s*$"),
    Row(r"\(\s*t\s*\)", "'{text}' is not part of the language", "write {v} alone: every variable is a function of time", start="equations", before=r"(^|\n)\s*(?P<at>(?P<v>\w+))\s*$"),
    Row(r"\\\s*d\s*t\b", "'\\' is not an operator", "divide with '/': dx/dt = ... : unit", mark=1),
    Row(r"\\[A-Za-z]+", "'{found}' is LaTeX, and not part of the language", "write plain text, such as dv/dt = -v/tau : volt"),
    Row(r"\\", "'\\' is not an operator", "divide with '/'; a line goes on after '\\' only if nothing follows it", mark=1),
    Row(r"/\s*d\w+", "only derivatives with respect to time are part of the language", "write dx/dt = ... : unit", start="equations", before=r"(^|\n)\s*d\w+\s*$"),
)  # fmt: skip
_COMMENTS = (
    Row(r"//|%|/\*|--", "'{found}' does not start a comment", "a comment starts with '#'", before=r"(^|\n)\s*$"),
    Row(r"[/*]", "'{text}' does not start a comment", "a comment starts with '#'", start="equations", before=r":[^=\n]*(?P<at>/)$", mark=1),
    Row(r"%", "'%' does not start a comment", "a comment starts with '#'", start="equations", before=r":[^=\n]*[\w)]\s*$"),
)  # fmt: skip
_OPERATORS = (
    Row(r"\^", "'^' is not an operator", "write a power as v**2", mark=1),
    Row(r"&&?", "'{found}' is not an operator", "write 'and'"),
    Row(r"\|\|?", "'{found}' is not an operator", "write 'or'"),
    Row(r"!(?!=)", "'!' is not an operator", "write 'not'", mark=1),
    Row(r"(AND|And)\b", "'{found}' is not an operator", "write 'and'"),
    Row(r"(OR|Or)\b", "'{found}' is not an operator", "write 'or'"),
    Row(r"<-", "'<-' is not an operator", "assign with '='", start="statements"),
    Row(r">", "'<>' is not an operator", "write '!='", before=r"(?P<at><)$"),
    Row(r"=<", "'=<' is not an operator", "write '<='"),
    Row(r"=>", "'=>' is not an operator", "write '>='"),
    Row(r"<|>", "a comparison stands where a value is expected", "comparisons are <=, >=, ==, !=, < and >", before=r"=\s*$"),
    Row(r"=", "'===' is not an operator", "compare with '=='", before=r"(?P<at>==)$"),
    Row(r"=(?!=)", "arguments have no names", "write them in their order, as in clip(x, low, high)", before=r"\w\s*\([^()]*,\s*(?P<at>\w+\s*)$"),
    Row(r"=(?!=)", "'=' assigns, and this is an expression", "compare with '=='", start="expression", mark=1),
    Row(r"\+\+|--", "'{found}' is not an operator", "write x += 1", start="statements", before=r"\w\s*$"),
    Row(r":=", "':=' is not an operator", "assign with '='"),
    Row(r"[=:]", "'{found}' assigns, and this is an expression", "compare with '=='", start="generator", before=r"\w\s*$"),
    Row(r"(?P<op>(\*\*|//|[+\-*/%])=)", "'{op}' is not part of equations", "write 'x = ... : unit' for a subexpression; changes at an event stand in a reset or on_pre", start="equations", before=r"(^|\n)\s*\w+\s*$"),
    Row(r"@", "'@' is not an operator", "multiply with '*'", mark=1),
    Row(r"\$", "'$' is not part of the language", "write the name alone", mark=1),
)  # fmt: skip
_NUMBERS = (
    Row(r"(?P<f>\.\d*)", "'{text}' is not a number: its exponent is no whole number", "write {m}*10**({e}{f})", before=r"(?<![\w.])(?P<at>(?P<m>[\d.]+)[eE](?P<e>[+-]?\d+))$"),
    Row(r"\.[\d.]+", "'{text}' is not a number", "a number has one decimal point", before=r"(?<![\w.])(?P<at>\d+\.\d*)$"),
    Row(r",\s*\d+", "'{text}' is not a number", "write decimal fractions with a point, 0.5", before=r"(?<![\w.])(?P<at>\d+)$"),
    Row(r"[xX][0-9a-fA-F]+\b", "'{text}' is not a number of the language", "write it in decimals", before=r"(?<![\w.])(?P<at>0)$"),
    Row(r"(_\d+)+", "'{text}' is not a number of the language", "write its digits without '_'", before=r"(?<![\w.])(?P<at>\d+)$"),
    Row(r"[eE]([+-](?!\s*[\w(])|\b(?![+-]))", "'{text}' is not a number: its exponent is missing", "write 1e-3; Euler's number is multiplied, 2*e", before=r"(?<![\w.])(?P<at>[\d.]+)$"),
    Row(r"[A-Za-z_]\w*", "a number runs into the name '{found}'", "multiply with '*', as in {n}*{found}", before=_NUMBER + r"$"),
    Row(r"[A-Za-z_]\w*", "a number runs into the name '{found}'", "multiply with '*', as in 2*{found}", before=r"[\d.]$"),
)  # fmt: skip
_STATEMENTS = (
    Row(r"=", "'==' compares, and this is an assignment", "assign with '='", start="statements", before=r"=$", mark=1),
    Row(r"$", "a statement has no value", _NO_VALUE, start="statements", before=r"(^|[;\n])\s*\w+\s*$"),
    Row(r"\d", "a number stands where a name is expected", _NO_VALUE, start="statements", before=r"(^|[;\n])\s*$"),
    Row(r"[\w(]", "'{word}' is not part of the language", "write the condition as a number: x = x + int(v > 0)*dx", start="statements", before=r"(^|[;\n])\s*(?P<at>(?P<word>if|elif))\s*$", mark=-1),
    Row(r":", "'else' is not part of the language", "write the condition as a number: x = x + int(v > 0)*dx", start="statements", before=r"(^|[;\n])\s*(?P<at>else)\s*$", mark=-1),
    Row(r"\w", "'{word}' is not part of the language", "statements run once for each element", start="statements", before=r"(^|[;\n])\s*(?P<at>(?P<word>for|while))\s+$", mark=-1),
    Row(r"\S", "'return' is not part of the language", "assign the value, as in v = El", start="statements", before=r"(^|[;\n])\s*(?P<at>return)\s+$", mark=-1),
    Row(r"\w", "'{word}' is not part of the language", "give constants and functions by namespace=, or define them before the group", before=r"(^|[;\n])\s*(?P<at>(?P<word>import|from))\s+$", mark=-1),
    Row(r"\(", "{word}(...) is called where a name and its value are expected", _NO_VALUE, start="statements", before=r"(^|[;\n])\s*(?P<at>(?P<word>\w+))\s*$", mark=-1),
    Row(r",", "two names stand before '='", "write one statement for each: v = ...; w = ...", start="statements", before=r"(^|[;\n])\s*\w+(\s*,\s*\w+)*\s*$", mark=1),
    Row(r",\s*\w+\s*(\*\*|//|[+\-*/%])?=(?!=)", "',' does not separate statements", "write ';', or start a new line", start="statements", mark=1),
)  # fmt: skip
_EQUATIONS = (
    Row(r"=", "'==' compares, and this defines a name", "define with '='", start="equations", before=r"=$", mark=1),
    Row(r"=", "'=' gives one value, and several names stand before it", "write one definition for each name", start="equations", before=r"(^|\n)\s*\w+(\s*,\s*\w+)+\s*$", mark=1),
    Row(r":", "a name is missing after ','", "write 'a, b : unit'", start="equations", before=r"(^|\n)[^=:\n]*(?P<at>,)\s*$", mark=-1),
    Row(r"\d", "a number stands where a name is expected", "write 'x = ... : 1' to give a value a name", start="equations", before=r"(^|\n)\s*$"),
    Row(r"$", "'(' is never closed", "flags stand in it, separated by commas, and a ')' follows", start="equations", before=r":[^=:\n]*(?P<at>\()\s*$", mark=-1),
    Row(r"\)", "no flag stands between the parentheses", "write one, such as (constant), or remove them", start="equations", before=r":[^=:\n]*[\w)]\s*(?P<at>\(\s*)$"),
    Row(r"\[", "flags do not stand in brackets", "flags stand in parentheses: x : volt (constant)", start="equations", before=r":[^=\n]*[\w)]\s*$", mark=1),
    Row(r"\[", "units stand without brackets", "write 'x : volt'", start="equations", before=r":\s*$", mark=1),
    Row(r"$", "the unit is missing", _UNIT_MISSING, start="equations", before=r":[^:\n]*\n\s*\w+\s*$"),
    Row(r"$", "a word follows the unit", "flags stand in parentheses: x : volt (constant); units are multiplied with '*'", start="equations", before=r":[^:\n]*[\w)]\s+(?P<at>\w+)\s*$", mark=-1),
    Row(r"[A-Za-z_][\w*/]*[ \t]*(\([A-Za-z ,-]*\)[ \t]*)?(#[^\n]*)?(\n|$)", "':' is missing before the unit, or an operator before '{found}'", "write ': {found}' if it is the unit", start="equations", before=r"=[^:\n]*[\w)][ \t]+$"),
)  # fmt: skip
_PYTHON = (
    Row(r".", "'lambda' is not part of the language", "define a function before, f = eqsnn.function('f(x) = ...')", before=r"(?<!\w)(?P<at>lambda)\s+$", mark=-1),
    Row(r"\.\s*[A-Za-z_]", "attribute access ('.') is not part of the language", "use a plain name: a variable of the model or an external constant", mark=1),
    Row(r"\[\s*n\s*\]", "'{text}' is not part of the language", "write {v} alone: in x[n+1] = ... a name stands for its value before the step", before=r"(?P<at>(?P<v>\w+)\s*)$"),
    Row(r"\[\s*[nt]\s*-\s*\d*", "a value of an earlier step is not kept", "keep it in a map of its own, y[n+1] = x : unit", mark=1),
    Row(r"\[\s*\w+\s*\+\s*1\s*\]", "'{text}' is not part of the language", "write a map as {v}[n+1] = ... : unit", start="equations", before=r"(^|\n)\s*(?P<at>(?P<v>\w+)\s*)$"),
    Row(r"\[", "indexing ('[') is not part of the language", "a variable stands for the element's own value; use a TimedArray or a synapse to reach others", mark=1),
    Row(r"[\"']", "a string is not part of the language", "use numbers, names and functions", mark=1),
    Row(r"[{}]", "'{found}' is not part of the language", "group with parentheses", mark=1),
    Row(r"if\b", "'if' is not an operator", "write the condition as a number: int(v > 0)*x + int(v <= 0)*y", mark=2),
    Row(r"is\b", "'is' is not part of the language", "compare with '=='"),
    Row(r"(lambda|else|in|for)\b", "'{found}' is not part of the language", "use operators, numbers, names and functions"),
)  # fmt: skip
_SIDE_BY_SIDE = (
    Row(r"[A-Za-z_]\w*\s*=", _PREVIOUS, _UNIT_BEFORE, start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"d[A-Za-z_]\w*\s*/\s*dt", _PREVIOUS, _UNIT_BEFORE, start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"[A-Za-z_]\w*\s*[:,]", _PREVIOUS, _UNIT_BEFORE, start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"$", "the unit is missing", _UNIT_MISSING, start="equations", before=r"(^|\n)[^:\n]*=[^:]*[\w)]\s*(#[^\n]*)?\s*$"),
    Row(r"$", "the unit is missing", "write the unit after the colon: volt, second, 1 ...", start="equations", before=r":\s*$"),
    Row(r"$", "a definition ends too early", "write 'x : 1' for a parameter, 'x = ... : 1' for a subexpression, 'dx/dt = ... : 1' for a differential equation", start="equations", before=r"(^|\n)\s*\w+\s*$"),
    Row(r"\(", "a name is missing before '('", "functions are called as exp(x)", before=r"^\s*$", start="statements"),
    Row(r"[\d.]", "two values stand side by side", "an operator is missing, or a comma between arguments", before=r"\w\s*\([^()]*[\w).]\s*$"),
    Row(r"[\d.]", "two values stand side by side", "an operator is missing", before=r"[\w).]\s*$"),
    Row(r"[A-Za-z_]\w*", "an operator is missing before '{found}'", "multiply with '*', as in {n}*{found}", before=_NUMBER + r"[ \t]+$"),
    Row(r"[A-Za-z_]\w*", "an operator is missing before '{found}'", "multiply with '*', as in {v}*{found}; a function is called with parentheses, {v}({found})", before=r"(?<![\w.])(?P<v>[A-Za-z_]\w*)[ \t]+$"),
    Row(r"[A-Za-z_]\w*|\(", "an operator is missing before '{found}'", "multiply with '*'", before=r"[\w).][ \t]*$"),
    Row(r"[A-Za-z_]\w*", "the line before ends without an operator", "join the lines with an operator, or wrap them in parentheses", before=r"[\w).]\s*$"),
)  # fmt: skip
_MISSING = (
    Row(r"\)", "a value is missing before ')'", "write an expression between the parentheses", before=r"[(,*/+\-<>=]\s*$", mark=1),
    Row(r",", "a value is missing before ','", "separate arguments by single commas", before=r"[(,*/+\-]\s*$", mark=1),
    Row(r",", "a comma stands where an operator is expected", "arguments are separated by commas within the parentheses of a function", mark=1),
    Row(r"\*|/|%", "a value is missing before '{found}'", "an operator stands between two values", before=r"(^|[(,*/+\-%=<>:]|\b(and|or|not))\s*$"),
    Row(r"and\b|or\b", "a value is missing before '{found}'", "an operator stands between two values"),
    Row(r"not\b", "'not' is in the wrong place", "write 'and not', or wrap 'not x' in parentheses", mark=3),
    Row(r";", "';' does not separate arguments", "separate them by ','", before=r"\w\s*\([^()\n]*$", mark=1),
    Row(r";", "';' separates statements, not equations", "start each definition on a new line", start="equations", mark=1),
    Row(r";", "';' separates statements, and this is one expression", "remove it", start="expression", mark=1),
    Row(r";", "';' separates statements, and this is one expression", "remove it", start="generator", mark=1),
    Row(r"\n|;", "a statement ends too early", "write the value to assign after '='", start="statements", before=r"=[^;\n]*$", mark=1),
    Row(r"$", "the expression ends where a value is expected", "complete it, or remove the last operator", before=r"[*/+\-%<>=(,]\s*(#[^\n]*)?\s*$|\b(and|or|not)\s*$"),
    Row(r":", "':' ends the expression too early", "a value is missing before the unit", start="equations", before=r"[*/+\-%<>=(,]\s*$", mark=1),
    Row(r":", "':' is not part of a statement", "units stand in the equations only", start="statements", mark=1),
    Row(r"[:=]", "'{found}' stands where none is expected", "write 'x : 1', 'x = ... : 1' or 'dx/dt = ... : 1'", start="equations", mark=1),
)  # fmt: skip
_FUNCTIONS = (
    Row(r".|$", "this does not define a function", "write it as f(x) = x**2/(1 + x)", start="function", before=r"^[^=]*$", mark=1),
)  # fmt: skip
ROWS = (*_FUNCTIONS, *_DERIVATIVES, *_COMMENTS, *_OPERATORS, *_NUMBERS, *_STATEMENTS, *_EQUATIONS, *_PYTHON, *_SIDE_BY_SIDE, *_MISSING)  # fmt: skip


def explain(text: str, origin: str, start: str, error: UnexpectedInput) -> EquationError:
    """The error to raise for a text that does not parse."""
    position, found = _place(text, error)
    here, before = text[position:], text[:position]
    if here:
        character = explain_character(here, start)
        if character is not None:
            return EquationError(character[0], Span(text, position, position + 1, origin), character[1])
    unbalanced = _parentheses(text, origin, position, error, start)
    if unbalanced is not None:
        return unbalanced
    for row in ROWS:
        match = re.match(row.here, here)
        behind = _behind(row, before) if match and row.start in ("", start) else None
        if behind is not None:
            return _said(row, text, origin, position, found, match, behind)
    at = position if here.strip() else _last(text)
    what = f"found '{found}', which is not expected here" if found else "the text ends too early"
    return EquationError(what, Span(text, at, at + max(len(found), 1), origin), _expected(error))


def _behind(row: Row, before: str) -> re.Match | None:
    """What ``before`` matches; its ``$`` is the end of the text and not also the place before a last line break."""
    return re.search(row.before.replace("$", r"\Z"), before)


def _said(
    row: Row, text: str, origin: str, position: int, found: str, match: re.Match, behind: re.Match
) -> EquationError:
    here = text[position:]
    word = match.group().strip() if match.group().strip() else found
    word = re.split(r"[\s=:,(/]", word)[0] or word
    at, length = (position, row.mark or max(len(word), 1)) if here.strip() else (_last(text), 1)
    groups = {k: v for k, v in {**behind.groupdict(), **match.groupdict()}.items() if v is not None}
    if "at" in groups:
        at = behind.start("at")
        end = behind.end("at") if row.mark == -1 else position + len(match.group().rstrip())
        length = max(end - at, 1)
        groups["text"] = text[at : at + length]
    if row.message == _PREVIOUS:
        at, length = _last(text[:position]), 1
    return EquationError(
        _filled(row.message, word, groups), Span(text, at, at + length, origin), _filled(row.hint, word, groups)
    )


def _filled(sentence: str, word: str, groups: dict[str, str]) -> str:
    for name, value in {"found": word, **groups}.items():
        sentence = sentence.replace(f"{{{name}}}", value)
    return sentence


def _place(text: str, error: UnexpectedInput) -> tuple[int, str]:
    """Where the error is, and the word or character there."""
    position = getattr(error, "pos_in_stream", None)
    token = getattr(error, "token", None)
    if position is None or (isinstance(error, UnexpectedToken) and token.type == "$END"):
        position = len(text)
    match = re.match(r"\w+|\*\*|//|[<>=!]=|.", text[position:])
    return position, match.group() if match else ""


def _last(text: str) -> int:
    """The position of the last character that is neither blank nor comment."""
    bare = re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), text)
    return max(len(bare.rstrip()) - 1, 0)


def _parentheses(text: str, origin: str, position: int, error, start: str) -> EquationError | None:
    """A parenthesis without its partner, if that is what the parser stumbled over."""
    bare = re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), text)
    open_at: list[int] = []
    for k, c in enumerate(bare[:position]):
        if c == "(":
            open_at.append(k)
        elif c == ")" and open_at:
            open_at.pop()
    rest = bare[position:]
    if rest.startswith(")") and not open_at:
        return EquationError(
            "')' without '('", Span(text, position, position + 1, origin), "remove it, or open it before"
        )
    complete = re.search(r"[\w).]\s*$", bare[:position])
    ends = (
        not rest.strip() or rest.startswith((":", ";", "\n")) or "\n" in bare[open_at[-1] if open_at else 0 : position]
    )
    if open_at and complete and ends and not isinstance(error, UnexpectedCharacters):
        k = open_at[-1]
        return EquationError("'(' is never closed", Span(text, k, k + 1, origin), "a ')' is missing")
    return None


_TERMINALS = {
    "NAME": "a name", "NUMBER": "a number", "LPAR": "'('", "RPAR": "')'", "COLON": "':' and a unit", "EQUAL": "'='", "FLAG": "a flag",
    "DIFFERENTIAL": "dx/dt", "$END": "the end", "COMMA": "','", "IN": "'in'",
}  # fmt: skip


def _expected(error: UnexpectedInput) -> str:
    wanted = set(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    words = [text for name, text in _TERMINALS.items() if name in wanted]
    if wanted & {"PLUS", "STAR"} and "NUMBER" not in wanted:
        words.insert(0, "an operator")
    return f"expected {' or '.join(words[:4])}" if words else "expected something else"
