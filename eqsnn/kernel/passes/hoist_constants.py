"""Compute once before the run what depends on external constants and dt alone: it becomes a scalar argument."""

from __future__ import annotations

from dataclasses import replace

from eqsnn.kernel.ir import (
    RANDOM,
    Binary,
    Call,
    Cast,
    CheckFinite,
    Const,
    Drawn,
    Expr,
    Extern,
    Hoisted,
    Kernel,
    Let,
    Load,
    Local,
    Scalar,
    children,
    expressions,
    names_made,
    rebuild,
    walk,
    with_expressions,
)

_CONSTANT_OWNERS = ("external", "derived", "index")


def hoist_constants(kernel: Kernel) -> Kernel:
    """``kernel`` with its constant expressions in ``hoisted``."""
    return _Hoist(kernel).run()


class _Hoist:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.level: dict[str, int] = {}
        for s in kernel.scalars:
            constant = s.owner in _CONSTANT_OWNERS or (s.owner == "clock" and s.variable == "dt")
            self.level[s.name] = 0 if constant else 2
        self.scalars = list(kernel.scalars)
        self.hoisted: list[Hoisted] = []
        self.replaced: dict[str, Expr] = {}
        self.made: dict[Expr, Expr] = {}
        self.taken = {s.name for s in kernel.scalars} | {b.name for b in kernel.buffers}
        self.taken |= {name for s in kernel.body for name in names_made(s)}

    def run(self) -> Kernel:
        body = []
        for statement in self.kernel.body:
            parts = tuple(self.rewrite(self.substitute(e)) for e in expressions(statement))
            statement = with_expressions(statement, parts)
            if isinstance(statement, CheckFinite) and statement.name in self.replaced:
                value = self.replaced[statement.name]
                if isinstance(value, Local):
                    body.append(replace(statement, name=value.name))
                continue
            if isinstance(statement, Let):
                level = self.of(statement.expr)
                if level < 2 and isinstance(statement.expr, (Local, Const)):
                    self.replaced[statement.name] = statement.expr
                    continue
                # What is made of literals stays in the body (the compiler folds it), where no hoisted value can read it.
                self.level[statement.name] = 2
            body.append(statement)
        hoisted = (*self.kernel.hoisted, *self.hoisted)
        return replace(self.kernel, scalars=tuple(self.scalars), hoisted=hoisted, body=tuple(body))

    def substitute(self, expr: Expr) -> Expr:
        if isinstance(expr, Local) and expr.name in self.replaced:
            return self.replaced[expr.name]
        parts = children(expr)
        return rebuild(expr, tuple(self.substitute(p) for p in parts)) if parts else expr

    def of(self, expr: Expr) -> int:
        """0: a constant, 2: changes."""
        if isinstance(expr, Const):
            return 0
        if isinstance(expr, Local):
            return self.level.get(expr.name, 2)
        if isinstance(expr, (Load, Drawn, Extern)) or (isinstance(expr, Call) and expr.function in RANDOM):
            return 2
        return max((self.of(p) for p in children(expr)), default=2)

    def rewrite(self, expr: Expr) -> Expr:
        """``expr`` with its largest constant parts replaced."""
        if isinstance(expr, (Const, Local, Load)):
            return (
                expr
                if not isinstance(expr, Load) or expr.index is None
                else replace(expr, index=self.rewrite(expr.index))
            )
        if self.of(expr) == 0 and not _literal(expr):
            return self.scalar(expr)
        return rebuild(expr, tuple(self.rewrite(p) for p in children(expr)))

    def scalar(self, expr: Expr) -> Expr:
        if expr not in self.made:
            name = f"c{len(self.made)}"
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.scalars.append(Scalar(name, expr.type, "derived", name))
            self.hoisted.append(Hoisted(name, expr))
            self.level[name] = 0
            self.made[expr] = Local(name, expr.type)
        return self.made[expr]


def _literal(expr: Expr) -> bool:
    """Made of literals alone, which the compiler folds."""
    return all(isinstance(e, (Const, Cast, Binary)) for e in walk(expr)) and not any(
        isinstance(e, Local) for e in walk(expr)
    )
