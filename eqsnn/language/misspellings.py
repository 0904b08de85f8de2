"""What a user probably meant: malformed texts and the message each deserves. A kinder message is one more row.

A row has a pattern on the text from the place of the error on (``here``), or on the text up to it (``before``), a message and a hint.
``{found}`` stands for what was found there. Rows are tried in order; the last resort says what was found and what may follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from eqsnn.errors import EquationError, Span


@dataclass(frozen=True)
class Row:
    """One misspelling. ``start`` limits it to one kind of text; ``mark`` is how many characters to underline (0: what was found)."""

    here: str
    message: str
    hint: str
    before: str = ""
    start: str = ""
    mark: int = 0


ROWS = (
    Row(r".|$", "this does not define a function", "write it as f(x) = x**2/(1 + x)", start="function", before=r"^[^=]*$", mark=1),
    Row(r"\^", "'^' is not an operator", "write a power as v**2", mark=1),
    Row(r"&&?", "'{found}' is not an operator", "write 'and'"),
    Row(r"\|\|?", "'{found}' is not an operator", "write 'or'"),
    Row(r"!(?!=)", "'!' is not an operator", "write 'not'", mark=1),
    Row(r"=<|=>|<>", "'{found}' is not an operator", "comparisons are <=, >=, ==, != , < and >"),
    Row(r"<|>", "a comparison stands where a value is expected", "comparisons are <=, >=, ==, !=, < and >", before=r"=\s*$"),
    Row(r"=(?!=)", "'=' assigns, and this is an expression", "compare with '=='", start="expression", mark=1),
    Row(r"\+\+|--", "'{found}' is not an operator", "write x += 1", start="statements", before=r"\w\s*$"),
    Row(r":=", "':=' is not an operator", "assign with '='"),
    Row(r"[=:]", "'{found}' assigns, and this is an expression", "compare with '=='", start="generator", before=r"\w\s*$"),
    Row(r"\.\s*[A-Za-z_]", "attribute access ('.') is not part of the language", "use a plain name: a variable of the model or an external constant", mark=1),
    Row(r"\[", "indexing ('[') is not part of the language", "a variable stands for the element's own value; use a TimedArray or a synapse to reach others", mark=1),
    Row(r"'\s*=", "a prime is not part of the language", "write a derivative as dx/dt = ... : unit", start="equations", mark=1),
    Row(r"=", "'==' compares, and this is an assignment", "assign with '='", start="statements", before=r"=$", mark=1),
    Row(r"=", "'==' compares, and this defines a name", "define with '='", start="equations", before=r"=$", mark=1),
    Row(r"$", "a statement has no value", "write name = value", start="statements", before=r"(^|[;\n])\s*\w+\s*$"),
    Row(r"\d", "a number stands where a name is expected", "write name = value", start="statements", before=r"(^|[;\n])\s*$"),
    Row(r"\w", "'if' is not part of the language", "write the condition as a number: x = x + int(v > 0)*dx", start="statements", before=r"(^|[;\n])\s*(if|elif|while|for)\s+$"),
    Row(r"$", "the unit is missing", "end the definition with ': unit', such as ': volt' or ': 1'", start="equations", before=r":[^:\n]*\n\s*\w+\s*$"),
    Row(r"$", "a word follows the unit", "flags stand in parentheses: x : volt (constant)", start="equations", before=r":[^:\n]*[\w)]\s+\w+\s*$"),
    Row(r"[\"']", "a string is not part of the language", "use numbers, names and functions", mark=1),
    Row(r"[{}]", "'{found}' is not part of the language", "group with parentheses", mark=1),
    Row(r"if\b", "'if' is not an operator", "write the condition as a number: int(v > 0)*x + int(v <= 0)*y", mark=2),
    Row(r"(lambda|else|is|in|for)\b", "'{found}' is not part of the language", "use operators, numbers, names and functions"),
    Row("[\u2212\u2013\u2014]", "'{found}' is a dash, not a minus sign", "write '-'", mark=1),
    Row("[\u00b7\u00d7\u22c5]", "'{found}' is not an operator", "multiply with '*'", mark=1),
    Row("[\u00b2\u00b3]", "'{found}' is not an operator", "write a power as v**2", mark=1),
    Row("[\u00b5\u03bc]", "'{found}' cannot be part of a name", "write 'u' for micro: uV, us", mark=1),
    Row(r"@", "'@' is not an operator", "multiply with '*'", mark=1),
    Row(r"[A-Za-z_]\w*", "a number runs into the name '{found}'", "multiply with '*', as in 2*{found}", before=r"[\d.]$"),
    Row(r"[A-Za-z_]\w*\s*=", "the unit of the previous definition is missing", "end each definition with ': unit', such as ': volt' or ': 1'", start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"d[A-Za-z_]\w*\s*/\s*dt", "the unit of the previous definition is missing", "end each definition with ': unit', such as ': volt' or ': 1'", start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"[A-Za-z_]\w*\s*[:,]", "the unit of the previous definition is missing", "end each definition with ': unit', such as ': volt' or ': 1'", start="equations", before=r"=[^:]*\n\s*$"),
    Row(r"\w", "'if' is not part of the language", "write the condition as a number: x = x + int(v > 0)*dx", start="statements", before=r"(^|[;\n])\s*(if|elif|while|for)\s+$"),
    Row(r"$", "the unit is missing", "end the definition with ': unit', such as ': volt' or ': 1'", start="equations", before=r"(^|\n)[^:\n]*=[^:]*[\w)]\s*(#[^\n]*)?\s*$"),
    Row(r"$", "the unit is missing", "write the unit after the colon: volt, second, 1 ...", start="equations", before=r":\s*$"),
    Row(r"$", "a definition ends too early", "write 'x : 1' for a parameter, 'x = ... : 1' for a subexpression, 'dx/dt = ... : 1' for a differential equation", start="equations", before=r"(^|\n)\s*\w+\s*$"),
    Row(r"\(", "a name is missing before '('", "functions are called as exp(x)", before=r"^\s*$", start="statements"),
    Row(r"/\s*d\w+", "only derivatives with respect to time are part of the language", "write dx/dt = ... : unit", start="equations", before=r"(^|\n)\s*d\w+\s*$"),
    Row(r"[\d.]", "two values stand side by side", "an operator is missing", before=r"[\w).]\s*$"),
    Row(r"[A-Za-z_]\w*|\(", "an operator is missing before '{found}'", "multiply with '*'", before=r"[\w).][ \t]*$"),
    Row(r"[A-Za-z_]\w*", "the line before ends without an operator", "join the lines with an operator, or wrap them in parentheses", before=r"[\w).]\s*$"),
    Row(r"\)", "a value is missing before ')'", "write an expression between the parentheses", before=r"[(,*/+\-<>=]\s*$", mark=1),
    Row(r",", "a value is missing before ','", "separate arguments by single commas", before=r"[(,*/+\-]\s*$", mark=1),
    Row(r",", "a comma stands where an operator is expected", "write decimal fractions with a point, 0.5", mark=1),
    Row(r"\*|/|%", "a value is missing before '{found}'", "an operator stands between two values", before=r"(^|[(,*/+\-%=<>:]|\b(and|or|not))\s*$"),
    Row(r"and\b|or\b", "a value is missing before '{found}'", "an operator stands between two values"),
    Row(r"not\b", "'not' is in the wrong place", "write 'and not', or wrap 'not x' in parentheses", mark=3),
    Row(r";", "';' separates statements, not equations", "start each definition on a new line", start="equations", mark=1),
    Row(r";", "';' separates statements, and this is one expression", "remove it", mark=1),
    Row(r"\n|;", "a statement ends too early", "write the value to assign after '='", start="statements", before=r"=[^;\n]*$", mark=1),
    Row(r"$", "the expression ends where a value is expected", "complete it, or remove the last operator", before=r"[*/+\-%<>=(,]\s*(#[^\n]*)?\s*$|\b(and|or|not)\s*$"),
    Row(r":", "':' ends the expression too early", "a value is missing before the unit", start="equations", before=r"[*/+\-%<>=(,]\s*$", mark=1),
    Row(r":", "':' is not part of a statement", "units stand in the equations only", start="statements", mark=1),
    Row(r"[:=]", "'{found}' stands where none is expected", "write 'x : 1', 'x = ... : 1' or 'dx/dt = ... : 1'", start="equations", mark=1),
)  # fmt: skip


def explain(text: str, origin: str, start: str, error: UnexpectedInput) -> EquationError:
    """The error to raise for a text that does not parse."""
    position, found = _place(text, error)
    unbalanced = _parentheses(text, origin, position, error, start)
    if unbalanced is not None:
        return unbalanced
    here, before = text[position:], text[:position]
    for row in ROWS:
        match = re.match(row.here, here)
        if not match or (row.start and row.start != start) or not re.search(row.before, before):
            continue
        word = match.group().strip() if match.group().strip() else found
        word = re.split(r"[\s=:,]", word)[0] or word
        at, length = (position, row.mark or max(len(word), 1)) if here.strip() else (_last(text), 1)
        if "previous definition" in row.message:
            at, length = _last(before), 1
        return EquationError(
            row.message.replace("{found}", word), Span(text, at, at + length, origin), row.hint.replace("{found}", word)
        )
    at = position if here.strip() else _last(text)
    what = f"found '{found}', which is not expected here" if found else "the text ends too early"
    return EquationError(what, Span(text, at, at + max(len(found), 1), origin), _expected(error))


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
