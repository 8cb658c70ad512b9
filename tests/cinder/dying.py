"""``blockstore-server`` that kills itself with SIGKILL just before the step that the file ``die-at`` beside its folder names."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from metadata_server import serving
from metadata_server.command import main
from metadata_server.configuration import Configuration

_serve = serving.serve


def at(state: Path) -> Path:
    """The file that names the step."""
    return state.parent / "die-at"


def _observer(file: Path) -> Callable[[str], None]:
    def observe(step: str) -> None:
        if file.exists() and file.read_text() == step:
            file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    return observe


def _observed(configuration: Configuration, **words: object) -> None:
    _serve(configuration, observe=_observer(at(configuration.state)), **words)  # type: ignore[arg-type]


if __name__ == "__main__":
    serving.serve = _observed  # type: ignore[assignment]
    main()
