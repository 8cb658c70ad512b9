"""docs/reuse-rules.md as rows, to be compared with the parameters of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse, Wait

PAGE = Path(__file__).parents[2] / "docs/reuse-rules.md"
ACTIONS = {Keep: "keep", Wait: "wait", Refuse: "refuse"}


def action(decision: Decision) -> str:
    """A decision in the words of the page."""
    return decision.verb.value if isinstance(decision, Do) else ACTIONS[type(decision)]


def rows(section: str) -> list[tuple[str, str]]:
    """The rows of one table: id and action, in order."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [(row[0], row[-1]) for row in cells[2:]]


def row(identifier: str, action: str, *given: object) -> tuple[str, str, tuple[object, ...]]:
    """One row of a test's table: id, action, and what goes in."""
    return identifier, action, given


def same(section: str, table: Iterable[tuple[str, str, tuple[object, ...]]]) -> None:
    """The page and the test hold the same rows in the same order."""
    assert rows(section) == [(identifier, expected) for identifier, expected, _ in table]
