"""`blockstore analyze`: read this boot, judge it, show it; in the terminal, as JSON, as SVG."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

from blockstore.errors import BlockstoreError
from cc_blockstore import status
from cc_blockstore.analysis import terminal
from cc_blockstore.analysis.spans import Timeline
from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import Verdict, verdict
from cc_blockstore.analysis.wire import wire
from cc_blockstore.machine import boot, ledger
from cc_blockstore.machine.machine import Machine

BAR, PLAIN_BAR = "█", "#"


def analyze(machine: Machine, *, as_json: bool, picture: Path | None, out: TextIO = sys.stdout) -> bool:
    """Print the boot of this machine to ``out``, and write ``picture`` where one is wished. True where every volume came up.

    Raises BlockstoreError where the picture cannot be written.
    """
    portals = {volume_id: str(each.path.portal) for volume_id, each in ledger.read_all(machine).items()}
    seen = timeline(boot.see(machine, status.read(machine), portals))
    judged = verdict(seen)
    if picture is not None:
        _draw(seen, judged, picture)
    if as_json:
        print(json.dumps(wire(seen, judged), indent=1), file=out)
    else:
        print(terminal.text(seen, judged, style(out)), file=out)
    return not any(each.failed for each in seen.volumes)


def _draw(seen: Timeline, judged: Verdict, picture: Path) -> None:
    from cc_blockstore.analysis.svg import svg  # late: only a picture needs Jinja2

    try:
        picture.write_text(svg(seen, judged), encoding="utf-8")
    except OSError as error:
        raise BlockstoreError(f"the picture cannot be written to {picture}: {error.strerror}") from None


def style(out: TextIO) -> terminal.Style:
    """What this terminal can: its width (COLUMNS; 80 on a pipe), whether it shows a block, and colours (NO_COLOR)."""
    coloured = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    try:
        BAR.encode(out.encoding or "ascii")
        bar = BAR
    except (UnicodeEncodeError, LookupError):
        bar = PLAIN_BAR
    return terminal.Style(shutil.get_terminal_size().columns, bar, coloured)
