"""Our frozen dataclasses are those of the standard library."""

import copy
import dataclasses
import pickle
from dataclasses import field

import pytest

from eqsnn import frozen


def pair(decorator):
    @decorator(frozen=True)
    class Pair:
        """Two of a kind."""

        left: int
        right: object = 2
        names: list = field(default_factory=list)
        span: object = field(default=None, compare=False, repr=False)

    @decorator(frozen=True)
    class One:
        """One field, and words of its own."""

        value: float

        def __repr__(self):
            return f"<{self.value}>"

    @decorator(frozen=True)
    class Nothing:
        """No field."""

    return Pair, One, Nothing


@pytest.fixture(params=[dataclasses.dataclass, frozen.dataclass], ids=["standard", "ours"])
def classes(request):
    return pair(request.param)


def test_what_they_do(classes):
    Pair, One, Nothing = classes
    a = Pair(1)
    assert (a.left, a.right, a.names, a.span) == (1, 2, [], None) and a.names is not Pair(1).names
    assert a == Pair(1, span="elsewhere") != Pair(2) and a != One(1) and a.__eq__(One(1)) is NotImplemented
    assert Pair(1, 2, [], 3) == Pair(left=1, right=2, names=[], span=4)
    assert hash(Pair(1, 2, ())) == hash(Pair(1, 2, (), 5)) == hash((1, 2, ()))
    assert hash(One(1.5)) == hash((1.5,)) and hash(Nothing()) == hash(()) and Nothing() == Nothing()
    assert repr(a).endswith("Pair(left=1, right=2, names=[])") and repr(One(2)) == "<2>"
    assert dataclasses.replace(a, right=7) == Pair(1, 7)
    assert [f.name for f in dataclasses.fields(a)] == ["left", "right", "names", "span"] == list(vars(a))
    nan = float("nan")
    assert One(nan) == One(nan) and {One(nan): 1}[One(nan)] == 1
    match a:
        case Pair(left, right):
            assert (left, right) == (1, 2)
    assert copy.deepcopy(a) == copy.copy(a) == a


def test_what_they_refuse(classes):
    Pair, One, _ = classes
    a = Pair(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'left'"):
        a.left = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'left'"):
        del a.left
    for args, kwargs in (
        ((), {}),
        ((1, 2, 3, 4, 5), {}),
        ((1,), {"left": 2}),
        ((1,), {"unknown": 2}),
        ((1, 2, [], 3), {"left": 1}),
    ):
        with pytest.raises(TypeError):
            Pair(*args, **kwargs)
    with pytest.raises(TypeError):
        One()
    with pytest.raises(TypeError):
        hash(a)  # a list


def test_they_are_pickled():
    from eqsnn.errors import Span

    span = Span("v > 1", 0, 1)
    assert pickle.loads(pickle.dumps(span)) == span and Span.__match_args__ == ("text", "start", "end", "origin")
