"""What the command's tables show is what was said."""

from __future__ import annotations

import pytest

from metadata_server.command.output import properties, show


@pytest.mark.parametrize("text", ["[targets] daemons", "[bold]a[/bold]", ":smile:", "[/]", "a\\[b]"])
def test_nothing_in_a_cell_is_taken_for_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(False, None, properties({"warning": text}))
    assert text in capsys.readouterr().out


def test_what_would_move_the_cursor_is_shown_as_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    show(False, None, properties({"name": "a\u202egnp.exe\x1b[2J", "note": "two\nlines"}))
    said = capsys.readouterr().out
    assert "a\\u202egnp.exe\\x1b[2J" in said
    assert "\u202e" not in said
    assert "lines" in said
