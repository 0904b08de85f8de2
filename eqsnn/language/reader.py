"""Lark at work: the tree of a text, and from it the Ast. Imported only for a text that nobody remembers (parse.py)."""

from __future__ import annotations

import functools

from lark import Lark, Transformer_NonRecursive
from lark.exceptions import UnexpectedInput, VisitError

from eqsnn.errors import EquationError, Span
from eqsnn.language import ast, tables
from eqsnn.language.misspellings import explain

MAX_DEPTH = 200
"""How deep an expression may be nested: far beyond any model, and within Python's own limit for everything downstream."""


@functools.cache
def parser(start: str) -> Lark:
    """The parser of texts of one kind, from the tables that were built ahead; from the grammar where they do not fit."""
    return tables.load(start) or tables.build(start)


def read(start: str, text: str, origin: str):
    """What a text of the kind ``start`` says: for ``equations`` and ``statements`` a list. Raises ``EquationError``."""
    _limit_parentheses(text, origin)
    try:
        tree = parser(start).parse(_joined(text, start == "statements"))
    except UnexpectedInput as error:
        raise explain(text, origin, start, error) from None
    try:
        return _Builder(text, origin).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None


def _joined(text: str, lines: bool) -> str:
    """The text with line breaks after a backslash as blanks, and those inside parentheses if ``lines`` have a meaning: positions stay."""
    depth, characters, comment = 0, list(text), False
    for k, c in enumerate(text):
        comment = c == "#" or (comment and c != "\n")
        if comment:
            if depth and lines:
                characters[k] = " "
        elif c in "()":
            depth = max(0, depth + (1 if c == "(" else -1))
        elif c == "\n" and depth and lines:
            characters[k] = " "
        elif c == "\\" and text[k + 1 : k + 2] == "\n":
            characters[k] = characters[k + 1] = " "
    return "".join(characters)


def _limit_parentheses(text: str, origin: str) -> None:
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth > MAX_DEPTH // 2:
            raise _too_deep(Span(text, k, k + 1, origin))


def _too_deep(span: Span) -> EquationError:
    return EquationError("the expression is nested too deeply", span, "split it with subexpressions (x = ... : unit)")


_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "mod": "%", "pow": "**"}


class _Builder(Transformer_NonRecursive):
    """Lark's tree to our nodes. Parenthesised expressions get the span with the parentheses."""

    def __init__(self, text: str, origin: str):
        super().__init__(visit_tokens=False)
        self._text, self._origin = text, origin
        self._depth: dict[int, tuple[object, int]] = {}

    def _at(self, token) -> Span:
        return Span(self._text, token.start_pos, token.end_pos, self._origin)

    def _made(self, node, *children):
        """``node``, after noting how deep it is."""
        depth = 1 + max((self._depth[id(c)][1] for c in children if id(c) in self._depth), default=0)
        if depth > MAX_DEPTH:
            raise _too_deep(node.span)
        self._depth[id(node)] = (node, depth)
        return node

    # -- leaves

    def number(self, items):
        token = items[0]
        literal = str(token)
        value = int(literal) if literal.isdigit() and len(literal) < 25 else float(literal)
        if (isinstance(value, float) and value in (float("inf"),)) or (isinstance(value, int) and value > 2**62):
            raise EquationError(
                f"the number {literal if len(literal) < 30 else literal[:20] + chr(8230)} is too large",
                self._at(token),
                "use a value below 1e308",
            )
        return self._made(ast.Number(value, self._at(token)))

    def name(self, items):
        return self._made(ast.Name(str(items[0]), self._at(items[0])))

    def __default__(self, data, children, meta):
        if data in _OPERATORS:
            left, right = children
            return self._made(ast.Binary(_OPERATORS[data], left, right, left.span.to(right.span)), left, right)
        return super().__default__(data, children, meta)

    def true(self, items):
        return self._made(ast.Boolean(True, self._at(items[0])))

    def false(self, items):
        return self._made(ast.Boolean(False, self._at(items[0])))

    # -- operators

    def _unary(self, op: str, operand):
        start = self._text.rfind(op, 0, operand.span.start)
        span = Span(self._text, max(start, 0), operand.span.end, self._origin)
        return self._made(ast.Unary(op, operand, span), operand)

    def neg(self, items):
        return self._unary("-", items[0])

    def pos(self, items):
        return self._unary("+", items[0])

    def not_(self, items):
        return self._unary("not", items[0])

    def parenthesis(self, items):
        return items[0]

    def and_(self, items):
        return self._logical("and", *items)

    def or_(self, items):
        return self._logical("or", *items)

    def _logical(self, op: str, left, right):
        return self._made(ast.Logical(op, left, right, left.span.to(right.span)), left, right)

    def chain(self, items):
        """``a < b < c`` is ``a < b and b < c``."""
        result = None
        for left, op, right in zip(items[0::2], items[1::2], items[2::2]):
            one = self._made(ast.Compare(str(op), left, right, left.span.to(right.span)), left, right)
            result = one if result is None else self._logical("and", result, one)
        return result

    def call(self, items):
        token, *args = items
        args = tuple(a for a in args if a is not None)
        last = args[-1].span.end if args else token.end_pos
        close = self._text.find(")", last)
        span = Span(self._text, token.start_pos, close + 1 if close >= 0 else last, self._origin)
        return self._made(ast.Call(str(token), args, span, self._at(token)), *args)

    # -- definitions

    def equations(self, items):
        return items

    def flags(self, items):
        return items

    def _definition(self, kind, token, name: str, rhs, unit, flags):
        flags = flags or []
        end = flags[-1] if flags else None
        span = Span(self._text, token.start_pos, end.end_pos if end is not None else unit.span.end, self._origin)
        parts = (name, unit) if rhs is None else (name, rhs, unit)
        words = tuple(" ".join(str(f).split()).replace(" =", "=").replace("= ", "=") for f in flags)
        start = token.start_pos + (1 if kind is ast.Differential else 0)
        name_span = Span(self._text, start, start + len(name), self._origin)
        return kind(*parts, words, span, name_span, tuple(self._at(f) for f in flags))

    def differential(self, items):
        token, rhs, unit, *flags = items
        name = str(token).split("/")[0].strip()[1:]
        return self._definition(ast.Differential, token, name, rhs, unit, flags[0] if flags else None)

    def recurrence(self, items):
        token, rhs, unit, *flags = items
        name = str(token).split("[")[0].strip()
        return self._definition(ast.Recurrence, token, name, rhs, unit, flags[0] if flags else None)

    def subexpression(self, items):
        token, rhs, unit, *flags = items
        return self._definition(ast.Subexpression, token, str(token), rhs, unit, flags[0] if flags else None)

    def parameters(self, items):
        flags = items.pop() if isinstance(items[-1], list) else None
        *tokens, unit = items
        return [self._definition(ast.Parameter, t, str(t), None, unit, flags) for t in tokens]

    # -- statements and generators

    def statements(self, items):
        return items

    def statement(self, items):
        token, op, value = items
        return ast.Assign(str(token), str(op), value, self._at(token).to(value.span), self._at(token))

    def statement_set(self, items):
        token, value = items
        return ast.Assign(str(token), "=", value, self._at(token).to(value.span), self._at(token))

    def keyword(self, items):
        return (str(items[0]), items[1])

    def iterable(self, items):
        token, *arguments = items
        arguments = [a for a in arguments if a is not None]
        positional = tuple(a for a in arguments if not isinstance(a, tuple))
        keywords = tuple(a for a in arguments if isinstance(a, tuple))
        call = self.call([token, *positional, *(k[1] for k in keywords)])
        return ast.Call(call.function, positional, call.span, call.name_span, keywords)

    def mapping(self, items):
        """``f(i) if condition`` is a generator of one value."""
        element, condition = items
        one = self._made(ast.Number(1, element.span))
        once = ast.Call("range", (one,), element.span, element.span)
        return ast.Generator(element, "_", once, condition, element.span.to(condition.span))

    def function(self, items):
        *tokens, body = [item for item in items if item is not None]
        names = tuple(map(str, tokens))
        spans = tuple(map(self._at, tokens))
        return ast.FunctionDefinition(names[0], names[1:], body, spans[0].to(body.span), spans)

    def generator(self, items):
        element, variable, iterable, condition = items
        end = (condition or iterable).span
        return ast.Generator(element, str(variable), iterable, condition, element.span.to(end))
