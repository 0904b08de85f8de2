"""Loops in the kernel IR: what they mean, that C and the interpreter agree, and what is not one."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_kernel import call

from eqsnn.errors import InternalError
from eqsnn.kernel.interpret import Memory, Unmet, interpret
from eqsnn.kernel.ir import (
    Binary,
    Buffer,
    Carried,
    CheckFinite,
    Compare,
    Const,
    Extern,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Require,
    Store,
)
from eqsnn.kernel.passes import hoist_constants, optimise, remove_dead_code
from eqsnn.kernel.verify import verify

N, K = Local("n", "f64"), Local("k", "i64")
ONE, TWO = Const(1, "i64"), Const(2.0, "f64")
HALVING = Loop(
    (
        Carried("n", Load("x", "f64"), Local("half", "f64")),
        Carried("k", Const(0, "i64"), Local("more", "i64")),
        Carried("unused", Const(0.0, "f64"), Binary("+", Local("unused", "f64"), N, "f64")),
    ),
    Compare(">=", N, TWO),
    (
        Let("half", Binary("/", N, TWO, "f64")),
        Let("more", Binary("+", K, ONE, "i64")),
        Let("idle", Binary("*", N, N, "f64")),
    ),
)
"""How often a number can be halved until it is below 2, and what is left."""
BUFFERS = tuple(Buffer(n, t, "self", "self", n, n != "x") for n, t in (("x", "f64"), ("rest", "f64"), ("count", "i64")))
KERNEL = Kernel(
    "halving", "test", "neuron", BUFFERS, (), (), (HALVING, CheckFinite("n"), Store("rest", N), Store("count", K))
)


def test_each_element_goes_round_as_often_as_it_needs():
    x = np.array([0.5, 2.0, 3.0, 1024.0, 1e6, -7.0])
    memory = {"x": x, "rest": np.zeros(6), "count": np.zeros(6, np.int64)}
    verify(KERNEL)
    _, found = call(KERNEL, {n: a.copy() for n, a in memory.items()}, {}, 6)
    interpret(KERNEL, Memory(memory, {}), 0, 6)
    assert memory["count"].tolist() == [0, 1, 1, 10, 19, 0]
    np.testing.assert_array_equal(memory["rest"] * 2.0 ** memory["count"], x)
    for n in memory:
        np.testing.assert_array_equal(found[n], memory[n])


def test_passes_keep_a_loop_and_drop_what_it_does_not_need():
    swept = remove_dead_code(KERNEL)
    loop = next(s for s in swept.body if isinstance(s, Loop))
    assert [s.name for s in loop.body] == ["half", "more"] and loop.carried == HALVING.carried
    assert verify(optimise(KERNEL)) is None
    assert hoist_constants(KERNEL).body == KERNEL.body
    without = replace(KERNEL, body=KERNEL.body[:1])
    assert remove_dead_code(without).body == ()


def test_a_requirement_names_the_first_element():
    kernel = replace(KERNEL, body=(*KERNEL.body, Require(Compare("<", K, Const(5, "i64")), "too often")))
    verify(kernel)
    x = np.array([1.0, 7.0, 1e3, 1e6])
    memory = {"x": x, "rest": np.zeros(4), "count": np.zeros(4, np.int64)}
    result, found = call(kernel, {n: a.copy() for n, a in memory.items()}, {}, 4)
    assert result == (1 << 60) + 2
    with pytest.raises(Unmet) as caught:
        interpret(kernel, Memory(memory, {}), 0, 4)
    assert caught.value.element == 2
    np.testing.assert_array_equal(found["rest"], memory["rest"])


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (replace(HALVING, again=N), "goes on by a condition"),
        (replace(HALVING, carried=(Carried("n", Load("x", "f64"), K), *HALVING.carried[1:])), "goes from f64 to i64"),
        (replace(HALVING, body=(Let("half", Local("nobody", "f64")), *HALVING.body[1:])), "nobody is None"),
        (replace(HALVING, body=(*HALVING.body, Let("n", Const(1.0, "f64")))), "stands for two things"),
    ],
)
def test_what_is_no_loop(loop, message):
    with pytest.raises(InternalError, match=message):
        verify(replace(KERNEL, body=(loop, *KERNEL.body[1:])))


def test_names_of_a_body_end_with_it():
    with pytest.raises(InternalError, match="half is None"):
        verify(replace(KERNEL, body=(HALVING, Store("rest", Local("half", "f64")))))


def test_a_function_of_the_user_stands_alone():
    outside = Let("y", Binary("+", Extern("f", (Load("x", "f64"),), "f64"), TWO, "f64"))
    with pytest.raises(InternalError, match="f is called inside an expression"):
        verify(replace(KERNEL, body=(outside, Store("rest", Local("y", "f64")))))
