"""Reading a document at the door: every fault is collected with its path, none stops the reading.

A `Reader` stands at one place of a document (``volumes.data.mount``). Its questions give a value of the asked type or
None, and note what is wrong. When all has been read, the one who holds `Faults` raises them together.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from blockstore.errors import DocumentInvalid, Fault

T = TypeVar("T")

# No text of any document is longer than this; a limit keeps a hostile answer from filling logs and reports.
LONGEST_TEXT = 4096
# What a fault shows of a key that nobody knows, and of a value.
LONGEST_KEY = 100
# How similar (difflib's ratio) a key is to one that may have been meant, and to one that surely was.
SIMILAR, MISSPELT = 0.5, 0.8
# So many faults are told one by one: nobody reads more, and a hostile document could fill a log with them.
MOST_FAULTS = 1000
# Control characters, surrogates, line and paragraph separators: each would end a line of a record or a log somewhere.
_NEVER = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Faults:
    """The faults found so far, in the order of reading."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._count = 0

    def add(self, path: str, message: str) -> None:
        """Note one fault."""
        self._count += 1
        if not self.full:
            self._found.append(Fault(path, message))

    @property
    def full(self) -> bool:
        """Whether further faults are counted only."""
        return len(self._found) >= MOST_FAULTS

    def __iter__(self) -> Iterator[Fault]:
        yield from self._found
        if self._count > len(self._found):
            yield Fault("", f"and {self._count - len(self._found)} more faults")

    def __len__(self) -> int:
        return self._count

    def raise_any(self, *, hint: str = "") -> None:
        """Raise `DocumentInvalid` with all faults, if there are any."""
        if self:
            raise DocumentInvalid(self, hint=hint)


class Reader:
    """One mapping of a document, and where it stands."""

    def __init__(self, value: object, faults: Faults, path: str = "") -> None:
        self.path, self.faults = path, faults
        self._values: Mapping[str, object] = {}
        if isinstance(value, Mapping):
            self._values = {key: item for key, item in value.items() if self._is_text(key)}
        elif value is not None:
            faults.add(path, f"must be a mapping, not {kind(value)}")

    def _is_text(self, key: object) -> bool:
        """YAML reads 0123, on and 2026-01-01 as something else than is written there, so no other key is taken for a text."""
        if isinstance(key, str):
            return True
        self.faults.add(self.path, f"the key {_glimpse(key)} is no text; put it in quotes")
        return False

    def at(self, key: str) -> str:
        """The path of a key of this mapping."""
        return f"{self.path}{'.' if self.path else ''}{key_shown(key)}"

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def names(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._values)

    def only(self, known: Iterable[str]) -> None:
        """Every other key is a fault that names the nearest known one."""
        known = tuple(known)
        for key in self._values:
            if key not in known:
                self.faults.add(self.at(key), "" if self.faults.full else f"unknown key; {_advice(key, known)}")

    def no_near_miss(self, known: Iterable[str]) -> None:
        """A key that is one of the ``known`` but for a slip is a fault. Any other is somebody else's word."""
        known = tuple(known)
        for key in [each for each in self._values if each not in known][:MOST_FAULTS]:
            if meant := nearest(key, known, MISSPELT):
                self.faults.add(self.at(key), f"unknown key; did you mean {meant!r}?")

    def value(self, key: str) -> object:
        """The raw value, for the few places where several types are right."""
        return self._values.get(key)

    def text(self, key: str, *, check: Callable[[str], str | None] | None = None) -> str | None:
        """A text; ``check`` says why it is wrong, or None. Control characters are never right."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.faults.add(self.at(key), f"must be a text, not {kind(value)}")
            return None
        problem = text_fault(value) or (check(value) if check else None)
        if problem:
            self.faults.add(self.at(key), problem)
            return None
        return value

    def required_text(self, key: str, *, check: Callable[[str], str | None] | None = None) -> str:
        """A text that must be there; "" (and a fault) where it is not."""
        if key not in self:
            self.faults.add(self.at(key), "is missing")
        return self.text(key, check=check) or ""

    def integer(self, key: str, *, least: int = 0, most: int = 1 << 63) -> int | None:
        """A whole number within bounds."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.faults.add(self.at(key), f"must be a whole number, not {kind(value)}")
            return None
        if not least <= value <= most:
            self.faults.add(self.at(key), f"must be from {least} to {most}, not {_glimpse(value)}")
            return None
        return value

    def boolean(self, key: str) -> bool | None:
        """True or false, and nothing that only looks like it."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.faults.add(self.at(key), f"must be true or false, not {kind(value)}")
        return None

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """One of a few words."""
        choices = tuple(choices)
        text = self.text(key)
        if text is not None and text not in choices:
            self.faults.add(self.at(key), f"must be one of {', '.join(choices)}, not {shown(text)}")
            return None
        return text

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts."""
        return self._list(key, str, "a text")

    def integers(self, key: str, *, least: int = 0, most: int = 1 << 63) -> tuple[int, ...] | None:
        """A list of whole numbers within bounds."""
        found = self._list(key, int, "a whole number")
        for index, value in enumerate(found or ()):
            if not least <= value <= most:
                self.faults.add(f"{self.at(key)}[{index}]", f"must be from {least} to {most}, not {_glimpse(value)}")
        return found

    def _list(self, key: str, sort: type[T], words: str) -> tuple[T, ...] | None:
        items = self.items(key)
        if items is None:
            return None
        right = []
        for index, item in enumerate(items):
            problem = text_fault(item) if isinstance(item, str) else None
            if not isinstance(item, sort) or isinstance(item, bool):
                self.faults.add(f"{self.at(key)}[{index}]", f"must be {words}, not {kind(item)}")
            elif problem:
                self.faults.add(f"{self.at(key)}[{index}]", problem)
            else:
                right.append(item)
        return tuple(right)

    def items(self, key: str) -> list[object] | None:
        """The raw items of a list."""
        value = self._values.get(key)
        if value is None or isinstance(value, list):
            return value
        if isinstance(value, tuple):
            return list(value)
        self.faults.add(self.at(key), f"must be a list, not {kind(value)}")
        return None

    def inner(self, key: str) -> Reader:
        """The mapping at a key; an empty one where there is none."""
        return Reader(self._values.get(key), self.faults, self.at(key))

    def each(self, key: str) -> tuple[Reader, ...]:
        """The mappings of a list."""
        return tuple(Reader(item, self.faults, f"{self.at(key)}[{index}]") for index, item in enumerate(self.items(key) or ()))


def key_shown(key: str) -> str:
    """A key as a part of a path."""
    return key if key.isprintable() and 0 < len(key) <= LONGEST_KEY else ascii(key[:LONGEST_KEY])


def shown(text: str) -> str:
    """A text of the document as a fault quotes it: one line, and not all of a long one."""
    return repr(text) if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]!r}…"


def text_fault(value: str) -> str | None:
    """Why this is no text for a name, a path or a record, or None."""
    if len(value) > LONGEST_TEXT:
        return f"is longer than {LONGEST_TEXT} characters"
    if not value.isprintable() and any(unicodedata.category(character) in _NEVER for character in value):
        return "contains a control character"
    return None


def _advice(key: str, known: tuple[str, ...]) -> str:
    meant = nearest(key, known, SIMILAR)
    return f"did you mean {meant!r}?" if meant else f"known are {', '.join(sorted(known))}"


def nearest(key: str, known: tuple[str, ...], cutoff: float) -> str:
    """The most similar one, "" where none is as similar as that."""
    import difflib  # late: only a wrong document needs it

    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=cutoff)), "")


_KINDS = {
    bool: "true or false", int: "a number", float: "a number", str: "a text", type(None): "nothing", bytes: "binary data",
    set: "a set", datetime.date: "a date", datetime.datetime: "a date",
}  # fmt: skip


def kind(value: object) -> str:
    """What sort of value this is, in words."""
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else _KINDS.get(type(value), type(value).__name__)


def _glimpse(value: object) -> str:
    """A number, date or the like as a fault shows it. The text of a very large number takes Python very long, or fails."""
    if isinstance(value, int) and value.bit_length() > 100:
        return f"a number of {value.bit_length()} bits"
    return str(value) if isinstance(value, (int, float, datetime.date, type(None))) else kind(value)
