"""What a campaign has come to, in a file of its folder: with the same seed and the same image one that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed.campaign.cut import Window, Windows
from testbed.campaign.cycle import Story

NAME = "stories.json"


@dataclass(frozen=True)
class Kept:
    """Of this image: the windows that were learned, and the cycles that are over, by name."""

    image: str
    windows: Windows
    stories: Mapping[str, Story]


def read(folder: Path, image: str) -> Kept | None:
    """What was kept here; None where there is nothing, or it is of another image."""
    try:
        wire = json.loads((folder / NAME).read_text())
    except FileNotFoundError:
        return None
    if wire["image"] != image:
        return None
    windows = Windows(**{name: Window(**each) for name, each in wire["windows"].items()})
    return Kept(image, windows, {name: Story.from_wire(each) for name, each in wire["stories"].items()})


def write(folder: Path, kept: Kept) -> None:
    """Whole or not at all."""
    stories: dict[str, Any] = {name: story.to_wire() for name, story in kept.stories.items()}
    new = folder / f".{NAME}"
    new.write_text(json.dumps({"image": kept.image, "windows": asdict(kept.windows), "stories": stories}, indent=1) + "\n")
    new.replace(folder / NAME)
