"""Tables for people, JSON for programs, and a sign of life for what takes longer than two seconds."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.table import Table

PATIENCE = 2.0


def show(as_json: bool, value: object, table: Table) -> None:
    """One or the other."""
    if as_json:
        click.echo(json.dumps(value, indent=2))
    else:
        # Into a pipe or a file nothing is folded: what is cut there by a script must be whole. (The width that `print` takes is
        # never more than the console's own.) And brackets and colons in it are what they are, not rich's own words.
        Console(width=None if sys.stdout.isatty() else 1000, markup=False, emoji=False).print(table)


def rows(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> Table:
    """A table with a heading. Ids stay whole: they are what one copies."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(_text(cell) for cell in line))
    return table


def properties(value: Mapping[str, Any]) -> Table:
    """One thing, a line for each of its words."""
    return rows(("Field", "Value"), value.items())


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Say what is going on once it takes longer than two seconds (on standard error)."""
    console = Console(stderr=True)
    status = console.status(text)

    def begin() -> None:
        if console.is_terminal:
            status.start()
        else:
            console.print(text, soft_wrap=True)

    timer = threading.Timer(PATIENCE, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    text = json.dumps(cell) if isinstance(cell, (dict, list)) else str(cell)
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    """A name from outside may turn a terminal's line around (U+202E), or move its cursor."""
    return character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
