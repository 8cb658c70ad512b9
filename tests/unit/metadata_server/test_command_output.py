"""What the command's tables show is what was said."""

from __future__ import annotations

import pytest

from metadata_server.command.output import properties, show


@pytest.mark.parametrize("text", ["[targets] daemons", "[bold]a[/bold]", ":smile:", "[/]", "a\\[b]"])
def test_nothing_in_a_cell_is_taken_for_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(False, None, properties({"warning": text}))
    assert text in capsys.readouterr().out
