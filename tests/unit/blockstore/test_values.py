"""Every class with our decorator behaves as the standard library's own: one class of each, compared answer by answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from blockstore import values

KINDS = {"frozen": {"frozen": True}, "ordered": {"frozen": True, "order": True}, "plain": {}}


def define(decorator: Any, options: dict[str, bool]) -> type:
    @decorator(**options)
    class Point:
        """A place."""

        x: int
        y: int = 2
        names: tuple[str, ...] = field(default_factory=lambda: ("a",))

        def __post_init__(self) -> None:
            self.__dict__["sum"] = self.x + self.y

    return Point


QUESTIONS: dict[str, Callable[[Any], object]] = {
    "positional": lambda cls: vars(cls(1, 3, ("b",))),
    "by name": lambda cls: vars(cls(y=3, x=1)),
    "defaults": lambda cls: vars(cls(1)),
    "a factory makes a new one each time": lambda cls: cls(1).names is cls(1).names,
    "nothing given": lambda cls: cls(),
    "too many": lambda cls: cls(1, 2, (), 4),
    "unknown": lambda cls: cls(1, z=2),
    "twice": lambda cls: cls(1, x=2),
    "equal": lambda cls: cls(1) == cls(1, 2),
    "unequal": lambda cls: cls(1) == cls(2),
    "another class": lambda cls: cls(1) == (1, 2, ("a",)),
    "hash": lambda cls: hash(cls(1)) == hash(cls(1)),
    "in a set": lambda cls: len({cls(1), cls(1), cls(2)}),
    "repr": lambda cls: repr(cls(1)),
    "less": lambda cls: cls(1) < cls(2),
    "at least": lambda cls: cls(1) >= cls(1),
    "sorted": lambda cls: [each.x for each in sorted([cls(3), cls(1)])],
    "less than another class": lambda cls: cls(1) < 2,
    "assignment": lambda cls: setattr(cls(1), "x", 5),
    "a new attribute": lambda cls: setattr(cls(1), "other", 5),
    "deletion": lambda cls: delattr(cls(1), "x"),
    "replace": lambda cls: vars(dataclasses.replace(cls(1), y=9)),
    "our replace": lambda cls: vars(values.replace(cls(1), y=9)),
    "our replace with the unknown": lambda cls: values.replace(cls(1), z=9),
    "replace with the unknown": lambda cls: dataclasses.replace(cls(1), z=9),
    "asdict": lambda cls: dataclasses.asdict(cls(1)),
    "fields": lambda cls: [each.name for each in dataclasses.fields(cls)],
    "is one": dataclasses.is_dataclass,
}


def answer(question: Callable[[Any], object], cls: type) -> object:
    try:
        return question(cls)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_the_original(kind: str, question: str) -> None:
    mine, original = (define(decorator, KINDS[kind]) for decorator in (values.dataclass, dataclasses.dataclass))
    assert answer(QUESTIONS[question], mine) == answer(QUESTIONS[question], original)


def test_a_method_of_the_class_itself_stays() -> None:
    @values.dataclass(frozen=True)
    class Shown:
        """Shown in its own way."""

        text: str

        def __repr__(self) -> str:
            return "***"

    assert repr(Shown("secret")) == "***"


def test_no_code_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what it is for."""
    monkeypatch.setattr("builtins.exec", lambda *_: pytest.fail("compiled something"))
    define(values.dataclass, {"frozen": True})
